"""Paths: many places at once give what they give one by one, and the error falls to 0 at their end."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from calibeval.core.sums.binning import BinSums, bin_sums, equal_width_edges
from calibeval.core.uncertainty.paired_paths import oe_side
from calibeval.core.uncertainty.paths import Joint, folded_path, gap_errors, overconfidence_path, pooled_path

N = 400
Z = 1.959963984540054


def class_sums(k):
    """Class-wise sums of N rows; the last of 10 bins is empty in every class."""
    rng = np.random.default_rng(k)
    p = 0.9 * rng.random((k, N))
    parts = [bin_sums(row, rng.random(N) < 0.8 * row, equal_width_edges(10)) for row in p]
    return BinSums(*(np.array([getattr(part, name) for part in parts]) for name in ("count", "p", "pp", "y", "yp")))


def joint_of(sums):
    """A dependence between all bins."""
    size = sums.count.size
    correlation = np.full((size, size), 0.1) - 0.1 * np.eye(size)
    return Joint(1.3 * gap_errors(sums), correlation, 30)


PATHS = {
    "folded": lambda joint: folded_path(class_sums(1).row(0), N, 1.0, joint(class_sums(1).row(0))),
    "folded, by class": lambda joint: folded_path(class_sums(3), N, 2.0, joint(class_sums(3))),
    "overconfidence": lambda joint: overconfidence_path(class_sums(1).row(0), N, 1.96, joint(class_sums(1).row(0))),
    "pooled": lambda joint: pooled_path(class_sums(3), N, 2.0, joint(class_sums(3))),
}


@pytest.mark.parametrize("joint", [lambda _: None, joint_of])
@pytest.mark.parametrize("name", PATHS)
def test_many_places_are_those_one_by_one(name, joint):
    path = PATHS[name](joint)
    places = np.concatenate((np.linspace(2 * path.far, path.null, 30), [0.0]))
    for found, place in zip(path.along(places), places.tolist(), strict=True):
        assert found == pytest.approx(path.at(place), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", PATHS)
def test_the_error_falls_to_nothing(name):
    path = PATHS[name](lambda _: None)
    targets = [point.target for point in path.along(np.linspace(path.far, path.null, 50))]
    assert targets == sorted(targets, reverse=True)
    assert targets[-1] == pytest.approx(0.0, abs=1e-9)
    assert path.at(path.null).mean > 0


# 400 rows that say 0.5: if they are calibrated, the standard error of their gap is 10, the root of 400 / 4. They are
# right `above` times 10 more often than they say.
def error_of(above):
    """The standard error of their share of the OE; the pseudo-rows vary around what is more than one standard error."""
    around = max((10.0 * above) ** 2 - 100.0, 0.0) / 400
    return 0.5 * math.sqrt((400 * 100.0 + 4 * (100.0 + around)) / 404) / 400


def under_confident(above):
    right = 200.0 + 10.0 * above
    return BinSums(*(np.array([total]) for total in (400.0, 200.0, 100.0, right, 0.5 * right)))


@pytest.mark.parametrize(
    ("above", "place", "moved"),
    [
        (3.0, 0.0, 0.0),
        (3.0, 1.5, 1.5),
        (3.0, 2.0, 2.0),  # towards zero by two standard errors at most
        (3.0, 2.1, 2.0),
        (3.0, 50.0, 2.0),
        (1.0, 50.0, 1.0),  # and never above it
        (3.0, -1.0, 1.0),
        (3.0, -50.0, Z),  # away from it by z
        (1.0, -50.0, Z),
    ],
)
def test_under_confident_bins_move_only_so_far(above, place, moved):
    sums, error = under_confident(above), error_of(above)
    reached = moved - 0.5 * 10.0 * above / 400 / error
    expected = error * (reached * norm.cdf(reached) + norm.pdf(reached))  # of max(X, 0), for a normal X
    assert overconfidence_path(sums, 400, Z).at(place).mean == pytest.approx(expected, rel=1e-9)
    (chance,) = oe_side(sums, 400, Z).slopes(np.array([place]))[0, :, 0] / error
    assert chance == pytest.approx(norm.cdf(reached), rel=1e-9)


def test_the_path_of_an_under_confident_bin_ends_where_it_stops():
    assert overconfidence_path(under_confident(3.0), 400, Z).null == 2.0


def test_four_pseudo_rows_of_true_probabilities_keep_equal_outcomes_from_being_certain():
    # Ten rows that say 0.9 and are right: squares of 10 x 0.01 and, if 0.9 is true, a variance of 10 x 0.09. The
    # squared mean gap, 1 / 10, is hardly more than the 0.9 / 10 that true probabilities explain.
    sums = BinSums(*(np.array([total]) for total in (10.0, 9.0, 8.1, 10.0, 9.0)))
    assert gap_errors(sums)[0] == pytest.approx(math.sqrt((10 * 0.1 + 4 * (0.9 + 0.01)) / 14))


def test_pseudo_rows_of_a_hopeless_model_vary_around_its_gap():
    # Ten rows that say 0.7 and are wrong: squares of 10 x 0.49; if 0.7 were true, a variance of 10 x 0.21. Of the
    # squared mean gap, 49 / 10, true probabilities explain 2.1 / 10.
    sums = BinSums(*(np.array([total]) for total in (10.0, 7.0, 4.9, 0.0, 0.0)))
    assert gap_errors(sums)[0] == pytest.approx(math.sqrt((10 * 4.9 + 4 * (2.1 + 4.9 - 0.21)) / 14))


def certain_and_wrong(n):
    """Rows that say 1 and are wrong: all of their gap is common, and the squares of gaps are n."""
    return BinSums(*(np.array([total]) for total in (n, n, n, 0.0, 0.0)))


@pytest.mark.parametrize("path", [lambda sums: folded_path(sums, 50, 1.0), lambda s: overconfidence_path(s, 50, Z)])
def test_a_fifth_of_the_variance_is_left_whatever_is_subtracted(path):
    # The squared error is 50, over 50^2; that of one class less 1 / 50 would be 0.
    assert path(certain_and_wrong(50.0)).at(0.0).variance == pytest.approx(0.2 / 50, rel=1e-6)


def far_apart(signs):
    """Two bins of 400 rows that say 0.5, and are right six standard errors more, or less, often."""
    right = 200.0 + 60.0 * np.array(signs)
    return BinSums(np.full(2, 400.0), np.full(2, 200.0), np.full(2, 100.0), right, 0.5 * right)


@pytest.mark.parametrize(
    ("signs", "correlation", "total"),
    [
        ([1, 1], 0.5, 3.0),  # of two variances of 1: 1 + 1 + 2 x 0.5
        ([1, 1], -0.5, 1.0),
        ([1, -1], 0.5, 3.0),  # 1 if they did cancel, but by noise they may not
        ([1, -1], -0.5, 3.0),
        ([1, 1], -1.0, 0.4),  # never less than a fifth
    ],
)
def test_bins_that_vary_together_add_up_and_are_not_believed_to_cancel(signs, correlation, total):
    together = Joint(np.full(2, 10.0), correlation * np.array([[0.0, 1.0], [1.0, 0.0]]), 50)
    variance = folded_path(far_apart(signs), 800, 1.0, together).at(0.0).variance
    assert variance == pytest.approx(total * (10.0 / 800) ** 2, rel=1e-6)
