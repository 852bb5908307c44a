"""What moved a metric: shares of rows that add up to it, and the parts that carry most of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval import Predictions
from calibeval.core.data.positive import with_positive
from calibeval.core.gating.movers import Part, Parted, bin_parts, class_movers, movers
from calibeval.core.metrics.bins import Binned
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.engine import summarise
from tests.data import logits_and_labels


def binned(name):
    metric = METRICS[name]
    assert isinstance(metric, Binned)
    return metric


def sums_of(n=700, k=4):
    logits, labels = logits_and_labels(n, k)
    return summarise(Predictions(logits=logits, labels=labels), keep_rows=True)


@pytest.mark.parametrize(
    "metric", ["confidence_gap", "ece", "aece", "oe", "mce", "mce_all_bins", "rmsce", "nll", "brier"]
)
def test_shares_add_up_to_the_metric(metric):
    sums = sums_of()
    assert METRICS[metric].shares(sums).sum() == pytest.approx(METRICS[metric].value(sums), abs=1e-12)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("metric", ["ece", "aece", "oe", "rmsce", "mce_all_bins", "confidence_gap"])
def test_shares_add_up_where_confidences_lie_on_edges(metric, kind):
    confidence = (np.arange(60) % 15 + 1).astype(kind) / kind(15)
    correct = np.arange(60) % 3 > 0
    sums = summarise(Predictions(confidence=confidence, correct=correct), keep_rows=True)
    assert METRICS[metric].shares(sums).sum() == pytest.approx(METRICS[metric].value(sums), abs=1e-12)


def test_shares_of_accuracy_are_errors():
    sums = sums_of()
    assert METRICS["accuracy"].shares(sums).sum() == pytest.approx(1 - METRICS["accuracy"].value(sums))


def test_rows_without_shares():
    sums = sums_of()
    assert METRICS["cwce"].shares(sums) is None
    assert METRICS["cwce"].class_shares(sums).sum() == pytest.approx(METRICS["cwce"].value(sums), abs=1e-12)
    assert METRICS["mce"].shares(sums_of(n=20)) is None
    top = summarise(Predictions(confidence=[0.9, 0.8], correct=[1, 0]), keep_rows=True)
    assert METRICS["nll"].shares(top) is None
    assert METRICS["ece"].shares(top) is not None
    impossible = summarise(Predictions(probs=[[1.0, 0.0], [0.5, 0.5]], labels=[1, 1]), keep_rows=True)
    assert METRICS["nll"].shares(impossible) is None
    assert METRICS["ece"].shares(summarise(Predictions(probs=[[1.0, 0.0]], labels=[1]))) is None


@pytest.mark.parametrize("positive", [0, 1])
def test_gaps_of_the_positive_class_add_up_to_its_metrics(positive):
    logits, labels = logits_and_labels(700, 2)
    dump = with_positive(Predictions(logits=2 * logits, labels=labels), str(positive))
    sums = summarise(dump, keep_rows=True)
    rows = binned("gap_positive").positive_rows(sums, np.asarray(labels))
    assert rows.gaps.mean() == pytest.approx(METRICS["gap_positive"].value(sums), abs=1e-12)
    rows = binned("ece_positive").positive_rows(sums, np.asarray(labels))
    assert rows.folded.mean() == pytest.approx(METRICS["ece_positive"].value(sums), abs=1e-12)
    assert binned("ece").positive_rows(sums, np.asarray(labels)) is None


def test_bins_of_rows():
    sums = summarise(Predictions(confidence=[0.05, 0.95, 0.97], correct=[1, 0, 1]), keep_rows=True)
    parts = bin_parts(sums)
    assert [parts.names[i] for i in parts.codes] == ["0.00 – 0.07", "0.93 – 1.00", "0.93 – 1.00"]


def test_only_parts_above_their_share_of_rows_are_named():
    even = Parted("light", ["day", "night"], np.array([0, 1, 0, 1]))
    assert movers(np.ones(4), [even]) == []
    assert movers(np.zeros(4), [even]) == []
    assert movers(-np.array([0.0, 4.0, 0.0, 4.0]), [even]) == [Part("light", "night", 1.0, 0.5, 0.0, 2)]


def test_no_share_exceeds_the_whole_where_parts_cancel():
    light = Parted("light", ["dawn", "day", "night"], np.array([0, 1, 1, 1, 2]))
    shares = np.array([3.0, 1.0, 0.0, 0.0, -3.9])  # together 0.1, of which dawn would be 3,000 %
    (dawn,) = movers(shares, [light], gaps=np.array([0.2, 0.0, 0.0, 0.0, -0.1]))
    assert dawn == Part("light", "dawn", 0.75, 0.2, pytest.approx(0.975), 1, pytest.approx(0.2))
    (night,) = movers(shares - [0, 0, 0, 0, 1], [light])  # now the whole falls, by 0.9
    assert (night.name, night.share, night.cancelled) == ("night", 1.0, pytest.approx(4 / 4.9))


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8))
def test_shares_lie_between_0_and_1(shares):
    parts = movers(np.array(shares), [Parted("c", ["a", "b", "c", "d"], np.arange(8) % 4)])
    assert all(0 < part.share <= 1 and 0 <= part.cancelled <= 1 for part in parts)


@pytest.mark.parametrize(("share", "named"), [(0.2, True), (0.19, False)])
def test_a_part_is_named_from_a_fifth_of_the_whole_on(share, named):
    # Of ten rows: five times, or nearly, what its one row would carry.
    light = Parted("light", ["day", "night"], np.array([0] * 9 + [1]))
    shares = np.array([0.0] * 8 + [100.0 - 100.0 * share, 100.0 * share])
    assert ("night" in [part.name for part in movers(shares, [light])]) == named


@pytest.mark.parametrize(("share", "named"), [(0.3, True), (0.29, False)])
def test_a_part_is_named_from_a_fifth_more_than_its_rows_on(share, named):
    light = Parted("light", ["day", "night"], np.array([0, 0, 0, 1]))  # a quarter of the rows
    shares = np.array([0.0, 0.0, 100.0 - 100.0 * share, 100.0 * share])
    assert [part.name for part in movers(shares, [light])] == ["night"] * named
    errors = np.array([100.0 * share, *[(100.0 - 100.0 * share) / 3] * 3])
    assert [part.name for part in class_movers("abcd", errors, np.ones(4))] == ["a"] * named


def test_of_a_kind_two_parts_are_named_largest_first():
    many = Parted("c", ["a", "b", "c", "d"], np.array([0, 1, 2, 3, 3, 3, 3, 3, 3, 3]))
    shares = np.array([3.0, 4.0, 3.0, *[0.0] * 7])
    assert [part.name for part in movers(shares, [many])] == ["b", "a"]


def test_classes_that_carry_a_class_wise_error():
    counts = np.array([10.0, 40.0, 40.0, 10.0])
    (part,) = class_movers("abcd", np.array([0.06, 0.02, 0.01, 0.01]), counts)
    assert part == Part("class", "a", pytest.approx(0.6), 0.1, 0.0, 10)
    assert class_movers(["a"], np.zeros(1), np.ones(1)) == []
    fell = class_movers("abcd", np.array([-0.06, -0.02, 0.04, 0.0]), counts)
    assert [(part.name, part.share, part.cancelled) for part in fell] == [("a", pytest.approx(0.75), 0.5)]
