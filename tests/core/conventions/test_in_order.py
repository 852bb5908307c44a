"""Conventions that bin rows by their order: hle, helm, minderer, against their code, on ties, with few rows."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.conventions.in_order import midpoint_edges, rank_edges
from calibeval.core.conventions.metrics import explain_conventions

I430 = np.arange(430)
S430 = ((37 * I430 % 430) + 1) / 431
RIGHT = 91 * I430 % 430 < 0.7 * 430 * S430


def ece(confidence, correct, convention, **settings):
    return evaluate(Predictions(confidence=confidence, correct=correct), convention=convention, **settings)["ece"]


@pytest.mark.parametrize(
    ("rows", "value", "every", "dropped"), [(430, 0.100940, 0.169668, "130 of 430"), (150, 0.0, 0.138314, "150 of 150")]
)
def test_hle_leaves_out_its_last_chunk(rows, value, every, dropped):
    report = evaluate(Predictions(confidence=S430[:rows], correct=RIGHT[:rows]), convention="hle")
    found = report["ece"]
    assert (found.value, found.all_chunks) == (pytest.approx(value, abs=1e-6), pytest.approx(every, abs=1e-6))
    (told,) = report.dumps[0].warnings
    assert told == (
        f"hle leaves its most confident chunk out of ECE, {dropped} rows, but counts it in n: "
        f"with all chunks, its ECE would be {100 * every:.2f} %"
    )
    assert (found.low is None) == (rows == 150)  # no row counts: nothing to say of it
    assert found.to_dict()["all_chunks"] == found.all_chunks
    assert [row.count for row in report.dumps[0].equal_mass] == [100] * (rows // 100 - 1)


def test_hle_has_no_number_below_a_chunk():
    found = ece(S430[:99], RIGHT[:99], "hle")
    assert (found.value, found.all_chunks) == (None, None)
    assert found.reason == "hle has no number below 100 rows: its script ends in an error, and copies of it print 0"
    dump = Predictions(confidence=S430[:100], correct=RIGHT[:100])
    assert evaluate(dump, convention="hle")["ece"].value == 0.0


def test_hle_by_hand():
    # Chunks of gaps .2, .1 and -.05, the last of 150 rows: (.04 + .01) 100 / 350, and 150 / 350 of .0025.
    confidence = np.repeat([0.6, 0.7, 0.9], [100, 100, 150])
    correct = np.concatenate([np.arange(100) < 40, np.arange(100) < 60, np.arange(150) < 142.5])
    found = ece(confidence, correct, "hle", level=None)
    assert found.value == pytest.approx(np.sqrt(0.05 * 100 / 350))
    last = (143 / 150 - 0.9) ** 2 * 150 / 350
    assert found.all_chunks == pytest.approx(np.sqrt(0.05 * 100 / 350 + last))
    assert ece(confidence, correct, "hle", level=None, bins=3).value == found.value


def test_ties_of_hle_are_in_the_order_of_rows():
    confidence, correct = np.full(300, 0.5), np.arange(300) < 150
    report = evaluate(Predictions(confidence=confidence, correct=correct), convention="hle", level=None)
    assert report["ece"].value == pytest.approx(np.sqrt(0.25 / 3))  # all right, then half: half of the first 200 count
    told = "hle ends chunks among rows of equal confidence, so that its ECE depends on the order of the rows"
    assert told in report.dumps[0].warnings
    assert ece(confidence, correct[::-1].copy(), "hle", level=None).all_chunks == report["ece"].all_chunks
    alike = evaluate(Predictions(confidence=confidence, correct=np.ones(300)), convention="hle", level=None)
    assert told not in alike.dumps[0].warnings  # in any order, they are the same


def test_hle_needs_memory_for_the_order():
    dump = Predictions(confidence=S430, correct=RIGHT)
    assert "memory" in evaluate(dump, convention="hle", max_memory=32 * 430 - 1)["ece"].reason
    assert evaluate(dump, convention="hle", max_memory=32 * 430)["ece"].value == pytest.approx(0.100940, abs=1e-6)


def test_helm_of_ten_bins_and_of_one():
    report = evaluate(Predictions(confidence=S430, correct=RIGHT), convention="helm")
    found = report["ece"]
    assert (found.value, found.one_bin) == (pytest.approx(0.146512, abs=1e-6), pytest.approx(0.146512, abs=1e-6))
    assert report["aece"].value == found.value
    assert found.low < found.value < found.high
    assert found.floor < found.floor_high < found.value
    assert (report["mce"].value, report["mce"].reason) == (None, "helm has no maximum calibration error")


def test_helm_keeps_ties_together():
    # uncertainty-calibration 0.1.4: get_ece_em gives 0.16 with 4 bins, and 0.100802407221665 for 997 rows of 11 values.
    confidence, correct = [0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.7, 0.7, 1.0], [1, 0, 0, 1, 0, 1, 0, 1, 1, 1]
    assert ece(confidence, correct, "helm", bins=4).value == pytest.approx(0.16)
    i = np.arange(997)
    tenths = np.round(37 * i % 997 / 996, 1)
    right = 91 * i % 997 < 0.8 * 997 * tenths
    found = ece(tenths, right, "helm", level=None)
    assert found.value == pytest.approx(0.100802407221665, abs=1e-12)
    order = np.argsort(91 * i % 997)
    assert ece(tenths[order], right[order], "helm", level=None).value == pytest.approx(found.value, abs=1e-12)
    assert midpoint_edges(np.full(20, 0.5), 10).tolist() == [0.5, 1.0]
    assert ece([0.25, 0.75], [1, 0], "helm").value == 0.75  # of fewer rows than bins, each has its own


def minderer_by_numpy(confidence, right, bins):
    """Bins [lower, upper) whose lower edges are the confidences at ranks i n / bins, and one of exactly 1."""
    n = len(confidence)
    ranks = np.minimum(np.round(np.linspace(0, n, bins, endpoint=False)).astype(int), n - 1)
    edges = [*np.sort(confidence)[ranks][1:], 1.0]
    place = np.array([sum(one >= edge for edge in edges) for one in confidence])
    return sum(abs((right - confidence)[place == i].sum()) for i in range(bins + 1)) / n


def test_minderer_has_a_hundred_bins_of_equal_mass():
    rng = np.random.default_rng(5)
    scores, labels = 3 * rng.normal(size=(1037, 5)), rng.integers(0, 5, 1037)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    confidence, right = probs.max(axis=1), probs.argmax(axis=1) == labels
    report = evaluate(Predictions(logits=scores, labels=labels), convention="robustness_metrics")
    assert (report.settings.convention, report.settings.bins) == ("minderer", 100)
    assert report["ece"].value == pytest.approx(minderer_by_numpy(confidence, right, 100), abs=1e-12)
    assert (report["aece"].value, report["ece"].one_bin) == (report["ece"].value, None)
    assert {row.count for row in report.dumps[0].equal_mass} == {10, 11}
    for digits, ones in ((2, 0), (1, 50)):  # ties stay together; rows of exactly 1 have a bin of their own
        tied = np.round(confidence, digits)
        tied[:ones] = 1.0
        assert (tied == 1.0).sum() >= ones
        found = ece(tied, right, "minderer", level=None).value
        assert found == pytest.approx(minderer_by_numpy(tied, right, 100), abs=1e-12)


def test_minderer_by_hand():
    # Ranks 0 and 2 of 4 rows: [0, .75) has .5 twice, one right; [.75, 1) the others, both right: 0 + .25 + 0 over 4.
    confidence, right = [0.5, 0.5, 0.75, 1.0], [1, 0, 1, 1]
    assert ece(confidence, right, "minderer", bins=2, level=None).value == pytest.approx(0.25 / 4)
    assert rank_edges(np.array([0.5, 0.5, 0.75, 1.0]), 2).tolist() == [0.75, 1.0]
    assert ece([0.75] * 5, [1, 1, 1, 0, 0], "minderer", level=None).value == pytest.approx(0.15)


def test_all_classes_are_measured_by_their_top_label():
    rng = np.random.default_rng(3)
    scores, labels = rng.normal(size=(400, 4)) * 3, rng.integers(0, 4, 400)
    dump = Predictions(logits=scores, labels=labels)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    for name in ("hle", "helm", "minderer"):
        top = ece(probs.max(axis=1), probs.argmax(axis=1) == labels, name, level=None)
        assert evaluate(dump, convention=name, level=None)["ece"].value == pytest.approx(top.value, abs=1e-12)
        (one,) = (one for one in explain_conventions(dump) if one.convention.name == name)
        assert one.metrics["ece"].value == pytest.approx(top.value, abs=1e-12)
