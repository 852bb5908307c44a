"""A part of a file on a web server: what the server says of its answer is compared with what it was asked for.

Source: RFC 9110, sections 14.4 (Content-Range) and 15.3.7 (206 Partial Content).
"""

from __future__ import annotations

import re
from typing import Any

from calibeval.core.errors import FileProblem
from calibeval.readers.stored.place import Url

CONTENT_RANGE = re.compile(r"\s*bytes\s+([0-9]+)-([0-9]+)/([0-9]+)\s*", re.IGNORECASE)
LONGEST = 80  # characters of a header that are shown
PARTIAL, NOT_SATISFIABLE, FAILED = 206, 416, 400
PLAIN = ("", "identity")


class NoRanges(FileProblem):
    """The server does not send parts of a file."""


class OtherPart(Exception):
    """The server sent something else than the part that it was asked for; the text says what."""


async def part_of(system: Any, url: Url, path: str, place: tuple[int, int, int]) -> bytes:
    """A part of a file, with one request.

    system: fsspec's file system of web servers. path: in it. place: first byte, the one after the last, and the size
    of the whole file.
    Raises: NoRanges if the server sends all of the file instead; OtherPart for any other part; what aiohttp raises.
    """
    start, stop, size = place
    options = dict(system.kwargs)
    headers = {**options.pop("headers", {}), "Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
    session = await system.set_session()
    async with session.get(system.encode_url(path), headers=headers, **options) as answer:
        if answer.status == NOT_SATISFIABLE:
            raise OtherPart(f"the server has no bytes {start}-{stop - 1} of {size} (416)")
        if answer.status >= FAILED:
            answer.raise_for_status()
        if answer.status == PARTIAL:
            check_part(answer.headers, place)
        elif start > 0 or stop < size or encoding_of(answer.headers) not in PLAIN:
            raise NoRanges(f"{url}: the server sent the whole file where it was asked for a part of it")
        found = await _at_most(answer.content, stop - start + 1)
    if len(found) != stop - start:
        came = f"{len(found)}" if len(found) < stop - start else f"more than {stop - start}"
        raise OtherPart(f"the server sent {came} bytes, but {stop - start} were asked for")
    return found


def check_part(headers: Any, place: tuple[int, int, int]) -> None:
    """See that an answer of status 206 is the part that was asked for. headers: of the answer.

    Raises: OtherPart if it says that it is another one, or does not say it.

    >>> check_part({"Content-Range": "bytes 0-9/100"}, (0, 10, 100))
    >>> check_part({"Content-Range": "bytes 5-14/100"}, (0, 10, 100))
    Traceback (most recent call last):
    ...
    calibeval.readers.remote.part.OtherPart: the server sent "bytes 5-14/100" where it was asked for "bytes 0-9/100"
    """
    start, stop, size = place
    came, asked = headers.get("Content-Range"), f"bytes {start}-{stop - 1}/{size}"
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        raise OtherPart(f'the server sent several parts ({_shown(kind)}) where it was asked for "{asked}"')
    if encoding_of(headers) not in PLAIN:
        raise OtherPart(
            f'the server sent bytes in the encoding "{_shown(encoding_of(headers))}", which nobody asked for'
        )
    if came is None:
        raise OtherPart(f'the server does not say which bytes it sent (no Content-Range); it was asked for "{asked}"')
    match = CONTENT_RANGE.fullmatch(came)
    if match is None or (int(match[1]), int(match[2]) + 1, int(match[3])) != place:
        raise OtherPart(f'the server sent "{_shown(came)}" where it was asked for "{asked}"')


def encoding_of(headers: Any) -> str:
    """The Content-Encoding of an answer; empty if it has none."""
    return str(headers.get("Content-Encoding", "")).strip().lower()


async def _at_most(stream: Any, most: int) -> bytes:
    """The bytes of an answer, of which no more are read than this."""
    found = bytearray()
    while len(found) < most and (piece := await stream.read(most - len(found))):
        found += piece
    return bytes(found)


def _shown(text: str) -> str:
    """The beginning of a header, without characters that are not printed."""
    clean = "".join(one if one.isprintable() else "?" for one in text)
    return clean if len(clean) <= LONGEST else f"{clean[:LONGEST]}..."
