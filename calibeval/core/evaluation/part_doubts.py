"""Doubts about rows whose scores are gone: found when their sums were saved, and kept when these are joined."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from calibeval.core.data.copied import copied
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns
from calibeval.core.evaluation.doubts import doubts_of
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.sums import Sums


class PartDoubt(NamedTuple):
    """A doubt, and the number of rows of all parts that have it; the words are those of the first of them."""

    notice: Notice
    rows: int

    def told(self, n: int) -> Notice:
        """The doubt in a report on n rows.

        >>> print(PartDoubt(Notice("accuracy 1.0 % lies below chance", "below_chance"), 500).told(2000))
        accuracy 1.0 % lies below chance (so in one part; such parts have 500 of 2,000 rows)
        """
        if self.rows == n:
            return self.notice
        return self.notice.reworded(f"{self.notice} (so in one part; such parts have {self.rows:,} of {n:,} rows)")


PartDoubts = tuple[PartDoubt, ...]


def joined(own: PartDoubts, more: PartDoubts) -> PartDoubts:
    """The doubts about two sets of rows, one of each code.

    >>> one = PartDoubt(Notice("a", "below_chance"), 500)
    >>> joined((one,), (PartDoubt(Notice("b", "below_chance"), 300),))[0].rows
    800
    """
    found = {one.notice.code: one for one in own}
    for one in more:
        known = found.get(one.notice.code)
        found[one.notice.code] = one if known is None else known._replace(rows=known.rows + one.rows)
    return tuple(found.values())


def sampled_doubts(kinds: Predictions, samples: list[Sample], sums: Sums | None) -> tuple[Notice, ...]:
    """The doubts about sampled rows. kinds: predictions of their kind. sums: of all rows; None if some lack it."""
    if not samples:
        return ()
    scores: Any = np.concatenate([part.scores for part in samples])
    if isinstance(kinds.scores, BinaryColumns):
        scores = BinaryColumns(scores[:, 1], kinds.kind)
    labels = np.concatenate([part.labels for part in samples])
    return doubts_of(copied(kinds, scores=scores, labels=labels), sums)
