"""Small remote files, such as maps and lists of names."""

from __future__ import annotations

from calibeval.readers.remote.store import Remote
from calibeval.readers.stored.place import Url

PIECE = 2**20


def beginning(url: Url, most: int) -> bytes:
    """The first bytes of a remote file.

    Raises: FileProblem if it cannot be read.
    """
    found = b""
    with Remote(url).stream() as stream:
        while len(found) < most and (piece := stream.read(min(PIECE, most - len(found)))):
            found += piece
    return found
