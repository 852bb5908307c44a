import json

import numpy as np
import pytest

from calibeval import Predictions, Report, evaluate
from calibeval.core.errors import InputError
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.settings import checked
from calibeval.core.sums.resources import PLAIN, Resources


def two_classes(n=4_000, seed=3):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.6, 1.5, n)
    return Predictions(probs=np.stack([1 - p, p], axis=1), labels=(rng.random(n) < p**1.5).astype(int))


def logits(n=3_000, k=5, seed=4):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2.5, (n, k))
    return Predictions(
        logits=z, labels=(z + rng.gumbel(0, 1, z.shape)).argmax(axis=1), columns={"g": np.arange(n) // 7}
    )


def measured(predictions, resources=PLAIN, **settings):
    return Measurement.of(predictions, checked(**settings), resources, curves=True)


def test_without_a_wish_there_is_no_curve():
    assert evaluate_dump(logits(), checked()).curve is None
    assert evaluate_dump(logits(), checked(), curves=True).curve is not None


def test_python_fits_it_and_json_keeps_it_exactly():
    report = evaluate(logits(), cross_fit=2)
    again = Report.from_json(report.to_json())
    assert again == report
    assert again.dumps[0].curve == report.dumps[0].curve is not None
    assert again.dumps[0].after().curve == report.dumps[0].recalibrated.curve is not None


def test_a_file_from_before_curves_has_none():
    document = json.loads(evaluate(logits()).to_json())
    del document["dumps"][0]["curve"]
    assert Report.from_json(json.dumps(document)).dumps[0].curve is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("accuracy", [0.5], "3 numbers, as in confidence"),
        ("low", [0.1, 0.2, 1.7], "numbers from 0 to 1"),
        ("confidence", [0.2, 0.1, 0.3], "ascending order"),
    ],
)
def test_a_curve_that_cannot_be_is_refused(field, value, message):
    document = json.loads(evaluate(logits()).to_json())
    curve = {name: [0.1, 0.2, 0.3] for name in ("confidence", "accuracy", "low", "high")}
    document["dumps"][0]["curve"] = {**curve, field: value}
    with pytest.raises(InputError, match=message):
        Report.from_json(json.dumps(document))


def test_a_calibrated_model_is_within_its_band_almost_everywhere():
    curve = evaluate(logits(20_000)).dumps[0].curve
    inside = [low <= y <= high for y, low, high in zip(curve.accuracy, curve.low, curve.high, strict=True)]
    assert np.mean(inside) > 0.75


def test_an_over_confident_model_leaves_it():
    z = logits(8_000)
    curve = evaluate(Predictions(logits=2 * np.asarray(z.scores), labels=z.labels)).dumps[0].curve
    below = [y < low for y, low in zip(curve.accuracy, curve.low, strict=True)]
    assert np.mean(below) > 0.8


@pytest.mark.parametrize("group", [None, "g"])
def test_jobs_and_memory_change_nothing(group):
    dump = logits(30_000)
    plain = measured(dump, group=group)
    for resources in (Resources(jobs=3), Resources(memory=2**16)):
        assert measured(dump, resources, group=group).report(0.95).curve == plain.report(0.95).curve


def test_of_two_classes_the_positive_curve_is_of_class_1():
    dump = two_classes()
    curve = measured(dump).curves.positive()
    # The frequency is p to the power of 1.5, so the curve lies below the diagonal, and ends near it.
    p, y = np.array(curve.confidence), np.array(curve.accuracy)
    assert np.abs(y - p**1.5).mean() < 0.05
    assert p[0] < 0.01
    other = Predictions(probs=np.asarray(dump.scores)[:, ::-1].copy(), labels=1 - dump.labels)
    mirrored = measured(other).curves.positive().turned()
    assert np.abs(np.interp(p, mirrored.confidence, mirrored.accuracy) - y).mean() < 0.01


def test_more_classes_have_no_positive_one():
    assert measured(logits()).curves.positive() is None


def test_ignored_rows_are_left_out():
    dump = two_classes()
    labels = dump.labels.copy()
    labels[::3] = 255
    ignoring = Predictions(probs=dump.scores, labels=labels, ignore_index=255)
    kept = np.arange(len(labels)) % 3 != 0
    alone = Predictions(probs=np.asarray(dump.scores)[kept], labels=dump.labels[kept])
    for part in ("top", "positive"):
        assert getattr(measured(ignoring).curves, part)() == getattr(measured(alone).curves, part)()


def test_a_chosen_class_of_many_has_the_curve_of_its_probability():
    dump = logits(6_000)
    (view,) = measured(dump, classes=["3"]).report(0.95).class_views
    z = np.asarray(dump.scores)
    p = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))[:, 3]
    alone = Predictions(probs=np.stack([1 - p, p], axis=1), labels=(dump.labels == 3).astype(int))
    expected = measured(alone).curves.positive()
    inner = np.linspace(0.01, 0.99, 50)
    np.testing.assert_allclose(
        np.interp(inner, view.curve.confidence, view.curve.accuracy),
        np.interp(inner, expected.confidence, expected.accuracy),
        atol=0.02,
    )


def test_another_tools_convention_has_no_curve():
    assert measured(logits(), convention="torchmetrics").report(0.95).curve is None
