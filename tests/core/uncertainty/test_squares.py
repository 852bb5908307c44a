"""Floor and interval of the root mean square calibration error, by hand, by simulation and against one bin's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums, bin_sums, equal_width_edges
from calibeval.core.uncertainty.paths import Joint, gap_errors
from calibeval.core.uncertainty.squares import mean_square, rms_floor, rms_interval

EDGES = equal_width_edges(10)


def rows(n, bias=0.0, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.3, 1.0, n)
    return bin_sums(p, (rng.random(n) < np.clip(p - bias, 0.0, 1.0)).astype(int), EDGES)


def one_bin(n, p, right):
    return BinSums(*(np.array([float(x)]) for x in (n, n * p, n * p * p, right, right * p)))


def joint(sums, correlation=0.0, freedom=10_000):
    m = len(sums.count)
    among = np.full((m, m), correlation)
    np.fill_diagonal(among, 0.0)
    return Joint(gap_errors(sums), among, freedom)


def test_the_mean_square_by_hand():
    # Bin (0, .5]: two rows, a gap of .2. Bin (.5, 1]: three rows, a gap of .8 - 1/3.
    sums = bin_sums([0.2, 0.4, 0.6, 0.9, 0.9], [1, 0, 1, 0, 0], [0.0, 0.5, 1.0])
    assert mean_square(sums) == pytest.approx(2 / 5 * 0.2**2 + 3 / 5 * (0.8 - 1 / 3) ** 2, abs=1e-15)


def test_no_rows_have_no_mean():
    with pytest.raises(InputError, match="there are no rows to measure"):
        mean_square(bin_sums([], [], EDGES))


def test_of_one_bin_far_from_0_it_is_the_normal_interval_of_its_gap():
    n, p, right = 2000, 0.9, 1400
    low, high, corrected = rms_interval(one_bin(n, p, right), n, 0.95)
    error = math.sqrt(0.7 * 0.3 / n)
    assert low == pytest.approx(0.2 - 1.96 * error, abs=2e-4)
    assert high == pytest.approx(0.9 - binomtest(right, n).proportion_ci(0.95, "exact").low, abs=1e-9)
    assert corrected == pytest.approx(math.sqrt(0.2**2 - error**2), abs=1e-4)


def test_the_floor_of_one_bin_is_that_of_a_normal_gap():
    n, p = 2000, 0.75
    floor = rms_floor(one_bin(n, p, 1500), n)
    error = math.sqrt(p * (1 - p) / n)
    assert floor.expected == pytest.approx(math.sqrt(2 / math.pi) * error, rel=0.005)
    assert floor.high == pytest.approx(1.96 * error, rel=0.02)


@pytest.mark.parametrize(("n", "apart"), [(60, 0.03), (500, 0.015), (5000, 0.015)])
def test_the_floor_is_what_calibrated_samples_show(n, apart):
    rng = np.random.default_rng(n)
    p = rng.uniform(0.5, 1.0, n)
    shown = np.array([math.sqrt(mean_square(bin_sums(p, (rng.random(n) < p).astype(int), EDGES))) for _ in range(2000)])
    floor = rms_floor(bin_sums(p, np.ones(n, int), EDGES), n)
    assert floor.expected == pytest.approx(shown.mean(), rel=apart)
    assert np.mean(shown > floor.high) == pytest.approx(0.05, abs=0.015)


def test_a_calibrated_sample_has_an_interval_from_0():
    low, high, corrected = rms_interval(rows(2000), 2000, 0.95)
    assert low == 0.0 <= corrected <= high


def test_a_biased_sample_is_held():
    low, high, corrected = rms_interval(rows(5000, bias=0.1), 5000, 0.95)
    assert low < 0.1 < high
    assert corrected == pytest.approx(0.1, abs=0.02)


def test_independent_groups_tell_what_rows_tell():
    sums = rows(5000, bias=0.1)
    plain, grouped = rms_interval(sums, 5000, 0.95), rms_interval(sums, 5000, 0.95, joint(sums))
    assert grouped == pytest.approx(plain, rel=0.03)
    assert rms_floor(sums, 5000, joint(sums)) == pytest.approx(rms_floor(sums, 5000), rel=0.03)


def test_bins_that_vary_together_and_few_groups_widen_it():
    sums = rows(5000, bias=0.1)
    plain = rms_interval(sums, 5000, 0.95, joint(sums))
    together = rms_interval(sums, 5000, 0.95, joint(sums, correlation=0.5))
    few = rms_interval(sums, 5000, 0.95, joint(sums, freedom=9))
    assert together.high - together.low > 1.3 * (plain.high - plain.low)
    assert few.high - few.low > 1.1 * (plain.high - plain.low)
    assert rms_floor(sums, 5000, joint(sums, correlation=0.5)).high > rms_floor(sums, 5000, joint(sums)).high


@given(
    st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.95, 0.999]),
)
def test_ends_are_ordered_and_in_range(sample, level):
    p, y = [one for one, _ in sample], [int(hit) for _, hit in sample]
    sums = bin_sums(p, y, EDGES)
    low, high, corrected = rms_interval(sums, len(p), level)
    assert 0.0 <= low <= corrected <= high <= 1.0
    floor = rms_floor(sums, len(p))
    assert 0.0 <= floor.expected <= floor.high <= 1.0
