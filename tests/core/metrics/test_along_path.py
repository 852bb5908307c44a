"""Intervals and differences of metrics on request that come from drawn samples along a path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate
from calibeval.core.metrics.along_path import AlongPath
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums.pairs import Pairs

NAMES = [name for name, metric in REQUESTED.items() if isinstance(metric, AlongPath)]
METRIC: dict[str, Any] = dict(REQUESTED)
ERRORS = [name for name in NAMES if name != "dsc"]


def over(n, seed, power=1.4):
    """Rows that are right with confidence ** power: over-confident."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(5, 2, n)
    return confidence, rng.random(n) < confidence**power


def test_which_have_one():
    assert NAMES == ["ecce", "ks", "mcb", "dsc", "smece"]


def test_of_one_confidence_the_error_is_the_gap():
    # 700 of 1,000 rows of .8 are right: the gap .1 has the standard error sqrt(.21 / 1000) = .0145.
    found = evaluate(confidence=np.full(1000, 0.8), correct=np.arange(1000) < 700, metrics=["ecce", "ks", "mcb"])
    for name in ("ecce", "ks"):
        low, high = found[name].low, found[name].high
        assert (low, high) == pytest.approx((0.1 - 1.96 * 0.0145, 0.1 + 1.96 * 0.0145), abs=0.007)
        assert low <= 0.1 - 1.9 * 0.0145
        assert high >= 0.1 + 1.9 * 0.0145
    assert (found["mcb"].low, found["mcb"].high) == pytest.approx((0.0717**2, 0.1284**2), rel=0.2)


@pytest.mark.parametrize("n", [100, 2000])
def test_of_a_calibrated_model_they_begin_at_zero(n):
    begins = np.zeros(len(ERRORS))
    for seed in range(12):
        found = evaluate(**dict(zip(("confidence", "correct"), over(n, seed, 1.0), strict=True)), metrics=ERRORS)
        begins += [found[name].low == 0.0 for name in ERRORS]
        assert all(found[name].low <= found[name].corrected <= found[name].high for name in ERRORS)
    assert (begins >= 11).all()


def test_with_errors_far_above_noise_they_do_not():
    confidence, correct = over(4000, 0, 2.5)
    found = evaluate(confidence=confidence, correct=correct, metrics=NAMES)
    for name in NAMES:
        assert 0.0 < found[name].low < found[name].corrected < found[name].high, name
        assert found[name].corrected <= found[name].value + 1e-12


def test_they_hold_the_truth():
    stated = np.sort(np.random.default_rng(0).beta(5, 2, 40_000))
    truth, inside = {}, dict.fromkeys(NAMES, 0)
    gaps = np.append(0.0, np.cumsum(stated**1.4 - stated)) / len(stated)
    truth["ecce"] = truth["ks"] = gaps.max() - gaps.min()  # errors of one sign
    truth["mcb"] = float(np.mean((stated**1.4 - stated) ** 2))
    truth["dsc"] = float(np.var(stated**1.4))
    truth["smece"] = truth["ks"]
    for seed in range(40):
        confidence, correct = over(400, seed)
        found = evaluate(confidence=confidence, correct=correct, metrics=NAMES)
        for name in NAMES:
            inside[name] += found[name].low <= truth[name] <= found[name].high
    assert min(inside.values()) >= 35, inside


def test_a_higher_level_is_wider():
    confidence, correct = over(500, 3)
    narrow, wide = (evaluate(confidence=confidence, correct=correct, metrics=NAMES, level=x) for x in (0.8, 0.99))
    for name in NAMES:
        assert wide[name].low <= narrow[name].low < narrow[name].high < wide[name].high, name


def test_the_order_of_rows_does_not_matter():
    confidence, correct = over(3000, 4)
    turned = evaluate(confidence=confidence[::-1], correct=correct[::-1], metrics=NAMES)
    plain = evaluate(confidence=confidence, correct=correct, metrics=NAMES)
    assert {name: turned[name] for name in NAMES} == {name: plain[name] for name in NAMES}


@pytest.mark.parametrize("correct", [True, False])
def test_rows_of_one_kind_have_an_interval(correct):
    found = evaluate(confidence=np.linspace(0.9, 1.0, 50), correct=np.full(50, correct), metrics=NAMES)
    for name in NAMES:
        assert 0.0 <= found[name].low <= found[name].high <= 1.0
    # 50 rows without an error allow an accuracy of 92.9 % by Clopper and Pearson, and so a gap of 2.1 points.
    if correct:
        assert found["ecce"].high >= 0.95 - 0.9289


def test_weights_have_a_reason():
    confidence, correct = over(200, 5)
    found = evaluate(confidence=confidence, correct=correct, weights=1.0 + confidence, metrics="dsc")["dsc"]
    assert (found.low, found.reason) == (None, "no interval: samples are not drawn for rows with weights")


@pytest.mark.parametrize("name", NAMES)
def test_influence_is_what_a_little_more_weight_of_a_row_changes(name):
    confidence, correct = over(120, 6, 2.0)
    pairs = Pairs.of(confidence, correct)
    own = METRIC[name].influence(pairs)
    runs = np.searchsorted(pairs.confidence[pairs.ends], pairs.confidence)
    told = np.where(pairs.correct, own.right[runs], own.wrong[runs])
    value, changes = METRIC[name].of_pairs(pairs), []
    for row in range(120):
        weights = np.ones(120)
        weights[row] += 1e-3
        changes.append(METRIC[name].of_pairs(Pairs(pairs.confidence, pairs.correct, weights)) - value)
    assert np.corrcoef(told, changes)[0, 1] > 0.999


def pair(n, seed, power, groups=None):
    """Two models on the same rows; the second says confidence ** power of the first's."""
    confidence, correct = over(n, seed)
    columns = {"g": np.arange(n) if groups is None else groups}
    return tuple(
        Predictions(confidence=own, correct=correct, columns=columns) for own in (confidence, confidence**power)
    )


def test_a_better_calibrated_model_is_seen():
    found = compare(*pair(4000, 0, 1.4), metrics=ERRORS)
    for name in ERRORS:
        assert found[name].high < 0.0, name
        assert found[name].certain, name


@pytest.mark.parametrize("seed", range(6))
def test_of_the_same_ranking_discrimination_is_the_same(seed):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.55, 0.9, 2000)
    correct, row = rng.random(2000) < truth, np.arange(2000)
    one, other = (
        Predictions(confidence=truth + shift, correct=correct, columns={"row": row}) for shift in (0.03, -0.03)
    )
    found = compare(one, other, metrics="dsc")["dsc"]
    assert found.difference == pytest.approx(0.0, abs=1e-12)
    assert found.low <= 0.0 <= found.high


def test_equal_errors_of_two_models_are_rarely_called_different():
    called = dict.fromkeys(ERRORS, 0)
    for seed in range(25):
        rng = np.random.default_rng(seed)
        truth = rng.uniform(0.6, 0.9, 800)
        correct = rng.random(800) < truth
        one, other = (
            Predictions(confidence=truth + shift, correct=correct, columns={"row": np.arange(800)})
            for shift in (0.05, -0.05)
        )
        found = compare(one, other, metrics=ERRORS)
        for name in ERRORS:
            called[name] += found[name].excludes_zero
    assert max(called.values()) <= 4, called


@pytest.mark.parametrize("n", [300, 1000])
def test_without_errors_nothing_is_certain(n):
    # The first states the true risk, the second a tenth of it; no error was drawn.
    risk = np.linspace(0.0005, 0.0015, n)
    dumps = (
        Predictions(confidence=1.0 - own, correct=np.ones(n, bool), columns={"row": np.arange(n)})
        for own in (risk, 0.1 * risk)
    )
    found = compare(*dumps, metrics=NAMES)
    for name in ERRORS:
        assert found[name].low <= 0.0 <= found[name].high, name
    # What the candidate hides, 0.0009, is inside, too.
    for name in ("ecce", "ks", "smece"):
        assert found[name].high >= 0.0009


def test_with_groups_no_difference_is_tested():
    found = compare(*pair(400, 2, 1.4, np.arange(400) // 4), group="g", metrics=["ecce", "unc"])
    assert found["ecce"].reason == "differences of this metric are not tested if only groups are independent"
    assert found["unc"].low <= 0.0 <= found["unc"].high
    assert found["unc"].p == 1.0


def test_uncertainty_has_the_interval_that_the_accuracy_allows():
    found = evaluate(confidence=np.full(1000, 0.8), correct=np.arange(1000) < 700, metrics=["accuracy", "unc"])
    low, high = found["accuracy"].low, found["accuracy"].high
    assert (found["unc"].low, found["unc"].high) == pytest.approx((high * (1 - high), low * (1 - low)))
    half = evaluate(confidence=np.full(100, 0.8), correct=np.arange(100) < 48, metrics=["accuracy", "unc"])
    assert half["unc"].high == 0.25
    assert half["unc"].low == pytest.approx(half["accuracy"].low * (1 - half["accuracy"].low))


def test_uncertainty_of_groups_is_wider():
    correct, groups = np.arange(1000) // 10 % 4 > 0, np.arange(1000) // 10
    rows, grouped = (
        evaluate(confidence=np.full(1000, 0.8), correct=correct, metrics="unc", **given)["unc"]
        for given in ({}, {"group": groups})
    )
    assert grouped.high - grouped.low > 2 * (rows.high - rows.low)
    assert grouped.reason is None


def test_uncertainty_differs_where_accuracies_differ_but_not_around_one_half():
    rng = np.random.default_rng(0)
    right = {share: np.arange(2000) < share * 2000 for share in (0.4, 0.6, 0.7, 0.9)}
    dumps = {
        share: Predictions(confidence=rng.random(2000), correct=own, columns={"row": np.arange(2000)})
        for share, own in right.items()
    }
    found = compare(dumps[0.9], dumps[0.7], metrics="unc")["unc"]
    assert found.low < 0.21 - 0.09 < found.high
    assert found.certain
    mirrored = compare(dumps[0.4], dumps[0.6], metrics="unc")["unc"]
    assert mirrored.low <= 0.0 <= mirrored.high
    assert mirrored.p >= 0.05


def all_right(n):
    """Rows that are all right, with confidences that say otherwise."""
    return {"confidence": np.linspace(0.5, 1.0, n), "correct": np.ones(n, np.bool_)}


def test_of_right_rows_only_they_end_above_the_gap():
    # Every error is the gap of .25. Of other rows with these confidences, whose deviation is .1447, the mean confidence
    # has the standard error .1447 / sqrt(300) = .00835: 1.96 of them are .0164.
    found = evaluate(**all_right(300), metrics=[*NAMES, "confidence_gap", "unc"])
    most = abs(found["confidence_gap"].low)
    assert most == pytest.approx(0.2664, abs=1e-4)
    for name in ("ecce", "ks", "smece"):
        assert found[name].value == pytest.approx(0.25, abs=1e-6)
        assert most <= found[name].high <= 0.28
    # The Brier score is all miscalibration: mean (1 - c)^2 = 1/12, with the standard error .0745 / sqrt(300) = .0043.
    assert found["mcb"].high == pytest.approx(1 / 12 + 1.96 * 0.0043, rel=0.03)


def test_discrimination_may_be_all_of_the_uncertainty_that_right_rows_allow():
    found = evaluate(**all_right(300), metrics=["dsc", "unc"])
    # Of 300 right rows, up to 1 - .025 ** (1 / 300) = 1.22 % may be wrong.
    wrong = 1 - 0.025 ** (1 / 300)
    assert found["dsc"].high == found["unc"].high == pytest.approx(wrong * (1 - wrong))
    assert found["dsc"].low == found["dsc"].value == 0.0


@pytest.mark.parametrize("wrong", [1, 29, 30])
def test_discrimination_allows_what_few_errors_do(wrong):
    rng = np.random.default_rng(0)
    confidence = np.sort(rng.beta(5, 1, 1000))
    correct = np.arange(1000) >= wrong
    found = evaluate(confidence=confidence, correct=correct, metrics=["dsc", "unc"])
    dsc, unc = found["dsc"], found["unc"]
    # The least confident rows are wrong: all that is uncertain is told apart, with up to 29 errors also in other rows.
    assert dsc.value == pytest.approx(unc.value)
    assert dsc.high <= unc.high + 1e-12
    assert (dsc.high == pytest.approx(unc.high)) is (wrong < 30)


@pytest.mark.parametrize("n", [1, 4, 5])
def test_fewer_than_five_rows_have_no_interval(n):
    found = evaluate(**all_right(n), metrics=NAMES)
    for name in NAMES:
        assert (found[name].low is None) is (n < 5)
        if n < 5:
            assert found[name].reason.code == "few_rows"
            assert found[name].reason == "no interval: there are fewer than 5 rows"


def test_floors_are_possible_values():
    # Of one row with confidence .5, the 99.9 % quantile of a Brownian motion is above 1.
    found = evaluate(confidence=[0.5], correct=[True], metrics=["ecce", "ks"])
    for name in ("ecce", "ks"):
        assert 0.5 < found[name].floor_high <= found[name].floor_certain == 1.0
