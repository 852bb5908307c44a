"""The convention torchmetrics on half precision against what the tool gave: softmax and edges in float16."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calibeval import Predictions, evaluate

FOLDER = Path(__file__).parent / "peers"
INPUTS = np.load(FOLDER / "torchmetrics_float16.npz", allow_pickle=False)
ROWS = json.loads((FOLDER / "torchmetrics_float16.json").read_text())["rows"]
# For two classes the tool also sums in float16, which is not copied: its numbers have three digits.
TOLERANCE = {"multiclass": 1e-6, "binary": 5e-4}


def value(row, dtype=np.float16):
    kind = "logits" if row["set"].endswith("logits") else "probs"
    labels = INPUTS[f"{row['set']}_labels"].astype(int)
    dump = Predictions(**{kind: INPUTS[row["set"]].astype(dtype)}, labels=labels)
    report = evaluate(dump, bins=row["bins"], convention="torchmetrics", level=None)
    return report["ece" if row["norm"] == "l1" else "mce_all_bins"].value


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['set']}-{row['norm']}-{row['bins']}")
def test_every_number_of_the_tool(row):
    assert value(row) == pytest.approx(row["value"], abs=TOLERANCE[row["task"]])


def test_other_edges_give_other_numbers():
    rows = [row for row in ROWS if row["set"] == "votes"]
    far = [row for row in rows if abs(value(row, np.float32) - row["value"]) > TOLERANCE["binary"]]
    assert len(far) >= len(rows) // 2
