"""Maps that leave nothing to tell rows apart, and classes that are off where the top label is not."""

from __future__ import annotations

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.words.report import headline, repair


def test_a_map_to_even_odds_is_calibrated_but_its_brier_score_is_said():
    rng = np.random.default_rng(1)
    true = rng.uniform(0.05, 0.95, 3000)
    odds = 1.8 * np.log(true / (1 - true))
    p, labels = 1 / (1 + np.exp(-odds)), (rng.random(3000) < true).astype(int)
    flat = Predictions(probs=np.column_stack([1 - p + 0.001, p - 0.001])[:200], labels=np.arange(200) % 2)
    told = Predictions(probs=np.column_stack([1 - p, p]), labels=labels)
    (dump,) = evaluate(told, fit_on=flat, method="temperature").dumps
    assert dump.recalibrated.parameters["temperature"] > 20
    assert "but the Brier P(pos) " in repair(dump)
    assert repair(dump).endswith(" is worse (certain).")
    (good,) = evaluate(told, cross_fit=5, method="temperature").dumps
    assert "Brier" not in repair(good)


def test_certain_errors_of_classes_lead_where_the_top_label_is_within_noise():
    rng = np.random.default_rng(2)
    n = 6000
    labels = np.where(rng.random(n) < 0.6, 0, rng.choice([1, 2], n, p=[0.8, 0.2]))
    probs = np.tile([0.6, 0.2, 0.2], (n, 1)) + rng.uniform(-0.01, 0.01, (n, 1)) * [1, -0.5, -0.5]
    (dump,) = evaluate(Predictions(probs=probs, labels=labels)).dumps
    assert headline(dump).startswith(
        "Top-label confidence is within noise; class probabilities are miscalibrated (CWCE "
    )
