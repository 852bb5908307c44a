"""The metric of ignite, in an engine."""

import math

import pytest
import torch
from ignite.engine import Engine
from ignite.metrics import Accuracy

import calibeval
from calibeval.ignite import Calibration
from tests.integrations.in_processes import NAMES, rows

LOGITS, LABELS = rows()
BATCHES = list(zip(LOGITS.split(64), LABELS.split(64), strict=True))


def expected(**options):
    report = calibeval.evaluate(logits=LOGITS, labels=LABELS, level=None, **options)
    return {name: report[name].value for name in NAMES}


@pytest.fixture
def engine():
    return Engine(lambda _, batch: batch)


def test_an_epoch_gives_what_evaluate_gives(engine):
    Calibration(NAMES).attach(engine, "calibration")
    Calibration("ece").attach(engine, "val_ece")
    Accuracy().attach(engine, "theirs")
    for _ in range(2):  # the second epoch begins anew
        found = engine.run(BATCHES).metrics
        assert found["calibration"] == pytest.approx(expected(), rel=1e-12)
        assert found["val_ece"] == found["ece"] == found["calibration"]["ece"]
        assert found["accuracy"] == pytest.approx(found["theirs"])


def test_the_report_is_the_whole_one(engine):
    metric = Calibration("ece", bins=10)
    metric.attach(engine, "ece")
    engine.run(BATCHES)
    report = metric.report()
    assert report.settings.bins == 10
    assert report["ece"].low < report["ece"].value == engine.state.metrics["ece"] < report["ece"].high


def test_probabilities_by_a_transform_and_ignored_rows(engine):
    metric = Calibration(
        NAMES, lambda output: (output[0].softmax(1), output[1]), scores="probs", ignore_index=3, num_classes=4
    )
    metric.attach(engine, "calibration")
    found = engine.run(BATCHES).metrics["calibration"]
    assert found == pytest.approx(expected(ignore_index=3), rel=1e-6)


def test_what_is_not_defined_is_nan():
    metric = Calibration("nll", scores="probs")
    metric.update((torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([1, 1])))
    assert math.isnan(metric.compute())
    assert "probability 0" in metric.report()["nll"].reason


@pytest.mark.parametrize(
    ("options", "message"), [({"metrics": "eec"}, 'did you mean "ece"'), ({"scores": "logit"}, "scores")]
)
def test_settings_that_cannot_work(options, message):
    with pytest.raises(ValueError, match=message):
        Calibration(**options)
