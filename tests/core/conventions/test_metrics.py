"""Reports under a convention: what is the tool's, what is null, what is the same for all; conventions side by side."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, Report, evaluate
from calibeval.core.conventions import sums as sums_module
from calibeval.core.conventions.metrics import FIELD, explain_conventions
from calibeval.core.conventions.table import CONVENTIONS
from calibeval.core.metrics.table import METRICS

TOOLS = [name for name in CONVENTIONS if name != "calibeval"]
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


@pytest.mark.parametrize("name", TOOLS)
def test_metrics_are_the_tools_or_null_or_the_same_for_all(name):
    scores, labels = logits(k=2)
    dump = Predictions(logits=scores, labels=labels)
    report = evaluate(dump, convention=name, bins=min(CONVENTIONS[name].bins, 15))  # of 4 rows a bin, no interval
    own = evaluate(dump, bins=report.settings.bins)  # the gap is a sum over bins, rounded as these are
    for metric in METRICS:
        if not METRICS[metric].binned:
            assert report[metric] == own[metric]
        elif metric in ("mce", "mce_all_bins") and "mce" in CONVENTIONS[name].metrics:
            assert report[metric].value == report["mce"].value
            assert (report[metric].low, report[metric].reason) == (
                None,
                "no interval: a bin with few rows may decide the value",
            )
            assert report[metric].floor > 0
        elif metric in CONVENTIONS[name].metrics:
            assert 0 <= report[metric].low <= report[metric].high <= 1
            assert report[metric].floor > 0
        elif metric != "ece_positive":
            assert report[metric].reason.startswith(f"{name} has no ")
    assert report.settings.convention == name
    assert Report.from_json(report.to_json()) == report


def test_reasons_are_written_out():
    report = evaluate(THREE, convention="netcal")
    assert report["cwce"].reason == "netcal has no class-wise calibration error"
    assert report["oe"].reason == "netcal has no overconfidence error"
    assert evaluate(THREE, convention="mbls")["mce"].reason == "mbls has no maximum calibration error"


@pytest.mark.parametrize("name", TOOLS)
def test_top_labels_alone_are_enough_for_what_needs_no_more(name):
    report = evaluate(top([0.5, 0.9, 0.7] * 40, [1, 1, 0] * 40), convention=name)
    assert report["ece"].value is not None
    assert report["cwce"].value is None


def test_dropped_rows_leave_floor_and_interval_finite():
    report = evaluate(top([0.0] * 50 + [0.75] * 50, [0] * 50 + [1] * 25 + [0] * 25), convention="guo")
    assert report["ece"].value == 0.25 * 50 / 100
    assert report["mce"].value == 0.25
    assert math.isfinite(report["mce"].floor_high)
    for metric in ("ece", "aece"):
        found = report[metric]
        numbers = (found.low, found.high, found.floor, found.floor_high)
        assert all(math.isfinite(number) for number in numbers)


def test_a_maximum_over_no_bin_is_none():
    report = evaluate(top([0.0, 0.0], [0, 1]), convention="guo")
    assert (report["ece"].value, report["mce"].reason) == (0.0, "guo leaves every row out of its bins")


@pytest.mark.parametrize("name", TOOLS)
def test_results_do_not_depend_on_blocks_or_order(name, monkeypatch):
    scores, labels = logits()
    order = np.random.default_rng(1).permutation(len(labels))
    whole = evaluate(Predictions(logits=scores, labels=labels), convention=name)
    shuffled = evaluate(Predictions(logits=scores[order], labels=labels[order]), convention=name)
    monkeypatch.setattr(sums_module, "BLOCK_SCORES", 28)
    blocks = evaluate(Predictions(logits=scores, labels=labels), convention=name)
    for metric, found in whole.dumps[0].metrics.items():
        for other in (shuffled[metric], blocks[metric]):
            assert other.value == (None if found.value is None else pytest.approx(found.value, abs=1e-12))


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4", "int64"])
def test_stored_types(dtype):
    scores, labels = logits()
    scores = np.round(scores)
    expected = evaluate(Predictions(logits=scores.astype(np.float32), labels=labels), convention="mbls")
    found = evaluate(Predictions(logits=scores.astype(dtype), labels=labels), convention="mbls")
    assert found.dumps[0].metrics == expected.dumps[0].metrics


def test_log_probs_and_masked_classes():
    scores, labels = np.log([[0.25, 0.75], [0.5, 0.5]]), [1, 0]
    assert value(Predictions(log_probs=scores, labels=labels), "ece", "mbls", 1) == pytest.approx(abs(2 - 1.25) / 2)
    masked = Predictions(logits=[[0.0, 0.0, -np.inf], [0.0, -np.inf, 0.0]], labels=[0, 2])
    assert value(masked, "ece", "mbls", 1) == pytest.approx(abs(1 - 1.0) / 2)


def test_explained_numbers_are_those_of_reports():
    scores, labels = logits()
    dump = Predictions(logits=scores, labels=labels)
    found = explain_conventions(dump)
    assert [one.convention.name for one in found] == [name for name in CONVENTIONS if name != "torchmetrics-multiclass"]
    for one in found:
        report = evaluate(dump, convention=one.convention.name, level=None)
        assert one.bins == (4 if one.convention.name == "hle" else report.settings.bins)  # 400 rows
        # What other tools call the MCE is that of all bins, so that is what the table compares.
        assert {name: replace(report[FIELD.get(name, name)], name=name) for name in one.metrics} == one.metrics


def test_two_classes_show_both_tasks_of_torchmetrics():
    names = [one.convention.name for one in explain_conventions(BINARY, bins=2)]
    assert names == list(CONVENTIONS)
    assert {one.bins for one in explain_conventions(BINARY, bins=2) if one.convention.name != "hle"} == {2}
