"""What the Trainer calls, with objects like its EvalPrediction; the library itself is not installed for the suite."""

from inspect import signature
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import calibeval
from calibeval.transformers import Calibration, compute_metrics

RNG = np.random.default_rng(0)
LOGITS, LABELS = RNG.normal(size=(200, 5)).astype(np.float32), RNG.integers(0, 5, 200)
TOKENS, TAGS = RNG.normal(size=(30, 12, 5)).astype(np.float32), RNG.integers(0, 5, (30, 12))
TAGS[:, 9:] = -100
TOKENS[:, 9:] = -100.0  # the Trainer's padding


def prediction(logits=LOGITS, labels=LABELS):
    return SimpleNamespace(predictions=logits, label_ids=labels, inputs=None, losses=None)


def expected(logits, labels, names=("accuracy", "nll", "brier", "ece"), **options):
    report = calibeval.evaluate(logits=logits, labels=labels, **options)
    return {name: report[name].value for name in names}


@pytest.mark.parametrize("logits", [LOGITS, (LOGITS, RNG.normal(size=(200, 8)))])
def test_the_plain_function(logits):
    found = compute_metrics(prediction(logits))
    assert found == pytest.approx(expected(LOGITS, LABELS), rel=1e-12)
    assert all(type(value) is float for value in found.values())


def test_tokens_without_padding_are_rows_and_sequences_are_groups():
    metrics = Calibration(["ece", "nll"])
    found = metrics(prediction(TOKENS, TAGS))
    kept = TAGS.ravel() != -100
    sequence = np.repeat(np.arange(30), 12)[kept]
    wanted = calibeval.evaluate(logits=TOKENS.reshape(-1, 5)[kept], labels=TAGS.ravel()[kept], group=sequence)
    assert found == pytest.approx({name: wanted[name].value for name in ("ece", "nll")})
    assert metrics.report.dumps[0].groups.count == 30
    assert metrics.report["nll"].high == pytest.approx(wanted["nll"].high, rel=1e-9)


def test_labels_of_a_language_model_are_moved_by_one():
    found = Calibration(["nll"], shift=True)(prediction(TOKENS, TAGS))
    wanted = expected(TOKENS[:, :8].reshape(-1, 5), TAGS[:, 1:9].ravel(), ["nll"])
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize("data", [(LOGITS, LABELS), (TOKENS, TAGS)])
def test_batches_of_tensors_give_the_same(data):
    """As with batch_eval_metrics=True; and an evaluation leaves nothing for the next."""
    assert "compute_result" in signature(Calibration()).parameters  # what the Trainer looks for
    whole, batched = Calibration(["ece", "nll"]), Calibration(["ece", "nll"])
    wanted = whole(prediction(*data))
    for _ in range(2):
        batches = list(zip(*(torch.from_numpy(part).split(7) for part in data), strict=True))
        for logits, labels in batches[:-1]:
            assert batched(prediction(logits, labels), compute_result=False) == {}
        assert batched(prediction(*batches[-1]), compute_result=True) == pytest.approx(wanted, rel=1e-9)
        assert batched.report["nll"].high == pytest.approx(whole.report["nll"].high, rel=1e-9)


def test_what_is_not_defined_is_left_out():
    metrics = Calibration(["accuracy", "nll"])
    logits = np.array([[0.0, -np.inf], [0.0, 1.0]])
    assert metrics(prediction(logits, np.array([1, 1]))) == {"accuracy": 0.5}
    assert "probability 0" in metrics.report["nll"].reason


def test_errors_leave_nothing_behind():
    metrics = Calibration(["nll"])
    metrics(prediction(), compute_result=False)
    with pytest.raises(calibeval.InputError, match=r"labels have shape \(30, 11\), but the logits \(30, 12, 5\)"):
        metrics(prediction(TOKENS, TAGS[:, 1:]))
    assert metrics(prediction()) == pytest.approx(expected(LOGITS, LABELS, ["nll"]))
    assert metrics.report.dumps[0].n == 200


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({"metrics": ["eec"]}, {}, 'did you mean "ece"'),
        ({"shift": True}, {}, r"shift=True is for logits \(n, length, k\), but they have 2 dimensions"),
        ({"shift": 2}, {}, "shift"),
        ({}, {"labels": (LABELS, LABELS)}, "2 arrays of labels came, but one is needed"),
    ],
)
def test_what_cannot_work_is_refused(options, given, message):
    with pytest.raises(ValueError, match=message):
        Calibration(**options)(prediction(**given))
