"""What an Arrow file says of its batches, read without decoding them: rows, and bytes that buffers expand to.

The layout is that of Message.fbs, File.fbs and Schema.fbs in the Arrow format, in flatbuffers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from calibeval.core.errors import InputError
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile

MAGIC = b"ARROW1"
CONTINUES = 0xFFFFFFFF
LONGEST_METADATA = 2**26
MOST_BATCHES = 2**20
DICTIONARY, BATCH = 2, 3  # types of messages


class _Table(NamedTuple):
    """A table of a flatbuffer: its fields are found by their numbers."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def _place(self, field: int) -> int | None:
        (back,) = struct.unpack_from("<i", self.data, self.at)
        start = self.at - back
        (length,) = struct.unpack_from("<H", self.data, _checked(start))
        entry = 4 + 2 * field
        offset = struct.unpack_from("<H", self.data, start + entry)[0] if entry < length else 0
        return self.at + offset if offset else None

    def number(self, field: int, kind: str) -> int:
        """A number; 0 if it is not there."""
        place = self._place(field)
        return 0 if place is None else int(struct.unpack_from(f"<{kind}", self.data, place)[0])

    def table(self, field: int) -> _Table | None:
        place = self._place(field)
        return None if place is None else _Table(self.data, place + struct.unpack_from("<I", self.data, place)[0])

    def structs(self, field: int, kind: str) -> list[tuple[int, ...]]:
        """A list of records of numbers."""
        place = self._place(field)
        if place is None:
            return []
        start = place + struct.unpack_from("<I", self.data, place)[0]
        (count,) = struct.unpack_from("<I", self.data, start)
        size = struct.calcsize(f"<{kind}")
        if start + 4 + count * size > len(self.data):
            raise ValueError("a list reaches beyond its message")
        return list(struct.iter_unpack(f"<{kind}", self.data[start + 4 : start + 4 + count * size]))


def _checked(start: int) -> int:
    if start < 0:
        raise ValueError("a table lies before its message")
    return start


class Batch(NamedTuple):
    """A batch of rows, or of a dictionary: rows, where its body begins, and its buffers, if they are compressed."""

    rows: int
    body: int
    compressed: list[tuple[int, ...]]
    plain: int
    is_dictionary: bool


def is_file(file: SteadyFile) -> bool:
    """Whether it is an Arrow file, whose index stands at its end; otherwise it may be a stream.

    Raises: InputError for the first version of Feather.
    """
    with file.open() as stream:
        magic = stream.read(len(MAGIC))
    if magic.startswith(b"FEA1"):
        raise InputError(f"{file.name}: this is Feather of version 1, which is not read: write it again as version 2")
    return magic == MAGIC


def check_batches(file: SteadyFile, limits: Limits) -> int:
    """The number of rows, after the sizes that compressed buffers say to have have been checked.

    Raises: InputError for a file that is damaged, or expands to more bytes than the limits allow.
    """
    try:
        batches = list(_of_file(file) if is_file(file) else _of_stream(file))
        expanded = sum(batch.plain for batch in batches)
        for batch in batches:
            expanded += _expanded(file, batch)
    except (struct.error, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{file.name}: not an Arrow file, or damaged ({error})") from None
    limits.check_expansion(file.name, expanded, size=file.size)
    return sum(batch.rows for batch in batches if not batch.is_dictionary)


def _of_stream(file: SteadyFile) -> Iterator[Batch]:
    """The batches of a stream, one after the other."""
    at, found = 0, 0
    while at + 8 <= file.size:
        first, second = struct.unpack("<II", _read(file, at, 8))
        head, length = (8, second) if first == CONTINUES else (4, first)
        if not length:
            return
        batch, size = _message(file, at + head, length)
        found += 1
        if found > MOST_BATCHES:
            raise ValueError(f"more than {MOST_BATCHES} batches")
        if batch is not None:
            yield batch
        at += head + length + size
    raise ValueError("the stream ends before its end mark: it was cut off")


def _of_file(file: SteadyFile) -> Iterator[Batch]:
    """The batches that the index at the end of a file lists."""
    length, magic = struct.unpack("<I6s", _read(file, file.size - 10, 10))
    if magic != MAGIC:
        raise ValueError("it does not end as such a file does")
    footer = _Table.root(_read(file, file.size - 10 - length, length))
    for field in (2, 3):
        blocks = footer.structs(field, "qi4xq")
        if len(blocks) > MOST_BATCHES:
            raise ValueError(f"more than {MOST_BATCHES} batches")
        for at, metadata, _ in blocks:
            first, second = struct.unpack("<II", _read(file, at, 8))
            head, size = (8, second) if first == CONTINUES else (4, first)
            if head + size > metadata:
                raise ValueError("a batch is longer than the index says")
            batch, _ = _message(file, at + head, size)
            if batch is not None:
                yield batch._replace(body=at + metadata)


def _message(file: SteadyFile, at: int, length: int) -> tuple[Batch | None, int]:
    """A batch, or None for another message, and the bytes of its body."""
    message = _Table.root(_read(file, at, length))
    kind, size = message.number(1, "B"), message.number(3, "q")
    if not 0 <= size <= file.size - at - length:
        raise ValueError("a batch reaches beyond the file")
    header = message.table(2)
    if header is not None and kind == DICTIONARY:
        header = header.table(1)
    if header is None or kind not in (DICTIONARY, BATCH):
        return None, size
    rows, buffers = header.number(0, "q"), header.structs(2, "qq")
    if rows < 0 or any(offset < 0 or held < 0 or offset + held > size for offset, held in buffers):
        raise ValueError("a batch of impossible sizes")
    compressed = header.table(3) is not None
    plain = 0 if compressed else sum(held for _, held in buffers)
    return Batch(rows, at + length, buffers if compressed else [], plain, kind == DICTIONARY), size


def _expanded(file: SteadyFile, batch: Batch) -> int:
    """The bytes that the compressed buffers of a batch say to expand to."""
    places = [batch.body + offset for offset, held in batch.compressed if held >= 8]
    rooms = [bytearray(8) for _ in places]
    if places and max(places) + 8 > file.size:
        raise ValueError("a batch reaches beyond the file")
    if places:
        file.fill([memoryview(room) for room in rooms], places)
    sizes = [int.from_bytes(room, "little", signed=True) for room in rooms]
    if any(size < -1 for size in sizes):
        raise ValueError("a buffer of impossible size")
    return sum(sizes)


def _read(file: SteadyFile, at: int, length: int) -> bytes:
    if at < 0 or length > LONGEST_METADATA or at + length > file.size:
        raise ValueError("metadata reaches beyond the file")
    room = bytearray(length)
    if length:
        file.fill([memoryview(room)], [at])
    return bytes(room)
