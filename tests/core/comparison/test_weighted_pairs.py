"""Comparisons and gates of weighted rows: plain formulas, equal weights, orders, and weights that disagree."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibeval import Predictions, Report, UsageError, compare, conventions, evaluate, gate, plan
from calibeval.core.comparison.compare import compare as compare_dumps
from calibeval.core.errors import InputError
from calibeval.core.uncertainty.level import Level
from calibeval.core.uncertainty.paired_means import accuracy_difference, mean_difference
from tests.data import logits_and_labels
from tests.definitions import softmax

N = 1500
WEIGHTS = np.exp(np.random.default_rng(4).normal(size=N))


def dumps(k, w=WEIGHTS, order=None, **more):
    """Two models on the same weighted rows; order: of the second one's rows."""
    logits, labels = logits_and_labels(N, k)
    other = 0.7 * logits + np.random.default_rng(8).normal(size=logits.shape)
    order = np.arange(N) if order is None else order
    own = {name: values if name == "columns" else np.asarray(values)[order] for name, values in more.items()}
    base = Predictions(logits=logits, labels=labels, weights=w, **more)
    weights = None if w is None else np.asarray(w)[order]
    return base, Predictions(logits=other[order], labels=labels[order], weights=weights, **own)


def test_means_are_ratios_of_two_sums():
    base, candidate = dumps(4)
    (one, other), labels = (softmax(p.scores[0:N]) for p in (base, candidate)), base.labels
    found = compare(base, candidate)
    w, n = WEIGHTS, WEIGHTS.sum() ** 2 / (WEIGHTS**2).sum()
    for name, values in {
        "nll": -np.log(other[np.arange(N), labels]) + np.log(one[np.arange(N), labels]),
        "accuracy": (other.argmax(1) == labels).astype(float) - (one.argmax(1) == labels),
        "confidence_gap": (other.max(1) - (other.argmax(1) == labels)) - (one.max(1) - (one.argmax(1) == labels)),
    }.items():
        mean = (w * values).sum() / w.sum()
        error = math.sqrt((w**2 * (values - mean) ** 2).sum() / w.sum() ** 2 * n / (n - 1))
        assert found[name].difference == pytest.approx(mean, abs=1e-12)
        ends = mean - 1.959964 * error, mean + 1.959964 * error
        assert (found[name].low, found[name].high) == pytest.approx(ends, abs=1e-6)


@pytest.mark.parametrize("k", [2, 3])
def test_equal_weights_are_none(k):
    videos = np.arange(N) // 15
    for group in (None, "video"):
        plain, same = (
            compare(*dumps(k, w, columns={"video": videos}), group=group, slices="class").to_dict()
            for w in (None, np.full(N, 2.5))
        )
        assert plain == same


@pytest.mark.parametrize("k", [2, 3])
def test_a_weight_of_2_is_the_difference_of_rows_twice_with_a_wider_interval(k):
    times = np.random.default_rng(3).integers(1, 4, N)
    again = np.repeat(np.arange(N), times)
    base, candidate = dumps(k, times)
    one = compare(base, candidate)
    other = compare(*(Predictions(logits=p.scores[0:N][again], labels=p.labels[again]) for p in (base, candidate)))
    for name, found in one.items():
        if name == "mce":
            continue
        assert found.difference == pytest.approx(other[name].difference, abs=1e-12), name
        if found.low is not None and other[name].low is not None and name not in ("cwce", "mce_all_bins"):
            assert found.high - found.low > 1.15 * (other[name].high - other[name].low), name


def test_rows_are_paired_by_id_with_their_weights():
    order = np.random.default_rng(2).permutation(N)
    plain = compare(*dumps(3, ids=np.arange(N)))
    other = compare(*dumps(3, order=order, ids=np.arange(N)))
    for name, found in plain.items():
        for part in ("difference", "low", "high"):
            value = getattr(found, part)
            assert getattr(other[name], part) == (value if value is None else pytest.approx(value, abs=1e-9)), name


def test_groups_of_weighted_rows():
    videos = np.arange(N) // 15
    found = compare(*dumps(3, columns={"video": videos}), group="video")["nll"]
    base, candidate = dumps(3)
    one, other = (-np.log(softmax(p.scores[0:N])[np.arange(N), base.labels]) for p in (base, candidate))
    w = WEIGHTS / WEIGHTS.sum()
    totals, sizes = np.bincount(videos, w * (other - one - found.difference)), np.bincount(videos, w)
    error = math.sqrt(((totals / (1 - sizes)) ** 2).sum() * (1 - 1 / len(sizes)))
    assert (found.high - found.low) / 2 == pytest.approx(Level(0.95, 50).z * error, rel=0.05)


@pytest.mark.parametrize("ids", [None, np.arange(N)])
def test_weights_that_disagree_are_refused(ids):
    more = {} if ids is None else {"ids": ids}
    base, _ = dumps(3, **more)
    wrong = WEIGHTS.copy()
    wrong[7] *= 1.01
    _, candidate = dumps(3, wrong, **more)
    with pytest.raises(
        InputError, match=r"row 7 of the first has weight .*, and its partner in the second .*1,?\d* row"
    ):
        compare_dumps(base, [candidate])
    _, candidate = dumps(3, None, **more)
    with pytest.raises(InputError, match="only the rows of predictions are weighted"):
        compare_dumps(base, [candidate])


def test_weights_may_have_another_unit_and_precision():
    base, _ = dumps(3)
    _, candidate = dumps(3, (1000 * WEIGHTS).astype(np.float32))
    own = {"columns": {"v": candidate.columns["weights"]}, "weights": "v"}
    named = Predictions(logits=candidate.scores, labels=candidate.labels, **own)
    found, expected = (compare_dumps(base, [one])["nll"].low for one in (named, dumps(3)[1]))
    assert found == pytest.approx(expected, abs=1e-6)


def test_class_wise_differences_of_weighted_rows_are_from_both_intervals():
    found = compare(*dumps(4))["cwce"]
    assert "weighted rows" in found.reason
    assert found.low < found.difference < found.high
    assert compare(*dumps(2))["cwce"].reason is None


def test_slices_of_a_comparison_are_weighted():
    half = np.arange(N) % 2
    base, candidate = dumps(3, columns={"half": half})
    found = next(s for s in compare(base, candidate, slices="half").candidates[0].slices if s.value == "1")
    alone = compare(*(p.select(half == 1) for p in (base, candidate)))
    for name in ("nll", "accuracy", "ece", "aece", "oe"):
        assert found.differences[name].difference == pytest.approx(alone[name].difference, abs=1e-12)
        assert found.differences[name].low == pytest.approx(alone[name].low, abs=1e-6)


def test_a_saved_report_of_weighted_rows_is_compared_by_intervals():
    base, candidate = dumps(3)
    saved = Report.from_json(evaluate(base).to_json())
    found = compare(saved, candidate)
    for name in ("ece", "nll", "accuracy", "oe"):
        assert found[name].low < found[name].difference < found[name].high
    with pytest.raises(InputError, match="only the rows of the report are weighted"):
        compare(saved, dumps(3, None)[1])


def test_a_gate_judges_weighted_values():
    base, candidate = dumps(3, columns={"half": np.arange(N) % 2})
    value = evaluate(candidate)["nll"]
    rules = [{"metric": "nll", "max": value.high + 0.01}, {"metric": "ece", "max_increase": 0.0, "severity": "warn"}]
    passed = gate(candidate, rules, baseline=base, why=True)
    assert passed.to_dict()["rules"][0]["value"] == value.value
    assert passed.to_dict()["rules"][0]["verdict"] == "pass"
    tight = gate(candidate, [{"metric": "nll", "max": value.low - 0.01}], why=True)
    assert tight.to_dict()["verdict"] == "fail"


def test_discordant_rows_count_by_their_weights():
    base, candidate = np.array([True] * 40 + [False] * 20), np.array([False] * 10 + [True] * 50)
    plain = accuracy_difference(base, candidate, Level(0.95))
    same = accuracy_difference(base, candidate, Level(0.95), weights=np.ones(60))
    assert same == pytest.approx(plain, abs=1e-12)
    w = np.where(np.arange(60) < 10, 4.0, 1.0)
    w *= w.sum() / (w @ w)
    found = accuracy_difference(base, candidate, Level(0.95), weights=w)
    assert found.low < (w @ (candidate.astype(float) - base)) / w.sum() < found.high
    assert found.error > plain.error


def test_equal_weights_of_a_mean_difference():
    values = np.random.default_rng(1).normal(size=50)
    plain, same = (mean_difference(values, Level(0.9), math.inf, weights=w) for w in (None, np.ones(50)))
    assert same == pytest.approx(plain, abs=1e-12)


def test_weights_are_arguments_of_every_function():
    logits, labels = logits_and_labels(N, 3)
    plain = [Predictions(logits=f * logits, labels=labels, columns={"w": WEIGHTS}) for f in (1.0, 0.7)]
    weighted = [Predictions(logits=f * logits, labels=labels, weights=WEIGHTS) for f in (1.0, 0.7)]
    for weights in ("w", WEIGHTS):
        assert compare(*plain, weights=weights)["nll"] == compare(*weighted)["nll"]
        rules = [{"metric": "nll", "max_increase": 1.0}, {"metric": "ece", "max": 0.5}]
        found, expected = (
            gate(p[1], rules, baseline=p[0], **more).to_dict()["rules"]
            for p, more in ((plain, {"weights": weights}), (weighted, {}))
        )
        assert found == expected
        assert plan(plain[1], rules, weights=weights)["ece"] == plan(weighted[1], rules)["ece"]


def test_conventions_of_other_tools_have_no_weights():
    weighted = dumps(3)[0]
    with pytest.raises(UsageError, match='rows are weighted by "weights", but convention guo cannot weight rows'):
        evaluate(weighted, convention="guo")
    with pytest.raises(UsageError, match="the conventions of other tools cannot weight rows"):
        conventions(weighted)
    equal = dumps(3, np.full(N, 2.0))[0]
    assert evaluate(equal, convention="guo")["ece"] == evaluate(dumps(3, None)[0], convention="guo")["ece"]
