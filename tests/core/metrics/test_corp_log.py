"""Parts of the log score of the top label: by hand, against plain definitions, and where they are infinite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from calibeval import Report, evaluate
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums.pairs import Pairs
from tests.data import logits_and_labels

METRIC: dict[str, Any] = dict(REQUESTED)
PARTS = ["mcb_log", "dsc_log", "unc_log"]


def parts(pairs):
    return [METRIC[name].of_pairs(pairs) for name in PARTS]


def test_by_hand():
    # Regression: 0 for .2, 1/2 for .4 and .6, 1 for .8.
    pairs = Pairs.of([0.2, 0.4, 0.6, 0.8], [False, True, False, True])
    score = -(np.log(0.8) + np.log(0.4) + np.log(0.4) + np.log(0.8)) / 4
    calibrated = np.log(2) / 2
    assert parts(pairs) == pytest.approx([score - calibrated, np.log(2) - calibrated, np.log(2)])


def plain(c, a, weights):
    """From scipy's regression, row by row; of distinct confidences."""
    order = np.argsort(c)
    fit = np.empty(len(c))
    fit[order] = isotonic_regression(a[order].astype(float), weights=weights[order]).x

    def score(p):
        with np.errstate(divide="ignore"):
            return np.average(-np.where(a, np.log(p), np.log(1 - p)), weights=weights)

    unc = score(np.full(len(c), np.average(a, weights=weights)))
    return [score(c) - score(fit), unc - score(fit), unc]


@pytest.mark.parametrize("weighted", [False, True])
def test_plain_definition(weighted):
    rng = np.random.default_rng(3)
    c = rng.random(800)
    a, weights = rng.random(800) < c**2, rng.random(800) if weighted else np.ones(800)
    found = parts(Pairs.of(c, a, weights if weighted else None))
    assert found == pytest.approx(plain(c, a, weights), rel=1e-9)


def test_ties_are_one_step_whatever_their_order():
    rng = np.random.default_rng(4)
    c = np.ceil(rng.random(500) * 12) / 13
    a = rng.random(500) < c
    order = rng.permutation(500)
    assert parts(Pairs.of(c, a)) == pytest.approx(parts(Pairs.of(c[order], a[order])), rel=1e-12)
    shares = np.array([a[c == one].mean() for one in c])
    assert METRIC["mcb_log"].of_pairs(Pairs.of(shares * 0.98 + 0.01, a)) < 0.02


def test_of_two_classes_the_parts_add_up_to_the_nll():
    logits, labels = logits_and_labels(400, 2)
    found = evaluate(logits=logits, labels=labels, metrics=[*PARTS, "nll"])
    mcb, dsc, unc = (found[name].value for name in PARTS)
    assert mcb - dsc + unc == pytest.approx(found["nll"].value, abs=1e-12)


@pytest.mark.parametrize(
    ("confidence", "correct", "message", "count"),
    [
        ([1.0, 0.9, 1.0], [False, True, False], "infinite: the confidence is 1 and wrong in 2 rows", 2),
        ([0.0, 0.9], [True, True], "infinite: the confidence is 0 and right in 1 row", 1),
        ([0.0, 1.0], [True, False], "infinite: the confidence is 1 and wrong, or 0 and right, in 2 rows", 2),
        ([0.0, 1.0], [True, True], "infinite: the confidence is 0 and right in 1 row", 1),
    ],
)
def test_an_infinite_score_is_a_reason(confidence, correct, message, count):
    with pytest.raises(NotComputable, match=message) as missing:
        METRIC["mcb_log"].of_pairs(Pairs.of(confidence, correct))
    assert missing.value.facts == {"count": count}
    report = evaluate(confidence=confidence, correct=correct, metrics=PARTS)
    assert (report["mcb_log"].value, report["mcb_log"].count) == (None, count)
    assert report["dsc_log"].value is not None
    assert Report.from_json(report.to_json()) == report


def test_certain_and_right_is_finite():
    assert parts(Pairs.of([1.0, 1.0], [True, True])) == [0.0, 0.0, 0.0]
    assert parts(Pairs.of([0.0, 1.0], [False, True])) == pytest.approx([0.0, np.log(2), np.log(2)])


def test_a_computed_confidence_that_is_rounded_to_1_is_not_certain():
    # The NLL is 40; what is left of it after rounding is 46 ln 2.
    found = evaluate(logits=[[40.0, 0.0], [1.0, 0.0]], labels=[1, 0], metrics=["mcb_log", "dsc_log", "unc_log"])
    right = np.log1p(np.exp(-1.0))
    mcb, dsc, unc = (found[name].value for name in PARTS)
    assert mcb - dsc + unc == pytest.approx((46 * np.log(2) + right) / 2)


@pytest.mark.parametrize("n", [300, 30_000])
def test_floors_are_what_calibrated_models_show(n):
    rng = np.random.default_rng(n)
    names = ["mcb_log", "emax"]
    found: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(150):
        c = 0.5 + 0.5 * rng.random(n)
        pairs = Pairs.of(c, rng.random(n) < c)
        for name in names:
            found[name].append(METRIC[name].of_pairs(pairs))
    for name in names:
        floor, seen = METRIC[name].floor_of(pairs), np.array(found[name])
        assert floor.expected == pytest.approx(seen.mean(), rel=0.15 if name == "emax" else 0.08), name
        assert np.mean(seen > floor.high) <= 0.1, name
        assert floor.high <= floor.certain


def test_floors_need_rows_that_count_the_same():
    rng = np.random.default_rng(0)
    c = rng.random(200)
    found = evaluate(confidence=c, correct=rng.random(200) < c, weights=rng.random(200), metrics="mcb_log")["mcb_log"]
    assert found.value is not None
    assert found.floor is None
    assert "outcomes are not drawn for rows with weights" in str(found.reason)


@pytest.mark.parametrize(("right", "of"), [(180, 200), (104, 200), (20, 200)])
def test_the_interval_of_the_entropy_is_that_of_the_accuracy(right, of):
    correct = np.arange(of) < right
    found = evaluate(confidence=np.linspace(0.5, 0.99, of), correct=correct, metrics=["accuracy", "unc_log"])
    low, high = found["accuracy"].low, found["accuracy"].high
    shares = np.linspace(low, high, 10_001)
    entropies = -shares * np.log(shares) - (1 - shares) * np.log(1 - shares)
    assert (found["unc_log"].low, found["unc_log"].high) == pytest.approx((entropies.min(), entropies.max()), abs=1e-8)
    grouped = evaluate(
        confidence=np.linspace(0.5, 0.99, of), correct=correct, group=np.arange(of) // 4, metrics="unc_log"
    )
    assert grouped["unc_log"].high > found["unc_log"].high or right == 104


def test_the_floor_of_few_wrong_rows_is_not_below_what_happens_more_often():
    # Of 200 rows that are right with .9867, all are right in 6.9 % of samples, so 95 % are not all below that value.
    assert 0.05 < 0.9867**200 < 0.07
    pairs = Pairs.of(np.full(200, 0.9867), np.ones(200, bool))
    metric = METRIC["mcb_log"]
    assert metric.of_pairs(pairs) == pytest.approx(-np.log(0.9867))
    floor = metric.floor_of(pairs)
    assert floor.high == pytest.approx(-np.log(0.9867), rel=1e-6)
    assert floor.expected < floor.high <= floor.certain
