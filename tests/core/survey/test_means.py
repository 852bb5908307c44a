"""Means over cells: geometric ones of temperatures, and what is said where cells have no interval."""

import pytest

from calibeval.core.metrics.result import MetricResult
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.means import means_of
from calibeval.core.survey.survey import Cell


def mean(name, *triples):
    axis = Axis("s", tuple(range(len(triples))))
    cells = [
        Cell({"s": i}, "", 1, 2, {name: MetricResult(name, value, low=low, high=high)})
        for i, (value, low, high) in enumerate(triples)
    ]
    return means_of([axis], cells)[0][name]


def test_temperatures_have_a_geometric_mean():
    found = mean("temperature", (0.5, 0.25, 1.0), (2.0, 1.0, 4.0))
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 0.5, 2.0))
    assert mean("nll", (0.5, 0.25, 1.0), (2.0, 1.0, 4.0)).value == pytest.approx(1.25)


def test_cells_without_an_interval_are_counted():
    found = mean("ece", (0.1, 0.05, 0.2), (0.3, None, None))
    assert (found.value, found.low, str(found.reason)) == (0.2, None, "1 of 2 cells have no interval")
    assert mean("ece", (0.1, None, None), (0.3, None, None)).reason is None
