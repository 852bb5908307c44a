import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from calibeval.core.errors import InputError
from calibeval.core.uncertainty.isotonic import isotonic

VALUES = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 100)), min_size=1, max_size=60)


def test_two_values_in_the_wrong_order_share_their_weighted_mean():
    # (3 * 4 + 1 * 0) / 4 = 3
    assert isotonic(np.array([4.0, 0.0, 5.0]), np.array([3.0, 1.0, 1.0])).tolist() == [3.0, 3.0, 5.0]


def test_an_ascending_sequence_stays_as_it_is():
    values = np.array([-1.0, 0.0, 0.0, 2.0])
    assert isotonic(values, np.ones(4)).tolist() == values.tolist()


def test_of_nothing_comes_nothing():
    assert isotonic(np.zeros(0), np.zeros(0)).tolist() == []


@given(VALUES)
def test_it_is_what_scipy_finds(pairs):
    values, weights = np.array(pairs).T
    expected = isotonic_regression(values, weights=weights).x
    np.testing.assert_allclose(isotonic(values, weights), expected, atol=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 12))
def test_many_sequences_at_once_do_not_touch_one_another(seed, m, rows):
    rng = np.random.default_rng(seed)
    values, weights = rng.integers(0, 4, (rows, m)).astype(float), rng.uniform(0.1, 3, m)
    together = isotonic(values, weights)
    assert together.shape == (rows, m)
    for one, alone in zip(together, values, strict=True):
        np.testing.assert_allclose(one, isotonic_regression(alone, weights=weights).x, atol=1e-12)


@given(VALUES)
def test_it_ascends_and_keeps_the_mean(pairs):
    values, weights = np.array(pairs).T
    found = isotonic(values, weights)
    assert (np.diff(found) >= 0).all()
    assert found @ weights == pytest.approx(values @ weights, abs=1e-8)


def test_a_weight_of_zero_is_refused():
    with pytest.raises(InputError, match="above 0"):
        isotonic(np.array([1.0, 0.0]), np.array([1.0, 0.0]))
