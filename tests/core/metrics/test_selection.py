"""Selective prediction in reports, comparisons and gates."""

import json
import math

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate, gate
from calibeval.core.errors import UnknownMetric
from calibeval.core.metrics.table import EVERY, metric_named
from calibeval.core.report.report import Report

AREAS = ["auroc", "aurc", "eaurc", "augrc"]
AT_5 = "coverage@error=0.05"


def drawn(n=2000, seed=0, skill=1.0):
    rng = np.random.default_rng(seed)
    confidence = 1.0 - 0.5 * rng.random(n) ** 3
    return confidence, rng.random(n) < 1.0 - skill * (1.0 - confidence)


def right(n):
    return evaluate(confidence=np.linspace(0.99, 0.6, n), correct=np.ones(n, bool), metrics=AT_5)[AT_5]


def test_58_rows_are_too_few_and_59_are_enough():
    few, enough = right(58), right(59)
    assert (few.value, few.low, few.threshold) == (None, None, None)
    assert (few.reason, few.reason.code) == ("none: at least 59 rows would be needed", "too_few_to_certify")
    assert (few.rows_needed, few.delta) == (59, 0.05)
    assert (enough.value, enough.threshold, enough.rows, enough.errors) == (1.0, pytest.approx(0.6), 59, 0)
    assert enough.bound == pytest.approx(1 - 0.05 ** (1 / 59))


def test_where_none_is_certified_the_coverage_is_0():
    correct = np.ones(300, bool)
    correct[:3] = False
    found = evaluate(confidence=np.linspace(0.99, 0.6, 300), correct=correct, metrics=AT_5)[AT_5]
    # There is no threshold for new rows to be above, so no interval; 3 errors of all 300 rows are no proof against 5 %.
    assert (found.value, found.low, found.high, found.threshold, found.possible) == (0.0, None, None, None, 1.0)
    assert found.reason == "none: 3 of the 59 most confident rows are wrong, an error of up to 12.63 %"
    assert found.reason.code == "not_certified"


def test_the_interval_holds_whatever_threshold_was_chosen():
    # sqrt(log(2 / .05) / (2 * 2000)) = .0304
    found = evaluate(confidence=drawn()[0], correct=drawn()[1], metrics=AT_5)[AT_5]
    assert found.high - found.value == pytest.approx(math.sqrt(math.log(40) / 4000))
    assert found.value - found.low == pytest.approx(math.sqrt(math.log(40) / 4000))
    assert abs(found.cross_fitted - found.value) < 0.1
    assert found.cross_fitted_error < 0.06


def test_groups_are_the_units_of_coverage():
    confidence, correct = drawn(1200)
    correct[confidence > 0.9] = True
    found = evaluate(confidence=confidence, correct=correct, group=np.arange(1200) // 4, metrics=AT_5)[AT_5]
    alone = evaluate(confidence=confidence, correct=correct, metrics=AT_5)[AT_5]
    assert 0.0 < found.value < alone.value
    assert found.low is None
    assert found.reason == "no interval: it is not computed if only groups of rows are independent"
    few = evaluate(confidence=confidence, correct=correct, group=np.arange(1200) // 24, metrics=AT_5)[AT_5]
    assert few.reason == "none: at least 59 groups would be needed"  # there are 50


@pytest.mark.parametrize(("n", "there"), [(300, False), (400, True)])
def test_cross_fitted_coverage_has_a_reason_where_four_fifths_are_too_few(n, there):
    rows = {"confidence": np.linspace(0.9, 1.0, n), "correct": np.ones(n, bool)}
    name = "coverage@error=0.01"
    found = evaluate(**rows, metrics=name)[name]
    assert (found.value, found.rows_needed) == (1.0, 299)
    assert (found.cross_fitted is not None) is there
    few = "no cross-fitted coverage: four fifths of the rows are fewer than the 299 that are needed"
    assert found.reason == (None if there else few)
    by_group = evaluate(**rows, group=np.arange(n), metrics=name)[name]
    assert (by_group.cross_fitted is not None) is there
    assert by_group.reason.endswith("are independent" if there else "independent; " + few.replace("rows", "groups"))


@pytest.mark.parametrize("name", [*AREAS, AT_5])
def test_weighted_rows_have_a_reason(name):
    confidence, correct = drawn(300)
    found = evaluate(confidence=confidence, correct=correct, weights=np.arange(300) + 1.0, metrics=name)[name]
    assert (found.value, found.reason.code) == (None, "weighted_rows")


@pytest.mark.parametrize("name", AREAS)
def test_areas_need_30_errors_for_an_interval(name):
    confidence = np.random.default_rng(0).random(200)
    for errors, there in ((29, False), (30, True)):
        found = evaluate(confidence=confidence, correct=np.arange(200) >= errors, metrics=name)[name]
        assert found.value is not None
        assert (found.low is not None) is there
        if not there:
            text = "no interval: 29 of 200 rows are wrong; 30 right and 30 wrong rows are needed"
            assert found.reason == text


def test_auroc_of_rows_of_one_kind():
    found = evaluate(confidence=[0.9, 0.8], correct=[True, True], metrics="auroc")["auroc"]
    assert (found.value, found.reason) == (None, "all rows are right, so there is nothing to rank")


def test_delongs_interval_by_hand():
    # 60 right rows at .8, 60 wrong at .4, and 40 of each at .6: right rows at .6 are above .6 + .4 / 2 = .8 of wrong
    # ones, so the AUROC is .6 * 1 + .4 * .8 = .92; placements 1 and .8 vary by .04 * .24 = .0096 in both kinds.
    confidence = np.repeat([0.8, 0.4, 0.6, 0.6], [60, 60, 40, 40])
    found = evaluate(confidence=confidence, correct=np.repeat([1, 0, 1, 0], [60, 60, 40, 40]) == 1, metrics="auroc")
    assert found["auroc"].value == pytest.approx(0.92)
    error = math.sqrt(2 * 0.0096 / 100)
    odds, reach = math.log(0.92 / 0.08), 1.959964 * error / (0.92 * 0.08)
    assert found["auroc"].low == pytest.approx(1 / (1 + math.exp(reach - odds)), abs=1e-6)
    assert found["auroc"].high == pytest.approx(1 / (1 + math.exp(-odds - reach)), abs=1e-6)


@pytest.mark.parametrize("name", AREAS)
def test_differences_hold_the_truth_and_find_a_better_ranking(name):
    rng = np.random.default_rng(2)
    labels, hard = rng.integers(0, 2, 3000), rng.random(3000)
    right_rows = rng.random(3000) > 0.5 * hard
    predicted = np.where(right_rows, labels, 1 - labels)

    def stated(noise):
        confidence = 0.55 + 0.4 * np.clip(1.0 - hard + noise * rng.normal(size=3000), 0.0, 1.0)
        positive = np.where(predicted == 1, confidence, 1.0 - confidence)
        return Predictions(probs=positive, labels=labels)

    one, same, worse = stated(0.1), stated(0.1), stated(2.0)
    alike, apart = compare(one, same, metrics=name)[name], compare(one, worse, metrics=name)[name]
    assert alike.low < 0.0 < alike.high
    assert alike.difference == pytest.approx(alike.candidate - alike.base)
    assert (apart.difference < 0.0) is (name == "auroc")
    assert apart.p < 0.001


def test_coverage_has_no_paired_difference():
    logits, labels = np.random.default_rng(0).normal(size=(400, 2)), np.zeros(400, int)
    found = compare(*(Predictions(logits=own, labels=labels) for own in (logits, 2 * logits)), metrics=AT_5)[AT_5]
    assert found.low is None


@pytest.mark.parametrize(
    ("given", "name"),
    [("coverage@error=.05", AT_5), ("Coverage@5%", AT_5), (" coverage@error=0.050 ", AT_5), ("E-AURC", "eaurc")],
)
def test_names(given, name):
    assert metric_named(given).name == name
    confidence, correct = drawn()
    assert [*evaluate(confidence=confidence, correct=correct, metrics=given).dumps[0].metrics] == [name]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("coverage@error=5", "above 0 and below 1, as in coverage@error=0.05; 5 % is 0.05"),
        ("coverage@error=0", "above 0 and below 1"),
        ("coverage@error=9e-13", "no dump has the rows to certify it; the smallest is coverage@error=1e-12"),
        ("coverage@error=1e-308", "no dump has the rows"),
        ("coverage@1e-300%", "no dump has the rows"),
        ("coverage@error=nan", "above 0 and below 1"),
        ("coverage@error=", "above 0 and below 1"),
        ("coverage@error=low", "above 0 and below 1"),
        ("coverage@eror=0.05", 'did you mean "coverage@error=0.05"?'),
        ("coverage", 'did you mean "coverage@error=0.0'),
    ],
)
def test_names_that_are_none(given, text):
    with pytest.raises(UnknownMetric) as error:
        evaluate(confidence=[0.9, 0.8], correct=[True, False], metrics=given)
    assert text in str(error.value)
    assert given not in EVERY


def test_other_errors_come_after_those_of_the_table_and_are_saved():
    confidence, correct = drawn()
    report = evaluate(confidence=confidence, correct=correct, metrics="coverage@error=0.2,coverage@error=0.01,ece")
    assert [*report.dumps[0].metrics] == ["ece", "coverage@error=0.01", "coverage@error=0.2"]
    assert Report.from_json(report.to_json()) == report
    plain = json.loads(report.to_json())["dumps"][0]["metrics"]
    assert plain["coverage@error=0.2"]["rows_needed"] == 14
    assert "rows_needed" not in plain["ece"]


def test_a_gate_limits_coverage():
    confidence, correct = drawn(20_000)
    rows = Predictions(confidence=confidence, correct=correct)
    value = evaluate(rows, metrics=AT_5)[AT_5].value
    for limit, verdict in ((value - 0.05, "pass"), (value, "inconclusive"), (value + 0.05, "fail")):
        (found,) = gate(rows, [{"metric": AT_5, "min": limit}]).rules
        assert found.verdict == verdict
    few = Predictions(confidence=confidence[:58], correct=np.ones(58, bool))
    (found,) = gate(few, [{"metric": AT_5, "min": 0.4}]).rules
    assert found.verdict == "inconclusive"
    assert "at least 59 rows would be needed" in found.reason


def test_gates_refuse_a_coverage_that_cannot_be():
    rows = Predictions(confidence=[0.9], correct=[True])
    with pytest.raises(UnknownMetric, match=r"5 % is 0\.05"):
        gate(rows, [{"metric": "coverage@error=5", "min": 0.4}])
    with pytest.raises(ValueError, match="higher is better, so use min"):
        gate(rows, [{"metric": AT_5, "max": 0.4}])
