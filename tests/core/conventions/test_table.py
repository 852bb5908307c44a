"""Each rule of each convention by hand, on numbers that are exact in float32."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.conventions.table import CONVENTIONS, find_convention
from calibeval.core.errors import UsageError
from calibeval.core.metrics.table import METRICS

TOOLS = [name for name in CONVENTIONS if name != "calibeval"]
# torchmetrics' own docstrings: bins 2 and 3.
BINARY = Predictions(probs=[0.25, 0.25, 0.55, 0.75, 0.75], labels=[0, 0, 1, 1, 1])
THREE = Predictions(
    probs=[[0.25, 0.20, 0.55], [0.55, 0.05, 0.40], [0.10, 0.30, 0.60], [0.90, 0.05, 0.05]], labels=[0, 1, 2, 0]
)


def top(confidence, correct):
    return Predictions(confidence=confidence, correct=correct)


def value(predictions, metric, convention, bins):
    return evaluate(predictions, convention=convention, bins=bins, level=None)[metric].value


def logits(n=400, k=4, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, k)) * 3
    return scores, rng.integers(0, k, n)


# Sides of the bins, zeros, ones


@pytest.mark.parametrize(
    ("convention", "expected"),
    [("calibeval", (0.5 + 0.75) / 2), ("guo", (0.5 + 0.75) / 2), ("torchmetrics", 0.25 / 2), ("netcal", 0.25 / 2)],
)
def test_an_inner_edge_belongs_to_the_bin_below_or_above(convention, expected):
    assert value(top([0.5, 0.75], [1, 0]), "ece", convention, 2) == expected


@pytest.mark.parametrize("convention", ["guo", "mbls"])
def test_zero_is_in_no_bin_but_in_the_denominator(convention):
    dump = top([0.0, 0.25, 0.75, 0.75], [1, 0, 1, 0])
    assert value(dump, "ece", "calibeval", 2) == (abs(1 - 0.25) + abs(1 - 1.5)) / 4
    report = evaluate(dump, convention=convention, bins=2)
    assert report["ece"].value == (0.25 + 0.5) / 4
    assert [b.count for b in report.dumps[0].equal_width] == [1, 2]
    assert f"{convention} leaves 1 of 4 rows out of its bins: their confidence is 0" in report.dumps[0].warnings


def test_one_has_a_bin_of_its_own_in_torchmetrics():
    dump = top([0.95, 1.0], [1, 0])  # torchmetrics issue 3510: textbook 0.475
    assert value(dump, "ece", "calibeval", 15) == pytest.approx(abs(1 - 1.95) / 2)
    assert value(dump, "ece", "netcal", 15) == pytest.approx(abs(1 - 1.95) / 2)
    report = evaluate(dump, convention="torchmetrics")
    assert report["ece"].value == pytest.approx(0.05 / 2 + 1.0 / 2)
    assert (report["mce"].value, report["mce"].bin, report["mce"].count) == (1.0, 15, 1)
    table = report.dumps[0].equal_width
    assert len(table) == 16
    assert (table[-1].lower, table[-1].upper, table[-1].count) == (1.0, 1.0, 1)


def test_the_maximum_is_of_the_tools_bins():
    dump = top([0.5, 0.75], [1, 0])
    assert value(dump, "mce", "guo", 2) == 0.75
    assert value(dump, "mce", "torchmetrics", 2) == 0.125


# Two classes


def test_published_examples_of_torchmetrics():
    assert value(BINARY, "ece", "torchmetrics", 2) == pytest.approx(0.29)
    assert value(BINARY, "mce", "torchmetrics", 2) == pytest.approx(0.95 / 3)
    assert value(THREE, "ece", "torchmetrics", 3) == pytest.approx(0.2)
    assert value(THREE, "mce", "torchmetrics", 3) == pytest.approx(0.7 / 3)


def test_two_classes_are_the_top_label_or_class_1():
    # P(class 1) is 0.25 twice and never right; the top label has 0.75 and is right once.
    dump = Predictions(probs=[0.25, 0.25], labels=[0, 1])
    expected = {"calibeval": 0.25, "guo": 0.25, "mbls": 0.25, "torchmetrics-multiclass": 0.25}
    expected |= dict.fromkeys(("torchmetrics", "netcal", "relplot", "torch-uncertainty", "helm", "minderer"), 0.25)
    expected["hle"] = None  # fewer rows than a chunk
    assert {name: value(dump, "ece", name, 1) for name in CONVENTIONS} == expected
    tables = {name: evaluate(dump, convention=name, bins=1).dumps[0].equal_width[0] for name in CONVENTIONS}
    assert {name: table.confidence for name, table in tables.items()} == {
        **dict.fromkeys(expected, 0.75),
        **dict.fromkeys(("torchmetrics", "netcal", "relplot", "torch-uncertainty"), 0.25),
    }


@pytest.mark.parametrize("convention", ["torchmetrics", "netcal"])
def test_the_other_meaning_is_told(convention):
    report = evaluate(BINARY, convention=convention)
    assert report["ece_positive"].value == report["ece"].value
    assert any("measures P(class 1)" in warning for warning in report.dumps[0].warnings)
    assert report["accuracy"].value == evaluate(BINARY)["accuracy"].value == 1.0


def test_a_convention_of_top_labels_has_no_positive_class():
    assert (
        evaluate(BINARY, convention="mbls")["ece_positive"].reason
        == "mbls has no calibration error of P(positive class)"
    )


# Class-wise


def test_classes_are_counted_up_to_the_largest_label():
    dump = Predictions(probs=[[0.5, 0.25, 0.25], [0.25, 0.75, 0.0]], labels=[0, 1])
    assert value(dump, "cwce", "calibeval", 1) == (0.125 + 0.0 + 0.125) / 3
    report = evaluate(dump, convention="mbls", bins=1)
    assert report["cwce"].value == (0.125 + 0.0) / 2
    assert [c.calibration_error for c in report.dumps[0].per_class] == [0.125, 0.0]
    assert [c.support for c in report.dumps[0].per_class] == [1, 1]
    assert "mbls counts 2 of 3 classes in CWCE: the last ones do not occur among the labels" in report.dumps[0].warnings


def test_a_probability_of_zero_is_lost_to_its_class():
    dump = Predictions(probs=[[1.0, 0.0], [0.0, 1.0]], labels=[1, 0])
    assert value(dump, "cwce", "calibeval", 1) == 0.0  # one bin: p and y both sum to 1
    report = evaluate(dump, convention="cals", bins=1)
    assert report["cwce"].value == (abs(0 - 1) / 2 + abs(0 - 1) / 2) / 2
    assert "mbls leaves 2 of 4 probabilities out of CWCE: they are exactly 0" in report.dumps[0].warnings


def test_softmax_in_float32_reaches_zero_where_float64_does_not():
    scores = np.array([[0.0, -200.0], [-200.0, 0.0]])
    narrow = Predictions(logits=scores.astype(np.float32), labels=[1, 0])
    wide = Predictions(logits=scores, labels=[1, 0])
    assert value(narrow, "cwce", "mbls", 1) == 0.5
    assert value(wide, "cwce", "mbls", 1) == 0.0


def test_one_counted_class_has_a_value_and_no_interval():
    report = evaluate(Predictions(probs=[[0.75, 0.25], [0.75, 0.25]], labels=[0, 0]), convention="mbls", bins=1)
    assert (report["cwce"].value, report["cwce"].low) == (0.25, None)


# Equal mass


def test_interpolated_edges_lose_the_least_confidence():
    dump = top([0.5, 0.625, 0.75, 1.0], [0, 1, 0, 1])
    report = evaluate(dump, convention="mbls", bins=2)
    table = report.dumps[0].equal_mass
    assert [(b.lower, b.upper, b.count) for b in table] == [(0.5, 0.75, 2), (0.75, 1.0, 1)]
    assert report["aece"].value == abs(1 - 1.375) / 4
    assert "mbls leaves 1 of 4 rows, those with the lowest confidence, out of AECE" in report.dumps[0].warnings


def test_equal_confidences_are_all_lost():
    report = evaluate(top([0.75] * 4, [0] * 4), convention="guo", bins=5)
    assert (report["aece"].value, report["ece"].value) == (0.0, 0.75)
    assert "guo leaves 4 of 4 rows, those with the lowest confidence, out of AECE" in report.dumps[0].warnings


def test_quantiles_are_refused_where_edges_are_equal():
    metric = evaluate(top([0.5, 0.75, 0.75, 0.75, 1.0], [0, 1, 1, 1, 1]), convention="netcal", bins=4)["aece"]
    assert (metric.value, metric.reason) == (
        None,
        "netcal refuses equal-mass bins where two edges are equal: too many rows tie",
    )


def test_quantile_bins_hold_their_lower_edge():
    # The median 0.75 is the one inner edge.
    report = evaluate(top([0.5, 0.75, 1.0], [1, 0, 1]), convention="netcal", bins=2)
    assert [(b.lower, b.upper, b.count) for b in report.dumps[0].equal_mass] == [(0.0, 0.75, 1), (0.75, 1.0, 2)]
    assert report["aece"].value == pytest.approx((0.5 + 0.75) / 3)


def test_without_memory_there_are_no_equal_mass_bins():
    scores, labels = logits()
    report = evaluate(Predictions(logits=scores, labels=labels), convention="mbls", max_memory=100)
    assert report["aece"].reason == "needs all confidences in memory, which the memory limit does not allow"
    assert report.dumps[0].equal_mass is None
    assert report["ece"].value is not None


# netcal counts labels


def test_netcal_refuses_probabilities_of_more_classes_than_labels():
    report = evaluate(Predictions(probs=[[0.5, 0.25, 0.25], [0.25, 0.75, 0.0]], labels=[0, 1]), convention="netcal")
    expected = "netcal takes this for two classes, since only labels 0 and 1 occur, and refuses 3 columns"
    assert [report[name].reason for name in ("ece", "mce", "aece")] == [expected] * 3
    assert report["accuracy"].value == 1.0


def test_ignored_rows_are_no_labels():
    probs = [[0.5, 0.25, 0.25], [0.25, 0.75, 0.0], [0.25, 0.0, 0.75]]
    dump = Predictions(probs=probs, labels=[0, 1, 2], ignore_index=2)
    assert evaluate(dump, convention="netcal")["ece"].value is None
    assert len(evaluate(dump, convention="mbls").dumps[0].per_class) == 2


# Names and bins


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gpleiss", "guo"), ("focal_calibration", "guo"), ("cals", "mbls"), ("MbLS", "mbls"), ("netcal", "netcal")],
)
def test_names(name, expected):
    assert find_convention(name).name == expected
    assert evaluate(THREE, convention=name).settings.convention == expected


def test_unknown_names():
    with pytest.raises(UsageError) as error:
        find_convention("gpleis")
    assert str(error.value) == (
        'convention "gpleis" is unknown (did you mean "gpleiss"?); there are calibeval, guo (or gpleiss, '
        "focal_calibration), mbls (or cals), torchmetrics, torchmetrics-multiclass, netcal, relplot, torch-uncertainty "
        "(or torch_uncertainty), hle, helm, minderer (or robustness_metrics); "
        "of segmentations, monai, lts, mbls per update, cals per update"
    )


def test_bins_are_the_tools_unless_told():
    assert {name: evaluate(THREE, convention=name).settings.bins for name in CONVENTIONS} == {
        **dict.fromkeys(CONVENTIONS, 15),
        **dict.fromkeys(("netcal", "relplot", "torch-uncertainty", "helm"), 10),
        "minderer": 100,
    }
    assert evaluate(THREE, convention="netcal", bins=7).settings.bins == 7


def test_names_and_metrics_of_the_table():
    names = [name for c in CONVENTIONS.values() for name in (c.name, *c.aliases)]
    assert len(names) == len(set(names))
    for convention in CONVENTIONS.values():
        assert set(convention.metrics) <= {name for name, metric in METRICS.items() if metric.binned}
        assert convention.source
        assert len(convention.description) > 80
