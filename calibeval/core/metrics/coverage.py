"""Coverage at a certified error: the share of rows that may be answered without a person, and from which confidence."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from calibeval.core.data.notices import NotComputable, Notice, reason
from calibeval.core.errors import UnknownMetric
from calibeval.core.metrics.of_pairs import DEPENDENT, OfPairs, pairs_of
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.selective import UNWEIGHTED, curve_points
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.certified import (
    DELTA,
    LEAST_LIMIT,
    Certified,
    OtherParts,
    certified,
    certified_ranking,
    cross_fitted_coverage,
    cross_fitted_ranking,
    units_needed,
)
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints
from calibeval.core.uncertainty.possible import possible_for_new_rows

PREFIX = "coverage@error="
SPELLED = re.compile(r"coverage@(error=(?P<limit>.*)|(?P<percent>[^=]*)%)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageAtError(OfPairs):
    """The share of rows above the lowest confidence whose error is certified: at most `limit`, with 95 % probability.

    0 if no threshold is certified; missing if there are too few rows for any. With groups, these are the units.
    """

    has_floor: ClassVar[bool] = False
    certifies: ClassVar[bool] = True
    limit: float

    def of_pairs(self, pairs: Pairs) -> float:
        """The coverage of these rows. Raises: NotComputable for weighted rows, and for too few."""
        return self._found(pairs).coverage

    def interval_of(self, pairs: Pairs, level: float) -> Interval | None:
        """For new rows and this threshold, however it was chosen; of independent rows.

        Source: Massart, Annals of Probability 18:1269 (1990): the inequality of Dvoretzky, Kiefer and Wolfowitz.
        """
        found = self._found(pairs)
        return _interval(found, pairs.rows, level)

    def cell_error(self, pairs: Pairs) -> float:
        """From the tests in the worst order of the rows of every cell, and the next test at an end of a cell.

        The tests at the ends of cells are among those of single rows. So these pass none that comes after the first
        end that fails, and what passes in the worst order passes in every order.
        """
        own, ranking = self._found(pairs), pairs.ranking
        first = int(np.searchsorted(ranking.rows_to, own.needed))
        at = first if own.threshold is None else int(np.searchsorted(ranking.rows_to, own.rows)) + 1
        apart = (pairs.width > 0.0)[pairs.ends][::-1]
        most = own.coverage
        if at < len(apart) and apart[at]:
            most = max(most, (ranking.rows_to[at] - 1.0) / ranking.n)
        least = certified_ranking(pairs.one_first(right=True).ranking, self.limit).coverage
        if apart[first] and ranking.wrong_to[first] and ranking.rows_to[first] > own.needed:
            least = 0.0  # the first test of single rows comes before the end of this cell
        return max(most - own.coverage, own.coverage - least)

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval, given enough rows."""
        return True

    def measured(self, sums: Sums, level: float | None, joints: Joints | None = None) -> MetricResult:
        """The coverage, with the threshold, the rows above it, the bound of their error, and cross-fitted coverage."""
        try:
            pairs = pairs_of(sums)
            if joints is not None and pairs.groups is None:
                raise NotComputable("dependent_rows", DEPENDENT)
            found = self._found(pairs)
        except NotComputable as missing:
            return MetricResult(
                self.name, None, reason=missing.reason, delta=DELTA, rows_needed=units_needed(self.limit)
            )
        result = MetricResult(
            self.name,
            found.coverage,
            reason=_why(found, pairs),
            threshold=found.threshold,
            rows=found.rows,
            errors=found.errors,
            groups=None if pairs.groups is None else found.units,
            wrong_groups=None if pairs.groups is None else found.unit_errors,
            bound=found.bound,
            delta=DELTA,
            rows_needed=found.needed,
        )
        if pairs.counts is not None:
            result = replace(result, cell_error=self.cell_error(pairs))
        if level is not None and pairs.groups is None:
            tail = 0.5 * (1.0 - level)
            possible = possible_for_new_rows(pairs.ranking, self.limit, tail)
            result = replace(result, possible=possible)
        if found.threshold is None:
            return result
        elsewhere, error = (
            cross_fitted_ranking(pairs.ranking, self.limit, parts=_parts(pairs))
            if pairs.groups is None
            else cross_fitted_coverage(
                pairs.confidence, pairs.correct, self.limit, groups=pairs.groups, slack=pairs.slack
            )
        )
        result = replace(result, cross_fitted=elsewhere, cross_fitted_error=error)
        if elsewhere is None:
            result = replace(result, reason=_no_cross_fit(found, pairs))
        if level is None or pairs.groups is not None:
            return result
        interval = _interval(found, pairs.rows, level)
        return replace(result, low=interval.low, high=interval.high)

    def _found(self, pairs: Pairs) -> Certified:
        if pairs.weights is not None:
            raise NotComputable("weighted_rows", UNWEIGHTED)
        found = (
            certified_ranking(pairs.ranking, self.limit)
            if pairs.groups is None
            else certified(pairs.confidence, pairs.correct, self.limit, groups=pairs.groups, slack=pairs.slack)
        )
        if found.units < found.needed:
            units = "rows" if pairs.groups is None else "groups"
            raise NotComputable("too_few_to_certify", f"none: at least {found.needed:,} {units} would be needed")
        return found


def coverage_at(limit: float) -> CoverageAtError:
    """The metric of this limit, in (0, 1).

    >>> coverage_at(0.05).name, coverage_at(0.05).label
    ('coverage@error=0.05', 'coverage@5%')
    """
    percent = f"{100.0 * limit:.12g}"
    return CoverageAtError(
        name=f"{PREFIX}{limit!r}",
        short=f"coverage@{percent}%",
        title=f"share of rows above the lowest confidence whose error is certified to be at most {percent} %",
        limit=limit,
        least=0.0,
        most=1.0,
        better="higher",
        unit="%",
        source="Angelopoulos et al., Annals of Applied Statistics 2025; bound: Clopper & Pearson, Biometrika 1934",
    )


def coverage_named(name: str) -> CoverageAtError | None:
    """The metric that is called so, as `coverage@error=0.05` or, in tables, `coverage@5%`; None for other names.

    Raises: UnknownMetric for a limit that is no fraction.

    >>> coverage_named("coverage@error=.05").name, coverage_named("Coverage@5%").name, coverage_named("ece")
    ('coverage@error=0.05', 'coverage@error=0.05', None)
    """
    found = SPELLED.fullmatch(name.strip())
    if found is None:
        return None
    stated, percent = found["limit"], found["percent"]
    try:
        limit = float(stated) if percent is None else round(float(percent) / 100.0, 14) or float(percent) / 100.0
    except ValueError:
        limit = math.nan
    if 0.0 < limit < LEAST_LIMIT:
        text = f"no dump has the rows to certify it; the smallest is {PREFIX}{LEAST_LIMIT:g}"
        raise UnknownMetric(f'metric "{name}": {text}')
    if not 0.0 < limit < 1.0:
        hint = f"; {limit:g} % is {limit / 100.0:g}" if 1.0 <= limit < 100.0 else ""
        text = f"its limit must be a fraction above 0 and below 1, as in {PREFIX}0.05{hint}"
        raise UnknownMetric(f'metric "{name}": {text}')
    return coverage_at(limit)


def _parts(pairs: Pairs) -> OtherParts:
    """The parts for cross-fitting, which are the same for every limit."""
    if "parts" not in pairs.cache:
        pairs.cache["parts"] = OtherParts.of(pairs.ranking)
    found: OtherParts = pairs.cache["parts"]
    return found


def with_curve(found: dict[str, MetricResult], sums: Sums) -> dict[str, MetricResult]:
    """The results, with the risk-coverage curve on the first coverage at an error, unless the AURC has it."""
    first = next((name for name in found if name.startswith(PREFIX)), None)
    if first is None or sums.pairs is None or sums.pairs.weights is not None or any(m.curve for m in found.values()):
        return found
    return {**found, first: replace(found[first], curve=curve_points(sums.pairs))}


def _interval(found: Certified, rows: int, level: float) -> Interval:
    if found.threshold is None:
        return Interval(0.0, 0.0, None)
    reach = math.sqrt(math.log(2.0 / (1.0 - level)) / (2.0 * rows))
    return Interval(max(found.coverage - reach, 0.0), min(found.coverage + reach, 1.0), None)


def _why(found: Certified, pairs: Pairs) -> Notice | None:
    """Why there is no threshold, or no interval."""
    if found.threshold is None:
        units = "rows" if pairs.groups is None else "groups"
        verb = "is" if found.unit_errors == 1 else "are"
        wrong = f"{found.unit_errors:,} of the {found.units:,} most confident {units} {verb} wrong"
        if pairs.groups is not None:
            wrong = f"{found.unit_errors:,} of the {found.units:,} groups with the most confident rows have a wrong one"
        bound = math.ceil(1e4 * found.bound * (1.0 - 1e-12)) / 100.0  # as in tables
        return reason("not_certified", f"none: {wrong}, an error of up to {bound:.2f} %")
    return None if pairs.groups is None else reason("dependent_rows", f"no interval: {DEPENDENT}")


def _no_cross_fit(found: Certified, pairs: Pairs) -> Notice:
    """Why there is no cross-fitted coverage; for groups, after why there is no interval."""
    units = "rows" if pairs.groups is None else "groups"
    few = f"no cross-fitted coverage: four fifths of the {units} are fewer than the {found.needed:,} that are needed"
    return (
        reason("too_few_to_certify", few)
        if pairs.groups is None
        else reason("dependent_rows", f"no interval: {DEPENDENT}; {few}")
    )
