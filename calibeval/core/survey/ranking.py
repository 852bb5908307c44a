"""Models in the order of their NLL after a map, with the ranks that a sample of rows can tell apart.

Every two models are compared on the same rows, so that what is hard for both cancels, and the tests of all pairs have
Holm's correction. A rank is at least one more than the number of models that are certainly better, and at most the
number of those that are not certainly worse. With the probability `level` no test is wrong, and all ranks hold at once.
Models that nobody is certainly better than are the best set. Ranks are never by a binned calibration error: it is small
for models that know little, bins and noise bias it upwards, and a map takes most of it away.
Source: Mogstad et al., Rev. Econ. Stud. 91:476 (2024); Holm, Scand. J. Stat. 6:65 (1979).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import Notice, reason
from calibeval.core.errors import UsageError
from calibeval.core.survey.axes import Axis, Value, key_of
from calibeval.core.survey.choice import axis_named
from calibeval.core.survey.ranks import RankedModel, RankedPair, Ranking
from calibeval.core.survey.rows import UnitValues
from calibeval.core.survey.survey import Cell
from calibeval.core.survey.together import Joined, Kept, balance, ends_of, psi_of, too_few, wrong_and_right
from calibeval.core.uncertainty.clusters import Clusters
from calibeval.core.uncertainty.holm import holm
from calibeval.core.uncertainty.special import student_quantile, student_tail

MODEL_AXES = ("model", "models", "method", "network", "net", "arch", "architecture", "backbone", "loss", "run")
LEAST_OF_EACH = 10  # wrong units, and right ones, in both models of a test
Own = Mapping[Hashable, Kept | None]


def models_of(axes: Sequence[Axis], name: str | None, *, mapped: bool, level: float | None) -> Axis | None:
    """The axis of models that are ranked. name: as a person said; None: with maps, one whose name says so.

    Raises: UsageError for an axis that is not there, and without a level.
    """
    if name is None:
        return next((axis for axis in axes if axis.name.lower() in MODEL_AXES), None) if mapped and level else None
    if level is None:
        raise UsageError("--rank needs a level of confidence: leave out --no-intervals")
    return axis_named(axes, name)


def ranking_of(
    axes: Sequence[Axis],
    axis: Axis,
    cells: Sequence[Cell],
    kept: Sequence[Kept | None],
    level: float,
    folds: int | None,
) -> Ranking:
    """The ranking of the models of an axis. kept: of the rows of each cell, with the values after the map."""
    rest = [one.name for one in axes if one is not axis]
    by_model: dict[Value, dict[Hashable, Kept | None]] = {value: {} for value in axis.values}
    for cell, own in zip(cells, kept, strict=True):
        by_model[cell.axes[axis.name]][key_of(cell.axes, rest)] = own if cell.measured else None
    points = list(dict.fromkeys(point for own in by_model.values() for point in own))
    rows = _rows_of_most(by_model, points)
    missing = {model: _missing(own, points, rows) for model, own in by_model.items()}
    means = {model: _mean(own, points) for model, own in by_model.items() if missing[model] is None}
    order = sorted(means, key=lambda model: means[model].mean)
    enough = {model: _enough(by_model[model], points) for model in order}
    pairs = _tested([(model, means[model]) for model in order], enough, level)
    found = _ranked(order, means, pairs, level)
    left = [RankedModel(model, None, reason=why) for model, why in missing.items() if why is not None]
    units = len(means[order[0]].psi) if order else 0
    return Ranking(axis.name, tuple(rest), len(points), units, folds, level, (*found, *left), tuple(pairs))


def _ranked(
    order: Sequence[Value], means: Mapping[Value, Joined], pairs: Sequence[RankedPair], level: float
) -> list[RankedModel]:
    above, below = Counter[Value](), Counter[Value]()
    for pair in pairs:
        if pair.p_holm is not None and pair.p_holm < 1.0 - level:
            better, worse = (pair.model, pair.other) if pair.difference > 0.0 else (pair.other, pair.model)
            above[worse] += 1
            below[better] += 1
    found = []
    for model in order:
        low, high = ends_of("nll", means[model].mean, means[model], level) or (None, None)
        first, last = 1 + above[model], len(order) - below[model]
        found.append(RankedModel(model, means[model].mean, low, high, first, last, best=first == 1))
    return found


def _tested(models: Sequence[tuple[Value, Joined]], enough: Mapping[Value, bool], level: float) -> list[RankedPair]:
    """All pairs, the better model first."""
    if not models:
        return []
    few, freedom = too_few(models[0][1]), Clusters(models[0][1].weights).freedom
    quantile = 0.0 if few else student_quantile(0.5 * (1.0 + level), freedom)
    found = []
    for (model, first), (other, second) in itertools.combinations(models, 2):
        difference = second.mean - first.mean
        if few:
            found.append(RankedPair(model, other, difference, None, None, None, None))
            continue
        error = _length(second.psi - first.psi)
        p = _p(difference, error, freedom) if enough[model] and enough[other] else None
        reach = quantile * error
        found.append(RankedPair(model, other, difference, difference - reach, difference + reach, p, None))
    corrected = holm([one.p for one in found])
    return [
        RankedPair(one.model, one.other, one.difference, one.low, one.high, one.p, p)
        for one, p in zip(found, corrected, strict=True)
    ]


def _p(difference: float, error: float, freedom: float) -> float | None:
    """Two-sided; 1 for models whose rows are all the same."""
    if error == 0.0:
        return 1.0 if difference == 0.0 else None
    return min(1.0, 2.0 * student_tail(abs(difference) / error, freedom))


def _length(values: Floats) -> float:
    return math.sqrt(float(np.einsum("i,i", values, values)))  # in one thread


def _mean(own: Own, points: Sequence[Hashable]) -> Joined:
    held = [(kept, _after(kept)) for point in points if (kept := own[point]) is not None]
    return psi_of((kept.units, values.nll.astype(np.float64), 1.0) for kept, values in held if values is not None)


def _after(kept: Kept | None) -> UnitValues | None:
    return None if kept is None else kept.after


def _rows_of_most(by_model: Mapping[Value, Own], points: Sequence[Hashable]) -> Mapping[Hashable, str]:
    """The rows that most models hold at each point, by their key."""
    found = {}
    for point in points:
        keys = Counter(kept.units.key for own in by_model.values() if (kept := own.get(point)) is not None)
        found[point] = keys.most_common(1)[0][0] if keys else ""
    return found


def _missing(own: Own, points: Sequence[Hashable], rows: Mapping[Hashable, str]) -> Notice | None:
    """Why a model cannot be ranked."""
    for point in points:
        kept, where = own.get(point), _where(point)
        if kept is None:
            return reason("not_ranked", f"it has no numbers{where}")
        if kept.units.key != rows[point]:
            return reason("not_ranked", f"its rows{where} are not those of the other models")
        values = kept.after
        if values is None:
            return reason("not_ranked", f"no temperature could be fitted{where}")
        if not np.isfinite(values.nll).all():
            return reason("not_ranked", f"the true class has probability 0 in some row{where}, so its NLL is infinite")
    return None


def _where(point: Hashable) -> str:
    values = point if isinstance(point, tuple) else ()
    return f" at {' '.join(map(str, values))}" if values else ""


def _enough(own: Own, points: Sequence[Hashable]) -> bool:
    """Whether enough units are wrong, and right, for tests to hold."""
    held = [kept for point in points if (kept := own[point]) is not None]
    every = [wrong_and_right(kept.units, kept.values) for kept in held]
    wrong, right = (sum(int(one[i].sum()) for one in every) for i in (0, 1))
    return min(wrong, right) * balance(kept.units for kept in held) >= LEAST_OF_EACH
