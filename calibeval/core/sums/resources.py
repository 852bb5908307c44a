"""The resources for a pass over the scores, and the object that is told about its progress."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calibeval.core.data.predictions import Predictions
from calibeval.core.data.progress import Progress
from calibeval.core.data.ranges import MOST_JOBS, check_whole
from calibeval.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Resources:
    """Threads, memory and progress; no result depends on any of them.

    jobs: number of threads. memory: larger scores (in bytes) are read block by block, more than once if equal-mass bins
    need it, and per-row results are kept only if requested; None: no limit. progress: is told about each dump before it
    is read, and about each finished chunk of its rows.

    Raises: UsageError unless jobs is a whole number of at least 1, and memory one of at least 0.

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
        """Whether the scores are read block by block, because they exceed the memory limit."""
        return self.memory is not None and stored_bytes(predictions) > self.memory

    def quiet(self) -> Resources:
        """The same without progress, for additional passes whose progress is not shown."""
        return replace(self, progress=None)


PLAIN = Resources()


def stored_bytes(predictions: Predictions) -> int:
    """The size of the stored scores in bytes."""
    size: int = predictions.scores.dtype.itemsize
    for length in predictions.scores.shape:
        size *= length
    return size
