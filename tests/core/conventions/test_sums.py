"""Edges and slots of the conventions against numpy and torch, and rows that are in one bin or dropped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from calibeval import Predictions
from calibeval.core.conventions.edges import (
    bin_slots,
    interpolated_edges,
    quantile_edges,
    slot_count,
    width_edges,
)
from calibeval.core.conventions.sums import convention_sums
from calibeval.core.conventions.table import CONVENTIONS

TOOLS = [name for name in CONVENTIONS if name != "calibeval"]


def test_edges_are_torchs_linspace():
    # torch 2.13.0 on CPU: torch.linspace(0, 1, 16).numpy().view("uint32"). Six differ from i / 15 in float32.
    bits = [0, 1032358025, 1040746633, 1045220558, 1049135241, 1051372203, 1053609166, 1055846128]
    bits += [1057523848, 1058642329, 1059760810, 1060879292, 1061997773, 1063116254, 1064234735, 1065353216]
    edges = width_edges(CONVENTIONS["mbls"], 15, np.dtype(np.float64))
    assert edges.astype(np.float32).view(np.uint32).tolist() == bits
    assert edges.tolist() == edges.astype(np.float32).tolist()


def test_float16_edges_are_torchs_linspace():
    for bins in (*range(1, 60), 100, 1000):
        edges = width_edges(CONVENTIONS["torchmetrics"], bins, np.dtype(np.float16))
        assert edges.tolist() == torch.linspace(0, 1, bins + 1, dtype=torch.half).numpy().tolist()


def test_half_precision_has_a_half_softmax():
    logits = np.array([[0.0, 0.3, 0.1], [2.0, -1.0, 0.5]], np.float16)
    found = convention_sums(Predictions(logits=logits, labels=[0, 1]), CONVENTIONS["torchmetrics"], 15).width.sums.p
    expected = torch.softmax(torch.tensor(logits), 1).max(dim=1).values.tolist()
    assert sorted(found[found > 0].tolist()) == sorted(expected)


def test_a_probability_is_compared_with_the_float32_edge():
    # In float64, 0.7 is above the float32 edge 0.69999999; i/B as calibeval has it is 0.7 itself.
    for name, slot in (("mbls", 7), ("calibeval", 6)):
        edges = width_edges(CONVENTIONS[name], 10, np.dtype(np.float64))
        edges = np.arange(11) / 10 if name == "calibeval" else edges
        assert bin_slots(np.array([0.7]), edges, CONVENTIONS[name]).tolist() == [slot]


def test_torchmetrics_rounds_top_labels_but_not_class_1():
    probs = [[0.25, 0.20, 0.55], [0.55, 0.05, 0.40], [0.10, 0.30, 0.60], [0.90, 0.05, 0.05]]
    three = Predictions(probs=probs, labels=[0, 1, 2, 0])
    edges = [width_edges(CONVENTIONS["torchmetrics"], 10, np.dtype(t)) for t in (np.float32, np.float64)]
    assert edges[0].tolist() == np.array(edges[0], np.float32).tolist()
    assert edges[1][3] == 0.30000000000000004
    found = convention_sums(three, CONVENTIONS["torchmetrics"], 10).width.sums.p
    assert sorted(found[found > 0].tolist()) == sorted(
        [float(np.float32(0.55)) * 2, float(np.float32(0.6)), float(np.float32(0.9))]
    )


@given(st.sampled_from(TOOLS), st.integers(1, 40), st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30))
def test_every_row_is_in_one_bin_or_dropped(name, bins, confidences):
    convention, n = CONVENTIONS[name], len(confidences)
    dump = Predictions(confidence=np.array(confidences, np.float32), correct=[1] * n)
    tool = convention_sums(dump, convention, bins)
    for binned in (tool.width, tool.mass):
        if binned is not None:
            assert binned.sums.count.sum() + binned.dropped == n
            assert len(binned.edges) == len(binned.sums.count) + 1
            assert binned.with_dropped.count.sum() == n
    assert tool.width.dropped == (confidences.count(0.0) if convention.drops_zero else 0)


def test_slots():
    edges = np.array([0.0, 0.5, 1.0])
    p = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    found = {name: bin_slots(p, edges, CONVENTIONS[name]).tolist() for name in CONVENTIONS}
    assert found == {
        "calibeval": [0, 0, 0, 1, 1],
        "guo": [2, 0, 0, 1, 1],
        "mbls": [2, 0, 0, 1, 1],
        "torchmetrics": [0, 0, 1, 1, 2],
        "torchmetrics-multiclass": [0, 0, 1, 1, 2],
        "netcal": [0, 0, 1, 1, 1],
        "relplot": [0, 0, 1, 1, 2],
        "torch-uncertainty": [0, 0, 1, 1, 2],
        "hle": [0, 0, 0, 1, 1],
        "helm": [0, 0, 0, 1, 1],
        "minderer": [0, 0, 1, 1, 1],
    }
    assert {name: slot_count(edges, CONVENTIONS[name]) for name in ("mbls", "torchmetrics")} == {
        "mbls": 3,
        "torchmetrics": 4,
    }


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(1, 30))
def test_edges_are_numpys(confidences, bins):
    ascending = np.sort(np.array(confidences))
    n = len(ascending)
    assert interpolated_edges(ascending, bins).tolist() == pytest.approx(
        np.interp(np.linspace(0, n, bins + 1), np.arange(n), ascending).tolist(), abs=1e-15
    )
    inner = np.quantile(ascending, np.linspace(0, 1, bins + 1))[1:-1]
    assert quantile_edges(ascending, bins)[1:-1].tolist() == pytest.approx(inner.tolist(), abs=1e-15)
