"""What recalibration is worth: by hand, against maps that are fitted out of fold, and by properties."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from tests.data import logits_and_labels

NAMES = ["phi_nll", "phi_brier"]


def sharpened(n=2000, k=4, factor=2.0, seed=0, **settings):
    """A model that is over-confident by a temperature of `factor`."""
    rng = np.random.default_rng(seed)
    z = 2.0 * rng.normal(size=(n, k))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    labels = (rng.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    return Predictions(logits=factor * z, labels=labels, **settings)


def test_a_temperature_agrees_with_the_map_fitted_out_of_fold():
    p = sharpened()
    found = evaluate(p, metrics=[*NAMES, "nll", "brier"], cross_fit=5)
    after = found.dumps[0].recalibrated.metrics
    for name, score in (("phi_nll", "nll"), ("phi_brier", "brier")):
        old, new = found[score].value, after[score].value
        assert found[name].map == "temperature"
        assert found[name].value == pytest.approx((old - new) / old, abs=1e-7)
        assert found[name].refinement == pytest.approx(new, abs=1e-7)
        assert found[name].calibration == pytest.approx(old - new, abs=1e-7)
        assert found[name].low < found[name].value < found[name].high


def test_isotonic_regression_of_two_classes_agrees_with_the_map_fitted_out_of_fold():
    logits, labels = logits_and_labels(900, 2, seed=3)
    p = Predictions(logits=logits, labels=labels)
    found = evaluate(p, metrics=[*NAMES, "nll", "brier"], cross_fit=5, method="isotonic")
    after = found.dumps[0].recalibrated.metrics
    for name, score in (("phi_nll", "nll"), ("phi_brier", "brier")):
        assert found[name].map == "isotonic"
        assert found[name].refinement == pytest.approx(after[score].value, abs=1e-9)


def test_a_calibrated_model_has_nothing_to_gain():
    values = [evaluate(sharpened(factor=1.0, seed=seed), metrics=NAMES)["phi_nll"] for seed in range(20)]
    assert all(one.value < 0.004 and one.low <= 0.0 <= one.high for one in values)
    assert any(one.map == "none" and one.value == 0.0 == one.low for one in values)
