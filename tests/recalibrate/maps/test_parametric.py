"""Platt and beta scaling beside independent optimisers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from calibeval import Predictions, evaluate, read
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.maps.beta import BetaMap
from tests.conftest import ROOT

CASES = ROOT / "tests" / "cases"


def margins(n=500, slope=0.6, intercept=0.4, seed=0):
    rng = np.random.default_rng(seed)
    s = rng.normal(size=n) * 3
    return s, (rng.random(n) < 1 / (1 + np.exp(-slope * s - intercept))).astype(int)


def test_platt_by_hand():
    # At s = -1 one of four labels is 1, at s = 1 three of four: log-odds -log 3 and log 3.
    found = fit(Predictions(logits=[-1.0] * 4 + [1.0] * 4, labels=[0, 0, 0, 1, 1, 1, 1, 0]), "platt")
    assert (found.slope, found.intercept) == pytest.approx((np.log(3), 0), abs=1e-12)


def test_platt_is_logistic_regression():
    s, y = margins()
    found = fit(Predictions(logits=s, labels=y), "platt")
    other = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(s[:, None], y)
    assert found.slope == pytest.approx(other.coef_[0, 0], rel=1e-5)
    assert found.intercept == pytest.approx(other.intercept_[0], rel=1e-5)


def test_platt_at_margins_of_a_million():
    """Before, the search began on a plateau and gave the map that changes nothing: NLL 31,169.6."""
    found = fit(read(CASES / "platt_large_margins.npz"), "platt")
    assert found.fitted.nll_after == pytest.approx(0.18691, abs=5e-6)
    assert (found.slope, found.intercept) == pytest.approx((5.376e-6, 2.208), rel=2e-4)
    assert found.fitted.search.converged
    assert found.fitted.search.gradient < 1e-10


@pytest.mark.parametrize(("method", "nll"), [("platt", 0.33944), ("beta", 0.33941)])
def test_margins_of_2000(method, nll):
    dump = read(CASES / "beta_margins_2000.npz")
    found = fit(dump, method)
    assert found.fitted.nll_after == pytest.approx(nll, abs=5e-6)
    assert evaluate(found(dump), level=None)["accuracy"].value > 0.84


def test_beta_is_constrained_logistic_regression():
    for seed in range(5):
        s, y = margins(seed=seed, slope=0.3 * seed - 0.3)
        found = fit(Predictions(logits=s, labels=y), "beta")
        log_p, log_q = -np.logaddexp(0, -s), -np.logaddexp(0, s)

        def loss(w, log_p=log_p, log_q=log_q, y=y):
            v = w[0] * log_p - w[1] * log_q + w[2]
            return float(np.mean(np.logaddexp(0, v) - y * v))

        other = minimize(loss, [1, 1, 0], bounds=[(0, None), (0, None), (None, None)], method="L-BFGS-B", tol=1e-14)
        assert found.fitted.nll_after <= other.fun + 1e-10
        assert (found.a >= 0, found.b >= 0) == (True, True)


def test_separable_labels_take_the_targets_of_platt():
    for method in ("platt", "beta"):
        found = fit(Predictions(logits=[-2.0, -1.0, 1.0, 3.0], labels=[0, 0, 1, 1]), method)
        assert "separate the two labels" in found.fitted.note
        assert 0 < found.fitted.nll_after < np.log(2)
        assert f"smaller NLL than this map, {found.fitted.nll_after:.5g}" in found.fitted.note
        alone = fit(Predictions(logits=[-2.0, 1.0], labels=[1, 1]), method)
        assert alone.fitted.note.startswith("all rows have the same label, so the likelihood has no maximum")
        assert np.isfinite(alone.fitted.nll_after)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_targets_of_two_rows_by_hand(scale):
    """Two rows are fitted exactly: (1 + 1) / (1 + 2) and 1 / (1 + 2), log-odds of log 2 and -log 2."""
    found = fit(Predictions(logits=[-scale, scale], labels=[0, 1]), "platt")
    assert (found.slope * scale, found.intercept) == pytest.approx((np.log(2), 0.0), abs=1e-9)
    # Weights 1 and 3 are those of 4^2 / 10 = 1.6 rows: 0.4 and 1.2, with targets 1 / 2.4 and 2.2 / 3.2.
    weighted = fit(Predictions(logits=[-scale, scale], labels=[0, 1], weights=[1.0, 3.0]), "platt")
    low, high = np.log(1 / 1.4), np.log(2.2)
    expected = ((high - low) / 2, (high + low) / 2)
    assert (weighted.slope * scale, weighted.intercept) == pytest.approx(expected, abs=1e-9)
    beta = fit(Predictions(logits=[-scale, scale], labels=[0, 1]), "beta")
    assert beta.fitted.nll_after == pytest.approx(found.fitted.nll_after, abs=1e-8)


def test_one_label_alone_gives_its_target_everywhere():
    for method in ("platt", "beta"):
        found = fit(Predictions(logits=[-3.0, 0.0, 5.0], labels=[1, 1, 1]), method)
        mapped = np.asarray(found(Predictions(logits=[-9.0, 9.0], labels=[1, 1])).scores[0:2])
        assert mapped[:, 1] - mapped[:, 0] == pytest.approx([np.log(4), np.log(4)], abs=1e-9)  # 4 of 5
        assert "all rows have the same label, so the likelihood has no maximum" in found.fitted.note


def test_the_beta_map_is_its_formula_and_keeps_digits_where_a_and_b_are_large():
    facts = fit(Predictions(logits=[1.0, -1.0], labels=[1, 0]), "beta").fitted
    s = np.array([-30.0, -2.0, 0.0, 0.3, 7.0, 50.0])
    for a, b in ((1.3, 0.4), (0.4, 1.3), (2.0, 2.0), (0.0, 1.5), (1.5, 0.0), (0.0, 0.0)):
        mapped = BetaMap(2, None, facts, a, b, 0.7).apply(np.stack([np.zeros(6), s], axis=1))
        expected = -a * np.logaddexp(0, -s) + b * np.logaddexp(0, s) + 0.7
        np.testing.assert_allclose(mapped[:, 1] - mapped[:, 0], expected, rtol=1e-12)
    tiny = BetaMap(2, None, facts, 1e8, 1e8, 0.0).apply(np.stack([np.zeros(6), 1e-8 * s], axis=1))
    np.testing.assert_allclose(tiny[:, 1] - tiny[:, 0], s, rtol=1e-12)


def test_certain_rows_stay_certain():
    s, y = margins()
    sure = np.concatenate([s, [np.inf]])
    logits = np.stack([np.where(np.isinf(sure), -np.inf, 0.0), np.where(np.isinf(sure), 0.0, sure)], axis=1)
    dump = Predictions(logits=logits, labels=np.append(y, 1))
    for method in ("platt", "beta"):
        plain, found = fit(Predictions(logits=s, labels=y), method), fit(dump, method)
        assert list(found.parameters().values()) == pytest.approx(list(plain.parameters().values()), rel=1e-9)
        assert np.asarray(found(dump).scores[500:501]).tolist() == [[-np.inf, 0.0]]


def test_certain_rows_against_a_falling_map_are_refused():
    s, y = margins(slope=-1.0)
    logits = np.stack([np.zeros(501), np.append(s, -np.inf)], axis=1)
    for method in ("platt", "beta"):
        with pytest.raises(InputError, match="Use clip=1e-12"):
            fit(Predictions(logits=logits, labels=np.append(y, 0)), method)
    with pytest.raises(InputError, match="nothing to fit"):
        fit(Predictions(probs=[0.0, 1.0], labels=[0, 1]), "platt")


@pytest.mark.parametrize("method", ["platt", "beta"])
def test_scores_whose_squares_overflow_are_refused(method):
    logits = np.random.default_rng(0).normal(size=(40, 2))
    logits[::2] *= 3e307
    with pytest.raises(InputError, match="the scores are too large or too small for a temperature"):
        fit(Predictions(logits=logits, labels=np.arange(40) % 2), method)
