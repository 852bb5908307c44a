from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.temperature import pieces
from tests.conftest import ROOT
from tests.data import logits_and_labels

REFERENCE = ROOT / "tests" / "golden" / "reference"


def metric(logits, labels, temperature, name):
    return evaluate(Predictions(logits=logits / temperature, labels=labels), level=None)[name].value


def test_smallest_ece_of_the_grid():
    logits, labels = logits_and_labels(300, 4)
    found = fit(Predictions(logits=logits, labels=labels), objective="ece")
    errors = [metric(logits, labels, i / 10, "ece") for i in range(1, 101)]
    assert found.temperature == (1 + int(np.argmin(errors))) / 10
    assert found.fitted.objective == "ece"
    assert found.fitted.nll_after == pytest.approx(metric(logits, labels, found.temperature, "nll"), abs=1e-12)


@pytest.mark.parametrize("name", "abc")
def test_reference_grid(name):
    inputs = np.load(REFERENCE / "inputs.npz", allow_pickle=False)
    expected = np.load(REFERENCE / "temperature.npz", allow_pickle=False)
    found = fit(Predictions(logits=inputs[f"{name}_logits"], labels=inputs[f"{name}_labels"]), objective="ece")
    assert found.temperature == pytest.approx(float(expected[f"{name}/torr_grid_ece_T"]), abs=1e-9)


def test_first_of_equals_and_ends_are_noted():
    found = fit(Predictions(logits=np.zeros((4, 2)), labels=[0, 0, 1, 1]), objective="ece")
    assert (found.temperature, "end of the grid" in found.fitted.note) == (0.1, True)


@pytest.mark.parametrize("small", [False, True])
def test_mean_confidence_is_the_accuracy(small, monkeypatch):
    if small:
        monkeypatch.setattr(pieces, "WHOLE_SCORES", 2**9)
        monkeypatch.setattr(pieces, "SAMPLE_SCORES", 2**10)
    logits, labels = logits_and_labels(2000, 5)
    found = fit(Predictions(logits=logits, labels=labels), objective="accuracy")
    assert metric(logits, labels, found.temperature, "confidence_gap") == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("labels", [[0, 1, 0], [1, 0, 1]])
def test_no_temperature_reaches_that_accuracy(labels):
    logits = [[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]]
    with pytest.raises(InputError, match="the objective accuracy has no solution"):
        fit(Predictions(logits=logits, labels=labels), objective="accuracy")
