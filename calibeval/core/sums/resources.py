"""What a reading of the scores may use, and whom it tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from calibeval.core.data.predictions import Predictions


@dataclass(frozen=True, slots=True)
class Resources:
    """Threads, memory, and who hears of progress; no number depends on any of them.

    jobs: threads. memory: scores of more bytes are read block by block, more than once where equal-mass bins need it,
    and nothing is kept for each row but where it was asked for; None: no limit. progress: called with the number of
    rows of each finished chunk.

    >>> Resources().streams(Predictions(probs=[[0.9, 0.1]], labels=[0]))
    False
    >>> Resources(memory=8).streams(Predictions(probs=[[0.9, 0.1]], labels=[0]))
    True
    """

    jobs: int = 1
    memory: int | None = None
    progress: Callable[[int], None] | None = None

    def streams(self, predictions: Predictions) -> bool:
        """Whether the scores are read block by block, since they are more than memory allows."""
        return self.memory is not None and stored_bytes(predictions) > self.memory

    def quiet(self) -> Resources:
        """The same without progress: for readings beside the one that somebody watches."""
        return replace(self, progress=None)


PLAIN = Resources()


def stored_bytes(predictions: Predictions) -> int:
    """How many bytes the scores take as they are stored."""
    size: int = predictions.scores.dtype.itemsize
    for length in predictions.scores.shape:
        size *= length
    return size
