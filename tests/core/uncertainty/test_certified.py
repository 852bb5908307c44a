import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from calibeval.core.errors import UsageError
from calibeval.core.sums.ranking import Ranking
from calibeval.core.uncertainty.certified import (
    OtherParts,
    certified,
    cross_fitted_coverage,
    units_needed,
    upper_bound,
)
from calibeval.core.uncertainty.special import binomial_cdf
from tests.core.sums.test_ranking import s430


def falling(n):
    return np.linspace(0.99, 0.5, n)


def step_by_step(confidence, correct, limit, delta):
    """The threshold by its definition: the quantile of the beta distribution at each distinct confidence."""
    threshold = None
    for t in sorted(set(confidence), reverse=True):
        above = np.asarray(confidence) >= t
        n, errors = int(above.sum()), int((above & ~np.asarray(correct)).sum())
        if n < units_needed(limit, delta):
            continue
        if errors == n or beta.ppf(1 - delta, errors + 1, n - errors) > limit:
            break
        threshold = t
    return threshold


def test_58_rows_are_one_too_few_for_5_percent_and_59_are_enough():
    # .95^58 = .0510 and .95^59 = .0485
    few, enough = (certified(falling(n), np.ones(n, bool), 0.05) for n in (58, 59))
    assert (few.threshold, few.coverage, few.needed) == (None, 0.0, 59)
    assert few.bound == pytest.approx(1 - 0.05 ** (1 / 58), abs=1e-12)
    assert (enough.threshold, enough.coverage, enough.rows, enough.errors) == (0.5, 1.0, 59, 0)
    assert enough.bound == pytest.approx(1 - 0.05 ** (1 / 59), abs=1e-12)


def test_one_error_among_the_first_59_rows_certifies_nothing():
    correct = np.ones(1000, bool)
    correct[58] = False
    found = certified(falling(1000), correct, 0.05)
    assert (found.threshold, found.rows, found.errors, found.needed) == (None, 59, 1, 59)
    assert found.bound > 0.05
    correct[[58, 59]] = True, False  # now the error comes after the first test, which has passed
    after = certified(falling(1000), correct, 0.05)
    assert (after.rows, after.errors, after.threshold) == (59, 0, falling(1000)[58])


def test_an_error_is_allowed_again_after_93_rows():
    # P(at most 1 error of 93 at .05) = .95^93 + 93 * .05 * .95^92 = .04999, and .05216 of 92
    for at, rows in ((91, 91), (92, 1000)):
        correct = np.ones(1000, bool)
        correct[at] = False
        assert certified(falling(1000), correct, 0.05).rows == rows


def test_the_first_failure_ends_the_search():
    correct = np.ones(3000, bool)
    correct[60:64] = False  # after these, 2,936 right rows would pass easily
    assert certified(falling(3000), correct, 0.05).rows == 60


def test_equal_confidences_are_one_test():
    # 40 rows at .9, 100 at .8 with 2 errors: the first test has all 140 rows, and U(2, 140) = .0443.
    confidence, correct = np.repeat([0.9, 0.8], [40, 100]), np.ones(140, bool)
    correct[[50, 60]] = False
    found = certified(confidence, correct, 0.05)
    assert (found.threshold, found.rows, found.errors) == (0.8, 140, 2)
    assert found.bound == pytest.approx(beta.ppf(0.95, 3, 138), abs=1e-12)


@pytest.mark.parametrize(("limit", "rows"), [(0.01, 299), (0.02, 149), (0.05, 59), (0.1, 29)])
def test_least_rows_by_limit(limit, rows):
    assert units_needed(limit) == rows
    assert upper_bound(0, rows) <= limit < upper_bound(0, rows - 1)


def test_a_limit_that_is_met_exactly_is_met():
    assert units_needed(0.5, 0.25) == 2  # .5^2 = .25
    assert certified([0.9, 0.8], [True, True], 0.5, 0.25).threshold == 0.8


def test_430_rows_without_an_able_model_certify_nothing():
    confidence, correct = s430()
    found = certified(confidence, correct, 0.1)
    assert (found.threshold, found.rows, found.errors, found.needed) == (None, 29, 9, 29)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.3]), st.sampled_from([0.01, 0.05, 0.2]))
def test_it_is_the_definition_at_each_confidence(seed, limit, delta):
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.random(400) ** 0.2, 2)
    correct = rng.random(400) < confidence**0.3
    found = certified(confidence, correct, limit, delta)
    assert found.threshold == step_by_step(confidence, correct, limit, delta)
    if found.threshold is not None:
        assert found.coverage == np.mean(confidence >= found.threshold)
        assert found.bound == pytest.approx(beta.ppf(1 - delta, found.errors + 1, found.rows - found.errors), abs=1e-9)


def test_groups_are_the_units():
    # Each group has three rows; its second is wrong in 1 of 100 groups, which is at the lowest confidence.
    groups = np.repeat(np.arange(100), 3)
    confidence, correct = np.repeat(falling(100), 3), np.ones(300, bool)
    correct[298] = False
    found = certified(confidence, correct, 0.05, groups=groups)
    assert (found.units, found.unit_errors, found.rows, found.errors) == (100, 1, 300, 1)
    assert found.bound == pytest.approx(beta.ppf(0.95, 2, 99), abs=1e-12)
    assert certified(confidence, correct, 0.01, groups=groups).threshold is None  # 300 rows, but 100 groups


def test_58_groups_are_too_few_however_many_rows_they_have():
    correct = np.ones(5800, bool)
    found = certified(falling(5800), correct, 0.05, groups=np.arange(5800) % 58)
    assert (found.threshold, found.units, found.needed) == (None, 58, 59)
    assert certified(falling(5900), np.ones(5900, bool), 0.05, groups=np.arange(5900) % 59).coverage == 1.0


def test_a_group_is_wrong_only_by_rows_above_the_threshold():
    # The wrong row of each group is less confident than all right ones.
    groups, confidence = np.tile(np.arange(100), 2), np.concatenate([falling(100), np.full(100, 0.1)])
    correct = np.repeat([True, False], 100)
    found = certified(confidence, correct, 0.05, groups=groups)
    assert (found.threshold, found.units, found.unit_errors) == (0.5, 100, 0)


def test_groups_of_one_row_are_rows():
    rng = np.random.default_rng(5)
    confidence, order = np.round(rng.random(2000) ** 0.1, 3), rng.permutation(2000)
    correct = rng.random(2000) < confidence
    assert certified(confidence, correct, 0.1, groups=order) == certified(confidence, correct, 0.1)


def test_cross_fitted_thresholds_are_of_other_rows():
    rng = np.random.default_rng(1)
    confidence = rng.random(5000) ** 0.1
    correct = rng.random(5000) < confidence
    own = certified(confidence, correct, 0.05)
    coverage, error = cross_fitted_coverage(confidence, correct, 0.05)
    assert coverage == pytest.approx(own.coverage, abs=0.05)
    assert coverage != own.coverage
    assert error == pytest.approx(own.errors / own.rows, abs=0.01)


@pytest.mark.parametrize("by_groups", [False, True])
def test_cross_fitting_needs_enough_rows_in_each_four_parts(by_groups):
    # 59 rows certify 5 %. Without a wrong row, other parts then answer about all rows: less is a lack of rows.
    for n in range(58, 90):
        parts = np.arange(n) * 2654435769 % 2**32 * 5 // 2**32
        least = min(np.count_nonzero(parts != part) for part in range(5))
        groups = np.arange(n) if by_groups else None
        coverage, error = cross_fitted_coverage(falling(n), np.ones(n, bool), 0.05, groups=groups)
        if least < 59:
            assert (coverage, error) == (None, None)
        else:
            assert coverage > 0.95
            assert error == 0.0


@pytest.mark.parametrize(("limit", "delta", "name"), [(0.0, 0.05, "limit"), (1.0, 0.05, "limit"), (0.1, 0.5, "delta")])
def test_limits_are_inside_their_range(limit, delta, name):
    with pytest.raises(UsageError, match=f"{name} is .* must lie inside"):
        certified([0.9], [True], limit, delta)


@pytest.mark.parametrize("limit", [9.9e-13, 1e-308, 5e-324])
def test_limits_that_no_number_of_rows_certifies_are_refused(limit):
    with pytest.raises(UsageError, match=r"limit is .*, but it must be at least 1e-12"):
        units_needed(limit)
    assert units_needed(1e-12) == pytest.approx(3e12, rel=0.01)


def test_the_binomial_distribution_is_scipys():
    n = np.array([59, 93, 5000, 10**6, 10**6])
    k = np.array([0, 1, 217, 9800, 9000])
    for chance in (0.01, 0.05):
        expected = binom.cdf(k, n, chance)
        near = expected < 0.6
        np.testing.assert_allclose(binomial_cdf(k[near], n[near], chance), expected[near], rtol=1e-7, atol=1e-300)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.05, 0.2]), st.sampled_from([2, 3, 9]))
def test_parts_of_ranked_rows_are_those_of_rows_in_ascending_order(seed, limit, digits):
    rng = np.random.default_rng(seed)
    confidence = np.round(rng.random(700) ** 0.2, digits)
    correct = rng.random(700) < confidence**0.3
    order = np.lexsort((correct, confidence))  # of equal confidences, wrong rows come first
    confidence, correct = confidence[order], correct[order]
    answered = np.zeros(700, bool)
    parts = np.arange(700) * 2654435769 % 2**32 * 5 // 2**32
    for part in range(5):
        own = parts == part
        threshold = certified(confidence[~own], correct[~own], limit).threshold
        answered |= own & (confidence >= (np.inf if threshold is None else threshold))
    error = np.mean(~correct[answered]) if answered.any() else None
    assert cross_fitted_coverage(confidence, correct, limit) == (np.mean(answered), error)


def test_many_rows_are_numbered_block_by_block(monkeypatch):
    rng = np.random.default_rng(8)
    confidence = np.round(rng.random(3000) ** 0.2, 2)
    ranking = Ranking.of(confidence, rng.random(3000) < confidence)
    whole = OtherParts.of(ranking)
    for block in (1, 100, 750, 3000):  # 750 and 3,000 divide the number of rows
        monkeypatch.setattr("calibeval.core.uncertainty.certified.BLOCK", block)
        parts = OtherParts.of(ranking)
        for name in ("units", "wrong"):
            assert np.array_equal(getattr(parts, name), getattr(whole, name))
