"""What sums of rows on another device than the processor are to the core, which knows no library of tensors."""

from __future__ import annotations

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

    def add(self, batch: Any) -> None:
        """Further rows."""
        ...

    def running(self) -> Running:
        """The sums of all rows so far, in memory; further rows may follow."""
        ...


class DeviceBatch(Protocol):
    """Rows on a device, whose values are known to be right."""

    @property
    def sort(self) -> Batch:
        """A batch of the same sort with one row, in memory."""
        ...

    def begin(self, running: Running) -> DeviceSums:
        """Sums of no rows, to which such batches can be added. running: of the rows before them."""
        ...
