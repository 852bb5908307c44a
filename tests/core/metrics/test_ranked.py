"""Calibration errors of the two best classes of every row: by hand, by a plain definition, and what noise gives."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, Report, evaluate
from tests import definitions
from tests.data import logits_and_labels

NAMES = ["ece_top2", "ece_rank2"]


def plain(probs, labels, bins=15):
    """Both errors by sorting every row."""
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(probs, order, axis=1)
    right = order[:, :2] == labels[:, None]
    edges = definitions.edges_for(bins)
    return [
        definitions.weighted_gap(definitions.binned(p, y.astype(float), edges), len(labels))
        for p, y in ((ranked[:, :2].sum(axis=1), right.any(axis=1)), (ranked[:, 1], right[:, 1]))
    ]


def test_by_hand():
    # Two rows of .5, .3, .2: the label is the second class, then the third. Sums of .8, one right; .3, one right.
    found = evaluate(probs=[[0.5, 0.3, 0.2]] * 2, labels=[1, 2], metrics=NAMES)
    assert [found[name].value for name in NAMES] == pytest.approx([0.3, 0.2])


@pytest.mark.parametrize("k", [2, 3, 40])
@pytest.mark.parametrize("bins", [15, 4])
def test_plain_definition(k, bins):
    logits, labels = logits_and_labels(500, k, seed=k)
    found = evaluate(logits=logits, labels=labels, metrics=NAMES, bins=bins)
    assert [found[name].value for name in NAMES] == pytest.approx(
        plain(definitions.softmax(logits), np.asarray(labels), bins), abs=1e-12
    )


def test_of_two_classes_the_sum_is_always_right():
    logits, labels = logits_and_labels(100, 2)
    assert evaluate(logits=logits, labels=labels, metrics="ece_top2")["ece_top2"].value == pytest.approx(0.0, abs=1e-12)


def test_blocks_and_memory_change_nothing():
    logits, labels = logits_and_labels(700, 5)
    dump = Predictions(logits=logits, labels=labels)
    one, other = (evaluate(dump, metrics=NAMES, max_memory=limit) for limit in (None, 1000))
    assert [one[name] for name in NAMES] == [other[name] for name in NAMES]


def test_equal_weights_change_nothing():
    logits, labels = logits_and_labels(700, 5)
    weights = np.full(700, 3.0)
    weights[0] *= 1 + 1e-9
    plain_found, found = (evaluate(logits=logits, labels=labels, weights=own, metrics=NAMES) for own in (None, weights))
    for name in NAMES:
        for field in ("value", "low", "high", "floor", "floor_high"):
            expected = pytest.approx(getattr(plain_found[name], field), rel=1e-6)
            assert getattr(found[name], field) == expected, (name, field)


def test_reasons():
    logits, labels = logits_and_labels(300, 4)
    top = evaluate(confidence=[0.5, 0.6], correct=[1, 0], metrics=NAMES)
    assert top["ece_top2"].reason == "needs the probability of every class, but this dump has the top label only"
    grouped = evaluate(logits=logits, labels=labels, group=np.arange(300) // 5, metrics="ece_top2")["ece_top2"]
    assert grouped.value > 0.0
    assert grouped.reason == "no interval: it is not computed if only groups of rows are independent"
    site = np.where(np.arange(300) % 2 == 0, "a", "b")
    sliced = evaluate(logits=logits, labels=labels, columns={"site": site}, slices="site", metrics=NAMES)
    assert "for all rows of a dump only" in str(sliced.dumps[0].slices[0].metrics["ece_top2"].reason)
    assert Report.from_json(sliced.to_json()) == sliced


def test_noise_of_calibrated_models():
    rng, above, covered, runs = np.random.default_rng(0), 0, 0, 150
    for _ in range(runs):
        logits = 1.5 * rng.normal(size=(1500, 5))
        labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
        found = evaluate(logits=logits, labels=labels, metrics=NAMES)
        above += sum(found[name].value > found[name].floor_high for name in NAMES)
        covered += sum(found[name].low <= 0.0 for name in NAMES)
    assert above <= 0.05 * 2 * runs + 8
    assert covered >= 0.9 * 2 * runs
