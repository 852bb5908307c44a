"""Every metric as a function: against the plain definitions, of probabilities, logits and tensors."""

from pathlib import Path

import numpy as np
import pytest
import torch

import calibeval
from calibeval.core.metrics.table import EVERY
from tests import definitions
from tests.data import logits_and_labels

NAMES = [name for name in EVERY if not name.startswith("coverage@")]


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("bins", [15, 7])
def test_each_is_what_its_definition_says(k, bins):
    logits, labels = logits_and_labels(400, k, seed=k)
    probs = definitions.softmax(logits)
    expected = definitions.metrics(probs, labels, bins=bins)
    for name, value in expected.items():
        function = getattr(calibeval.metrics, name)
        assert function(probs, labels, bins=bins) == pytest.approx(value, abs=1e-12), name
        assert function(logits=torch.tensor(logits), labels=labels, bins=bins) == pytest.approx(value, abs=1e-9), name


def test_there_is_one_for_each_and_evaluate_agrees():
    logits, labels = logits_and_labels(400, 2, seed=9)
    report = calibeval.evaluate(logits=logits, labels=labels, level=None, metrics="all")
    assert dir(calibeval.metrics) == sorted([*NAMES, "coverage_at_error"])
    for name in NAMES:
        function, found = getattr(calibeval.metrics, name), report[name]
        if name == "ece_top2":  # of two classes, the two best are all
            assert found.value is None
            with pytest.raises(ValueError, match="needs more than 2 classes"):
                function(logits=logits, labels=labels)
        else:
            assert function(logits=logits, labels=labels) == found.value, name
    three, of_three = logits_and_labels(400, 3, seed=9)
    top = calibeval.evaluate(logits=three, labels=of_three, level=None, metrics="ece_top2")["ece_top2"].value
    assert calibeval.metrics.ece_top2(logits=three, labels=of_three) == top is not None


def test_coverage_takes_any_error():
    logits, labels = logits_and_labels(400, 2, seed=9)
    for error in (0.01, 0.05, 0.3):
        found = calibeval.evaluate(logits=logits, labels=labels, metrics=f"coverage@error={error}")
        if found[f"coverage@error={error}"].value is None:
            with pytest.raises(ValueError, match="at least 299 rows would be needed"):
                calibeval.metrics.coverage_at_error(logits=logits, labels=labels, error=error)
        else:
            value = calibeval.metrics.coverage_at_error(logits=logits, labels=labels, error=error)
            assert value == found[f"coverage@error={error}"].value
    with pytest.raises(ValueError, match="fraction above 0 and below 1"):
        calibeval.metrics.coverage_at_error(logits=logits, labels=labels, error=5)


def test_type_checkers_know_them_all():
    source = Path(calibeval.metrics.__file__).read_text(encoding="utf-8")
    assert [name for name in NAMES if f"    {name}: MetricFunction" not in source] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_explains_itself(name):
    function = getattr(calibeval.metrics, name)
    assert function.__name__ == name
    assert EVERY[name].source in function.__doc__


def test_numbers_that_do_not_exist():
    with pytest.raises(ValueError, match=r"nll: .* probability 0"):
        calibeval.metrics.nll([[1.0, 0.0]], [1])
    with pytest.raises(ValueError, match="two classes, but there are 3"):
        calibeval.metrics.ece_positive(np.full((4, 3), 1 / 3), [0, 1, 2, 0])
    with pytest.raises(ValueError, match="exactly one of logits"):
        calibeval.metrics.ece(labels=[0])
    with pytest.raises(ValueError, match="bins is True"):
        calibeval.metrics.ece([0.2, 0.9], [0, 1], bins=True)
