"""Inversion: ends by hand on straight paths, by an independent search on others, in few computations of the path."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from calibeval.core.sums.binning import bin_sums, equal_width_edges
from calibeval.core.uncertainty import inversion
from calibeval.core.uncertainty.inversion import Path, centre_on, invert
from calibeval.core.uncertainty.paths import folded_path, overconfidence_path, pooled_path
from tests.core.uncertainty.test_paths import N, class_sums

Z = 1.959963984540054


def straight(deviation, *, null=2.0, bins=1):
    """A path on which the error at a place is null - place, and is measured without bias and skewness."""

    def moments(places):
        error = null - np.asarray(places)
        return error, error, np.full_like(error, deviation**2), np.zeros_like(error)

    return Path(moments, -3.0, null, bins)


def test_ends_of_a_normal_value_are_z_deviations_away():
    low, centre, high = invert(straight(0.5), 2.5, Z)
    assert (low, centre, high) == pytest.approx((2.5 - 0.5 * Z, 2.5, 2.5 + 0.5 * Z), rel=1e-13)
    assert centre_on(straight(0.5), 2.5) == pytest.approx(2.5, rel=1e-13)


def test_a_value_that_no_error_explains_has_both_ends_at_zero():
    # At the end of the path the expected value is 0, and -0.7 is less.
    assert invert(straight(0.1), -0.7, Z) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("observed", "expected"), [(2.0 + 3.0 * 2**10, 2.0 + 3.0 * 2**10), (1e9, 2.0 + 3.0 * 2**11)])
def test_a_path_is_followed_to_2048_times_its_length_and_no_farther(observed, expected):
    assert centre_on(straight(0.5), observed) == pytest.approx(expected, rel=1e-13)


def test_without_variance_the_ends_are_the_value():
    # The score is then infinite on both sides of it, so that only halving finds it.
    assert invert(straight(0.0), 0.3, Z) == pytest.approx((0.3, 0.3, 0.3), abs=1e-12)


def test_a_jump_is_found():
    def moments(places):
        error = np.where(np.asarray(places) < 0.3, 1.7 - np.asarray(places), 0.2)
        return error, error, np.ones_like(error), np.zeros_like(error)

    assert centre_on(Path(moments, -1.0, 2.0, 1), 0.7) in (0.2, pytest.approx(1.4, abs=1e-12))


PATHS = {
    "folded": (folded_path(class_sums(1).row(0), N, 1.0), 0.17),
    "folded, by class": (folded_path(class_sums(3), N, 2.0), 0.15),
    "overconfidence": (overconfidence_path(class_sums(1).row(0), N, Z), 0.06),
    "pooled": (pooled_path(class_sums(3), N, 2.0), 0.15),
}


@pytest.mark.parametrize("name", PATHS)
def test_ends_are_those_of_an_independent_search(name):
    path, observed = PATHS[name]
    scores = [lambda p: p.score(observed) - Z, lambda p: observed - p.mean, lambda p: p.score(observed) + Z]
    expected = []
    for score in scores:
        place = path.null
        if score(path.at(place)) > 0.0:
            place = brentq(lambda place, score=score: score(path.at(place)), 8 * path.far, path.null, xtol=1e-15)
        expected.append(path.at(place).target)
    assert expected[2] > expected[1] > 0.0
    assert list(invert(path, observed, Z)) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def counting(path):
    """The path, and a list of how many places were computed together each time."""
    asked = []

    def moments(places):
        asked.append(len(places))
        return path.moments(places)

    return path._replace(moments=moments), asked


@pytest.mark.parametrize("z", [0.1, 0.6, 1.96, 3.5])
@pytest.mark.parametrize("of", [folded_path, pooled_path])
def test_ends_that_are_not_asked_for_change_no_other(of, z):
    sums = class_sums(5)
    path, value = of(sums, N, 2.0), float(np.abs(sums.surplus).sum()) / (N * len(sums.count))
    whole = invert(path, value, z)
    assert invert(path, value, z, low=False)[1:] == pytest.approx(whole[1:], rel=1e-12)
    few = invert(path, value, z, centre=False)
    assert (few.low, few.high) == pytest.approx((whole.low, whole.high), rel=1e-12)
    assert invert(path, value, z, low=False, centre=False).high == pytest.approx(whole.high, rel=1e-12)


def test_an_inversion_computes_the_path_a_dozen_times():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.uniform(0.3, 1.0, 500)
        sums = bin_sums(p, rng.random(500) < p ** rng.uniform(0.7, 1.5), equal_width_edges(15))
        path, asked = counting(folded_path(sums, 500, 1.0))
        invert(path, float(np.abs(sums.surplus).sum()) / 500, Z)
        assert len(asked) <= 12
        assert sum(asked) <= 40


def test_a_wide_path_is_computed_in_parts():
    places = np.linspace(-1.0, 1.0, 9)
    wide, asked = counting(straight(0.5, bins=inversion._TOGETHER // 4))
    assert wide.along(places) == straight(0.5).along(places)
    assert asked == [4, 4, 1]
    assert wide._replace(bins=10**9).along(places[:2]) == straight(0.5).along(places[:2])
    assert asked[3:] == [1, 1]
