"""The chances of other samples, and the numbers of rows, against the normal distribution in plain numbers."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.gating.evidence import Evidence
from calibeval.core.gating.levels import Levels
from calibeval.core.gating.prospect import Prospect
from calibeval.core.gating.rules import Rule

CDF, QUANTILE = NormalDist().cdf, NormalDist().inv_cdf
Z95, Z90, POWER = QUANTILE(0.975), QUANTILE(0.95), QUANTILE(0.8)


def prospect(centre=-0.01, error=0.01, n=1000, *, passing=0.95, failing=0.95, margin=0.05, change=False):
    zs = [QUANTILE(0.5 + level / 2) for level in (passing, failing)]
    return Prospect(n, centre, error * zs[0], error * zs[1], passing, failing, margin, change)


@pytest.mark.parametrize("passing", [0.9, 0.95])
@pytest.mark.parametrize("excess", [-0.05, -0.03, -0.01, 0.0, 0.02])
@pytest.mark.parametrize("n", [500, 1000, 4000])
def test_chances_are_those_of_a_normal_centre(passing, excess, n):
    found, error = prospect(passing=passing, failing=0.98), 0.01 * math.sqrt(1000 / n)
    assert found.pass_chance(excess, n) == pytest.approx(CDF(-excess / error - QUANTILE(0.5 + passing / 2)))
    assert found.fail_chance(excess, n) == pytest.approx(CDF(excess / error - QUANTILE(0.99)))


@given(
    distance=st.floats(0.001, 0.5), error=st.floats(0.001, 0.1), n=st.integers(30, 10**5), passing=st.floats(0.6, 0.99)
)
def test_with_the_rows_needed_80_of_100_samples_decide(distance, error, n, passing):
    found = prospect(error=error, n=n, passing=passing, failing=passing)
    for rows, chance, excess in (
        (found.rows_to_pass(-distance), found.pass_chance, -distance),
        (found.rows_to_fail(distance), found.fail_chance, distance),
    ):
        if rows is None:
            assert n * ((QUANTILE(0.5 + passing / 2) + POWER) * error / distance) ** 2 >= 0.999e9
        else:
            assert chance(excess, rows) >= 0.8 - 1e-9
            assert rows <= 20 or chance(excess, rows / 1.11) <= 0.8


def test_rows_are_twice_those_that_decide_half_of_the_time():
    # 95 %: (1.96 + 0.84)^2 / 1.96^2 = 2.04 times as many as where the end of the interval meets the limit.
    found = prospect(centre=-0.01, error=0.01 / Z95, n=1000)
    assert found.pass_chance(-0.01) == pytest.approx(0.5)
    assert found.rows_to_pass(-0.01) == 2100  # 2042, rounded up to two digits
    assert found.rows_to_fail(0.01) == 2100


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_more_than_a_billion_rows_are_no_advice(side):
    def needed(distance):
        found = prospect(error=1.0, n=1000)
        return found.rows_to_fail(distance) if side > 0 else found.rows_to_pass(-distance)

    just = (Z95 + POWER) / 1000  # 1000 x 1000^2 rows
    assert needed(just * 1.0001) == 10**9
    assert needed(just * 0.9999) is None
    assert needed(0.0) is None


def test_the_range_of_rows_is_that_of_a_standard_error():
    found = prospect(centre=-0.015, error=0.01)
    low, high = found.rows_range
    assert low == found.rows_to_pass(-0.025)
    assert high == found.rows_to_pass(-0.005)
    assert prospect(centre=-0.01, error=0.01).rows_range[1] is None
    assert prospect(centre=0.015, error=0.01).rows_range == (found.rows_to_fail(0.025), found.rows_to_fail(0.005))
    assert prospect(centre=-0.1, error=0.01).rows_range[0] == 1000  # this sample's, although 60 rows would do


LEVELS = Levels(0.9, 0.95, 0.95)


@pytest.mark.parametrize(
    ("rule", "margin"),
    [
        (Rule("ece", "max", 0.05), 0.05),
        (Rule("accuracy", "min", 0.9), 0.1),
        (Rule("nll", "max_increase", 0.02), 0.02),
        (Rule("nll", "max_increase", 0.02, relative=True), 0.01),
        (Rule("accuracy", "max_drop", 0.02), 0.02),
    ],
)
def test_a_violation_by_as_much_again_as_the_limit(rule, margin):
    narrow, plain = (Evidence(None, 100, 0.0, -reach, reach, 0.0, 0.5) for reach in (Z90, Z95))
    found = Prospect.of(rule, narrow, plain, LEVELS)
    assert found.margin == pytest.approx(margin)
    assert (found.above, found.below) == pytest.approx((Z90, Z95))
    assert found.unchanged == pytest.approx(-margin if rule.is_change else found.centre)
    assert found.rows_to_detect == found.rows_to_fail(found.margin)


def test_the_interval_that_fails_is_wider_by_the_quantiles():
    plain = Evidence(None, 100, 0.0, -Z95, Z95, 0.0)
    found = Prospect.of(Rule("ece", "max", 0.05), plain, plain, Levels(0.95, 0.95, 0.9875))
    assert found.below == pytest.approx(QUANTILE(0.99375))


def test_without_an_interval_there_is_no_prospect():
    bare, plain = Evidence(None, 100, 0.0), Evidence(None, 100, 0.0, -1.0, 1.0)
    assert Prospect.of(Rule("ece", "max", 0.05), bare, plain, LEVELS) is None
    assert Prospect.of(Rule("nll", "max_increase", 0.1, relative=True), plain, plain, LEVELS) is None
