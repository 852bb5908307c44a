"""Class-wise errors of probabilities above a limit, and in bins of equally many rows: by hand and by plain loops."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval import Predictions, Report, compare, evaluate, gate
from calibeval.core.evaluation.with_second_pass import with_second_pass
from calibeval.core.metrics.thresholded import Thresholded
from calibeval.core.sums import class_mass
from calibeval.core.sums.engine import summarise
from tests import definitions
from tests.data import logits_and_labels

NAMES = ["cwce_adaptive", "tace", "tace_kept"]
DIVISORS = ["rows", "kept"]


def plain_tace(probs, labels, bins=15, limit=1e-3, weights=None):
    """Both normalisations, by a loop over classes and bins."""
    n, k = probs.shape
    weights = np.ones(n) if weights is None else weights
    edges = np.arange(bins + 1) / bins
    gaps, kept_rows = np.zeros(k), np.zeros(k)
    for j in range(k):
        kept = probs[:, j] > limit
        kept_rows[j] = weights[kept].sum()
        for m in range(bins):
            here = kept & (probs[:, j] > edges[m]) & (probs[:, j] <= edges[m + 1])
            gaps[j] += abs(np.sum(weights[here] * ((labels[here] == j) - probs[here, j])))
    some = kept_rows > 0
    return gaps.sum() / (weights.sum() * k), np.mean(gaps[some] / kept_rows[some])


def plain_adaptive(probs, labels, bins=15):
    """Edges are the values at places ceil(i n / bins), ties stay together."""
    n, k = probs.shape
    total = 0.0
    for j in range(k):
        ordered = np.sort(probs[:, j])
        inner = np.unique([ordered[-(-i * n // bins) - 1] for i in range(1, bins)])
        place = np.searchsorted(inner, probs[:, j], side="left")
        for m in range(len(inner) + 1):
            here = place == m
            total += abs(np.sum((labels[here] == j) - probs[here, j]))
    return total / (n * k)


def found(metrics=NAMES, **arrays):
    report = evaluate(**arrays, metrics=metrics)
    return [report[name] for name in metrics]


def test_by_hand():
    # Of class 0, .9995 and .6 are kept, of class 1 only .4: all in separate bins. The labels are 0 and 1.
    probs, labels = [[0.9995, 0.0005], [0.6, 0.4]], [0, 1]
    _, tace, kept = found(probs=probs, labels=labels)
    assert tace.value == pytest.approx((0.0005 + 0.6 + 0.6) / 4)
    assert kept.value == pytest.approx(((0.0005 + 0.6) / 2 + 0.6) / 2)
    assert [tace.divisor, kept.divisor] == DIVISORS


def test_what_equals_the_limit_is_left_out():
    for dtype in (np.float32, np.float64):
        probs = np.array([[0.999, 0.001]] * 90, dtype)
        _, tace, kept = found(probs=probs, labels=[1] * 90)
        assert tace.value == pytest.approx(0.999 / 2)
        assert kept.value == pytest.approx(0.999)  # the second class has no probability above the limit
        assert kept.low is None
        assert "only one class has a probability above the limit" in str(kept.reason)


@pytest.mark.parametrize("k", [2, 4, 70])
@pytest.mark.parametrize("bins", [15, 1, 4, 2000])
def test_plain_definitions(k, bins):
    logits, labels = logits_and_labels(600, k, seed=k)
    probs = definitions.softmax(3.0 * np.asarray(logits))
    report = evaluate(probs=probs, labels=labels, metrics=NAMES, bins=bins)
    adaptive, *taces = (report[name] for name in NAMES)
    assert [one.value for one in taces] == pytest.approx(plain_tace(probs, np.asarray(labels), bins), abs=1e-12)
    assert adaptive.value == pytest.approx(plain_adaptive(probs, np.asarray(labels), bins), abs=1e-12)


def test_ties_stay_together_whatever_the_order_of_rows():
    rng = np.random.default_rng(1)
    probs = rng.integers(1, 6, (500, 3)).astype(float)
    probs /= probs.sum(axis=1, keepdims=True)
    labels, order = rng.integers(0, 3, 500), rng.permutation(500)
    one, other = found(probs=probs, labels=labels), found(probs=probs[order], labels=labels[order])
    assert [x.value for x in one] == pytest.approx([x.value for x in other], abs=1e-14)
    assert one[0].value == pytest.approx(plain_adaptive(probs, labels), abs=1e-12)


def test_cutting_by_rank_instead_of_by_value_is_another_number():
    # numpy.array_split makes its first bins one row longer; edges by value spread the longer bins evenly.
    logits, labels = logits_and_labels(1000, 4, seed=9)
    probs, y = definitions.softmax(logits), np.asarray(labels)
    split = 0.0
    for j in range(4):
        for here in np.array_split(np.argsort(probs[:, j]), 15):
            split += abs(np.sum((y[here] == j) - probs[here, j])) / 4000
    value = found(["cwce_adaptive"], probs=probs, labels=labels)[0].value
    assert value != split
    assert value == pytest.approx(split, rel=0.05)


@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize("weight", [1.0, 2.0, 1e-3])
def test_equal_weights_count_as_none(monkeypatch, weight, cells):
    logits, labels = logits_and_labels(300, 3)
    monkeypatch.setattr(class_mass, "SORTED_SCORES", 0 if cells else 2**22)
    plain = found(["cwce_adaptive"], logits=logits, labels=labels)[0]
    assert found(["cwce_adaptive"], logits=logits, labels=labels, weights=np.full(300, weight))[0] == plain
    # Rows of weight 0 are not there.
    weights = np.where(np.arange(300) < 200, weight, 0.0)
    fewer = found(["cwce_adaptive"], logits=logits[:200], labels=labels[:200])[0]
    assert found(["cwce_adaptive"], logits=logits, labels=labels, weights=weights)[0] == fewer


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [3, 30])
def test_many_rows_are_counted_in_cells(monkeypatch, k, weighted):
    logits, labels = logits_and_labels(4000, k, seed=2)
    weights = np.random.default_rng(3).random(4000) + 0.5 if weighted else None
    exact = found(["cwce_adaptive"], logits=logits, labels=labels, weights=weights)[0]
    monkeypatch.setattr(class_mass, "SORTED_SCORES", 0)
    counted = found(["cwce_adaptive"], logits=logits, labels=labels, weights=weights)[0]
    for field in ("value", "floor", "low", "high"):
        assert getattr(counted, field) == pytest.approx(getattr(exact, field), rel=0.03), field


def test_too_many_classes_for_cells_are_a_reason(monkeypatch):
    logits, labels = logits_and_labels(50, 5)
    monkeypatch.setattr(class_mass, "SORTED_SCORES", 0)
    monkeypatch.setattr(class_mass, "MOST_CELLS", 1000)
    one = found(["cwce_adaptive"], logits=logits, labels=labels)[0]
    assert (one.value, one.reason.code) == (None, "too_many_cells")
    assert str(one.reason).startswith("bins of equally many rows of 5 classes take too much memory")


def test_blocks_and_memory_change_nothing():
    logits, labels = logits_and_labels(700, 5)
    dump = Predictions(logits=logits, labels=labels)
    one, other = (evaluate(dump, metrics=NAMES, max_memory=limit) for limit in (None, 1000))
    assert [one[name] for name in NAMES] == [other[name] for name in NAMES]


def test_weights():
    logits, labels = logits_and_labels(700, 5)
    probs, rng = definitions.softmax(3.0 * np.asarray(logits)), np.random.default_rng(0)
    weights = rng.random(700) + 0.2
    _, tace, kept = found(probs=probs, labels=labels, weights=weights)
    expected = plain_tace(probs, np.asarray(labels), weights=weights)
    assert [tace.value, kept.value] == pytest.approx(expected, rel=1e-9)
    same = np.full(700, 3.0)
    same[0] *= 1 + 1e-9
    alike, plain = found(probs=probs, labels=labels, weights=same), found(probs=probs, labels=labels)
    for one, other in zip(alike, plain, strict=True):
        near = 5e-3 if one.name == "cwce_adaptive" else 1e-6  # the heavier row moves edges by one row
        for field in ("value", "low", "high", "floor", "floor_high"):
            assert getattr(one, field) == pytest.approx(getattr(other, field), rel=near), (one.name, field)


@pytest.mark.parametrize("divisor", DIVISORS)
def test_another_limit(divisor):
    logits, labels = logits_and_labels(500, 6)
    probs = definitions.softmax(3.0 * np.asarray(logits))
    metric = Thresholded(
        name="t", title="", limit=0.01, divisor=divisor, least=0, most=1, better="lower", unit="%", source=""
    )
    dump = Predictions(probs=probs, labels=labels)
    sums = with_second_pass(summarise(dump), dump, 15, metric.wanted)
    assert metric.value(sums) == pytest.approx(
        plain_tace(probs, np.asarray(labels), limit=0.01)[DIVISORS.index(divisor)]
    )


def test_reasons():
    logits, labels = logits_and_labels(300, 4)
    for one in found(confidence=[0.5, 0.6], correct=[1, 0]):
        assert (one.value, one.reason.code) == (None, "top_label_only")
    for one in found(logits=logits, labels=labels, group=np.arange(300) // 5):
        assert one.value > 0.0
        assert one.reason == "no interval: it is not computed if only groups of rows are independent"
    site = np.where(np.arange(300) % 2 == 0, "a", "b")
    report = evaluate(logits=logits, labels=labels, columns={"site": site}, slices="site", metrics=NAMES)
    assert "for all rows of a dump only" in str(report.dumps[0].slices[0].metrics["tace"].reason)
    assert Report.from_json(report.to_json()) == report
    written = json.loads(report.to_json())["dumps"][0]["metrics"]
    assert [written[name].get("divisor") for name in NAMES] == [None, *DIVISORS]


def test_differences_are_put_together_from_both_intervals():
    logits, labels = logits_and_labels(1500, 4)
    base, candidate = (Predictions(logits=own, labels=labels) for own in (logits, 3.0 * logits))
    found = compare(base, candidate, metrics=NAMES)
    for name in NAMES:
        one, other = (evaluate(model, metrics=name)[name] for model in (base, candidate))
        difference = found[name]
        assert (difference.base, difference.candidate) == (one.value, other.value)
        assert difference.difference == pytest.approx(other.value - one.value)
        # The errors of both add up.
        high = (other.high - other.corrected) + (one.corrected - one.low)
        assert difference.high == pytest.approx(other.corrected - one.corrected + high)
        assert 0.0 < difference.low < difference.difference
        assert difference.reason == "the interval is put together from those of both models, and wide"
    same = compare(base, base, metrics=NAMES)
    assert all((same[name].difference, same[name].p) == (0.0, 1.0) for name in NAMES)


def test_a_rule_about_a_change():
    logits, labels = logits_and_labels(1500, 4)
    base, candidate = (Predictions(logits=own, labels=labels) for own in (logits, 3.0 * logits))
    for name in [*NAMES, "ece_top3"]:
        verdict = gate(candidate, baseline=base, rules=[{"metric": name, "max_increase": 0.0}])
        assert verdict.exit_code == (0 if name == "ece_top3" else 1)
        assert verdict.rules[0].verdict == ("inconclusive" if name == "ece_top3" else "fail")
        assert gate(base, baseline=base, rules=[{"metric": name, "max_increase": 0.0}]).exit_code == 0


def test_rules():
    logits, labels = logits_and_labels(300, 4)
    dump = Predictions(logits=logits, labels=labels)
    one = evaluate(dump, metrics="tace_kept")["tace_kept"]
    for limit, code in ((one.high * 1.01, 0), (one.low * 0.99, 1)):
        verdict = gate(dump, rules=[{"metric": "tace_kept", "max": limit}])
        assert verdict.exit_code == code


def test_floors_and_intervals_of_calibrated_models():
    rng, above, covered, runs = np.random.default_rng(0), dict.fromkeys(NAMES, 0), dict.fromkeys(NAMES, 0), 120
    for _ in range(runs):
        logits = 2.0 * rng.normal(size=(1000, 5))
        labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
        for one in found(logits=logits, labels=labels):
            above[one.name] += one.value > one.floor_high
            covered[one.name] += one.low <= 0.0
            assert one.value == pytest.approx(one.floor, rel=0.6)
    for name in NAMES:
        assert above[name] <= 0.05 * runs + 6, name
        assert covered[name] >= 0.95 * runs - 6, name


def test_with_one_row_per_class_a_value_below_noise_is_still_possible():
    # 200 rows of 200 classes, most of them right: calibrated models show more than what was measured.
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(200, 200))
    logits[np.arange(200), np.arange(200)] += 9.0
    found = evaluate(Predictions(logits=logits, labels=np.arange(200)), metrics=["cwce_adaptive", "tace"])
    for one in found.dumps[0].metrics.values():
        assert one.value < one.floor
        assert one.low == 0.0
        assert one.high >= one.value
        assert one.reason.code == "few_rows_per_class"
