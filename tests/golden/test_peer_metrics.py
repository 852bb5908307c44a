"""Numbers of installed tools whose definition is ours; README.md says which rows are left out, and why."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from calibeval import Predictions, evaluate

FOLDER = Path(__file__).parent / "peers"
INPUTS = np.load(FOLDER / "peers.npz", allow_pickle=False)
ROWS = json.loads((FOLDER / "peers.json").read_text())["rows"]
# torch tools accumulate in float32, or return it.
FLOAT32 = ("torchmetrics", "focal_calibration", "gpleiss", "probmetrics")


@cache
def metrics(dataset, bins):
    kind = "probs" if f"{dataset}_probs" in INPUTS else "logits"
    scores = {kind: INPUTS[f"{dataset}_{kind}"]}
    return evaluate(Predictions(**scores, labels=INPUTS[f"{dataset}_labels"]), bins=bins, level=None)


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{r['peer'].split()[0]}-{r['version']}-{r['function']}-{r['args']}-{r['dataset']}" for r in ROWS]
)
def test_peer(row):
    found = metrics(row["dataset"], row["bins"])[row["metric"]].value
    tolerance = 1e-6 if row["peer"].startswith(FLOAT32) else 1e-12
    assert found == pytest.approx(row["value"], abs=tolerance, rel=0)


def test_every_metric_but_oe_and_our_own_mce_has_peers():
    peers = {}
    for row in ROWS:
        peers.setdefault(row["metric"], set()).add(row["peer"])
    assert set(peers) == {*("accuracy", "nll", "brier", "ece", "mce_all_bins", "aece", "cwce", "rmsce", "ece_positive")}
    assert len(peers["ece"]) >= 8
    assert len(peers["cwce"]) >= 5


def test_edges_of_probabilities_and_of_their_columns_agree_with_a_float64_peer():
    edge = [row for row in ROWS if row["dataset"] == "edge" and row["peer"] == "uncertainty-calibration"]
    assert sorted((row["metric"], row["bins"]) for row in edge) == [
        ("aece", 10),
        ("aece", 15),
        ("cwce", 10),
        ("cwce", 15),
        ("ece", 10),
        ("ece", 15),
    ]
