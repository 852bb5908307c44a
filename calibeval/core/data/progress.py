"""The interface for reporting the progress of a long calculation."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Any object with these two methods, such as a wrapper around a progress bar. Long calculations accept one.

    `start` may be called several times in a run: once for each dump that is read, or each stage of a training.
    """

    def start(self, name: str, total: int) -> None:
        """A new stage begins. name: of the dump or stage. total: its number of rows, or of epochs for a training."""

    def advance(self, steps: int) -> None:
        """The number of rows, or epochs, that were finished since the last call."""
