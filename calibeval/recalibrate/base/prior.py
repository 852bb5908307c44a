"""Known shares of classes where a map is used, if the rows that it was fitted on hold the classes in other shares.

If only the shares of the classes differ, not what rows of a class look like, then by Bayes' rule the odds of two
classes change by the ratio of the ratios of their shares: the logarithm of each class's ratio is added to its logit.
Sources: Elkan, IJCAI 2001; Saerens, Latinne & Decaestecker, Neural Computation 14:21 (2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibeval.core.data.arguments import came
from calibeval.core.data.arrays import Floats
from calibeval.core.data.columns import kept_rows
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import row_weights
from calibeval.core.errors import InputError, UsageError, nearest

ROUNDING = 1e-6  # of a sum of shares


@dataclass(frozen=True, slots=True)
class Prior:
    """Shares of the classes, (k,) each: where the map is used, and among the rows that it was fitted on."""

    used: tuple[float, ...]
    fitted: tuple[float, ...]

    @property
    def shift(self) -> Floats:
        """What is added to the logits, (k,).

        >>> Prior((0.9, 0.1), (0.5, 0.5)).shift.round(3).tolist()
        [0.588, -1.609]
        """
        return np.asarray(np.log(self.used) - np.log(self.fitted))

    def check(self, k: int) -> None:
        """Check that there are k shares above 0 which add up to 1. Raises: InputError."""
        for name, shares in (("used", self.used), ("fitted", self.fitted)):
            whole = abs(sum(shares) - 1.0) <= ROUNDING
            if len(shares) != k or not whole or min(shares) <= 0.0:
                raise InputError(f'parameter "prior": {name} must be {k} shares above 0 with the sum 1')


def shares_of(predictions: Predictions) -> tuple[float, ...]:
    """The share of each class among the labels, weighted as the rows are.

    Raises: InputError if a class has no row.

    >>> shares_of(Predictions(probs=[0.2, 0.9, 0.6, 0.5], labels=[0, 1, 0, 0]))
    (0.75, 0.25)
    """
    check_labelled(predictions, "for a prior")
    kept = predictions.labels[kept_rows(predictions)].astype(np.intp)
    counts = np.bincount(kept, weights=row_weights(predictions), minlength=predictions.k or 0)
    absent = np.flatnonzero(counts <= 0)
    if len(absent):
        what = f"class {int(absent[0])} has no row, so the share that a prior corrects is unknown"
        raise InputError(f"{predictions.source.name}: {what}")
    return tuple((counts / counts.sum()).tolist())


def prior_of(given: Any, fitted: Sequence[float], names: Sequence[str] | None) -> Prior:
    """The prior that a person gave.

    given: for two classes, the share of class 1; a share for each class, in their order; or shares by the names of the
    classes, or their numbers where they have none. Classes that are left out divide the rest as the fitted rows do.
    fitted: shares among the fitted rows. names: of the classes.
    Raises: UsageError for shares that cannot be, or an unknown class.

    >>> prior_of(0.03, (0.5, 0.5), None).used
    (0.97, 0.03)
    >>> prior_of({"cat": 0.6}, (0.5, 0.25, 0.25), ("cat", "dog", "fox")).used
    (0.6, 0.2, 0.2)
    """
    k = len(fitted)
    if isinstance(given, Mapping) and given:
        shares = _by_name(given, fitted, names)
    elif isinstance(given, str | bytes | Mapping) or not (np.isscalar(given) or np.ndim(given) == 1):
        raise UsageError(f"prior is {came(given)}, but it must be a share, {k} shares, or shares by class")
    elif np.isscalar(given):
        if k != 2:
            raise UsageError(f"prior is {came(given)}, but of {k} classes shares are given by class")
        shares = [1.0 - _share(given), _share(given)]
    else:
        shares = [_share(one) for one in given]
        if len(shares) != k:
            raise UsageError(f"prior has {len(shares)} shares, but there are {k} classes")
    if abs(sum(shares) - 1.0) > ROUNDING:
        raise UsageError(f"the shares of prior add up to {sum(shares):g}, but must add up to 1")
    return Prior(tuple(float(one) for one in shares), tuple(fitted))


def _by_name(given: Mapping[Any, Any], fitted: Sequence[float], names: Sequence[str] | None) -> list[float]:
    known = [*map(str, range(len(fitted)))] if names is None else [*names]
    found: dict[int, float] = {}
    for name, value in given.items():
        if str(name) not in known:
            raise UsageError(f'prior: class "{name}" is unknown{nearest(str(name), known)}; there are {_some(known)}')
        found[known.index(str(name))] = _share(value)
    rest = [i for i in range(len(fitted)) if i not in found]
    left = 1.0 - sum(found.values())
    if rest and left <= 0.0:
        raise UsageError(f"the shares of prior leave {left:g} for {len(rest)} other classes, but each needs some")
    own = sum(fitted[i] for i in rest)
    return [found[i] if i in found else left * fitted[i] / own for i in range(len(fitted))]


def _some(names: Sequence[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _share(value: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = float("nan")
    if isinstance(value, bool) or not 0.0 < share < 1.0:
        raise UsageError(f"prior has the share {came(value)}, but each must lie between 0 and 1")
    return share
