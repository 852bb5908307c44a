"""What only single questions have: scores whose levels are in an order, and gold answers that are distributions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from calibeval.core.data.source import LogMeasure
from calibeval.readers.logs.answer import Answer

Name = Literal["rps", "absolute_error", "brier_gold", "nll_gold"]
Floats = npt.NDArray[np.float64]


def measures_of(rows: Sequence[Answer], by: str) -> tuple[LogMeasure, ...]:
    """The means of each question, in the order in which questions occur. by: the column of questions."""
    found: defaultdict[tuple[str, Name], list[float]] = defaultdict(list)
    for row in rows:
        if row.scores is not None and (row.values or row.shares is not None):
            for name, value in _of_answer(row):
                found[row.columns.get(by, ""), name].append(value)
    return tuple(_mean(name, of, np.array(values)) for (of, name), values in found.items())


def _mean(name: Name, of: str, values: Floats) -> LogMeasure:
    if not np.isfinite(values).all():
        return LogMeasure(name, of, len(values), None, None)
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return LogMeasure(name, of, len(values), float(values.mean()), error)


def _of_answer(row: Answer) -> Iterator[tuple[Name, float]]:
    probs = np.asarray(row.scores, np.float64)
    probs = probs / probs.sum()
    gold = np.zeros(len(probs))
    gold[row.right[0]] = 1
    if row.shares is not None:
        gold = np.asarray(row.shares, np.float64)
        yield "brier_gold", float(((probs - gold) ** 2).sum())
        held = gold > 0
        with np.errstate(divide="ignore"):
            yield "nll_gold", float(-(gold[held] * np.log(probs[held])).sum())
    if row.values:
        yield "rps", ranked_probability_score(probs, gold)
        yield "absolute_error", abs(float((probs - gold) @ np.asarray(row.values)))


def ranked_probability_score(probs: Floats, gold: Floats) -> float:
    """Ranked probability score of levels in an order: the mean squared difference of cumulative probabilities.

    In [0, 1]; 0 is best. probs, gold: (k,) probabilities that add up to 1; gold is 1 at the right level.
    Source: Epstein, J. Appl. Meteorol. 1969.

    >>> ranked_probability_score(np.array([.5, .3, .2]), np.array([0., 1., 0.])).__round__(3)
    0.145
    """
    return float((np.cumsum(probs - gold)[:-1] ** 2).sum() / (len(probs) - 1))
