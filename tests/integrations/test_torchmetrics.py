"""The metric of torchmetrics: values, batches, collections, copies, and two real processes."""

import copy
import math
import pickle

import pytest
import torch
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassCalibrationError

import calibeval
from calibeval.torchmetrics import Calibration
from tests.integrations.in_processes import NAMES, K, rows

LOGITS, LABELS = rows()


def expected(logits=LOGITS, labels=LABELS, **options):
    report = calibeval.evaluate(logits=logits, labels=labels, level=None, **options)
    return {name: report[name].value for name in NAMES}


def same(found, wanted):
    assert {name: value.item() for name, value in found.items()} == pytest.approx(wanted, rel=1e-6)


def filled(metrics="ece", size=64, **options):
    metric = Calibration(metrics, **options)
    for logits, labels in zip(LOGITS.split(size), LABELS.split(size), strict=True):
        metric.update(logits, labels)
    return metric


@pytest.mark.parametrize("size", [1, 64, 600])
def test_batches_of_any_size_give_what_evaluate_gives(size):
    same(filled(NAMES, size).compute(), expected())


def test_the_ece_is_that_of_torchmetrics():
    theirs = MulticlassCalibrationError(K, n_bins=15)
    theirs.update(LOGITS.softmax(1), LABELS)
    own = filled("ece", bins=15).compute()
    assert own.shape == ()
    assert own.item() == pytest.approx(theirs.compute().item(), rel=1e-5)


def test_the_report_is_the_whole_one():
    report = filled("ece").report()
    assert report["ece"].low < report["ece"].value < report["ece"].high
    assert report.dumps[0].n == 600


def test_forward_gives_the_batch_and_keeps_all_rows():
    metric = Calibration(NAMES)
    for logits, labels in zip(LOGITS.split(200), LABELS.split(200), strict=True):
        same(metric(logits, labels), expected(logits, labels))
    same(metric.compute(), expected())
    assert metric.update_count == 3


def test_forward_after_compute_is_not_answered_from_before():
    metric = filled("accuracy")
    before = metric.compute()
    wrong = (LABELS + 1) % K
    assert metric(LOGITS, wrong) != before
    assert metric.compute().item() == pytest.approx(
        (before.item() + (LOGITS.argmax(1) == wrong).double().mean().item()) / 2, rel=1e-6
    )


def test_reset_forgets_all_rows():
    metric = filled(NAMES)
    metric.compute()
    metric.reset()
    metric.update(LOGITS[:100], LABELS[:100])
    same(metric.compute(), expected(LOGITS[:100], LABELS[:100]))


def test_weights_groups_and_ignored_rows():
    weights = torch.arange(600.0) % 3
    metric = Calibration(NAMES, ignore_index=-100)
    labels = torch.where(torch.arange(600) < 30, -100, LABELS)
    metric.update(LOGITS, labels, weights=weights, groups=torch.arange(600) // 10)
    same(metric.compute(), expected(LOGITS, labels, weights=weights, ignore_index=-100))
    assert metric.report().dumps[0].groups.count == 57


def test_probabilities_and_two_classes():
    metric = Calibration("ece", scores="probs")
    metric.update(torch.tensor([0.9, 0.9]), torch.tensor([1, 0]))
    assert metric.compute().item() == pytest.approx(0.4)


def test_two_in_a_collection_stay_apart():
    both = MetricCollection(
        {
            "ece": Calibration("ece"),
            "fine": Calibration("ece", bins=100),
            "probs": Calibration("accuracy"),
            "theirs": MulticlassAccuracy(K, average="micro"),
        }
    )
    for logits, labels in zip(LOGITS.split(100), LABELS.split(100), strict=True):
        both.update(logits, labels)
    found = both.compute()
    assert found["ece"].item() == pytest.approx(expected()["ece"], rel=1e-6)
    assert found["fine"].item() == pytest.approx(expected(bins=100)["ece"], rel=1e-6)
    assert found["probs"].item() == pytest.approx(found["theirs"].item())
    both.reset()
    both.update(LOGITS[:100], LABELS[:100])
    assert both.compute()["ece"].item() == pytest.approx(expected(LOGITS[:100], LABELS[:100])["ece"], rel=1e-6)


def test_merged_and_copied():
    one, other = Calibration(NAMES), Calibration(NAMES)
    one.update(LOGITS[:250], LABELS[:250])
    other.update(LOGITS[250:], LABELS[250:])
    before = copy.deepcopy(one)
    one.merge_state(pickle.loads(pickle.dumps(other)))  # noqa: S301 - it was pickled here
    same(one.compute(), expected())
    same(before.compute(), expected(LOGITS[:250], LABELS[:250]))
    with pytest.raises(calibeval.UsageError, match="bins"):
        one.merge_state(filled(NAMES, bins=10))
    with pytest.raises(calibeval.UsageError, match="merge_state takes a Calibration, but a dict came"):
        one.merge_state({})


def test_gradients_do_not_hinder():
    metric = Calibration("nll")
    metric.update(LOGITS.clone().requires_grad_(), LABELS)
    assert metric.compute().item() == pytest.approx(expected()["nll"], rel=1e-6)


@pytest.mark.parametrize(
    ("metrics", "better"), [("ece", False), ("accuracy", True), ("confidence_gap", None), (["ece", "nll"], None)]
)
def test_which_direction_is_better(metrics, better):
    assert Calibration(metrics).higher_is_better is better


def test_what_is_not_defined_is_nan_and_the_report_says_why():
    metric = Calibration("nll", scores="probs")
    metric.update(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([1, 1]))
    assert math.isnan(metric.compute())
    assert "probability 0" in metric.report()["nll"].reason


def test_a_wrong_batch_adds_nothing():
    metric = filled(NAMES)
    wrong = LOGITS[:5].clone()
    wrong[3, 1] = torch.nan
    with pytest.raises(calibeval.InputError, match="row 603"):
        metric.update(wrong, LABELS[:5])
    same(metric.compute(), expected())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": "eec"}, 'did you mean "ece"'),
        ({"scores": "logit"}, "scores"),
        ({"bins": 0}, "bins"),
        ({"dist_sync_on_step": True}, "dist_sync_on_step"),
        ({"n_bins": 3}, "n_bins"),
    ],
)
def test_settings_that_cannot_work(options, message):
    with pytest.raises(ValueError, match=message):
        Calibration(**options)
