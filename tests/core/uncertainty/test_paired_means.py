"""Differences of means on the same rows."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from calibeval.core.data.notices import NotComputable
from calibeval.core.errors import InputError
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired_means import accuracy_difference, mcnemar_p, mean_difference, normal_difference


def rights(gained, lost, both=40, neither=20) -> tuple[Any, Any]:
    """Two columns of right and wrong with these four counts."""
    base = [True] * lost + [False] * gained + [True] * both + [False] * neither
    candidate = [False] * lost + [True] * gained + [True] * both + [False] * neither
    return np.array(base), np.array(candidate)


def test_a_mean_by_hand():
    found = mean_difference(np.array([1.0, 2.0, 3.0, 6.0]), Level(0.95), math.inf)
    error = math.sqrt((4 + 1 + 0 + 9) / 3 / 4)  # squared deviations from the mean 3, over n - 1, over n
    assert found.error == pytest.approx(error)
    assert (found.low, found.high) == (pytest.approx(3 - 1.959964 * error), pytest.approx(3 + 1.959964 * error))
    assert found.p == pytest.approx(2 * scipy.stats.norm.sf(3 / error))


def test_the_same_difference_in_every_row_is_certain():
    found = mean_difference(np.full(10, 0.25), Level(0.95), 1.0)
    assert (found.low, found.high, found.p) == (0.25, 0.25, 1e-15)


def test_no_difference_in_any_row_is_none():
    assert mean_difference(np.zeros(10), Level(0.95), 1.0) == (0.0, 0.0, 1.0, 0.0)


def test_ends_stay_where_differences_can_be():
    found = normal_difference(0.9, 0.2, Level(0.95), 1.0)
    assert (found.low, found.high) == (pytest.approx(0.9 - 1.959964 * 0.2), 1.0)


@pytest.mark.parametrize("gained", [0, 1, 5, 24])
@pytest.mark.parametrize("lost", [0, 3, 25])
def test_mcnemar_is_a_binomial_test(gained, lost):
    expected = scipy.stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar_p(gained, lost) == pytest.approx(expected)


def test_few_discordant_rows_take_the_exact_test():
    found = accuracy_difference(*rights(5, 0), Level(0.95))
    assert found.p == max(0.0625, normal_difference(5 / 67, found.error, Level(0.95), 1.0).p)
    assert found.low == 0.0  # the normal interval begins above 0, but the exact test finds nothing
    n, share = 67, 5 / 67
    error = math.sqrt((6 / n - share**2) / n)
    assert found.high == pytest.approx(share + 1.959964 * error)


def test_many_discordant_rows_take_the_normal_test():
    base, candidate = rights(40, 10)
    assert accuracy_difference(base, candidate, Level(0.95)) == mean_difference(
        candidate * 1.0 - base, Level(0.95), 1.0
    )


def test_models_that_are_right_on_the_same_rows_may_still_differ_elsewhere():
    found = accuracy_difference(*rights(0, 0), Level(0.95))
    assert found.p == 1.0
    assert found.low == pytest.approx(-1.959964 / 62)
    assert found.high == pytest.approx(1.959964 / 62)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_p_and_interval_agree(gained, lost, confidence):
    found = accuracy_difference(*rights(gained, lost), Level(confidence))
    assert (found.p < 1 - confidence) == (not found.low <= 0 <= found.high)
    assert -1 <= found.low <= (gained - lost) / (60 + gained + lost) <= found.high <= 1


@pytest.mark.parametrize(
    "method",
    [
        lambda: mean_difference(np.zeros(1), Level(0.95), 1.0),
        lambda: accuracy_difference(*rights(0, 0, 1, 0), Level(0.95)),
    ],
)
def test_one_row_has_no_interval(method):
    with pytest.raises(InputError, match="1 row is not enough: a mean difference needs at least 2"):
        method()


@pytest.mark.parametrize("more", [{}, {"weights": np.ones(4)}, {"groups": np.array([0, 0, 1, 1])}])
def test_squares_beyond_float64_are_refused_without_a_warning(more):
    with pytest.raises(NotComputable, match="squares of the differences of rows exceed the range of float64"):
        mean_difference(np.array([1e300, -1e300, 2e300, 0.0]), Level(0.95), math.inf, **more)


@pytest.mark.parametrize("w", [0.1, 0.3, 7.0])
def test_equal_weights_count_whole_rows(w):
    for gained, lost in ((13, 12), (49, 1), (30, 3)):
        base, candidate = rights(gained, lost)
        plain = accuracy_difference(base, candidate, Level(0.95))
        n = float(len(base))
        even = accuracy_difference(base, candidate, Level(0.95), weights=np.full(len(base), w) * (n / (n * w)))
        assert even == pytest.approx(plain, rel=1e-9)


def test_groups_by_hand():
    values, groups = np.array([1.0, 2.0, 4.0, 5.0, 3.0, 3.0]), np.array([0, 0, 1, 1, 2, 2])
    # mean 3; totals of the groups less their rows x 3: -3, 3, 0
    error = math.sqrt(3 / 2 * 18) / 6
    found = mean_difference(values, Level(0.95, 2), math.inf, groups)
    assert found.error == pytest.approx(error)
    assert found.high == pytest.approx(3 + scipy.stats.t(2).ppf(0.975) * error)


def test_groups_never_make_an_error_smaller():
    values, groups = np.array([1.0, -1.0] * 20), np.repeat(np.arange(20), 2)
    plain = mean_difference(values, Level(0.95, 19), math.inf)
    assert mean_difference(values, Level(0.95, 19), math.inf, groups).error == plain.error


def test_few_discordant_rows_in_few_groups():
    base, candidate = rights(6, 0)
    groups = np.minimum(np.arange(len(base)) // 6, 9)
    found = accuracy_difference(base, candidate, Level(0.95, 9), groups)
    alone = accuracy_difference(base, candidate, Level(0.95, 9))
    assert found.error > 1.5 * alone.error
