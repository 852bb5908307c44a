"""The numbers of rows at points of a risk-coverage curve, and the intervals of their error."""

from __future__ import annotations

import pytest
from scipy import stats

from calibeval.core.metrics.result import RiskPoint
from calibeval.core.report.risk import counted

POINTS = [RiskPoint(0.9, 0.1, 0.0), RiskPoint(0.5, 0.8, 0.25), RiskPoint(0.1, 1.0, 1.0)]


def test_numbers_of_rows():
    assert [(one.rows, one.wrong) for one in counted(POINTS, 100)] == [(10, 0), (80, 20), (100, 100)]
    assert {(one.low, one.high) for one in counted(POINTS, 100)} == {(None, None)}
    assert counted([RiskPoint(0.9, 1e-9, 0.0)], 100)[0].rows == 1  # a point has a row


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_are_exact(level):
    tail = (1 - level) / 2
    first, middle, last = counted(POINTS, 100, level)
    assert (first.low, first.high) == (0.0, pytest.approx(1 - tail ** (1 / 10)))
    assert middle.low == pytest.approx(stats.beta.ppf(tail, 20, 61))
    assert middle.high == pytest.approx(stats.beta.ppf(1 - tail, 21, 60))
    assert (last.low, last.high) == (pytest.approx(tail ** (1 / 100)), 1.0)


def test_without_points_there_is_nothing():
    assert counted([], 100) == counted([], 0, 0.95) == []
