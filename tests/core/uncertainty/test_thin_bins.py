"""Bins with few errors: what their exact intervals allow is in the interval of the error that one of them decides."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from calibeval.core.sums.binning import BinSums
from calibeval.core.uncertainty.intervals import oe_interval
from calibeval.core.uncertainty.squares import rms_interval
from calibeval.core.uncertainty.thin_bins import overconfidence_bound, square_bounds, thin_bins


def bins(*rows):
    """Sums of bins with a count, one confidence and a number of right rows each."""
    n, c, right = np.array(rows, float).T
    return BinSums(n, n * c, n * c * c, right, right * c)


def test_exact_intervals_of_thin_bins():
    found = thin_bins(bins((200, 0.9, 190), (0, 0.0, 0), (100, 0.5, 50), (58, 0.5, 29)), 0.9)
    assert found.places.tolist() == [0, 3]  # 10 errors, and 29; an empty bin, and one with 50 of each, are not thin
    low, high = beta.ppf(0.05, 190, 11), beta.ppf(0.95, 191, 10)
    assert found.largest[0] == pytest.approx(max(high - 0.9, 0.9 - low))
    assert found.smallest[0] == pytest.approx(max(low - 0.9, 0.0))
    assert found.excess[0] == pytest.approx(max(0.9 - low, 0.0))


@pytest.mark.parametrize(("errors", "thin"), [(29, True), (30, False)])
def test_thirty_errors_are_enough(errors, thin):
    assert bool(thin_bins(bins((1000, 0.97, 1000 - errors)), 0.95).places.size) == thin


def test_forty_right_rows_do_not_show_that_their_bin_is_not_overconfident():
    sums = bins((160, 0.55, 120), (40, 0.99, 40))
    least = 0.025 ** (1 / 40)  # right that often, 40 right rows would not be surprising
    assert overconfidence_bound(sums, 200, 0.95) == pytest.approx(0.99 * (0.99 - least) * 40 / 200)
    assert oe_interval(sums, 200, 0.95).high >= 0.99 * (0.99 - least) * 40 / 200
    assert overconfidence_bound(bins((160, 0.55, 120)), 160, 0.95) == 0.0


@pytest.mark.parametrize("n", [40, 200, 1000])
def test_one_overconfident_bin_among_others_is_covered(n):
    # Four rows of five are sure and under-confident, whatever happens; of the others, 3 % are wrong and 1 % says so.
    sure, truth = 4 * n, 0.2 * 0.99 * 0.02
    held = 0.0
    for right in range(n + 1):
        chance = binom.pmf(right, n, 0.97)
        if chance > 1e-6:
            found = oe_interval(bins((sure, 0.5, round(0.8 * sure)), (n, 0.99, right)), 5 * n, 0.95)
            held += chance * (found.low <= truth <= found.high)
    assert held >= 0.93


def test_bounds_of_the_mean_square_by_hand():
    # 900 rows that are ten points off, and nine right ones that say 0.6: their true share may be low.
    sums = bins((900, 0.9, 720), (9, 0.6, 9))
    low, own = 0.025 ** (1 / 9), 0.4**2 * 9 / 909
    least, most = square_bounds(sums, 909, 0.95, 0.02, 0.019)
    assert least == pytest.approx(0.02 - own + max(low - 0.6, 0.0) ** 2 * 9 / 909)
    assert most == pytest.approx(0.019 - (own - 0.24 / 909) + max(0.4, 0.6 - low) ** 2 * 9 / 909)
    assert square_bounds(bins((900, 0.9, 720)), 900, 0.95, 0.01, 0.009) == (0.01, 0.009)


def test_a_small_bin_that_decides_the_root_mean_square_is_covered():
    # 75 rows say 0.9 and are right in 97 of 100 cases; the gap of 50,000 others is three in a thousand.
    others = (50_000, 0.996, 49_950)
    truth = np.sqrt((50_000 * 0.003**2 + 75 * 0.07**2) / 50_075)
    held = 0.0
    for right in range(76):
        chance = binom.pmf(right, 75, 0.97)
        if chance > 1e-9:
            found = rms_interval(bins(others, (75, 0.9, right)), 50_075, 0.95)
            held += chance * (found.low <= truth <= found.high)
    assert held >= 0.95
