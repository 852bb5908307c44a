"""Maps that leave nothing to tell rows apart, and classes that are off where the top label is not."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.data.notices import reason
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.report import GroupCount, Recalibrated
from calibeval.words.repair import is_worse
from calibeval.words.report import headline, repair
from tests.render.hand_made import over_confident


def test_a_map_to_even_odds_is_calibrated_but_its_brier_score_is_said():
    rng = np.random.default_rng(1)
    true = rng.uniform(0.05, 0.95, 3000)
    odds = 1.8 * np.log(true / (1 - true))
    p, labels = 1 / (1 + np.exp(-odds)), (rng.random(3000) < true).astype(int)
    flat = Predictions(probs=np.column_stack([1 - p + 0.001, p - 0.001])[:200], labels=np.arange(200) % 2)
    told = Predictions(probs=np.column_stack([1 - p, p]), labels=labels)
    (dump,) = evaluate(told, fit_on=flat, method="temperature").dumps
    assert dump.recalibrated.parameters["temperature"] > 20
    assert re.search(
        r", but the Brier P\(pos\) \S+ → \S+ is worse \(certain\), and the NLL \S+ → \S+ is worse \(certain\)\.$",
        repair(dump),
    )
    (good,) = evaluate(told, cross_fit=5, method="temperature").dumps
    assert "Brier" not in repair(good)
    assert "NLL" not in repair(good)


# Half of the width of both intervals is 0.1 together, and 3.2905 / 1.96 of that 0.16788.
@pytest.mark.parametrize(
    ("nll", "brier", "said"),
    [
        (0.399, 0.3, ""),
        (0.401, 0.2, ", but the NLL 0.300 → 0.401 is worse (likely)"),
        (0.467, 0.1999, ", but the NLL 0.300 → 0.467 is worse (likely)"),
        (0.469, 0.2004, ", but the NLL 0.300 → 0.469 is worse (certain)"),
        (0.469, 0.21, ", but the NLL 0.300 → 0.469 is worse (certain), and the Brier 0.200 → 0.210 is no better"),
        (None, 0.21, ", but the NLL becomes infinite, and the Brier 0.200 → 0.210 is no better"),
        (0.31, 0.45, ", but the Brier 0.200 → 0.450 is worse (certain), and the NLL 0.300 → 0.310 is no better"),
    ],
)
def test_scores_that_got_worse_are_said_beside_an_ece_that_got_better(nll, brier, said):
    around = {"nll": 0.05, "brier": 0.06}

    def score(name, value):
        half = around[name]
        low, high = (None, None) if value is None else (value - half, value + half)
        return MetricResult(name, value, reason("infinite", "infinite") if value is None else None, low=low, high=high)

    before, after = over_confident(per_class=()), over_confident(per_class=()).metrics["ece"]
    metrics = {**before.metrics, "nll": score("nll", 0.3), "brier": score("brier", 0.2)}
    left = {"ece": replace(after, value=0.08, corrected=0.07), "nll": score("nll", nll), "brier": score("brier", brier)}
    made = Recalibrated("isotonic", {}, FittedOn("val.npz", None, None, 900), left, (), None)
    dump = replace(before, metrics=metrics, recalibrated=made)
    assert repair(dump).partition("still beyond noise")[2] == f"{said}."
    assert is_worse(dump) == bool(said)
    tried = replace(made, tried=("none", "temperature", "isotonic"))
    chose = " auto chose it from none, temperature and isotonic, by the NLL out of fold."
    assert repair(replace(dump, recalibrated=tried)) == repair(dump) + chose


def test_certain_errors_of_classes_lead_where_the_top_label_is_within_noise():
    rng = np.random.default_rng(2)
    n = 6000
    labels = np.where(rng.random(n) < 0.6, 0, rng.choice([1, 2], n, p=[0.8, 0.2]))
    probs = np.tile([0.6, 0.2, 0.2], (n, 1)) + rng.uniform(-0.01, 0.01, (n, 1)) * [1, -0.5, -0.5]
    (dump,) = evaluate(Predictions(probs=probs, labels=labels)).dumps
    assert headline(dump).startswith(
        "Top-label confidence is within noise; class probabilities are miscalibrated (CWCE "
    )


def _alone(name, value):
    """A metric of too few images: neither an interval nor a noise floor."""
    return MetricResult(name, value, reason("too_few_groups", "3 groups are too few, at least 10 are needed"))


@pytest.mark.parametrize(
    ("ece", "nll", "said"),
    [
        (0.046, 0.2, "raises it: ECE 2.00 → 4.60; 3 images are too few to tell noise"),
        (
            0.046,
            0.4,
            "raises it: ECE 2.00 → 4.60; 3 images are too few to tell noise, and the NLL 0.300 → 0.400 is no b",
        ),
        (
            0.001,
            0.4,
            "lowers it: ECE 2.00 → 0.10; 3 images are too few to tell noise, but the NLL 0.300 → 0.400 is no b",
        ),
        (0.02, 0.2, "changes little: ECE 2.00 → 2.00; 3 images are too few to tell noise"),
    ],
)
def test_without_interval_and_floor_nothing_is_certain_and_nothing_is_noise(ece, nll, said):
    before = over_confident(per_class=())
    old = {name: _alone(name, value) for name, value in (("confidence_gap", 0.01), ("ece", 0.02), ("nll", 0.3))}
    new = {name: _alone(name, value) for name, value in (("confidence_gap", 0.05), ("ece", ece), ("nll", nll))}
    made = Recalibrated("isotonic", {}, FittedOn("val.npz", None, None, 900), new, (), None)
    dump = replace(before, metrics=old, recalibrated=made, groups=GroupCount(None, 3))
    assert f" {said}" in repair(dump)
    assert not is_worse(dump)
