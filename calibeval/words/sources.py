"""Where rows came from, and what added them up, in words."""

from __future__ import annotations

from calibeval.core.data.source import RemoteFacts, Source
from calibeval.core.report.report import Report

MOST_FILES = 20


def remote_file(facts: RemoteFacts | None) -> str | None:
    """What is known of a remote file; None for a file on this machine.

    >>> remote_file(RemoteFacts(2048, "9f8e", "ranges")), remote_file(RemoteFacts(1, None, "whole"))
    ('2,048 bytes, read in part, ETag 9f8e', '1 bytes, read once from beginning to end')
    """
    if facts is None:
        return None
    how = "read in part" if facts.read == "ranges" else "read once from beginning to end"
    return f"{facts.size:,} bytes, {how}" + ("" if facts.etag is None else f", ETag {facts.etag}")


def made_by(report: Report) -> str:
    """What made a report: the version and, where it is known, what added up the rows.

    >>> from calibeval.core.data.environment import Environment
    >>> from calibeval.core.report.settings import Settings
    >>> made_by(Report("0.1.0", Settings(), (), Environment.here(kernel="native")))
    'calibeval 0.1.0, native kernel'
    """
    kernel = None if report.environment is None else report.environment.kernel
    return f"calibeval {report.version}" + (f", {kernel} kernel" if kernel else "")


def files_of_sums(source: Source) -> list[tuple[str, str | None]]:
    """Each file of saved sums with its SHA-256, as a name and a value; of many, the first ones."""
    files = source.files or ()
    found: list[tuple[str, str | None]] = [
        (f"file {i + 1} of {len(files)}", f"{one.path}, SHA-256 {one.sha256}")
        for i, one in enumerate(files[:MOST_FILES])
    ]
    more = len(files) - MOST_FILES
    return [*found, ("", f"{more:,} more are in JSON")] if more > 0 else found
