"""Weighted sums and values against plain formulas; weights 1 are none; weight 2 is the row twice."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.errors import InputError
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.rows import FEW_CLASSES
from tests.data import logits_and_labels
from tests.definitions import edges_for, softmax

KS = [2, 3, 10, FEW_CLASSES + 1]


def weights_of(n, seed=0):
    return np.exp(np.random.default_rng([7, seed]).normal(size=n))


def gaps(p, y, w, edges):
    """Sum of w, and mean p and y, of the non-empty bins."""
    numbers = (p[:, None] > np.asarray(edges)[None, 1:-1]).sum(axis=1)
    for number in np.unique(numbers).tolist():
        inside = numbers == number
        total = w[inside].sum()
        yield total, (w * p)[inside].sum() / total, (w * y)[inside].sum() / total, total**2 / (w[inside] ** 2).sum()


def definitions(probs, labels, w, bins=15):
    """Every metric by its weighted definition."""
    n, k = probs.shape
    whole = w.sum()
    confidence, correct = probs.max(axis=1), (probs.argmax(axis=1) == labels).astype(float)
    hot = np.eye(k)[labels]
    order = np.argsort(confidence, kind="stable")
    reached = np.cumsum(w[order])
    inner = [confidence[order][np.argmax(reached >= i * whole / bins * (1 - 1e-12))] for i in range(1, bins)]
    width = [*gaps(confidence, correct, w, edges_for(bins))]
    mass = [*gaps(confidence, correct, w, sorted({0.0, 1.0, *inner}))]
    each = [sum(t * abs(c - a) for t, c, a, _ in gaps(probs[:, j], hot[:, j], w, edges_for(bins))) for j in range(k)]
    found = {
        "accuracy": (w * correct).sum() / whole,
        "confidence_gap": (w * (confidence - correct)).sum() / whole,
        "nll": -(w * np.log(probs[np.arange(n), labels])).sum() / whole,
        "brier": (w * ((probs - hot) ** 2).sum(axis=1)).sum() / whole,
        "ece": sum(t * abs(c - a) for t, c, a, _ in width) / whole,
        "aece": sum(t * abs(c - a) for t, c, a, _ in mass) / whole,
        "mce": max(abs(c - a) for _, c, a, rows in width if rows >= 30),
        "mce_all_bins": max(abs(c - a) for _, c, a, _ in width),
        "oe": sum(t * c * max(c - a, 0.0) for t, c, a, _ in width) / whole,
        "rmsce": np.sqrt(sum(t * (c - a) ** 2 for t, c, a, _ in width) / whole),
        "cwce": sum(each) / whole / k,
    }
    return found | ({"ece_positive": each[1] / whole} if k == 2 else {})


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_every_metric_is_its_weighted_definition(k, kind):
    logits, labels = logits_and_labels(1500, k)
    w, probs = weights_of(1500), softmax(logits)
    scores = logits if kind == "logits" else probs
    found = evaluate(Predictions(**{kind: scores}, labels=labels, weights=w), level=None)
    expected = definitions(probs, labels, w)
    assert {name: found[name].value for name in expected} == pytest.approx(expected, abs=1e-9)


def test_confidences_alone_are_weighted_too():
    logits, labels = logits_and_labels(900, 4)
    probs, w = softmax(logits), weights_of(900)
    right = (probs.argmax(axis=1) == labels).astype(int)
    found = evaluate(Predictions(confidence=probs.max(axis=1), correct=right, weights=w), level=None)
    expected = definitions(probs, labels, w)
    for name in ("accuracy", "confidence_gap", "ece", "aece", "oe", "mce", "rmsce"):
        assert found[name].value == pytest.approx(expected[name], abs=1e-12)
    assert found["nll"].value is None


def test_classes_and_bins_are_weighted():
    logits, labels = logits_and_labels(800, 3)
    probs, w = softmax(logits), weights_of(800)
    dump = evaluate(Predictions(probs=probs, labels=labels, weights=w)).dumps[0]
    assert [one.support for one in dump.per_class] == np.bincount(labels).tolist()
    for j, one in enumerate(dump.per_class):
        assert one.gap == pytest.approx((w * (probs[:, j] - (labels == j))).sum() / w.sum(), abs=1e-12)
    assert sum(row.count for row in dump.equal_width) == 800
    assert sum(row.share for row in dump.equal_width) == pytest.approx(1.0)
    c = probs.max(axis=1)
    inside = (c > 12 / 15) & (c <= 13 / 15)
    row = dump.equal_width[12]
    assert row.count == inside.sum()
    assert row.share == pytest.approx(w[inside].sum() / w.sum())
    assert row.effective == pytest.approx(w[inside].sum() ** 2 / (w[inside] ** 2).sum())
    assert row.confidence == pytest.approx((w * c)[inside].sum() / w[inside].sum())
    assert row.accuracy == pytest.approx((w * (probs.argmax(axis=1) == labels))[inside].sum() / w[inside].sum())
    assert dump.weights.effective == pytest.approx(w.sum() ** 2 / (w**2).sum())


@pytest.mark.parametrize("value", [1.0, 3.7])
@pytest.mark.parametrize("k", KS)
def test_equal_weights_give_the_same_bytes_as_none(k, value):
    logits, labels = logits_and_labels(700, k)
    sites = {"site": np.arange(700) % 3, "video": np.arange(700) // 10}
    settings = {"slices": ["site"], "group": "video"}
    plain, same = (
        evaluate(Predictions(logits=logits, labels=labels, columns=sites, weights=w), **settings).to_dict()
        for w in (None, np.full(700, value))
    )
    assert same["dumps"][0].pop("weights") == {"column": "weights", "effective": 700.0, "zero": 0}
    assert plain["dumps"][0].pop("weights") is None
    assert plain == same


@pytest.mark.parametrize("k", KS)
def test_a_weight_of_2_is_the_value_of_the_row_twice_but_not_its_interval(k):
    logits, labels = logits_and_labels(1200, k)
    times = np.random.default_rng(3).integers(1, 4, 1200)
    again = np.repeat(np.arange(1200), times)
    one = evaluate(Predictions(logits=logits, labels=labels, weights=times))
    other = evaluate(Predictions(logits=logits[again], labels=labels[again]))
    for name, metric in other.items():
        if name == "mce":  # which bins hold 30 rows is a question of the effective number
            continue
        assert one[name].value == pytest.approx(metric.value, abs=1e-12), name
        if metric.low is not None:
            assert one[name].high - one[name].low > 1.2 * (metric.high - metric.low), name


def test_a_permutation_changes_nothing():
    logits, labels = logits_and_labels(3000, 5)
    w, order = weights_of(3000), np.random.default_rng(1).permutation(3000)
    one = evaluate(Predictions(logits=logits, labels=labels, weights=w))
    other = evaluate(Predictions(logits=logits[order], labels=labels[order], weights=w[order]))
    for name, metric in one.items():
        for part in ("value", "low", "high", "floor", "floor_high"):
            found = getattr(metric, part)
            if found is not None:
                assert getattr(other[name], part) == pytest.approx(found, abs=1e-11), (name, part)


def test_threads_and_memory_change_no_byte():
    logits, labels = logits_and_labels(300_000, 2)
    predictions = Predictions(logits=logits, labels=labels, weights=weights_of(300_000))
    plain = evaluate(predictions).to_json()
    assert evaluate(predictions, jobs=2).to_json() == plain
    assert evaluate(predictions, jobs=2, max_memory=1000).to_json() == plain


def test_slices_are_weighted_in_memory_and_beyond():
    logits, labels = logits_and_labels(2000, 3)
    site, w = np.arange(2000) % 2, weights_of(2000)
    predictions = Predictions(logits=logits, labels=labels, columns={"site": site}, weights=w)
    alone = evaluate(Predictions(logits=logits[site == 1], labels=labels[site == 1], weights=w[site == 1]))
    for memory in (None, 1000):
        every = evaluate(predictions, slices=["site"], max_memory=memory).dumps[0].slices
        found = next(one for one in every if one.value == "1")
        assert found.n == 1000
        for name, metric in alone.items():
            assert found.metrics[name].value == pytest.approx(metric.value, abs=1e-12)
            if metric.high is not None:
                assert found.metrics[name].high == pytest.approx(metric.high, abs=1e-9), name


def test_slices_need_an_effective_number_of_rows():
    logits, labels = logits_and_labels(400, 3)
    w = np.where(np.arange(400) < 200, 1.0, weights_of(400) ** 2)
    settings = {"slices": ["half"], "min_rows": 200}
    predictions = Predictions(logits=logits, labels=labels, columns={"half": np.arange(400) // 200}, weights=w)
    dump = evaluate(predictions, **settings).dumps[0]
    assert [(one.value, one.n) for one in dump.slices] == [("0", 200)]
    assert [(one.value, one.n) for one in dump.small_slices] == [("1", 200)]


def test_sums_are_added_before_they_are_finished():
    logits, labels = logits_and_labels(600, 3)
    w = weights_of(600)
    w[:2] = w[300:302] = 0.9  # and the largest, so that both halves are scaled by the same power of 2
    w = np.minimum(w, 0.9)
    one, other, whole = (
        Predictions(logits=logits[h], labels=labels[h], weights=w[h]) for h in (np.s_[:300], np.s_[300:], np.s_[:])
    )
    added = (summarise(one, finish=False) + summarise(other, finish=False)).finished()
    expected = summarise(whole)
    assert added.n == pytest.approx(expected.n)
    assert added.rows_n == 600
    for part in ("count", "p", "pp", "y", "yp"):
        for bins in ("top", "classes"):
            for twin in (lambda sums: sums, lambda sums: sums.squared):
                found, sought = (getattr(twin(getattr(sums, bins)), part) for sums in (added, expected))
                assert found == pytest.approx(sought, abs=1e-9)
    assert added.nll[:2] == pytest.approx(expected.nll[:2])
    with pytest.raises(InputError, match="cannot be added"):
        expected + expected
    with pytest.raises(InputError, match="with and without weights"):
        summarise(one, finish=False) + summarise(Predictions(logits=logits, labels=labels))


@pytest.mark.parametrize("k", KS)
def test_the_excess_of_the_nll_has_the_cumulants_of_its_weighted_total(k):
    logits, labels = logits_and_labels(500, k)
    w, p = weights_of(500), softmax(logits)
    sums = summarise(Predictions(logits=logits, labels=labels, weights=w))
    scaled, x = w * w.sum() / (w**2).sum(), np.log(p)
    mean = (p * x).sum(axis=1)
    second, third, fourth = (np.sum(p * (x - mean[:, None]) ** order, axis=1) for order in (2, 3, 4))
    expected = [
        scaled @ (mean - x[np.arange(500), labels]),
        scaled**2 @ second,
        -(scaled**3) @ third,
        scaled**4 @ (fourth - 3 * second**2),
    ]
    assert list(sums.excess) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_few_rows_of_any_weights_have_results(n):
    rng = np.random.default_rng(n)
    for _ in range(40):
        logits, labels = rng.normal(size=(n, 3)), rng.integers(0, 3, n)
        w = rng.choice([0.1, 0.3, 0.7, 1e-7, 1e5], n) * rng.random(n)
        report = evaluate(Predictions(logits=logits, labels=labels, weights=w), slices=["class"], min_rows=1)
        assert 1 <= report.dumps[0].weights.effective <= n + 1e-9
        for metric in report.values():
            if metric.low is not None:
                assert metric.low <= metric.high
