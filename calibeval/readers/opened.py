"""An input that was opened, before its arrays get a meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from calibeval.core.data.source import RemoteFacts
from calibeval.readers.stored.place import Place
from calibeval.readers.stored.stored import Contents


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """The arrays behind a path (a file, shards or standard input) before they get a meaning.

    size: bytes on disk or of the stream. digest: starts the hashing, once, and returns a function that waits for the
    hash, which is None if not all bytes were read. split: what stands after # in the name of a file of labels. remote:
    what is known of a remote file. shards: how many files these are.
    """

    path: Place
    contents: Contents
    format: str
    size: int
    digest: Callable[[], Callable[[], str | None]]
    split: str | None = None
    remote: RemoteFacts | None = None
    shards: int | None = None
