"""The chance of a certified coverage in another sample: by hand, and against samples that are really drawn."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.sums.ranking import Ranking
from calibeval.core.uncertainty.certified import certified
from calibeval.core.uncertainty.certifying import RiskProfile
from calibeval.core.uncertainty.possible import possible_coverage


def at_least(errors, rows, chance):
    return sum(comb(rows, i) * chance**i * (1 - chance) ** (rows - i) for i in range(errors, rows + 1))


@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60),
    st.sampled_from([0.05, 0.2, 0.5]),
    st.sampled_from([0.05, 0.025, 0.001]),
)
def test_possible_coverage_is_the_largest_that_is_not_disproved(rows, limit, delta):
    confidence, right = np.array([c for c, _ in rows]) / 12, np.array([y for _, y in rows])
    expected = 0.0
    for threshold in sorted(set(confidence.tolist()), reverse=True):
        above = confidence >= threshold
        if at_least(int((~right[above]).sum()), int(above.sum()), limit) > delta:
            expected = float(above.mean())
    assert possible_coverage(Ranking.of(confidence, right), limit, delta) == pytest.approx(expected)


def test_possible_coverage_of_rows_without_an_error_is_all():
    assert possible_coverage(Ranking.of([0.9, 0.8], [True, True]), 0.05) == 1.0


def test_a_limit_far_above_the_error_needs_no_test():
    # The chance of that few errors is about 1, which the tail's series would overflow for: warnings are errors here.
    right = np.arange(5_000) % 100 > 0
    assert possible_coverage(Ranking.of(np.linspace(1.0, 0.5, 5_000), right), 0.6) == 1.0


def test_possible_coverage_of_wrong_rows_is_none():
    # Of two wrong rows, .01 ** 2 < .025; of one alone, .01 < .025.
    assert possible_coverage(Ranking.of([0.9, 0.8], [False, False]), 0.01, 0.025) == 0.0
    assert possible_coverage(Ranking.of([0.9, 0.8], [False, False]), 0.03, 0.025) == 0.5


def test_profile_of_two_levels():
    # Errors 0 of 4, then 2 of 4, with half an error more of one row more: .1 and .5, as all of a level are alike.
    profile = RiskProfile.of([0.9] * 4 + [0.6] * 4, [1, 1, 1, 1, 1, 0, 1, 0])
    assert profile.place.tolist() == [0.5, 1.0]
    assert profile.missed.tolist() == pytest.approx([0.5 * 0.1, 0.5 * 0.1 + 0.5 * 0.5])
    assert profile.tied
    assert (profile.reach(0.1), profile.reach(0.09), profile.reach(0.3)) == (0.5, 0.0, 1.0)


def test_within_a_level_errors_are_proportional_to_the_doubt():
    profile = RiskProfile.of([0.95, 0.85], [True, True])  # .5 of 3 rows, so .1667 on average: 1/12 and 1/4
    assert np.diff(profile.missed, prepend=0.0).tolist() == pytest.approx([1 / 24, 1 / 8])
    assert not profile.tied


def test_without_errors_as_many_rows_are_needed_as_for_the_first_test():
    sure = RiskProfile(np.array([1.0]), np.array([0.0]), tied=False)
    assert [sure.chance(0.4, rows, 0.05) for rows in (58, 59)] == [0.0, 1.0]
    assert [sure.chance(1.0, rows, 0.01) for rows in (298, 299)] == [0.0, 1.0]
    assert sure.chance(1.01, 1000, 0.05) == 0.0


def test_the_first_test_allows_no_error():
    # 59 rows, each wrong with 1 %: .99 ** 59 = .553.
    even = RiskProfile(np.array([1.0]), np.array([0.01]), tied=False)
    assert even.chance(1.0, 59, 0.05) == pytest.approx(0.99**59, abs=0.06)


def test_tied_rows_are_tested_together():
    # Half of the rows tie at the top: of 100, the first test is of 50, too few; of 118, of 59, without an error.
    tied = RiskProfile(np.array([0.5, 1.0]), np.array([0.0, 0.5]), tied=True)
    assert [tied.chance(0.4, rows, 0.05) for rows in (100, 118)] == [0.0, 1.0]
    # Of 100, all are tested at once, with 50 errors.
    assert tied.chance(0.6, 1000, 0.05) == 0.0


@pytest.mark.parametrize(
    ("coverage", "limit", "power", "rows"),
    [(0.4, 0.1, 1.3, 200), (0.4, 0.1, 1.3, 500), (0.3, 0.2, 2.0, 400), (0.05, 0.05, 1.0, 3000)],
)
@pytest.mark.parametrize("tied", [False, True])
def test_chances_are_those_of_drawn_samples(coverage, limit, power, rows, tied):
    rng = np.random.default_rng(3)

    def drawn(n):
        stated = 1.0 - 0.5 * rng.random(n) ** 1.5
        stated = np.round(stated, 2) if tied else stated
        return stated, rng.random(n) < stated**power

    chance = RiskProfile.of(*drawn(100_000)).chance(coverage, rows, limit)
    samples = [drawn(rows) for _ in range(300)]
    passed = np.mean([certified(stated, right, limit).coverage >= coverage for stated, right in samples])
    assert chance == pytest.approx(passed, abs=0.11)
