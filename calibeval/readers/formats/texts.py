"""A column of text in which equal texts are held only once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.errors import InputError

ALWAYS_ALLOWED = 2**28
OVERHEAD = 64  # bytes of a text in addition to its characters
WASTE = 8  # fixed-width text may take this many times the memory of one reference per row plus the different texts


class Texts:
    """Collects a column of texts in batches; max_memory limits the different texts, but 256 MiB are always allowed.

    strip: whether blanks around a text are no part of it.
    """

    def __init__(self, max_memory: int, *, strip: bool = False) -> None:
        self._strip = strip
        self._most = max(max_memory, ALWAYS_ALLOWED)
        self._known: dict[str, str] = {}
        self._held = 0
        self._width = 1
        self._pieces: list[npt.NDArray[np.object_]] = []

    def add(self, values: npt.NDArray[np.object_], place: str) -> None:
        """Add a batch of texts; None stands for an empty one.

        Raises: InputError if the texts need more memory than allowed.
        """
        piece = np.empty(len(values), object)
        seen: dict[int, str] = {}  # a batch holds the same object often, and comparing long texts takes long
        for i, value in enumerate(values.tolist()):
            known = seen.get(id(value))
            if known is None:
                known = seen[id(value)] = self._interned("" if value is None else value)
            piece[i] = known
        if self._held > self._most:
            raise InputError(f"{place}: it has more than {self._most} bytes of text: save the dump without it")
        self._pieces.append(piece)

    def _interned(self, text: str) -> str:
        known = self._known.get(text)
        if known is None:
            own = text.strip() if self._strip else text
            known = self._known[text] = own if own == text else self._interned(own)
            self._held += len(text) + OVERHEAD
            self._width = max(self._width, len(own))
        return known

    def array(self) -> npt.NDArray[Any]:
        """All texts as fixed-width text, or as Python objects if fixed width would take much more memory."""
        values = np.concatenate(self._pieces)
        fixed, referred = 4 * self._width * len(values), 8 * len(values) + self._held
        return values.astype(str) if fixed <= WASTE * referred else values
