"""A JSON text in pieces: whole members of its outer arrays and objects, so that the text is never held at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError
from calibeval.readers.formats.json_values import decoded
from calibeval.readers.formats.text import LONGEST_LINE, TextSource, byte_blocks
from calibeval.readers.stored.limits import Limits

DEEPEST = 3  # the innermost level at which members are told apart
NOT_BLANK = re.compile(rb"[^ \t\r\n]")
CLOSING = {ord("["): ord("]"), ord("{"): ord("}")}


class Piece(NamedTuple):
    """Some members of an array or object, with the commas between them.

    commas: their positions in the text. last: whether the array or object ends here.
    """

    text: bytes
    commas: list[int]
    last: bool

    def members(self) -> Iterator[bytes]:
        """The text of each member."""
        start = 0
        for comma in (*self.commas, len(self.text)):
            yield self.text[start:comma]
            start = comma + 1


class JsonText:
    """A JSON text that is read from the front to the end. Levels: 0 is outside, 1 in the outermost brackets."""

    def __init__(self, source: TextSource, limits: Limits) -> None:
        self.name = source.name
        self._blocks = byte_blocks(source, limits)
        self._data, self._at, self._level, self._passed = b"", 0, 0, 0
        self._open: list[int] = []  # the brackets around what comes next
        self._marks = np.empty(0, np.intp)
        self._levels, self._characters = np.empty(0, np.int32), np.empty(0, np.uint8)
        self._end_level, self._ends_inside, self._ends_escaped = 0, False, False  # of what is in memory

    def next_character(self) -> bytes:
        """The next character that is not blank, which is not taken; empty at the end of the text."""
        while True:
            found = NOT_BLANK.search(self._data, self._at)
            self._at = len(self._data) if found is None else found.start()
            if found is not None or not self._more():
                return self._data[self._at : self._at + 1]

    def enter(self) -> None:
        """Take the opening bracket that comes next."""
        self._open.append(ord(self.next_character()))
        self._at += 1
        self._level += 1

    def pieces(self) -> Iterator[Piece]:
        """The members of the array or object that was entered; its closing bracket is taken, too."""
        level, begun = self._level, False
        while True:
            first = int(np.searchsorted(self._marks, self._at))
            end = self._end(first, level)
            here = (self._levels[first:end] == level) & (self._characters[first:end] == ord(","))
            commas = self._marks[first:end][here].tolist()
            if end is None and not commas:
                self._read_on()
                continue
            stop = int(self._marks[end]) if end is not None else commas.pop()
            text = self._data[self._at : stop]
            if begun and end is not None and not text.strip():
                self._refuse("nothing follows the last comma")
            yield Piece(text, [comma - self._at for comma in commas], end is not None)
            self._at, begun = stop, True
            if end is not None:
                self.leave()
                return
            self._at += 1

    def keys(self) -> Iterator[str]:
        """The keys of the object that was entered. The value of each must be taken before the next is asked for."""
        seen: set[str] = set()
        if self.next_character() == b"}":
            self.leave()
            return
        while True:
            key = decoded(self._until(b":"), self.place())
            if not isinstance(key, str):
                self._refuse("a key must be text")
            if key in seen:
                self._refuse(f'the key "{key}" occurs twice')
            seen.add(key)
            self._at += 1
            yield key
            character = self.next_character()
            if character == b"}":
                self.leave()
                return
            if character != b",":
                self._refuse("a comma or a closing bracket is missing")
            self._at += 1

    def value(self) -> bytes:
        """The text of the value of a key, which is taken."""
        if self.next_character() not in (b"[", b"{"):
            return self._until(b",")
        while (end := self._value_end()) is None:
            self._read_on()
        begin, self._at = self._at, end
        return self._data[begin:end]

    def whole_value(self, most: int) -> bytes | None:
        """The text of the array or object that comes next, which is not taken; None if it has more bytes than that."""
        while (end := self._value_end()) is None and len(self._data) - self._at <= most and self._more():
            pass
        return None if end is None or end - self._at > most else self._data[self._at : end]

    def follows(self, text: bytes) -> bool:
        """Whether anything follows a text that comes next."""
        while NOT_BLANK.search(self._data, self._at + len(text)) is None:
            if not self._more():
                return False
        return True

    def leave(self) -> None:
        """Take the closing bracket that comes next."""
        character = self.next_character()
        if not self._open or not character or ord(character) != CLOSING[self._open.pop()]:
            self._refuse("the brackets do not match")
        self._at += 1
        self._level -= 1

    def finish(self) -> None:
        """See that the text ends here."""
        if self.next_character():
            self._refuse("more text follows the end")

    def place(self) -> str:
        """Where the text that comes next begins, for messages."""
        return f"{self.name}, byte {self._passed + self._at}"

    def _until(self, ends: bytes) -> bytes:
        """The text before one of these characters at this level, or before the closing bracket of the level."""
        while True:
            first = int(np.searchsorted(self._marks, self._at))
            for i in range(first, len(self._marks)):
                level, mark = int(self._levels[i]), int(self._marks[i])
                if level < self._level or (level == self._level and self._data[mark] in ends):
                    text = self._data[self._at : mark]
                    self._at = mark
                    return text
            self._read_on()

    def _value_end(self) -> int | None:
        """Where the array or object that comes next ends; None if that is not in memory."""
        self.next_character()
        end = self._end(int(np.searchsorted(self._marks, self._at)) + 1, self._level + 1)
        return None if end is None else int(self._marks[end]) + 1

    def _end(self, first: int, level: int) -> int | None:
        """The number of the first mark outside of a level, from some mark on; None if it is not in memory."""
        step = 64
        while first < len(self._marks):
            outside = np.flatnonzero(self._levels[first : first + step] < level)
            if len(outside):
                return first + int(outside[0])
            first, step = first + step, 8 * step
        return None

    def _read_on(self) -> None:
        if len(self._data) - self._at > LONGEST_LINE:
            raise InputError(f"{self.place()}: one member is longer than {LONGEST_LINE} bytes")
        if not self._more():
            self._refuse("the text ends before its brackets are closed")

    def _more(self) -> bool:
        """Read another block; False at the end of the text."""
        block = next(self._blocks, b"")
        first = int(np.searchsorted(self._marks, self._at))
        rest = self._data[self._at :]
        marks, levels, characters = self._scan(block)
        self._marks = np.concatenate([self._marks[first:] - self._at, marks + len(rest)])
        self._levels = np.concatenate([self._levels[first:], levels])
        self._characters = np.concatenate([self._characters[first:], characters])
        self._passed += self._at
        self._data, self._at = rest + block, 0
        return bool(block)

    def _scan(self, block: bytes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
        """The marks of a block, their levels and characters.

        Marks are brackets, commas and colons that are not in texts, and not too deep.
        """
        plain = b" " + block[1:] if self._ends_escaped and block else block
        if b"\\" in plain:  # pairs of backslashes first, so that the one before a quotation mark is its own
            plain = plain.replace(rb"\\", b"  ").replace(rb"\"", b"  ")
        values = np.frombuffer(plain, np.uint8)
        inside = np.logical_xor.accumulate(values == ord('"')) if plain else np.empty(0, np.bool_)
        outside = inside if self._ends_inside else ~inside
        brackets = values | 0x20
        opens = outside & (brackets == ord("{"))  # [ and {
        closes = outside & (brackets == ord("}"))  # ] and }
        levels = np.cumsum(opens.view(np.int8) - closes.view(np.int8), dtype=np.int32)
        levels += self._end_level
        if plain:
            self._ends_inside, self._ends_escaped = not outside[-1], plain.endswith(b"\\")
            self._end_level = int(levels[-1])
        levels -= opens
        commas = outside & ((values == ord(",")) | (values == ord(":")))
        marks = np.flatnonzero((opens | closes | commas) & (levels <= DEEPEST))
        return marks, levels[marks], values[marks]

    def _refuse(self, why: str) -> NoReturn:
        raise InputError(f"{self.place()}: not valid JSON ({why})")
