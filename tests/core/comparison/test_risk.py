"""Which comparisons have risk-coverage curves."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, compare


def model(*right):
    """A model of four rows with falling confidence, whose labels are all 0."""
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    first = np.where(right, confidence, 1.0 - confidence)
    return Predictions(probs=np.stack([first, 1.0 - first], axis=1), labels=np.zeros(4, int))


BASE, CANDIDATE = model(True, True, False, True), model(True, False, True, True)


def ends(metrics):
    """Of both sides, the error of the two most confident rows and of all; None without a curve."""
    found = compare(BASE, CANDIDATE, metrics=metrics)
    sides = (found.base.risk, found.candidates[0].dump.risk)
    return [None if risk is None else (risk[1].risk, risk[-1].risk) for risk in sides]


@pytest.mark.parametrize("metric", ["aurc", "auroc", "coverage@error=0.05", "coverage@error=0.02", "coverage@20%"])
def test_any_metric_of_selective_prediction_brings_them(metric):
    assert ends([metric]) == [(0.0, 0.25), (0.5, 0.25)]


@pytest.mark.parametrize("metrics", [None, ["ece"], ["ecce", "accuracy"]])
def test_others_do_not(metrics):
    assert ends(metrics) == [None, None]
