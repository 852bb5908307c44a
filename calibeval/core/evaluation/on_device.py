"""What sums of rows on another device than the processor are to the core, which knows no library of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from calibeval.core.evaluation.batches import Batch
from calibeval.core.evaluation.running import Running


class DeviceSums(Protocol):
    """Sums of rows that stay on their device. rows: the number of stored rows that were added."""

    @property
    def rows(self) -> int:
        """The number of stored rows so far."""
        ...

    def takes(self, batch: Any) -> bool:
        """Whether rows of this batch can be added to these sums: of one device, type and kind of weights."""
        ...

    def fits(self, batch: Any) -> bool:
        """Whether it can be added before the rows that wait are looked at."""
        ...

    def add(self, batch: Any) -> None:
        """Further rows, which fit."""
        ...

    def doubted(self) -> list[Mapping[str, Any]]:
        """Look at the rows that wait: the batches from the first one on that nobody looked at, if not all are surely
        right; they are then no longer part of these sums. Each is given as its scores, by their kind, and labels.
        """
        ...

    def running(self) -> Running:
        """The sums of all rows so far, in memory; further rows may follow."""
        ...


class DeviceBatch(Protocol):
    """Rows on a device. Their values are known to be right, or are looked at later, with those of other batches."""

    @property
    def sort(self) -> Batch:
        """A batch of the same sort with one row, in memory."""
        ...

    def begin(self, running: Running) -> DeviceSums:
        """Sums of no rows, to which such batches can be added. running: of the rows before them."""
        ...

    def apart(self) -> Mapping[str, Any]:
        """A copy of its scores, by their kind, and of its labels. It has no weights and groups, and all rows count."""
        ...
