"""The search for the weights of a logistic regression: hand arithmetic, bounds, penalties, scales and offsets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize, nnls

from calibeval.core.errors import InputError
from calibeval.recalibrate.maps.bounded import smallest
from calibeval.recalibrate.maps.logistic import logistic_loss, minimise


def rows(x, y, counts=None, cut=7):
    """Blocks of rows; the last feature is 1."""
    features = np.vstack([x, np.ones(len(y))])
    parts = [slice(0, cut), slice(cut, None)]
    return lambda: [(features[:, p], y[p], None if counts is None else counts[p]) for p in parts]


def noisy(n=200, m=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, n))
    return x, (rng.random(n) < 1 / (1 + np.exp(-1.5 * x[0] + 0.5))).astype(float)


def test_by_hand():
    # Of four rows at x = -1 one is a 1, of four at x = 3 three: log-odds of -log 3 and log 3.
    x, y = np.array([[-1.0] * 4 + [3.0] * 4]), np.array([0.0, 0, 0, 1, 1, 1, 1, 0])
    found = minimise(rows(x, y), np.array([5.0, 5.0]))
    assert found.weights == pytest.approx([np.log(3) / 2, -np.log(3) / 2], abs=1e-12)
    assert found.search.converged
    assert found.search.gradient < 1e-12
    assert 0 < found.search.iterations < 20


def test_counts_are_repeated_rows():
    x, y = noisy(30)
    counts = np.arange(30) % 4.0
    twice = np.repeat(np.arange(30), counts.astype(int))
    one, other = minimise(rows(x, y, counts), np.zeros(3)), minimise(rows(x[:, twice], y[twice]), np.zeros(3))
    assert one.weights == pytest.approx(other.weights, abs=1e-10)


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e5, 1e8, 1e100])
@pytest.mark.parametrize("offset", [0.0, 1e5, -1e5])
def test_scale_and_offset_of_features_change_nothing(scale, offset):
    x, y = noisy(m=1)
    plain = minimise(rows(x, y), np.zeros(2)).weights
    found = minimise(rows(scale * (x + offset), y), np.array([1.0 / scale, 0.0]))
    assert found.search.converged
    assert found.weights[0] * scale == pytest.approx(plain[0], rel=1e-8)
    assert found.weights[1] == pytest.approx(plain[1] - offset * plain[0], rel=1e-8)


@pytest.mark.parametrize("start", [-1e6, -30.0, 0.0, 30.0, 1e6])
def test_the_start_changes_nothing(start):
    x, y = noisy()
    found = minimise(rows(x, y), np.array([start, -start, start]))
    assert found.weights == pytest.approx(minimise(rows(x, y), np.zeros(3)).weights, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_bounds_and_penalty_against_another_optimiser(seed):
    x, y = noisy(m=4, seed=seed)
    x[3] = x[2] * 100 - x[0]
    penalty = np.array([[0.0, 1.7, 0.0, 0.0, 0.0], [0.0, -0.5, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.03, 0.0]])
    found = minimise(rows(x, y), np.zeros(5), bounded=3, penalty=penalty)

    def loss(w):
        at = logistic_loss(rows(x, y)(), w)
        return at.value + np.sum((penalty @ w) ** 2) / 2, at.gradient + penalty.T @ penalty @ w

    limits = [(0, None)] * 3 + [(None, None)] * 2
    settings = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000}
    other = minimize(loss, np.ones(5), jac=True, bounds=limits, method="L-BFGS-B", options=settings)
    assert (found.weights[:3] >= 0).all()
    assert loss(found.weights)[0] <= other.fun + 1e-9
    assert found.search.converged


def test_a_stiff_penalty_is_no_reason_to_stop_early():
    """Two weights tied together 1e12 times as strongly as rows tie them: as if they were one."""
    x, y = noisy(m=3)
    penalty = np.array([[1e6, -1e6, 0.0, 0.0]])
    found = minimise(rows(x, y), np.array([5.0, 0.0, 1.0, 0.0]), penalty=penalty)
    one = minimise(rows(np.stack([x[0] + x[1], x[2]]), y), np.zeros(3))
    assert found.weights == pytest.approx(one.weights[[0, 0, 1, 2]], abs=1e-6)
    assert found.search.converged


def test_a_constant_feature_keeps_the_weight_of_the_start():
    x, y = noisy(m=2)
    x[1] = 0.1
    found = minimise(rows(x, y), np.array([0.0, 7.0, 0.0]))
    alone = minimise(rows(x[:1], y), np.zeros(2)).weights
    assert found.weights == pytest.approx([alone[0], 7.0, alone[1] - 0.7], abs=1e-9)


def test_differences_that_matter_may_be_tiny_beside_those_of_certain_rows():
    """Half of the rows lie 1e9 away and are certain; the others differ by about 1."""
    x, y = noisy(m=1)
    far = np.concatenate([x[0], np.full(200, -1e9)])[None]
    found = minimise(rows(far, np.concatenate([y, np.zeros(200)])), np.zeros(2))
    assert found.weights == pytest.approx(minimise(rows(x, y), np.zeros(2)).weights, rel=1e-6)
    assert found.search.converged


def test_infinite_features_are_refused():
    x, y = noisy()
    x[0, 0] = np.inf
    with pytest.raises(InputError, match="too large for this map; divide them by a constant first"):
        minimise(rows(x, y), np.zeros(3))


@pytest.mark.parametrize("seed", range(20))
def test_the_bounded_step_is_that_of_non_negative_least_squares(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(9, 5)), rng.normal(size=9)
    w = np.maximum(rng.normal(size=5), 0.0)  # about half of the numbers are at their bound
    step = smallest(a.T @ a, a.T @ (a @ w - b), -w)
    assert w + step == pytest.approx(nnls(a, b)[0], abs=1e-9)
