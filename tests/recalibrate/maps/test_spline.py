"""The monotone spline: never falls, an optimum of its penalised likelihood, a line where a line is enough."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from calibeval import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.read_map import from_json


def bent(n=3000, seed=0):
    """Log-odds that rise by 0.2 below 0 and by 2 above."""
    rng = np.random.default_rng(seed)
    s = rng.normal(size=n) * 2
    truth = np.where(s > 0, 2.0 * s, 0.2 * s)
    return s, (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(int), truth


def log_odds(found, s):
    z = found(np.stack([np.zeros(len(s)), s], axis=1))
    return z[:, 1] - z[:, 0]


def curve(knots, slopes, value, s):
    """The integral of the slope, by many small steps."""
    grid = np.linspace(min(knots[0], s.min()), max(knots[-1], s.max()), 200_001)
    slope = np.interp(grid, knots, slopes)
    f = np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(grid))])
    return np.interp(s, grid, f) - np.interp(knots[0], grid, f) + value


def test_the_curve_is_the_integral_of_its_slope():
    s, y, _ = bent()
    found = fit(Predictions(logits=s, labels=y), "spline")
    at = np.linspace(-15, 15, 301)
    assert log_odds(found, at) == pytest.approx(curve(found.knots, found.slopes, found.value, at), abs=1e-4)


def test_a_bend_is_found_that_a_line_cannot_follow():
    s, y, truth = bent()
    p = Predictions(logits=s, labels=y)
    found = {name: fit(p, name) for name in ("platt", "beta", "spline", "isotonic")}
    away = {name: np.abs(log_odds(one, s) - truth).mean() for name, one in found.items()}
    assert away["spline"] < 0.6 * min(away["platt"], away["isotonic"])
    assert found["spline"].fitted.nll_after < found["platt"].fitted.nll_after - 0.01
    assert found["spline"].fitted.search.converged


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_optimum_of_a_penalised_likelihood(seed):
    """With the strength that its slopes imply, scipy finds nothing better."""
    s, y, _ = bent(800, seed)
    found = fit(Predictions(logits=s, labels=y), "spline")
    knots, m = np.array(found.knots), len(found.knots)
    unit = np.eye(m + 1)
    design = np.stack([curve(knots, one[:m], one[m], s) for one in unit])
    bends = np.zeros((m + 1, m + 1))
    steps = np.diff(np.eye(m), axis=0) / np.sqrt(np.diff(knots))[:, None]
    bends[:m, :m] = steps.T @ steps

    def gradient_of_nll(w):
        return design @ (1 / (1 + np.exp(-w @ design)) - y)

    w = np.array([*found.slopes, found.value])
    free = np.append(w[:m] > 0, [False])
    pull = (bends @ w)[free]
    strength = -float(gradient_of_nll(w)[free] @ pull / (pull @ pull))
    assert strength > 0

    def loss(w):
        v = w @ design
        return np.sum(np.logaddexp(0, v) - y * v) + strength * w @ bends @ w / 2

    bounds = [(0, None)] * m + [(None, None)]
    gradient = lambda w: gradient_of_nll(w) + strength * bends @ w  # noqa: E731 - beside the loss
    other = minimize(loss, w, jac=gradient, bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10})
    assert loss(w) <= other.fun + 1e-3


@given(st.integers(2, 40), st.integers(0, 10_000), st.sampled_from([1e-6, 1.0, 1e6]))
def test_it_never_falls_and_is_never_worse_than_a_temperature(n, seed, scale):
    rng = np.random.default_rng(seed)
    s = np.rint(rng.normal(size=n) * 3) * scale
    p = Predictions(logits=s, labels=rng.integers(0, 2, n))
    found, temperature = fit(p, "spline"), fit(p)
    near_0 = temperature.fitted.bound == "low"  # no optimum: maps that stop before certainty may be worse
    assert near_0 or found.fitted.nll_after <= temperature.fitted.nll_after + 1e-9
    rises = np.diff(log_odds(found, np.linspace(-20, 20, 400) * scale))
    assert rises.min() >= -1e-9 * max(1.0, np.abs(rises).max())
    assert from_json(found.to_json()).to_json() == found.to_json()


def test_where_a_line_is_enough_it_is_close_to_one():
    rng = np.random.default_rng(1)
    s = rng.normal(size=20_000) * 2
    p = Predictions(logits=s, labels=rng.random(20_000) < 1 / (1 + np.exp(-0.5 * s - 0.3)))
    found, line = fit(p, "spline"), fit(p, "platt")
    assert found.slopes == pytest.approx([line.slope] * len(found.slopes), rel=0.2)
    assert found.fitted.nll_after <= line.fitted.nll_after + 1e-9


def test_rows_in_another_order_and_rows_that_count_twice():
    s, y, _ = bent(600)
    order = np.random.default_rng(2).permutation(600)
    one, other = (fit(Predictions(logits=s[o], labels=y[o]), "spline") for o in (slice(None), order))
    assert one.slopes == pytest.approx(other.slopes, abs=1e-7)
    heavy = fit(Predictions(logits=s, labels=y, weights=np.full(600, 3.0)), "spline")
    assert heavy.slopes == pytest.approx(one.slopes, abs=1e-7)


def test_a_certain_row_stays_certain_where_the_curve_rises_at_its_end():
    s, y, _ = bent()
    logits = np.stack([np.append(np.zeros(3000), -np.inf), np.append(s, 0.0)], axis=1)
    found = fit(Predictions(logits=logits, labels=np.append(y, 1)), "spline")
    assert found.slopes[0] == 0 < found.slopes[-1]
    after = found(np.array([[-np.inf, 0.0], [0.0, -np.inf], [0.0, found.knots[0]]]))
    assert after[0].tolist() == [-np.inf, 0.0]
    assert after[1].tolist() == after[2].tolist()  # and where it is flat, takes the value of the end


def test_the_curve_of_a_file_is_checked():
    s, y, _ = bent(100)
    document = json.loads(fit(Predictions(logits=s, labels=y), "spline").to_json())
    for name, value, message in (
        ("knots", [0.0, 1.0], "2 knots and 10 slopes, but one slope a knot is needed"),
        ("knots", [0.0] * 10, "knots must ascend"),
        ("slopes", [-1.0] * 10, "no slope may be negative"),
    ):
        changed = {**document, "parameters": {**document["parameters"], name: value}}
        with pytest.raises(InputError, match=message):
            from_json(json.dumps(changed))
