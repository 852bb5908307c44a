"""A value, its interval and its floor agree as they are printed, whatever the digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import METRICS
from calibeval.words import cells
from calibeval.words.digits import printed

SIZES = st.builds(lambda digits, power: digits * 10.0**power, st.floats(0.0, 10.0), st.integers(-7, -1))
NAMES = st.sampled_from(sorted(METRICS))


@st.composite
def results(draw):
    """A metric with a value and a corrected one inside its interval; of signed metrics some are negative."""
    name = draw(NAMES)
    low, value, corrected, high = sorted(draw(SIZES) for _ in range(4))
    if draw(st.booleans()):
        value, corrected = corrected, value
    if METRICS[name].least < 0 and draw(st.booleans()):
        low, high, value, corrected = -high, -low, -value, -corrected
    elif METRICS[name].least < 0 and draw(st.booleans()):
        low = -low
    return MetricResult(name, value, low=low, high=high, corrected=draw(st.sampled_from([None, corrected])))


def ends(metric):
    return [printed(end) for end in cells.interval(metric).replace(" to ", " – ").split(" – ")]


@given(results())
def test_the_printed_interval_holds_the_printed_value_and_the_corrected_one(metric):
    low, high = ends(metric)
    assert low <= printed(cells.value(metric)) <= high
    if metric.corrected is not None:
        assert low <= printed(cells.corrected(metric)) <= high
        assert low <= printed(cells.value(MetricResult(metric.name, metric.corrected))) <= high


@given(results())
def test_the_printed_ends_are_those_of_the_interval_to_a_digit_of_the_value(metric):
    low, high = ends(metric)
    scale = 100.0 if cells.unit(metric.name) == "%" else 1.0
    step = max(0.05 * scale * (metric.high - metric.low), 10.0 ** -len(cells.value(metric).partition(".")[2]))
    assert abs(low - scale * metric.low) <= step * 1.0000001
    assert abs(high - scale * metric.high) <= step * 1.0000001


@given(NAMES, SIZES, SIZES, SIZES)
def test_a_printed_floor_is_below_the_printed_value_only_if_it_is(name, value, floor, more):
    metric = MetricResult(name, value, floor=floor, floor_high=floor + more)
    expected, high = (printed(part) for part in cells.floor(metric).rstrip(")").split(" (≤ "))
    assert expected <= high
    if printed(cells.value(metric)) != high:
        assert (printed(cells.value(metric)) > high) == (value > floor + more)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (MetricResult("confidence_gap", -0.0001, low=-0.0003, high=0.012), "−0.03 to +1.20"),
        (MetricResult("nll", 0.000926, low=0.0009, high=0.028), "0.0009 – 0.0280"),
        (MetricResult("nll", 0.000926, low=0.00093, high=0.028), "0.001 – 0.028"),  # nothing to hold: it is outside
        (MetricResult("ece", 0.02, low=0.00004, high=0.04), "0.00 – 4.00"),  # 0 would say that noise alone can do it
        (MetricResult("ece", 0.02, low=0.0, high=0.04), "0 – 4.0"),
    ],
)
def test_digits_are_added_where_rounding_would_contradict(metric, expected):
    assert cells.interval(metric) == expected


def test_enormous_numbers_are_no_lines_of_digits():
    nll = MetricResult("nll", 5e305, low=0.0, high=1e306)
    assert (cells.value(nll), cells.interval(nll)) == ("5.00e+305", "0 – 1.00e+306")
