"""From predictions to a report: settings, bin tables, classes, warnings."""

from __future__ import annotations

import json

import numpy as np
import pytest

import calibeval
from calibeval import Predictions, Report, evaluate
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from tests import definitions
from tests.data import logits_and_labels

PROBS = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8], [0.75, 0.25]]
LABELS = [0, 1, 1, 0, 0]


def test_bin_tables_by_hand():
    # Confidences .9 right, .6 wrong, .7 right, .8 wrong, .75 right.
    dump = evaluate(Predictions(probs=PROBS, labels=LABELS), bins=4).dumps[0]
    assert [(b.lower, b.upper, b.count) for b in dump.equal_width] == [
        (0.0, 0.25, 0),
        (0.25, 0.5, 0),
        (0.5, 0.75, 3),
        (0.75, 1.0, 2),
    ]
    assert dump.equal_width[0].confidence is dump.equal_width[0].accuracy is dump.equal_width[0].gap is None
    third, fourth = dump.equal_width[2:]
    assert third.confidence == pytest.approx((0.6 + 0.7 + 0.75) / 3)
    assert third.accuracy == pytest.approx(2 / 3)
    assert third.gap == pytest.approx((0.6 + 0.7 + 0.75) / 3 - 2 / 3)
    assert fourth.gap == pytest.approx((0.9 + 0.8) / 2 - 1 / 2)
    # Edges at positions ceil(5/4) - 1, ceil(10/4) - 1, ceil(15/4) - 1 of .6 .7 .75 .8 .9.
    assert [(b.lower, b.upper, b.count) for b in dump.equal_mass] == [
        (0.0, 0.7, 2),
        (0.7, 0.75, 1),
        (0.75, 0.8, 1),
        (0.8, 1.0, 1),
    ]


def test_equal_mass_tables_follow_the_definition():
    logits, labels = logits_and_labels(500, 4)
    dump = evaluate(Predictions(logits=logits, labels=labels), bins=7).dumps[0]
    edges = definitions.mass_edges(definitions.softmax(logits).max(axis=1), 7)
    assert [b.lower for b in dump.equal_mass] == pytest.approx(edges[:-1], abs=1e-12)
    assert [b.upper for b in dump.equal_mass] == pytest.approx(edges[1:], abs=1e-12)
    assert sum(b.count for b in dump.equal_mass) == 500
    assert max(b.count for b in dump.equal_mass) - min(b.count for b in dump.equal_mass) <= 1


def test_classes_by_hand():
    dump = evaluate(Predictions(probs=PROBS, labels=LABELS, class_names=["no", "yes"]), bins=2).dumps[0]
    no, yes = dump.per_class
    assert (no.name, no.support, yes.name, yes.support) == ("no", 3, "yes", 2)
    # Class 0 above .5: .9 .6 .75 with two labels; below: .3 .2 with one.
    assert no.calibration_error == pytest.approx((abs(2.25 - 2) + abs(0.5 - 1)) / 5)
    assert no.gap == pytest.approx((2.25 + 0.5 - 3) / 5)
    assert yes.gap == pytest.approx((0.1 + 0.4 + 0.7 + 0.8 + 0.25 - 2) / 5)


def test_class_errors_average_to_cwce():
    logits, labels = logits_and_labels(300, 30)
    report = evaluate(Predictions(logits=logits, labels=labels), level=None)
    errors = [c.calibration_error for c in report.dumps[0].per_class]
    assert [c.name for c in report.dumps[0].per_class] == [str(i) for i in range(30)]
    assert np.mean(errors) == pytest.approx(report["cwce"].value, abs=1e-15)


def test_top_label_dumps_have_no_classes():
    dump = evaluate(Predictions(confidence=[0.5], correct=[1])).dumps[0]
    assert (dump.k, dump.per_class, dump.warnings) == (None, (), ())


def test_few_absent_classes_are_all_named_and_many_are_cut():
    few = evaluate(Predictions(logits=np.zeros((1, 3)), labels=[1])).dumps[0].warnings
    assert few == ("2 of 3 classes do not occur among the labels: 0, 2",)
    many = evaluate(Predictions(logits=np.zeros((1, 30)), labels=[1])).dumps[0].warnings
    assert many == ("29 of 30 classes do not occur among the labels: 0, 2, 3, 4, 5, ...",)


def test_warnings_of_the_predictions_come_first():
    predictions = Predictions(probs=[[1.0, 0.0]], labels=[1], warnings=["from the file"])
    assert evaluate(predictions).dumps[0].warnings[0] == "from the file"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bins": 0}, "bins is 0, but it must lie between 1 and 10000"),
        ({"bins": -1}, "bins is -1, but it must lie between 1 and 10000"),
        ({"bins": 10_001}, "bins is 10001, but it must lie between 1 and 10000"),
        ({"bins": 1.5}, "bins is 1.5, but it must be a whole number"),
        ({"level": 0.0}, "level is 0, but it must lie between 0 and 1, such as 0.95"),
        ({"level": 1 - 1e-10}, "level is 0.9999999999, but it must be at most 0.999999999"),
        ({"level": 95}, "level is 95, but it must lie between 0 and 1, such as 0.95"),
        ({"level": float("nan")}, "level is nan, but it must lie between 0 and 1, such as 0.95"),
        (
            {"convention": "calibevl"},
            (
                'convention "calibevl" is unknown (did you mean "calibeval"?); there are calibeval, guo (or gpleiss, '
                "focal_calibration), mbls (or cals), torchmetrics, torchmetrics-multiclass, netcal, relplot, "
                "torch-uncertainty (or torch_uncertainty), hle, helm, minderer (or robustness_metrics); "
                "of segmentations, monai, lts, mbls per update, cals per update"
            ),
        ),
    ],
)
def test_settings_that_cannot_work(settings, message):
    with pytest.raises(UsageError) as error:
        evaluate(Predictions(probs=[[0.5, 0.5]], labels=[0]), **settings)
    assert str(error.value) == message


def test_numpy_integers_are_numbers_of_bins():
    report = evaluate(Predictions(probs=[[0.5, 0.5]], labels=[0]), bins=np.int64(7))
    assert json.loads(report.to_json())["settings"]["bins"] == 7


@pytest.mark.parametrize("bins", [1, 10_000])
def test_the_most_and_the_fewest_bins(bins):
    logits, labels = logits_and_labels(40, 3)
    report = evaluate(Predictions(logits=logits, labels=labels), bins=bins)
    assert len(report.dumps[0].equal_width) == bins
    assert report["ece"].value >= abs(report["confidence_gap"].value) - 1e-12


def test_the_confidence_gap_is_positive_for_an_overconfident_model():
    gap = evaluate(Predictions(confidence=[0.9] * 200, correct=[1] * 160 + [0] * 40))["confidence_gap"]
    # Equal confidences: the standard error is that of the accuracy, with n - 1; 1.96 of these at a level of 95 %.
    error = 1.959964 * (0.16 / 199) ** 0.5
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.1, 0.1 - error, 0.1 + error))


def test_one_bin_measures_the_gap():
    logits, labels = logits_and_labels(400, 3)
    report = evaluate(Predictions(logits=logits, labels=labels), bins=1)
    assert report["ece"].value == report["mce"].value == pytest.approx(abs(report["confidence_gap"].value), abs=1e-15)
    assert report["aece"].value == pytest.approx(report["ece"].value, abs=1e-15)


def test_nobody_else_s_arrays_are_changed():
    logits, labels = logits_and_labels(100, 3)
    copies = logits.copy(), labels.copy()
    evaluate(Predictions(logits=logits, labels=labels))
    assert (logits == copies[0]).all()
    assert (labels == copies[1]).all()


def test_the_public_names():
    assert {"Predictions", "Report", "evaluate", "read"} <= set(calibeval.__all__)
    assert all(getattr(calibeval, name) for name in calibeval.__all__)
    with pytest.raises(AttributeError, match="module 'calibeval' has no attribute 'evalute'"):
        calibeval.evalute  # noqa: B018 - the access is the test


def test_logits_beyond_the_squares_of_float64_have_no_interval_rather_than_nan():
    huge = Predictions(logits=np.array([[1e200, 0.0], [0.0, 1e200], [1e200, 0.0]]), labels=[0, 0, 1])
    report = evaluate(huge)
    assert report["nll"].value == pytest.approx(2e200 / 3)
    assert report["nll"].low is None
    assert Report.from_json(report.to_json()) == report


def test_sums_of_logits_beyond_float64_are_null_with_the_reason():
    huge = Predictions(logits=np.array([[1.5e308, 0.0]] * 3), labels=[1, 1, 1])
    assert evaluate(huge)["nll"].reason == "the sum of the logarithms exceeds the range of float64"


def test_rounding_above_one_counts_as_one_everywhere():
    found = evaluate(Predictions(probs=np.array([[1.0 + 5e-7, 0.0]] * 100 + [[0.0, 1.0]]), labels=[0] * 100 + [1]))
    assert (found["ece"].value, found["cwce"].value, found["brier"].value, found["nll"].value) == (0, 0, 0, 0)


@pytest.mark.parametrize("excess", [3e-5, 9e-5])
def test_probabilities_above_one_are_refused(excess):
    with pytest.raises(InputError, match=r"row 1 holds 1\.0000\d+ in column 0, so these are not probabilities"):
        evaluate(Predictions(probs=np.array([[0.5, 0.5], [1.0 + excess, 0.0]]), labels=[0, 0]))


def test_sums_at_the_very_limit_are_read_or_refused_with_a_row():
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        p = rng.dirichlet(np.ones(10), 4)
        p[2] *= (1.0 + 1e-4) * (1 + 2e-16 * rng.integers(-4, 5)) / p[2].sum()
        outcomes.add(outcome(Predictions(probs=p, labels=[0, 1, 2, 3])))
    assert outcomes == {"read", "predictions: row 2 sums to 1.0001"}


def outcome(predictions):
    """ "read", or the beginning of the error."""
    try:
        evaluate(predictions, level=None)
    except InputError as error:
        return str(error).partition(",")[0]
    return "read"


def test_the_highest_level_has_intervals_of_finite_ends():
    logits, labels = logits_and_labels(2000, 3)
    metrics = evaluate(Predictions(logits=logits, labels=labels), level=1 - 1e-9).dumps[0].metrics
    for metric in metrics.values():
        if metric.low is not None:
            assert np.isfinite([metric.low, metric.high]).all(), metric.name
            assert metric.low < metric.high, metric.name
    assert metrics["ece"].low is not None


@pytest.mark.parametrize("k", [2, 3])
def test_a_metric_alone_is_that_of_the_whole_report(k):
    logits, labels = logits_and_labels(600, k)
    predictions = Predictions(logits=logits, labels=labels, columns={"site": np.arange(600) % 2})
    settings = checked(slices=["site"])
    whole = evaluate_dump(predictions, settings)
    for name, metric in whole.metrics.items():
        alone = evaluate_dump(predictions, settings, only=[name])
        if not name.startswith("cox"):  # if they are chosen, they come from all rows
            assert alone.metrics[name] == metric
            own, of_all = ({one.value: one.metrics[name] for one in dump.slices} for dump in (alone, whole))
            assert own == of_all
