"""Features in the scale in which a search for their weights is well posed: centred, and about 1 in size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError

TOO_LARGE = "the scores are too large for this map; divide them by a constant first"
MOST_LOG_ODDS = 700.0
FAR = 1e4  # features whose squares are beyond it, or below its inverse, in the rows that matter are scaled again
CONSTANT = 8 * np.finfo(np.float64).eps  # a feature that varies by no more than this share of its size is constant

Rows = tuple[Floats, Floats, Floats | None]  # features (m, b), targets (b,) in [0, 1], and what each row counts
Blocks = Callable[[], Iterable[Rows]]


class Standard(NamedTuple):
    """Centres and scales of features, (m,), so that scaled ones are about 1 in size; the intercept's are 0 and 1.

    fixed: which features are constant. total: what all rows count. log_odds: of the mean target.
    """

    centre: Floats
    scale: Floats
    fixed: npt.NDArray[np.bool_]
    total: float
    log_odds: float

    @classmethod
    def of(cls, blocks: Blocks) -> Standard:
        """The facts of all rows.

        Raises: InputError if features are infinite.
        """
        first = next(iter(blocks()))[0][:, :1]
        sums: Floats = np.zeros(2)
        shift: Floats = np.zeros(len(first))
        with np.errstate(over="ignore", invalid="ignore"):
            for features, target, count in blocks():
                counts = np.ones_like(target) if count is None else count
                sums += np.add.reduce(counts), np.add.reduce(counts * target)
                shift += np.einsum("mb,b->m", features - first, counts)
            total, ones = sums.tolist()
            centre = first[:, 0] + shift / total
            away, size = np.zeros((2, len(first)))
            for features, target, count in blocks():
                counts = (np.ones_like(target) if count is None else count) / total
                away += np.einsum("mb,b->m", np.abs(features - centre[:, None]), counts)
                size += np.einsum("mb,b->m", np.abs(features), counts)
        if not (np.isfinite(away).all() and np.isfinite(size).all()):
            raise InputError(TOO_LARGE)
        fixed = away <= CONSTANT * size
        scale = np.where(fixed, 1.0, away)
        centre[-1], scale[-1], fixed[-1] = 0.0, 1.0, False
        share = min(max(ones / total, np.finfo(np.float64).tiny), 1.0 - np.finfo(np.float64).epsneg)
        return cls(centre, scale, fixed, total, float(np.log(share) - np.log1p(-share)))

    @property
    def entropy(self) -> float:
        """The mean loss of the best constant, in nats."""
        share = 1.0 / (1.0 + math.exp(-self.log_odds)) if self.log_odds > -MOST_LOG_ODDS else 0.0
        return float(np.logaddexp(0.0, self.log_odds)) - share * self.log_odds

    def closer(self, blocks: Blocks, weights: Floats, hessian: Floats) -> Standard | None:
        """The centres and scales in the rows that these weights leave open; None if they are about the same.

        Where nearly all rows are certain, differences between the few others decide, and may be tiny beside those
        between all rows. hessian: of scaled weights.
        """
        open_rows = float(hessian[-1, -1])
        if not open_rows > 0:
            return None
        spread = np.diag(hessian) / open_rows - (hessian[-1] / open_rows) ** 2
        odd = ~((spread > 1.0 / FAR) & (spread < FAR)) & ~self.fixed
        if not odd[:-1].any():
            return None

        def counted() -> Iterable[Rows]:
            for features, target, count in blocks():
                p = sigmoid(np.einsum("m,mb->b", weights, features))
                yield features, target, p * (1.0 - p) * (1.0 if count is None else count)

        found = Standard.of(counted)
        return None if (found.fixed & ~self.fixed).any() else found

    def penalty(self, plain: Floats | None, total: float) -> Floats:
        """A penalty (r, m) on weights as one on weights of scaled features, for the mean loss."""
        return np.zeros((0, len(self.scale))) if plain is None else plain / self.scale / math.sqrt(total)

    def rows(self, blocks: Blocks) -> Blocks:
        """The rows with scaled features."""

        def scaled() -> Iterable[Rows]:
            for features, target, count in blocks():
                inside = (features - self.centre[:, None]) / self.scale[:, None]
                inside[self.fixed] = 0.0
                yield inside, target, count

        return scaled

    def inside(self, weights: Floats) -> Floats:
        """Weights of scaled features."""
        scaled = weights * self.scale
        scaled[-1] = weights[-1] + float(np.add.reduce(weights * self.centre))
        return scaled

    def seen_from(self, other: Standard) -> Floats:
        """The derivatives of weights of these scaled features by those of others, (m, m)."""
        result = np.diag(self.scale / other.scale)
        result[-1, :-1] = (self.centre - other.centre)[:-1] / other.scale[:-1]
        return result

    def outside(self, weights: Floats) -> Floats:
        """Weights of the features themselves."""
        plain = weights / self.scale
        plain[-1] = weights[-1] - float(np.add.reduce(plain[:-1] * self.centre[:-1]))
        return plain


def sigmoid(v: Floats) -> Floats:
    """1 / (1 + exp(-v)), elementwise, for any v.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-v)))
