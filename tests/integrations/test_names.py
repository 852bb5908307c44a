"""Metrics are named to an integration as to `evaluate`: in a list, or in a text with commas."""

import importlib
from types import SimpleNamespace

import pytest
import torch

from calibeval.core.errors import UnknownMetric, UsageError
from calibeval.integrations.names import names_of

SCORES, LABELS = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])


@pytest.mark.parametrize("metrics", ["ece,nll", " ECE, nll,", ["ece", "nll"], ("ece", " nll", "ece")])
def test_a_list_and_a_text_name_the_same(metrics):
    assert names_of(metrics) == ("ece", "nll")


@pytest.mark.parametrize(("metrics", "error"), [("ece,nl", UnknownMetric), ("", UsageError), ([], UsageError)])
def test_what_names_no_metric_is_refused(metrics, error):
    with pytest.raises(error):
        names_of(metrics)


def test_the_trainer_of_transformers():
    metrics = importlib.import_module("calibeval.transformers").Calibration("ece,nll")
    found = metrics(SimpleNamespace(predictions=SCORES.numpy(), label_ids=LABELS.numpy()))
    assert [*found] == ["ece", "nll"]


def test_torchmetrics():
    pytest.importorskip("torchmetrics")
    metric = importlib.import_module("calibeval.torchmetrics").Calibration("ece,nll")
    metric.update(SCORES, LABELS)
    assert [*metric.compute()] == ["ece", "nll"]
    assert metric.higher_is_better is None


def test_ignite():
    pytest.importorskip("ignite")
    metric = importlib.import_module("calibeval.ignite").Calibration("ece,nll")
    metric.update((SCORES, LABELS))
    assert [*metric.compute()] == ["ece", "nll"]


def test_lightning():
    pytest.importorskip("pytorch_lightning")
    assert importlib.import_module("calibeval.lightning").CalibrationCallback("ece,nll").names == ("ece", "nll")
