"""Who hears how far a long calculation is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Anything with these two methods, such as a wrapper around a progress bar; everything that takes long has one.

    One run may start several times: once for each dump that is read, or for each stage of a training.
    """

    def start(self, name: str, total: int) -> None:
        """Begin with something new: its name, and its number of rows, or of epochs of a training."""

    def advance(self, steps: int) -> None:
        """So many more rows, or epochs, are done."""
