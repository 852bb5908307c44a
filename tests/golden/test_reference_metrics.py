"""Metrics of the papers' repositories, on their seeded inputs; README.md says which are left out, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibeval import Predictions, evaluate

FOLDER = Path(__file__).parent / "reference"
INPUTS = np.load(FOLDER / "inputs.npz", allow_pickle=False)
METRICS = np.load(FOLDER / "metrics.npz", allow_pickle=False)

FLOAT32_SUMS = 1e-6  # these accumulate in float32
FLOAT64_SUMS = 1e-12
BINNED = [
    ("cals_ece", "ece", "abcde", ("f32", "f64"), (10, 15), FLOAT32_SUMS),
    ("gpleiss_ece", "ece", "abcde", ("f32", "f64"), (10, 15), FLOAT32_SUMS),
    ("torr_list_ece", "ece", "abcde", ("f32", "f64"), (10, 15), FLOAT32_SUMS),
    ("torr_list_mce", "mce_all_bins", "abcde", ("f32", "f64"), (10, 15), FLOAT32_SUMS),
    ("torr_list_l2", "rmsce", "abcde", ("f32", "f64"), (10, 15), FLOAT32_SUMS),
    ("mdca_ece", "ece", "abcde", ("f64",), (10, 15), FLOAT64_SUMS),
    ("mdca_mce", "mce_all_bins", "abcde", ("f64",), (10, 15), FLOAT64_SUMS),
    ("mdca_oe", "oe", "abcde", ("f64",), (10, 15), FLOAT64_SUMS),
    ("mdca_sce", "cwce", "abcde", ("f64",), (10, 15), FLOAT64_SUMS),
    ("svls_ece_allcls", "ece", "abcde", ("f64",), (10, 15), FLOAT64_SUMS),
    ("cals_cwece", "cwce", "abc", ("f32", "f64"), (10, 15), FLOAT32_SUMS),
    ("cals_cwece", "cwce", "e", ("f64",), (10, 15), FLOAT32_SUMS),
    ("onmixup_ece", "ece", "abcd", ("f64",), (10, 15, 100), FLOAT64_SUMS),
    ("onmixup_oe", "oe", "abcd", ("f64",), (10, 15, 100), FLOAT64_SUMS),
]
CASES = [
    (f"{name}/{width}/bins{bins}/{key}", name, bins, metric, tolerance)
    for key, metric, sets, widths, counts, tolerance in BINNED
    for name in sets
    for width in widths
    for bins in counts
]
UNBINNED = [
    *(
        (f"{name}/{width}/{key}", name, key)
        for name in "abcde"
        for width in ("f32", "f64")
        for key in ("nll", "accuracy")
    ),
    *((f"{name}/f64/brier_mdca", name, "brier") for name in "abcde"),
]


def report(name, bins=15):
    predictions = Predictions(logits=INPUTS[f"{name}_logits"], labels=INPUTS[f"{name}_labels"])
    return evaluate(predictions, bins=bins, level=None)


@pytest.mark.parametrize(("key", "name", "bins", "metric", "tolerance"), CASES, ids=[case[0] for case in CASES])
def test_binned_metric(key, name, bins, metric, tolerance):
    assert report(name, bins)[metric].value == pytest.approx(float(METRICS[key]), abs=tolerance, rel=0)


@pytest.mark.parametrize(("key", "name", "metric"), UNBINNED, ids=[case[0] for case in UNBINNED])
def test_score(key, name, metric):
    tolerance = 1e-6 if "/f32/" in key else 1e-12
    assert report(name)[metric].value == pytest.approx(float(METRICS[key]), rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("bins", [10, 15])
@pytest.mark.parametrize("name", "abcde")
def test_bin_table(name, bins):
    expected = METRICS[f"{name}/f64/bins{bins}/torr_bin_count_acc_conf"]
    table = report(name, bins).dumps[0].equal_width
    found = [(b.count, b.accuracy or 0.0, b.confidence or 0.0) for b in table]
    assert np.array(found) == pytest.approx(expected, abs=FLOAT32_SUMS)


def test_nothing_is_forgotten():
    left_out = {
        *("cals_aece", "cals_aece_edges", "mdca_ace", "mdca_tace0.01", "svls_tace1e-3_allcls", "svls_ece_bg0"),
        *("torr_list_ace_avg", "torr_list_l2"),
    }
    compared = {case[0].rsplit("/", 1)[1] for cases in (CASES, UNBINNED) for case in cases} | {
        "torr_bin_count_acc_conf"
    }
    assert {key.rsplit("/", 1)[1] for key in METRICS.files} == compared | left_out
