"""Quadratic scaling: by hand, beside an independent optimiser, where it falls, and where labels are separable."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from calibeval import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.maps.quadratic import _parted

# At s = -1, 0 and 1 the shares of label 1 are 1/4, 1/2 and 9/10.
BY_HAND = Predictions(
    logits=[-1.0] * 20 + [0.0] * 20 + [1.0] * 20, labels=[1] * 5 + [0] * 15 + [0, 1] * 10 + [1] * 18 + [0] * 2
)


def log_odds(found, s):
    z = found(np.stack([np.zeros(len(s)), s], axis=1))
    return z[:, 1] - z[:, 0]


def test_three_scores_have_a_quadratic_curve_through_their_shares():
    found = fit(BY_HAND, "quadratic")
    # Log-odds -log 3, 0 and log 9: a - b = -log 3 and a + b = 2 log 3, so a = log(3) / 2 and b = 3 log(3) / 2.
    expected = [np.log(3) / 2, 1.5 * np.log(3), 0, -1, 1]
    assert list(found.parameters().values()) == pytest.approx(expected, abs=1e-6)
    assert found.fitted.note is None


def test_outside_the_fitted_range_the_curve_continues_straight():
    found = fit(BY_HAND, "quadratic")
    a, b = np.log(3) / 2, 1.5 * np.log(3)
    at = log_odds(found, np.array([-5.0, 0.5, 4.0]))
    assert at == pytest.approx([a - b - 4 * (b - 2 * a), a / 4 + b / 2, a + b + 3 * (b + 2 * a)], abs=1e-5)
    rising = log_odds(found, np.linspace(-50, 50, 1001))
    assert (np.diff(rising) > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_the_optimum_is_that_of_another_optimiser(seed):
    rng = np.random.default_rng(seed)
    s = rng.normal(size=500) * 2
    y = (rng.random(500) < 1 / (1 + np.exp(-0.1 * s * s - 0.7 * s + 0.4))).astype(int)
    found = fit(Predictions(logits=s, labels=y), "quadratic")

    def loss(w):
        t = s - (s.min() + s.max()) / 2
        v = w[0] * t * t + w[1] * t + w[2]
        return float(np.mean(np.logaddexp(0, v) - y * v))

    other = minimize(loss, [0, 1, 0], method="BFGS", options={"gtol": 1e-9})
    assert found.fitted.nll_after == pytest.approx(loss(list(found.parameters().values())[:3]), abs=1e-12)
    assert found.fitted.nll_after <= other.fun + 1e-10
    assert found.fitted.nll_after <= fit(Predictions(logits=s, labels=y), "platt").fitted.nll_after + 1e-12


def test_a_note_says_where_the_map_falls():
    s = np.repeat([-1.0, 0.0, 2.0], 20)
    labels = [1] * 12 + [0] * 8 + [0, 1] * 10 + [1] * 18 + [0] * 2
    found = fit(Predictions(logits=s, labels=labels), "quadratic")
    # a - b = log 1.5 and 4 a + 2 b = log 9: 6 a = log 9 + 2 log 1.5, and the lowest point is at -b / 2 a.
    a = (np.log(9) + 2 * np.log(1.5)) / 6
    turn = -(a - np.log(1.5)) / (2 * a)
    where = f"it falls where the logit of P(class 1) is below {turn:.3g}, in 20 of 60 rows"
    assert found.fitted.note == f"the map is not monotone: among the fitted rows {where}"
    assert np.diff(log_odds(found, np.linspace(turn, 9, 50))).min() > 0
    assert np.diff(log_odds(found, np.linspace(-9, turn, 50))).max() < 0


def test_a_map_that_falls_everywhere_says_so():
    flipped = Predictions(logits=-np.asarray(BY_HAND.scores[0:60])[:, 1], labels=BY_HAND.labels)
    assert "falls on all fitted rows" in fit(flipped, "quadratic").fitted.note


def separates(s, y):
    """Whether a quadratic function separates the labels, not strictly but not in vain: a linear programme."""
    design = np.stack([s * s, s, np.ones_like(s)], axis=1) * np.where(y == 1, 1.0, -1.0)[:, None]
    found = linprog(-design.sum(axis=0), A_ub=-design, b_ub=np.zeros(len(s)), bounds=[(-1, 1)] * 3, method="highs")
    return -found.fun > 1e-7


def test_separation_by_a_quadratic_function_is_that_of_a_linear_programme():
    s = np.array([-1.0, 0.0, 0.5, 2.0, 3.0])
    for states in itertools.product(((0,), (1,), (0, 1)), repeat=5):
        pairs = [(value, label) for value, labels in zip(s, states, strict=True) for label in labels]
        scores, labels = np.array([one[0] for one in pairs]), np.array([float(one[1]) for one in pairs])
        assert _parted(scores, labels) == separates(scores, labels), states


def test_labels_in_an_interval_take_the_targets_of_platt():
    found = fit(Predictions(logits=[-3.0, -2.0, 0.0, 0.5, 2.0, 3.0], labels=[0, 0, 1, 1, 0, 0]), "quadratic")
    assert "separate the two labels" in found.fitted.note
    assert np.isfinite(found.fitted.nll_after)
    assert np.abs(log_odds(found, np.linspace(-3, 3, 7))).max() < 100


def test_a_range_that_ends_before_it_begins_is_refused():
    document = json.loads(fit(BY_HAND, "quadratic").to_json())
    document["parameters"]["low"] = 2.0
    with pytest.raises(InputError, match="low must not be larger"):
        from_json(json.dumps(document))
