"""How sure a difference is: Holm's correction over metrics, and too few errors."""

import math

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate
from calibeval.core.comparison.certainty import LEAST_ERRORS, fewest_of, over_metrics, with_few_errors
from calibeval.core.comparison.comparison import Comparison, Difference
from calibeval.core.data.notices import reason
from calibeval.core.metrics.table import METRICS
from calibeval.words.difference import change


def difference(name="ece", p=1e-6, **more):
    return Difference(name, 0.02, 0.03, 0.01, 0.002, 0.018, p, 0.012, **more)


def test_holm_is_over_the_metrics_that_are_shown():
    found = over_metrics(
        {
            "ece": difference(p=0.01),
            "nll": difference("nll", p=0.04),
            "mce_all_bins": difference("mce_all_bins", p=0.0001),  # tables leave it out
            "mce": difference("mce", p=None),
        }
    )
    assert [one.p_holm for one in found.values()] == [0.02, 0.04, None, None]
    assert [one.p for one in found.values()] == [0.01, 0.04, 0.0001, None]


def test_holm_is_over_all_metrics_if_some_were_requested():
    names = ("ece", "phi_nll", "temperature", "brier", "brier_positive")
    found = over_metrics({name: difference(name, p=0.01) for name in names})
    assert {one.p_holm for one in found.values()} == {0.04}  # the two Brier scores are one test


def test_the_brier_score_of_one_column_is_the_same_test_as_that_of_both():
    found = over_metrics(
        {
            "brier": difference("brier", p=0.01),
            "brier_positive": difference("brier_positive", p=0.01),
            "ece": difference(),
        }
    )
    assert found["brier_positive"].p_holm == found["brier"].p_holm == 0.01  # counted once: the second of two
    assert found["ece"].p_holm == 2e-6
    alone = over_metrics({"brier_positive": difference("brier_positive", p=0.01)})
    assert alone["brier_positive"].p_holm is None  # chosen, and not of the metrics that tables show


def test_comparisons_hold_both_p_values_and_read_back():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 400)
    logits = rng.normal(size=(400, 3)) + 2.0 * np.eye(3)[labels]
    base, other = Predictions(logits=3.0 * logits, labels=labels), Predictions(logits=logits, labels=labels)
    found = compare(base, [other])
    differences = found.candidates[0].differences
    tested = [one for name, one in differences.items() if one.p is not None and METRICS[name].shown]
    smallest = min(tested, key=lambda one: one.p)
    assert smallest.p_holm == pytest.approx(len(tested) * smallest.p)
    assert all(one.p_holm >= one.p for one in tested)
    assert Comparison.from_json(found.to_json()) == found
    assert max(tested, key=lambda one: one.p).p_holm <= 1.0


@pytest.mark.parametrize(("errors", "few"), [(LEAST_ERRORS - 1, True), (LEAST_ERRORS, False)])
def test_ten_errors_are_needed(errors, few):
    found = with_few_errors({"ece": difference(), "accuracy": difference("accuracy")}, (errors, "errors of the base"))
    assert found["ece"].certain is not few
    assert found["ece"].likely
    assert found["accuracy"].certain  # its test is exact
    if few:
        assert found["ece"].reason == "not called certain: only 9 errors of the base, fewer than 10"
        assert found["ece"].reason.code == "few_errors"


def test_only_what_would_be_certain_gets_the_reason():
    mild, open_, unknown = difference(p=0.001), difference(p=0.0001), Difference("nll", 0.1, 0.2, 0.1)
    wide = Difference("ece", 0.02, 0.03, 0.01, -0.1, 0.1, 0.5, 0.1)
    found = with_few_errors({"a": mild, "b": open_, "c": unknown, "d": wide}, (0, "errors of the base"))
    assert [one.reason is None for one in found.values()] == [True, False, True, True]


def test_another_reason_is_kept():
    found = with_few_errors({"ece": difference(reason=reason("many_bins", "approximate"))}, (3, "errors of the base"))
    assert found["ece"].reason == "not called certain: only 3 errors of the base, fewer than 10; approximate"


def test_the_smallest_count_is_told():
    assert fewest_of({"the base": (1.0, 300), "the candidate": (150.0, 300)}) == (1, "right row of the base")
    assert fewest_of({"the base": (300.0, 300), "the candidate": (150.0, 300)}) == (0, "errors of the base")


def models(n, wrong, risks=(1e-3, 1e-4)):
    """Two models with constant risks, wrong on the same rows."""
    labels = np.arange(n) % 2
    predicted = np.where(np.arange(n) < wrong, 1 - labels, labels)
    said = np.eye(2)[predicted]
    return [Predictions(probs=said * (1 - risk) + (1 - said) * risk, labels=labels) for risk in risks]


@pytest.mark.parametrize("n", [300, 1000])
@pytest.mark.parametrize("saved", [False, True])
def test_ten_times_over_confident_is_never_better_for_certain(n, saved):
    """Nobody can tell from rows without an error whether risks of 0.1 or 0.01 % are right."""
    base, candidate = models(n, 0)
    found = compare(evaluate(base) if saved else base, [candidate])
    assert not any(change(one).certain for one in found.candidates[0].differences.values())
    for name in ("ece", "aece", "oe", "cwce", "rmsce", "nll", "brier"):
        low, high = found[name].low, found[name].high
        assert low is not None, name
        assert low <= 0.0 <= high, name
        assert found[name].p >= 0.05, name
    # The rule of three: true risks of 3/n are possible, and then the candidate is worse by the difference of claims.
    assert found["ece"].high >= 0.0009 - 1e-12
    if not saved:
        assert found["nll"].high > math.log(10) * 3 / n


def test_enough_errors_decide():
    base, candidate = models(5000, 200, (0.04, 0.004))
    found = compare(base, [candidate])
    assert found["ece"].certain
    assert found["ece"].low > 0.0
    assert found["nll"].certain
