"""What a reading of the scores may use, and whom it tells how far it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calibeval.core.data.predictions import Predictions
from calibeval.core.data.progress import Progress
from calibeval.core.data.ranges import MOST_JOBS, check_whole
from calibeval.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Resources:
    """Threads, memory, and who hears of progress; no number depends on any of them.

    jobs: threads. memory: scores of more bytes are read block by block, more than once where equal-mass bins need it,
    and nothing is kept for each row but where it was asked for; None: no limit. progress: hears of
    each dump before it is read, and of each finished chunk of its rows.

    Raises: UsageError unless jobs is a whole number from 1 on, and memory one from 0 on.

    >>> Resources().streams(Predictions(probs=[[0.9, 0.1]], labels=[0]))
    False
    >>> Resources(memory=8).streams(Predictions(probs=[[0.9, 0.1]], labels=[0]))
    True
    """

    jobs: int = 1
    memory: int | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        check_whole("jobs", self.jobs, 1, MOST_JOBS)
        limit = self.memory
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < 0):
            raise UsageError(f"max_memory is {limit!r}, but it must be a number of bytes, or None")

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
