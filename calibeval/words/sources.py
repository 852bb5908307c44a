"""Where rows came from, in words."""

from __future__ import annotations

from calibeval.core.data.source import RemoteFacts


def remote_file(facts: RemoteFacts | None) -> str | None:
    """What is known of a remote file; None for a file on this machine.

    >>> remote_file(RemoteFacts(2048, "9f8e", "ranges")), remote_file(RemoteFacts(1, None, "whole"))
    ('2,048 bytes, read in part, ETag 9f8e', '1 bytes, read once from beginning to end')
    """
    if facts is None:
        return None
    how = "read in part" if facts.read == "ranges" else "read once from beginning to end"
    return f"{facts.size:,} bytes, {how}" + ("" if facts.etag is None else f", ETag {facts.etag}")
