"""Each convention against every number that its tool gave; what is left out is named here, with the reason."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.metrics.requested import REQUESTED

FOLDER = Path(__file__).parent
REFERENCE = np.load(FOLDER / "reference" / "metrics.npz", allow_pickle=False)
REFERENCE_INPUTS = np.load(FOLDER / "reference" / "inputs.npz", allow_pickle=False)
PEER_INPUTS = {
    key: file[key]
    for file in (
        np.load(FOLDER / "peers" / "peers.npz", allow_pickle=False),
        np.load(FOLDER / "peers" / "conventions.npz", allow_pickle=False),
    )
    for key in file.files
}
ROWS = json.loads((FOLDER / "peers" / "conventions.json").read_text())["rows"]
TOLERANCE = 1e-6

# Rows that differ by more than the tolerance, with the true difference and the reason.
FLOAT32_SUM = "torchmetrics adds 10,000 float32 confidences one by one; with float64 it gives our number"
DIFFERING = {
    ("wrn", "num_classes=10,n_bins=10,norm=l1"): (4.5e-6, FLOAT32_SUM),
    ("wrn", "num_classes=10,n_bins=15,norm=l1"): (4.5e-6, FLOAT32_SUM),
    ("wrn", "num_classes=10,n_bins=10,norm=l2"): (3.3e-6, FLOAT32_SUM),
    ("wrn", "num_classes=10,n_bins=15,norm=l2"): (2.9e-6, FLOAT32_SUM),
}

# Of e, four rows have the float32 confidence 0.2, a hair above 1/5. The list functions of focal_calibration bin it in
# float64, one bin higher than its losses with their float32 edges; every metric is the same, as the bin has no others.
ON_AN_EDGE = {("e", "f32", 10): (1, 2), ("e", "f32", 15): (2, 3)}

REFERENCE_METRICS = [
    ("cals_ece", "cals", "ece"),
    ("cals_aece", "mbls", "aece"),
    ("cals_cwece", "mbls", "cwce"),
    ("gpleiss_ece", "gpleiss", "ece"),
    ("torr_list_ece", "focal_calibration", "ece"),
    ("torr_list_mce", "focal_calibration", "mce"),
    ("torr_list_ace_avg", "focal_calibration", "mean of the bins"),
    ("torr_list_l2", "focal_calibration", "rms of the bins"),
]
CASES = [
    (f"{name}/{width}/bins{bins}/{key}", name, width, bins, convention, metric)
    for key, convention, metric in REFERENCE_METRICS
    for name in "abcde"
    for width in ("f32", "f64")
    for bins in (10, 15)
]


@cache
def reference_report(name, width, bins, convention):
    scores = REFERENCE_INPUTS[f"{name}_logits"].astype({"f32": np.float32, "f64": np.float64}[width])
    predictions = Predictions(logits=scores, labels=REFERENCE_INPUTS[f"{name}_labels"])
    return evaluate(predictions, bins=bins, convention=convention, level=None)


@cache
def peer_report(dataset, bins, convention, metrics=None):
    labels = PEER_INPUTS.get(f"{dataset}_labels")
    if f"{dataset}_confidence" in PEER_INPUTS:
        predictions = Predictions(
            confidence=PEER_INPUTS[f"{dataset}_confidence"], correct=PEER_INPUTS[f"{dataset}_correct"]
        )
    else:
        kind = "probs" if f"{dataset}_probs" in PEER_INPUTS else "logits"
        # The peers were given float64.
        scores = {kind: PEER_INPUTS[f"{dataset}_{kind}"].astype(np.float64)}
        predictions = Predictions(**scores, labels=labels)
    return evaluate(predictions, bins=bins, convention=convention, level=None, metrics=metrics)


def number(report, metric):
    """The metric; or what the tool makes of its bins and calibeval has no name for."""
    if not metric.endswith("of the bins"):
        return report[metric].value
    if report["ece"].value is None:
        return None
    filled = [b for b in report.dumps[0].equal_width if b.count]
    if metric == "mean of the bins":
        return sum(abs(b.gap) for b in filled) / len(filled)
    return math.sqrt(sum(b.count * b.gap**2 for b in filled) / report.dumps[0].n)


@pytest.mark.parametrize(
    ("key", "name", "width", "bins", "convention", "metric"), CASES, ids=[case[0] for case in CASES]
)
def test_reference(key, name, width, bins, convention, metric):
    found = number(reference_report(name, width, bins, convention), metric)
    assert found == pytest.approx(float(REFERENCE[key]), abs=TOLERANCE, rel=0)


@pytest.mark.parametrize("bins", [10, 15])
@pytest.mark.parametrize("width", ["f32", "f64"])
@pytest.mark.parametrize("name", "abcde")
def test_interpolated_edges(name, width, bins):
    table = reference_report(name, width, bins, "mbls").dumps[0].equal_mass
    edges = [table[0].lower, *(b.upper for b in table)]
    assert edges == pytest.approx(REFERENCE[f"{name}/{width}/bins{bins}/cals_aece_edges"].tolist(), abs=TOLERANCE)


@pytest.mark.parametrize("bins", [10, 15])
@pytest.mark.parametrize("width", ["f32", "f64"])
@pytest.mark.parametrize("name", "abcde")
def test_bins_of_focal_calibration(name, width, bins):
    table = reference_report(name, width, bins, "focal_calibration").dumps[0].equal_width
    found = [(b.count, b.accuracy or 0.0, b.confidence or 0.0) for b in table]
    expected = REFERENCE[f"{name}/{width}/bins{bins}/torr_bin_count_acc_conf"].copy()
    if (name, width, bins) in ON_AN_EDGE:
        ours, theirs = ON_AN_EDGE[name, width, bins]
        assert [found[ours][0], expected[theirs, 0], found[theirs][0], expected[ours, 0]] == [4, 4, 0, 0]
        expected[[ours, theirs]] = expected[[theirs, ours]]
    assert np.array(found) == pytest.approx(expected, abs=TOLERANCE)


def test_no_reference_number_of_these_tools_is_forgotten():
    tools = ("cals_", "gpleiss_", "torr_")
    there = {key for key in REFERENCE.files if key.rsplit("/", 1)[1].startswith(tools)}
    tables = {key for key in there if key.endswith(("cals_aece_edges", "torr_bin_count_acc_conf"))}
    assert there == {case[0] for case in CASES} | tables
    assert len(CASES) == 160
    assert len(tables) == 40


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{r['convention']}-{r['function']}-{r['args']}-{r['dataset']}" for r in ROWS]
)
def test_peer(row):
    requested = (row["metric"],) if row["metric"] in REQUESTED else None
    found = number(peer_report(row["dataset"], row["bins"], row["convention"], requested), row["metric"])
    if row["value"] is None:  # the tool raised an error, so there is no number here either
        assert row["error"]
        assert found is None
        return
    difference, reason = DIFFERING.get((row["dataset"], row["args"]), (0.0, ""))
    if row["peer"] == "torchmetrics" and reason:
        assert abs(found - row["value"]) == pytest.approx(difference, rel=0.05)
    else:
        assert found == pytest.approx(row["value"], abs=TOLERANCE, rel=0)


def test_every_tool_and_data_set_is_there():
    count = {}
    for row in ROWS:
        count[row["peer"].split("/")[0]] = count.get(row["peer"].split("/")[0], 0) + 1
    assert count == {
        "netcal": 56,
        "torchmetrics": 54,
        "focal_calibration": 40,
        "gpleiss": 14,
        "relplot": 7,
        "torch-uncertainty": 34,
    }
    assert {row["dataset"] for row in ROWS} == {"edge", "bin", "sat", "c10", "c100", "c1000", "wrn"}
    assert sum(row["value"] is None for row in ROWS) == 17
