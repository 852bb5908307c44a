"""Text files, plain or gzipped, as blocks of whole lines, with line numbers, checks for UTF-8 and limits on length."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
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

    parts: its text, in pieces of whole records. first_line: number of the first line, from 1. inside: for every byte
    whether it lies in quotation marks; None where there are none. ends: (b,) position of the line feed after each
    record; None: they are found when they are needed.
    """

    __slots__ = ("_ends", "first_line", "inside", "parts")

    def __init__(
        self,
        parts: Sequence[bytes],
        first_line: int,
        inside: npt.NDArray[np.bool_] | None = None,
        ends: Positions | None = None,
    ) -> None:
        self.parts, self.first_line, self.inside, self._ends = tuple(parts), first_line, inside, ends

    @classmethod
    def of(cls, blocks: Sequence[LineBlock]) -> LineBlock:
        """Blocks that follow each other, as one."""
        if len(blocks) == 1:
            return blocks[0]
        inside = None
        if any(block.inside is not None for block in blocks):
            none = (np.zeros(block.size, np.bool_) if block.inside is None else block.inside for block in blocks)
            inside = np.concatenate([*none])
        return cls([part for block in blocks for part in block.parts], blocks[0].first_line, inside)

    @property
    def data(self) -> bytes:
        """All its text."""
        if len(self.parts) > 1:
            self.parts = (b"".join(self.parts),)
        return self.parts[0]

    @property
    def size(self) -> int:
        """Bytes of its text."""
        return sum(map(len, self.parts))

    @property
    def ends(self) -> Positions:
        """The position of the line feed after each record."""
        if self._ends is None:
            self._ends = np.flatnonzero(_line_feeds(self.data, self.inside))
        return self._ends

    def rows(self) -> int:
        """How many records these are."""
        if self._ends is None and self.inside is None:
            return sum(part.count(b"\n") for part in self.parts)
        return len(self.ends)

    def line(self, record: int) -> int:
        """The number of the line on which a record begins."""
        start = 0 if record == 0 else int(self.ends[record - 1]) + 1
        return self.line_at(start)

    def line_at(self, position: int) -> int:
        """The number of the line that contains a byte."""
        return self.first_line + self.data.count(b"\n", 0, position)

    def without_first(self) -> tuple[bytes, LineBlock | None]:
        """The first record without its line feed, and a block of the others; None if there are no others."""
        first = self.parts[0]
        end = first.index(b"\n") if self.inside is None else int(self.ends[0])
        line, number = first[:end], self.first_line + first.count(b"\n", 0, end + 1)
        parts = [part for part in (first[end + 1 :], *self.parts[1:]) if part]
        inside = None if self.inside is None else self.inside[end + 1 :]
        return line, LineBlock(parts, number, inside) if parts else None


def line_blocks(source: TextSource, limits: Limits, *, quotes: bool, part: int | None = None) -> Iterator[LineBlock]:
    """The text in blocks of whole records, without a byte-order mark and without blank lines at the end.

    A block ends with the last record that ends in the next READ_BYTES, and the last line of a text without a line feed
    at its end is one of its own.
    quotes: whether a record continues past a line feed inside quotation marks. part: bytes of the parts of a block,
    which has the same records in parts of any size.
    Raises: InputError for text that is not UTF-8, NUL bytes, lone carriage returns, lines that are too long, open
    quotation marks, a damaged gzip stream, or more bytes than the limits allow.
    """
    rest, line = b"", 1
    held: list[LineBlock] = []
    for piece, is_last in _pieces(source, limits, part):
        rest += piece
        block = _cut(rest, line, quotes=quotes)
        if block.size:
            _check(block, source.name)
            held.append(block)
            rest = rest[block.size :]
            line += block.data.count(b"\n")
        too_long = len(rest) > LONGEST_LINE
        if held and (is_last or too_long):
            yield LineBlock.of(held)
            held = []
        if too_long:
            also = ", or a quotation mark in it is never closed" if quotes else ""
            raise InputError(f"{source.name} line {line}: the line is longer than {LONGEST_LINE} bytes{also}")
    if held:
        yield LineBlock.of(held)
    last = rest.rstrip(b"\r\n")
    if last:
        block = _cut(last + b"\n", line, quotes=quotes)
        if block.size != len(last) + 1:
            raise InputError(f"{source.name} line {line}: a quotation mark is opened and never closed")
        _check(block, source.name)
        yield block


def byte_blocks(source: TextSource, limits: Limits) -> Iterator[bytes]:
    """The text in blocks of bytes, without a byte-order mark.

    Raises: InputError for UTF-16, a damaged gzip stream, or more bytes than the limits allow.
    """
    return (piece for piece, _ in _pieces(source, limits, None))


def _pieces(source: TextSource, limits: Limits, part: int | None) -> Iterator[tuple[bytes, bool]]:
    """The text in pieces of at most so many bytes, and for each whether it is the last of its READ_BYTES."""
    limits.check_expansion(source.name, source.declared, size=source.size, doubt=" (unless its end is cut off)")
    total = 0
    with source.open() as stream:
        while piece := _read(stream, source.name, min(part or READ_BYTES, READ_BYTES - total % READ_BYTES)):
            total += len(piece)
            limits.check_expansion(source.name, total, size=source.size)
            is_first = total == len(piece)
            yield _without_mark(piece, source.name) if is_first else piece, total % READ_BYTES == 0


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
        return LineBlock([text[:stop]], first_line)
    inside = np.logical_xor.accumulate(np.frombuffer(text, np.uint8) == QUOTE)
    ends = np.flatnonzero(_line_feeds(text, inside))
    if len(ends):
        content = len(text[: int(ends[-1])].rstrip(b"\r\n"))
        ends = ends[: np.searchsorted(ends, content) + 1] if content else ends[:0]
    stop = int(ends[-1]) + 1 if len(ends) else 0
    return LineBlock([text[:stop]], first_line, inside[:stop], ends)


def _line_feeds(text: bytes, inside: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_]:
    """For every byte whether it is a line feed that ends a record."""
    feeds: npt.NDArray[np.bool_] = np.frombuffer(text, np.uint8) == LINE_FEED
    if inside is not None:
        feeds &= ~inside
    return feeds


def _check(block: LineBlock, name: str) -> None:
    """Refuse bytes that do not occur in text, by the first of them."""
    data = block.data
    found: list[tuple[int, str]] = []
    if b"\0" in data:
        found.append((data.index(b"\0"), "found a NUL byte, but text is needed"))
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            found.append((error.start, f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"))
    if b"\r" in data:
        values = np.frombuffer(data, np.uint8)
        lone = values == RETURN
        lone[:-1] &= values[1:] != LINE_FEED
        if block.inside is not None:
            lone &= ~block.inside
        if lone.any():
            why = "found a carriage return without a line feed: save the file with LF or CRLF lines"
            found.append((int(lone.argmax()), why))
    if found:
        position, why = min(found)
        raise InputError(f"{name} line {block.line_at(position)}: {why}")
