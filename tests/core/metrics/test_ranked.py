"""Calibration errors of the two best classes of every row: by hand, by a plain definition, and what noise gives."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, Report, evaluate, gate, metrics
from calibeval.core.errors import UnknownMetric
from calibeval.core.metrics.table import metric_named
from tests import definitions
from tests.data import logits_and_labels

NAMES = ["ece_top2", "ece_rank2"]


def plain(probs, labels, bins=15, place=2):
    """Both errors by sorting every row."""
    order = np.argsort(-probs, axis=1, kind="stable")
    ranked = np.take_along_axis(probs, order, axis=1)
    right = order == labels[:, None]
    edges = definitions.edges_for(bins)
    both = ranked[:, :place].sum(axis=1), right[:, :place].any(axis=1)
    return [
        definitions.weighted_gap(definitions.binned(p, y.astype(float), edges), len(labels))
        for p, y in (both, (ranked[:, place - 1], right[:, place - 1]))
    ]


def test_by_hand():
    # Two rows of .5, .3, .2: the label is the second class, then the third. Sums of .8, one right; .3, one right.
    found = evaluate(probs=[[0.5, 0.3, 0.2]] * 2, labels=[1, 2], metrics=NAMES)
    assert [found[name].value for name in NAMES] == pytest.approx([0.3, 0.2])


@pytest.mark.parametrize(
    ("k", "bins", "place"),
    [
        (3, 15, 2),
        (3, 4, 2),
        *((k, bins, place) for k in (40, 64, 65, 200) for bins, place in [(15, 2), (4, 2), (15, 3), (15, 5), (15, 9)]),
    ],
)
def test_plain_definition(k, bins, place):
    logits, labels = logits_and_labels(500, k, seed=k)
    names = [f"ece_top{place}", f"ece_rank{place}"]
    found = evaluate(logits=logits, labels=labels, metrics=names, bins=bins)
    assert [found[name].value for name in names] == pytest.approx(
        plain(definitions.softmax(logits), np.asarray(labels), bins, place), abs=1e-12
    )


def test_the_second_of_two_classes_mirrors_the_first():
    logits, labels = logits_and_labels(100, 2)
    found = evaluate(logits=logits, labels=labels, metrics="ece_rank2")["ece_rank2"].value
    assert found == pytest.approx(plain(definitions.softmax(logits), np.asarray(labels))[1], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "k", "message"),
    [
        ("ece_top2", 2, "it needs more than 2 classes: of 2, the sum is always 1, and right"),
        ("ece_top3", 2, "it needs more than 3 classes: of 2, the sum is always 1, and right"),
        ("ece_rank4", 3, "it needs at least 4 classes, but there are 3"),
    ],
)
def test_more_places_than_classes_are_a_reason(name, k, message):
    logits, labels = logits_and_labels(100, k)
    found = evaluate(logits=logits, labels=labels, metrics=name)[name]
    assert (found.value, found.reason, found.reason.code) == (None, message, "no_method")
    assert evaluate(logits=logits, labels=labels, metrics=f"ece_rank{k}")[f"ece_rank{k}"].value is not None


@pytest.mark.parametrize(
    ("called", "name"),
    [("ece_top3", "ece_top3"), ("ECE top 3", "ece_top3"), ("ECE 2nd", "ece_rank2"), ("ece_rank12", "ece_rank12")],
)
def test_names_of_other_places(called, name):
    logits, labels = logits_and_labels(300, 15)
    assert list(evaluate(logits=logits, labels=labels, metrics=called).dumps[0].metrics) == [name]
    assert metric_named(called).name == name
    found = gate(Predictions(logits=logits, labels=labels), rules=[{"metric": name, "max": 1.0}])
    assert found.exit_code == 0
    assert metrics.ece_top4(logits=logits, labels=labels) == pytest.approx(
        plain(definitions.softmax(logits), np.asarray(labels), place=4)[0]
    )


@pytest.mark.parametrize(
    ("name", "hint"), [("ece_top1", "; that of the largest probability is ece"), ("ece_rank0", "")]
)
def test_a_place_that_cannot_be(name, hint):
    with pytest.raises(UnknownMetric) as error:
        evaluate(probs=[[0.5, 0.5]], labels=[0], metrics=name)
    assert str(error.value) == f'metric "{name}": its number must be at least 2{hint}'
    with pytest.raises(AttributeError):
        getattr(metrics, name)


def test_equal_probabilities_rank_by_class():
    probs = [[0.25, 0.25, 0.25, 0.25]] * 4
    found = evaluate(probs=probs, labels=[0, 1, 2, 3], metrics=["ece_rank2", "ece_rank3", "ece_top2"])
    assert [found[name].value for name in ("ece_rank2", "ece_rank3", "ece_top2")] == [0.0, 0.0, 0.0]
    first = evaluate(probs=probs[:2], labels=[1, 1], metrics=["ece_rank2", "ece_rank3"])
    assert [first[name].value for name in ("ece_rank2", "ece_rank3")] == [0.75, 0.25]


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
