"""Differences of calibration errors along two paths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from calibeval.core.metrics.folded import ece
from calibeval.core.metrics.overconfidence import oe
from calibeval.core.sums.binning import BinSums, bin_index, equal_width_edges, sums_by_index
from calibeval.core.uncertainty.intervals import ece_interval
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired_paths import ece_side, oe_side, path_difference, shared_groups, shared_rows

EDGES = equal_width_edges(15)


class Sample:
    """Two models on the same rows: confidences and whether each is right."""

    def __init__(self, confidences, correct):
        self.n, self.confidences, self.correct = len(confidences[0]), confidences, correct
        self.bins = [bin_index(c, EDGES) for c in confidences]
        self.sums = [sums_by_index(b, 15, c, y) for b, c, y in zip(self.bins, confidences, correct, strict=True)]
        self.residuals = [y - c for c, y in zip(confidences, correct, strict=True)]
        self.shared = shared_rows(tuple(self.bins), tuple(self.residuals), tuple(self.sums))

    def difference(self, level=0.95, *, paired=True, side=ece_side):
        base, candidate = (side(sums, self.n) for sums in self.sums)
        return path_difference(base, candidate, Level(level), self.shared if paired else None)


def rates(rng, n):
    """Chances to be right of n rows, the same for both models."""
    return 0.5 + 0.48 * rng.beta(2.0, 1.0, n)


def sample(seed, n, shifts):
    """Two models that are right on the same rows, and whose confidences are off by these shifts."""
    rng = np.random.default_rng(seed)
    chance = rates(rng, n)
    correct = rng.random(n) < chance
    return Sample([np.clip(chance + s, 0.0, 0.999) for s in shifts], [correct, correct])


def true_ece(shift):
    chance = rates(np.random.default_rng(99), 400_000)
    confidence = np.clip(chance + shift, 0.0, 0.999)
    bins = bin_index(confidence, EDGES)
    return float(np.abs(np.bincount(bins, weights=chance - confidence, minlength=15)).sum()) / len(chance)


def test_correlation_by_hand():
    first, second = np.array([0.2, 0.9, 0.9]), np.array([0.9, 0.9, 0.2])
    correct = np.array([True, False, True])
    edges = np.array([0.0, 0.5, 1.0])
    bins = tuple(bin_index(c, edges) for c in (first, second))
    sums = tuple(sums_by_index(b, 2, c, correct) for b, c in zip(bins, (first, second), strict=True))
    table = shared_rows(bins, (correct - first, correct - second), sums).correlation
    # residuals of the first model: 0.8 | -0.9, 0.1; of the second: 0.8 (row 3) | 0.1, -0.9 (rows 1 and 2)
    high = np.sqrt(0.9**2 + 0.1**2)
    expected = [[0.0, 0.8 * 0.1 / (0.8 * high)], [0.1 * 0.8 / (high * 0.8), (-0.9 * -0.9) / high**2]]
    np.testing.assert_allclose(table, expected, atol=1e-12)


@pytest.mark.parametrize("side", [ece_side, lambda sums, n: oe_side(sums, n, 1.96)])
def test_the_value_of_a_side_is_the_metric(side):
    sums = sample(1, 2000, (0.03, 0.03)).sums[0]
    metric = ece(sums) if side is ece_side else oe(sums)
    assert side(sums, 2000).value == pytest.approx(metric)


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("gap", [-2.5, -0.4, 0.0, 0.7, 3.0])
@pytest.mark.parametrize("correlation", [-0.6, 0.3, 0.9])
def test_covariance_is_that_of_correlated_normal_variables(rectified, gap, correlation):
    """Against numeric integration: cov(f(X), f(Y)) of X, Y with means gap and 0.8, unit variance."""
    count, error = 10_000.0, 100.0  # gap_errors of these sums, but for the pseudo-rows

    def sums(mean):
        return BinSums(
            *(np.array([x]) for x in (count, 0.5 * count, 0.25 * count, 0.5 * count + mean * error * 0.5, 0.0))
        )

    def slopes(mean):
        one = sums(mean)
        one = BinSums(one.count, one.p, one.pp, one.y, 0.5 * one.y)
        side = oe_side(one, 1, 1.96) if rectified else ece_side(one, 1)
        return side.slopes(np.array([0.0]))[:, 0, 0], one

    def f(x):
        return np.maximum(x, 0.0) if rectified else np.abs(x)

    means, factors = [], []
    for mean in (gap, 0.8):
        found, one = slopes(mean)
        scale = np.sqrt(one.surplus_squares[0]) * (0.5 if rectified else 1.0)
        means.append((-0.5 if rectified else 1.0) * one.surplus[0] / scale)
        factors.append(found / scale)
    orders = np.arange(1, len(factors[0]) + 1)
    series = float(np.sum(factors[0] * factors[1] * correlation**orders / np.cumprod(orders)))

    z = np.linspace(-8, 8, 1601)
    weight = stats.norm.pdf(z) * (z[1] - z[0])
    other = correlation * z[:, None] + np.sqrt(1 - correlation**2) * z[None, :]
    product = weight @ (f(means[0] + z)[:, None] * f(means[1] + other)) @ weight
    separate = (weight @ f(means[0] + z)) * (weight @ f(means[1] + z))
    assert series == pytest.approx(product - separate, abs=0.02)


def test_a_model_against_itself_shows_nothing():
    one = sample(3, 2000, (0.03, 0.03))
    found, unpaired = one.difference(), one.difference(paired=False)
    assert unpaired.low < found.low < 0 < found.high < unpaired.high
    assert found.p > 0.9


def test_the_same_rows_show_more_than_different_ones():
    one = sample(4, 5000, (0.03, 0.06))
    paired, unpaired = one.difference(), one.difference(paired=False)
    assert paired.high - paired.low < 0.6 * (unpaired.high - unpaired.low)
    assert paired.low > 0


def test_swapping_the_models_mirrors_the_interval():
    one = sample(5, 2000, (0.05, 0.0))
    base, candidate = (ece_side(sums, one.n) for sums in one.sums)
    there = one.difference()
    back = path_difference(candidate, base, Level(0.95), one.shared._replace(correlation=one.shared.correlation.T))
    assert there.low == pytest.approx(-back.high, abs=1e-6)
    assert there.high == pytest.approx(-back.low, abs=1e-6)
    assert there.p == pytest.approx(back.p, rel=1e-6)


def test_against_a_model_known_exactly_the_interval_is_that_of_one_model():
    """Many rows of a calibrated model pin its error at 0: what is left is the other model's own interval."""
    one = sample(6, 2000, (0.04, 0.04)).sums[0]
    exact = BinSums(*(np.array([x]) for x in (1e10, 1e10, 1e10, 1e10, 1e10)))
    found = path_difference(ece_side(exact, 10**10), ece_side(one, 2000), Level(0.95), None)
    own = ece_interval(one, 2000, 0.95)
    # Both invert a test of the same mean and variance; only the skewness of the one model's own is not in the pair's.
    assert found.low == pytest.approx(own.low, abs=0.003)
    assert found.high == pytest.approx(own.high, abs=0.003)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(30, 3000),
    st.tuples(*[st.sampled_from([-0.1, -0.03, 0.0, 0.01, 0.05, 0.2])] * 2),
    st.sampled_from([0.8, 0.95, 0.99]),
    st.booleans(),
)
def test_p_and_interval_agree(seed, n, shifts, confidence, paired):
    for side in (ece_side, lambda sums, rows: oe_side(sums, rows, 1.96)):
        found = sample(seed, n, shifts).difference(confidence, paired=paired, side=side)
        assert found.low <= found.high
        assert 0 < found.p <= 1
        assert (found.p < 1 - confidence) == (not found.low <= 0 <= found.high)


def test_wider_at_a_higher_level():
    one = sample(7, 2000, (0.0, 0.03))
    widths = [found.high - found.low for found in map(one.difference, (0.8, 0.95, 0.99))]
    assert widths == sorted(widths)
    assert widths[2] > 1.2 * widths[1]


def test_rows_that_are_all_right_with_full_confidence():
    one = Sample([np.ones(50), np.ones(50)], [np.ones(50, bool)] * 2)
    assert one.difference() == (0.0, 0.0, 1.0)


def test_one_row():
    found = Sample([np.array([0.9]), np.array([0.6])], [np.array([True])] * 2).difference()
    assert -1 <= found.low <= 0 <= found.high <= 1


@pytest.mark.parametrize(("shifts", "n"), [((0.0, 0.03), 1000), ((0.03, 0.06), 1000), ((0.03, -0.03), 1000)])
def test_coverage_and_size(shifts, n):
    """120 samples each: at 95 % coverage, fewer than 107 hits have a chance of 0.2 %."""
    truth = true_ece(shifts[1]) - true_ece(shifts[0])
    found = [sample([n, seed], n, shifts).difference() for seed in range(120)]
    assert sum(one.low <= truth <= one.high for one in found) >= 107


def test_power():
    """Errors of 3 and 6 points on the same 1000 rows: the table of such pairs says 83 of 100."""
    assert sum(sample([8, seed], 1000, (0.03, 0.06)).difference().low > 0 for seed in range(40)) >= 24


def by_groups(one, groups):
    """The difference where only groups are independent."""
    *joints, shared = shared_groups(tuple(one.bins), tuple(one.residuals), tuple(one.sums), groups)
    base, candidate = (ece_side(sums, one.n, joint) for sums, joint in zip(one.sums, joints, strict=True))
    return path_difference(base, candidate, Level(0.95, int(groups.max())), shared), joints, shared


def test_covariance_of_groups_by_hand():
    one = sample(9, 60, (0.1, -0.1))
    groups = np.arange(60) % 12
    _, joints, shared = by_groups(one, groups)
    n = one.n
    totals = []
    for bins, gaps, sums in zip(one.bins, one.residuals, one.sums, strict=True):
        own = np.zeros((12, 15))
        np.add.at(own, (groups, bins), gaps)
        totals.append(own - (np.bincount(groups) / n)[:, None] * sums.surplus)
    for (first, second), correlation in {
        (0, 0): joints[0].correlation,
        (1, 1): joints[1].correlation,
        (0, 1): shared.correlation,
    }.items():
        covariance = 12 / 11 * totals[first].T @ totals[second]
        if first == second:
            np.fill_diagonal(covariance, 0.0)
        errors = joints[first].error[:, None] * joints[second].error[None, :]
        np.testing.assert_allclose(correlation * errors, covariance, atol=1e-9)
    assert joints[0].freedom == 11


def test_every_row_a_group_of_its_own_gives_the_interval_of_rows():
    one = sample(10, 3000, (0.0, 0.05))
    found, *_ = by_groups(one, np.arange(3000))
    rows = one.difference()
    assert found.low == pytest.approx(rows.low, abs=0.05 * (rows.high - rows.low))
    assert found.high == pytest.approx(rows.high, abs=0.05 * (rows.high - rows.low))


def test_copies_in_a_group_add_nothing():
    """Every row ten times, in one group: the interval is that of the rows before they were copied."""
    one = sample(11, 1000, (0.0, 0.05))
    tenfold = Sample([np.repeat(c, 10) for c in one.confidences], [np.repeat(y, 10) for y in one.correct])
    found, *_ = by_groups(tenfold, np.repeat(np.arange(1000), 10))
    rows, copies = one.difference(), tenfold.difference()
    assert found.high - found.low == pytest.approx(rows.high - rows.low, rel=0.1)
    assert copies.high - copies.low < 0.5 * (rows.high - rows.low)
