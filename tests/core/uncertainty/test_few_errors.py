"""What few errors allow for the difference of two models."""

import math

import numpy as np
import pytest

from calibeval.core.metrics.means import Mean
from calibeval.core.metrics.table import METRICS
from calibeval.core.uncertainty.few_errors import Outcomes, Range, allowing_few, range_of_change
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired_means import mean_difference

LEVEL = Level(0.95)


def outcomes(n, wrong=(0, 0), confidence=(0.999, 0.9999)):
    """Two models of constant confidences, each wrong on its first rows."""
    return Outcomes(tuple(np.full(n, own) for own in confidence), tuple(np.arange(n) >= own for own in wrong))


def outcome_of(name):
    metric = METRICS[name]
    assert isinstance(metric, Mean)
    assert metric.of_outcome is not None
    return metric.of_outcome


def of(name, found):
    of_outcome = outcome_of(name)
    values = [
        np.where(right, of_outcome(own, True), of_outcome(own, False))
        for own, right in zip(found.confidence, found.correct, strict=True)
    ]
    plain = mean_difference(values[1] - values[0], LEVEL, math.inf)
    return plain, allowing_few(plain, found, of_outcome, LEVEL, math.inf)


def test_by_hand_without_an_error():
    plain, found = of("nll", outcomes(300))
    mean = math.log(0.999 / 0.9999)
    assert (plain.low, plain.high) == pytest.approx((mean, mean), abs=1e-12)
    both_wrong = math.log(0.001 / 0.0001) - mean  # what another error of both would add, for each row
    most = 1 - 0.025 ** (1 / 300)
    alone = 0.5 * (math.log(999) + math.log(9999))  # what an error of one would add
    share = 1.959964 / 302
    assert found.high == pytest.approx(mean + math.hypot(both_wrong * most, alone * share), rel=1e-6)
    assert found.low == pytest.approx(mean - alone * share, rel=1e-6)
    assert plain.p < 1e-12
    assert found.p >= 0.05


def test_the_gap_of_equally_right_models_may_differ_by_what_their_accuracies_may():
    plain, found = of("confidence_gap", outcomes(300))
    share = 1.959964 / 302
    assert plain.low == pytest.approx(0.0009)
    assert (found.low, found.high) == pytest.approx((0.0009 - share, 0.0009 + share), rel=1e-6)


@pytest.mark.parametrize(
    ("wrong", "changed"), [((29, 40), True), ((30, 40), False), ((971, 960), True), ((970, 960), False)]
)
def test_thirty_errors_or_right_rows_are_enough(wrong, changed):
    plain, found = of("brier", outcomes(1000, wrong, (0.97, 0.99)))
    assert (found != plain) == changed


def test_the_interval_never_shrinks_and_agrees_with_p():
    rng = np.random.default_rng(0)
    for wrong in ((0, 0), (1, 0), (3, 9), (25, 2), (0, 20)):
        confidence = tuple(rng.uniform(0.9, 1.0, 200) for _ in range(2))
        made = Outcomes(confidence, tuple(rng.permutation(200) >= own for own in wrong))
        for name in ("nll", "brier", "confidence_gap"):
            plain, found = of(name, made)
            assert found.low <= plain.low <= plain.high <= found.high
            assert found.p >= plain.p
            assert (found.p < 0.05) == (not found.low <= 0.0 <= found.high)


def test_confidences_of_exactly_one_are_finite():
    _, found = of("nll", outcomes(50, confidence=(1.0, 1.0)))
    assert math.isfinite(found.low)
    assert math.isfinite(found.high)


def test_bounds_hold():
    plain = mean_difference(np.array([-1.0, -1.0]), LEVEL, 1.0)
    tiny = Outcomes((np.ones(2), np.zeros(2)), (np.array([True, True]), np.array([True, True])))
    found = allowing_few(plain, tiny, outcome_of("confidence_gap"), LEVEL, 1.0)
    assert -1.0 <= found.low <= found.high <= 1.0


@pytest.mark.parametrize("size", [abs, lambda gap: max(gap, 0.0)])
def test_ranges_are_those_of_a_fine_grid(size):
    rng = np.random.default_rng(1)
    for _ in range(50):
        base, change = (Range(*np.sort(rng.normal(size=2))) for _ in range(2))
        grid = [
            size(x + d) - size(x)
            for x in np.linspace(base.low, base.high, 101)
            for d in np.linspace(change.low, change.high, 101)
        ]
        found = range_of_change(base, change, size)
        assert found.low <= min(grid) + 1e-12
        assert found.high >= max(grid) - 1e-12
        assert (found.low, found.high) == pytest.approx((min(grid), max(grid)), abs=0.06)
