"""Metrics that are computed on request, from the confidence and correctness of every row."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calibeval import Predictions, Report, compare, evaluate, gate
from calibeval.core.metrics.along_path import AlongPath
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.metrics.table import EVERY, METRICS, metrics_for, needs_pairs
from calibeval.words import score_tests

NAMES = [name for name, metric in REQUESTED.items() if isinstance(metric, OfPairs)]
RANKS = ("auroc", "aurc", "eaurc", "augrc", "coverage@error=0.01", "coverage@error=0.05")  # rows of equal weights
OTHERS = [name for name in NAMES if name not in RANKS]
# Their intervals come from drawn samples, and their differences from these.
DRAWN = [name for name, metric in REQUESTED.items() if isinstance(metric, AlongPath)]
UNTESTED = [name for name in OTHERS if name not in (*DRAWN, "unc")]


def drawn(n=400, seed=0, power=1.0):
    """Confidences on a grid of 1/64, so that some tie, and outcomes that are right with confidence**power."""
    rng = np.random.default_rng(seed)
    confidence = np.ceil(rng.random(n) * 63) / 64
    return confidence, rng.random(n) < confidence**power


def values(**given):
    report = evaluate(metrics=NAMES, level=None, **given)
    return {name: report[name].value for name in NAMES}


def test_they_are_computed_on_request_only():
    confidence, correct = drawn()
    usual = evaluate(confidence=confidence, correct=correct)
    assert [*usual.dumps[0].metrics] == [name for name, one in METRICS.items() if not one.binary]
    every = evaluate(confidence=confidence, correct=correct, metrics="all")
    assert [*every.dumps[0].metrics] == [name for name, one in EVERY.items() if one.exists(None, named=True)]
    assert {name: every[name] for name in usual} == {name: usual[name] for name in usual}
    one = evaluate(confidence=confidence, correct=correct, metrics="ecce")
    assert [*one.dumps[0].metrics] == ["ecce"]


def test_no_rows_are_kept_unless_they_are_needed():
    assert not needs_pairs(None)
    assert not needs_pairs(["ece"])
    assert needs_pairs(["ece", "ecce"])
    assert not {*NAMES} & {one.name for one in metrics_for(2)}


def test_the_order_of_rows_does_not_matter():
    confidence, correct = drawn()
    order = np.random.default_rng(1).permutation(len(confidence))
    expected = values(confidence=confidence, correct=correct)
    assert values(confidence=confidence[order], correct=correct[order]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", [name for name in OTHERS if name != "spiegelhalter"])  # it grows with the rows
def test_whole_weights_are_repeated_rows(name):
    confidence, correct = drawn(90)
    weights = np.arange(90) % 3 + 1
    found = evaluate(confidence=confidence, correct=correct, weights=weights, metrics=name, level=None)[name]
    repeated = evaluate(
        confidence=np.repeat(confidence, weights), correct=np.repeat(correct, weights), metrics=name, level=None
    )[name]
    # Without weights, quantiles are interpolated between rows.
    assert found.value == pytest.approx(repeated.value, rel=1e-9, abs=0.01 if name in ("e50", "e90") else 0.0)


def test_equal_weights_change_nothing():
    confidence, correct = drawn()
    plain = evaluate(confidence=confidence, correct=correct, metrics=OTHERS)
    # Weights that are all equal but for one part in 10^9, so that they are not taken as 1.
    weights = np.full(len(confidence), 5.0)
    weights[0] *= 1 + 1e-9
    found = evaluate(confidence=confidence, correct=correct, weights=weights, metrics=OTHERS)
    for name in OTHERS:
        drawn_floor = found[name].floor is None and REQUESTED[name].has_floor
        assert drawn_floor == ("outcomes are not drawn for rows with weights" in str(found[name].reason))
        ends = () if name in DRAWN else ("low", "high")
        assert ends or found[name].low is None
        for field in ("value", *(() if drawn_floor else ("floor", "floor_high")), "z", "p", *ends):
            own, other = (getattr(one[name], field) for one in (found, plain))
            assert own == (None if other is None else pytest.approx(other, rel=1e-6)), (name, field)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if not name.startswith("coverage@") and not name.startswith("unc")]
)
def test_groups_leave_the_value_and_a_reason(name):
    confidence, correct = drawn()
    groups = np.arange(len(confidence)) // 8
    found = evaluate(confidence=confidence, correct=correct, group=groups, metrics=name)[name]
    assert found.value == evaluate(confidence=confidence, correct=correct, metrics=name)[name].value
    assert (found.floor, found.low, found.p) == (None, None, None)
    assert found.reason == "no noise floor or interval: it is not computed if only groups of rows are independent"


def test_memory_changes_nothing():
    confidence, correct = drawn()
    dump = Predictions(confidence=confidence, correct=correct)
    found, expected = (evaluate(dump, metrics=NAMES, max_memory=limit) for limit in (100, None))
    assert found.dumps[0].metrics == expected.dumps[0].metrics


@pytest.mark.parametrize("name", OTHERS)
def test_beyond_memory_there_is_a_reason_for_weighted_rows(name):
    confidence, correct = drawn()
    weighted = {"weights": np.arange(1.0, len(confidence) + 1.0)}
    found = evaluate(confidence=confidence, correct=correct, **weighted, metrics=name, max_memory=100)[name]
    assert found.value is None
    assert found.reason == "it needs the results of every row, which are not kept here; for a file, raise --max-memory"


def test_slices_are_measured_like_dumps_of_their_rows():
    confidence, correct = drawn()
    site = np.where(np.arange(400) % 3 == 0, "a", "b")
    report = evaluate(confidence=confidence, correct=correct, columns={"site": site}, slices="site", metrics=NAMES)
    for one in report.dumps[0].slices:
        own = evaluate(confidence=confidence[site == one.value], correct=correct[site == one.value], metrics=NAMES)
        assert {name: one.metrics[name] for name in NAMES} == {name: own[name] for name in NAMES}


def test_saved_reports_hold_them():
    confidence, correct = drawn()
    report = evaluate(confidence=confidence, correct=correct, metrics="all")
    again = Report.from_json(report.to_json())
    assert again == report
    assert {name: again[name] for name in NAMES} == {name: report[name] for name in NAMES}


def test_comparisons_have_values_and_say_that_differences_are_not_tested():
    rng = np.random.default_rng(3)
    logits, labels = rng.normal(size=(2, 300, 3)) * 2, rng.integers(0, 3, 300)
    one, other = (Predictions(logits=own, labels=labels) for own in logits)
    found = compare(one, other, metrics=OTHERS)
    for name in OTHERS:
        own = evaluate(one, metrics=name)[name].value, evaluate(other, metrics=name)[name].value
        assert (found[name].base, found[name].candidate) == pytest.approx(own)
    for name in UNTESTED:
        assert found[name].reason == "this metric has no paired difference"


def test_a_gate_can_limit_them():
    confidence, correct = drawn(4000, power=3.0)
    verdict = gate(
        Predictions(confidence=confidence, correct=correct), [{"metric": "ecce", "max": 0.01}], decide="point"
    )
    assert not verdict


def test_tests_in_words_name_statistic_and_p():
    confidence, correct = drawn(4000, power=3.0)
    (line,) = score_tests.tests(evaluate(confidence=confidence, correct=correct, metrics="ecce").dumps[0])
    z = evaluate(confidence=confidence, correct=correct, metrics="ecce")["ecce"].z
    assert line == f"ECCE: {z:.2f} standard deviations of a calibrated model, p < 0.001"


@pytest.mark.parametrize("name", NAMES)
def test_every_class_of_this_kind_is_frozen(name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        REQUESTED[name].name = "other"
