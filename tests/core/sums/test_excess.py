"""The excess of the NLL over its expectation, and the cumulants of that NLL, against plain sums."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.sums import engine, rows
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.resources import Resources
from tests.data import logits_and_labels


def plain(log_p, labels):
    """Total excess, variance, third and fourth cumulant, and the expected NLL, row by row."""
    p = np.exp(log_p)
    x = np.where(p > 0, log_p, 0.0)
    mean = (p * x).sum(axis=1, keepdims=True)
    moments = [(p * (x - mean) ** power).sum(axis=1) for power in (2, 3, 4)]
    excess = (mean[:, 0] - log_p[np.arange(len(labels)), labels]).sum()
    fourth = (moments[2] - 3 * moments[0] ** 2).sum()
    return (excess, moments[0].sum(), -moments[1].sum(), fourth), -mean.sum()


def normalised(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("k", [2, 3, rows.FEW_CLASSES, rows.FEW_CLASSES + 1, 300])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_against_plain_sums(k, kind):
    logits, labels = logits_and_labels(200, k)
    log_p = normalised(logits)
    scores = {"logits": logits, "probs": np.exp(log_p), "log_probs": log_p}[kind]
    sums = summarise(Predictions(**{kind: scores}, labels=labels))
    expected, mean = plain(log_p, labels)
    assert sums.excess == pytest.approx(expected, rel=1e-11)
    assert sums.nll.total - sums.excess.total == pytest.approx(mean, rel=1e-12)


def test_two_rows_by_hand():
    # ln 4 more or less, around the mean -0.8 ln 0.8 - 0.2 ln 0.2: variance 0.8 0.2 (ln 4)^2, and so on.
    sums = summarise(Predictions(probs=[[0.8, 0.2], [0.8, 0.2]], labels=[0, 1]))
    step = math.log(4.0)
    mean = -0.8 * math.log(0.8) - 0.2 * math.log(0.2)
    total = -math.log(0.8) - math.log(0.2) - 2 * mean
    assert sums.excess == pytest.approx(
        (total, 2 * 0.16 * step**2, 2 * 0.16 * 0.6 * step**3, 2 * 0.16 * (1 - 6 * 0.16) * step**4)
    )


def test_the_excess_of_labels_drawn_as_stated_is_zero_on_average():
    # Every label once for each tenth of its probability.
    sums = summarise(Predictions(probs=[[0.7, 0.2, 0.1]] * 10, labels=[0] * 7 + [1] * 2 + [2]))
    assert sums.excess.total == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize("impossible", [-np.inf, -1e200, -900.0])
@pytest.mark.parametrize("k", [5, 80])
def test_other_classes_without_probability_add_nothing(impossible, k):
    logits, labels = logits_and_labels(50, k)
    wide = np.concatenate([logits, np.full((50, 1), impossible)], axis=1)
    narrow, masked = (summarise(Predictions(logits=z, labels=labels)).excess for z in (logits, wide))
    assert masked == pytest.approx(narrow, rel=1e-12)


def test_a_constant_added_to_the_logits_of_a_row_changes_nothing():
    logits, labels = logits_and_labels(50, 4)
    shifted = logits + np.arange(-200, 200, 8)[:, None]
    one, other = (summarise(Predictions(logits=z, labels=labels)).excess for z in (logits, shifted))
    assert other == pytest.approx(one, rel=1e-11)


def test_the_order_of_rows_and_of_classes_changes_nothing():
    logits, labels = logits_and_labels(100, 7)
    order, classes = np.random.default_rng(0).permutation(100), np.random.default_rng(1).permutation(7)
    one = summarise(Predictions(logits=logits, labels=labels)).excess
    moved = summarise(Predictions(logits=logits[order], labels=labels[order])).excess
    renamed = summarise(Predictions(logits=logits[:, classes], labels=np.argsort(classes)[labels])).excess
    assert moved == pytest.approx(one, rel=1e-12)
    assert renamed == pytest.approx(one, rel=1e-12)


@pytest.mark.parametrize("k", [3, 70])
def test_blocks_threads_and_memory_change_nothing(k, monkeypatch):
    logits, labels = logits_and_labels(300, k)
    dump = Predictions(logits=logits, labels=labels)
    whole = summarise(dump)
    monkeypatch.setattr(rows, "BLOCK_SCORES", 40 * k)
    monkeypatch.setattr(engine, "CHUNK_ROWS", 100)
    monkeypatch.setattr(engine, "CHUNK_SCORES", 100 * k)
    one, two = summarise(dump, resources=Resources(1)), summarise(dump, resources=Resources(2, 1000))
    assert one.excess == two.excess == pytest.approx(whole.excess, rel=1e-12)


def test_rows_have_the_same_excess_wherever_they_stand():
    logits, labels = logits_and_labels(60, 9)
    whole = summarise(Predictions(logits=logits, labels=labels), keep_rows=True).rows.excess
    for part in (slice(0, 1), slice(7, 30), slice(59, 60)):
        alone = summarise(Predictions(logits=logits[part], labels=labels[part]), keep_rows=True).rows.excess
        assert alone.tolist() == whole[part].tolist()
    assert whole.sum() == pytest.approx(summarise(Predictions(logits=logits, labels=labels)).excess.total)


def test_sums_add():
    logits, labels = logits_and_labels(60, 9)
    whole = summarise(Predictions(logits=logits, labels=labels))
    parts = [summarise(Predictions(logits=logits[p], labels=labels[p])) for p in (slice(0, 11), slice(11, 60))]
    added = parts[0] + parts[1]
    assert added.excess == pytest.approx(whole.excess, rel=1e-12)


def test_labels_of_probability_0_and_top_labels_have_none():
    possible = summarise(Predictions(probs=[[0.6, 0.4]], labels=[0]))
    impossible = summarise(Predictions(probs=[[1.0, 0.0]], labels=[1]))
    assert impossible.excess is None
    assert (possible + impossible).excess is None
    assert summarise(Predictions(confidence=[0.6], correct=[1])).excess is None
