"""Text files, plain or gzipped, as blocks of whole lines, with line numbers, checks for UTF-8 and limits on length."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

READ_BYTES = 2**23
LONGEST_LINE = 2**24
LAST_BYTES = 64  # in which blank lines end, unless there are very many
BOM = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
LINE_FEED, RETURN, QUOTE = 10, 13, 34

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class TextSource:
    """A text that can be read from its beginning as often as needed.

    name: for messages. size: bytes of the file as stored. open: returns a new stream of its (expanded) bytes.
    declared: to how many bytes the file says it expands, which may be wrong; 0 if it does not say. expands: whether its
    bytes are compressed.
    """

    name: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    declared: int = 0
    expands: bool = False

    @classmethod
    def of(cls, file: SteadyFile) -> TextSource:
        """A file, expanded while it is read if its name ends in .gz."""
        if file.path.suffix.lower() != ".gz":
            return cls(file.name, file.size, file.open)
        return cls(file.name, file.size, lambda: _expanded(file), _declared_size(file), expands=True)


@contextmanager
def _expanded(file: SteadyFile) -> Iterator[IO[bytes]]:
    """A gzip file as a stream of its expanded bytes."""
    with file.open() as stored, gzip.GzipFile(fileobj=stored) as stream:
        yield cast("IO[bytes]", stream)


def _declared_size(file: SteadyFile) -> int:
    """The expanded size of a gzip file, modulo 4 GiB, from its last four bytes."""
    with file.open() as stream:
        if stream.read(2) != b"\x1f\x8b":
            raise InputError(f"{file.name}: not a gzip file, or damaged (Not a gzipped file, by its first bytes)")
        stream.seek(-min(4, file.size), os.SEEK_END)
        return int.from_bytes(stream.read(), "little")


class LineBlock:
    """Whole records of a text, each with a line feed at its end.

    first_line: number of the first line, from 1. inside: for every byte whether it lies in quotation marks; None where
    there are none. ends: (b,) position of the line feed after each record; None: they are found when they are needed.
    """

    __slots__ = ("_ends", "data", "first_line", "inside")

    def __init__(
        self,
        data: bytes,
        first_line: int,
        inside: npt.NDArray[np.bool_] | None = None,
        ends: Positions | None = None,
    ) -> None:
        self.data, self.first_line, self.inside, self._ends = data, first_line, inside, ends

    @property
    def ends(self) -> Positions:
        """The position of the line feed after each record."""
        if self._ends is None:
            self._ends = np.flatnonzero(_line_feeds(self.data, self.inside))
        return self._ends

    def rows(self) -> int:
        """How many records these are."""
        return self.data.count(b"\n") if self._ends is None and self.inside is None else len(self.ends)

    def line(self, record: int) -> int:
        """The number of the line on which a record begins."""
        start = 0 if record == 0 else int(self.ends[record - 1]) + 1
        return self.line_at(start)

    def line_at(self, position: int) -> int:
        """The number of the line that contains a byte."""
        return self.first_line + self.data.count(b"\n", 0, position)


def read_bytes() -> int:
    """How many bytes are read at once."""
    return READ_BYTES


def line_blocks(
    source: TextSource, limits: Limits, *, quotes: bool, size: Callable[[], int] = read_bytes
) -> Iterator[LineBlock]:
    """The text in blocks of whole records, without a byte-order mark and without blank lines at the end.

    quotes: whether a record continues past a line feed inside quotation marks. size: how many bytes to read next.
    Raises: InputError for text that is not UTF-8, NUL bytes, lone carriage returns, lines that are too long, open
    quotation marks, a damaged gzip stream, or more bytes than the limits allow.
    """
    rest, line = b"", 1
    for piece in byte_blocks(source, limits, size):
        rest += piece
        block = _cut(rest, line, quotes=quotes)
        if block.data:
            _check(block, source.name)
            yield block
            rest = rest[len(block.data) :]
            line += block.data.count(b"\n")
        if len(rest) > LONGEST_LINE:
            also = ", or a quotation mark in it is never closed" if quotes else ""
            raise InputError(f"{source.name} line {line}: the line is longer than {LONGEST_LINE} bytes{also}")
    last = rest.rstrip(b"\r\n")
    if last:
        block = _cut(last + b"\n", line, quotes=quotes)
        if len(block.data) != len(last) + 1:
            raise InputError(f"{source.name} line {line}: a quotation mark is opened and never closed")
        _check(block, source.name)
        yield block


def byte_blocks(source: TextSource, limits: Limits, size: Callable[[], int] = read_bytes) -> Iterator[bytes]:
    """The text in blocks of bytes, without a byte-order mark.

    Raises: InputError for UTF-16, a damaged gzip stream, or more bytes than the limits allow.
    """
    limits.check_expansion(source.name, source.declared, size=source.size, doubt=" (unless its end is cut off)")
    total = 0
    with source.open() as stream:
        while piece := _read(stream, source.name, size()):
            total += len(piece)
            limits.check_expansion(source.name, total, size=source.size)
            yield piece if total > len(piece) else _without_mark(piece, source.name)


def _read(stream: IO[bytes], name: str, size: int) -> bytes:
    """The next bytes; an error in a gzip stream is an error of the content, not of the disk."""
    try:
        return stream.read(size)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{name}: not a gzip file, or damaged ({error})") from None


def _without_mark(text: bytes, name: str) -> bytes:
    if text.startswith(UTF_16):
        raise InputError(f"{name}: this is UTF-16 text, but UTF-8 is needed: save it as UTF-8 (in Excel, as CSV UTF-8)")
    return text.removeprefix(BOM)


def _cut(text: bytes, first_line: int, *, quotes: bool) -> LineBlock:
    """The whole records at the beginning of the text, up to the last one that is not blank."""
    if not quotes or b'"' not in text:
        stop = text.rfind(b"\n") + 1
        start = max(stop - LAST_BYTES, 0)
        kept = len(text[start:stop].rstrip(b"\r\n"))
        content = start + kept if kept else len(text[:stop].rstrip(b"\r\n"))
        stop = text.find(b"\n", content) + 1 if content else 0
        return LineBlock(text[:stop], first_line)
    inside = np.logical_xor.accumulate(np.frombuffer(text, np.uint8) == QUOTE)
    ends = np.flatnonzero(_line_feeds(text, inside))
    if len(ends):
        content = len(text[: int(ends[-1])].rstrip(b"\r\n"))
        ends = ends[: np.searchsorted(ends, content) + 1] if content else ends[:0]
    stop = int(ends[-1]) + 1 if len(ends) else 0
    return LineBlock(text[:stop], first_line, inside[:stop], ends)


def _line_feeds(text: bytes, inside: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_]:
    """For every byte whether it is a line feed that ends a record."""
    feeds: npt.NDArray[np.bool_] = np.frombuffer(text, np.uint8) == LINE_FEED
    if inside is not None:
        feeds &= ~inside
    return feeds


def _check(block: LineBlock, name: str) -> None:
    """Refuse bytes that do not occur in text."""
    if b"\0" in block.data:
        line = block.line_at(block.data.index(b"\0"))
        raise InputError(f"{name} line {line}: found a NUL byte, but text is needed")
    if not block.data.isascii():
        try:
            block.data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = block.line_at(error.start)
            raise InputError(
                f"{name} line {line}: byte 0x{block.data[error.start]:02x} is not UTF-8: save the file as UTF-8"
            ) from None
    if b"\r" in block.data:
        values = np.frombuffer(block.data, np.uint8)
        lone = values == RETURN
        lone[:-1] &= values[1:] != LINE_FEED
        if block.inside is not None:
            lone &= ~block.inside
        if lone.any():
            line = block.line_at(int(lone.argmax()))
            raise InputError(
                f"{name} line {line}: found a carriage return without a line feed: save the file with LF or CRLF lines"
            )
