"""Too few rows, or groups, for an interval: the rule is inconclusive, and says how many rows would decide."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, gate
from calibeval.core.data.notices import Notice
from calibeval.core.gating.judge import judge
from calibeval.core.gating.measured import Measured
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.rows import WeightCount
from tests.render.hand_made import bins, over_confident


def one(rule, report, settings=None):
    (judged,) = judge([rule], lambda _: Measured(report), settings or GateSettings())
    return judged


@pytest.mark.parametrize(
    ("told", "n", "limit", "said"),
    [
        (None, 60, 0.0, "60 rows are too few"),
        (None, 60, 0.9, "60 rows are too few; about 100 rows would decide"),
        ("no noise floor: the rows are too many", 60, 0.0, "60 rows are too few"),
        (Notice("no interval: a single row has no interval", "one_row"), 1, 0.0, "a single row has no interval"),
        (Notice("no interval: 5 groups are too few", "too_few_groups"), 60, 0.0, "5 groups are too few"),
    ],
)
def test_what_more_rows_would_mend_is_inconclusive(told, n, limit, said):
    bare = over_confident(metrics={"ece": MetricResult("ece", 0.02, reason=told)}, n=n)
    judged = one(Rule("ece", "max", limit), bare)
    assert (judged.verdict, judged.reason) == ("inconclusive", said)


def test_few_wrong_rows_are_inconclusive_as_few_rows_are():
    rng = np.random.default_rng(0)
    confidence = 0.9 + 0.1 * rng.random(300)
    dump = Predictions(confidence=confidence, correct=np.arange(300) % 60 > 0)
    for name, rest in (("phi_brier", "fewer than 30 rows are wrong, or right, and they decide it"), ("auroc", None)):
        rule = Rule(name, "max" if name == "phi_brier" else "min", 0.1)
        (found,) = gate(dump, rules=[rule]).rules
        assert found.verdict == "inconclusive"
        assert "about" not in found.reason  # how many rows would have so many errors depends on the error
        assert rest is None or found.reason == rest


def test_weighted_rows_count_as_their_effective_number():
    def told(n, effective, limit):
        weights = None if effective is None else WeightCount("w", effective, 0)
        return one(Rule("ece", "max", limit), over_confident(metrics=metrics, n=n, weights=weights))

    metrics = {"ece": MetricResult("ece", 0.02)}
    assert told(60, None, 0.9).reason == "60 rows are too few; about 100 rows would decide"
    # Ten rows like these count as one of the same weight, so ten times as many decide.
    judged = told(600, 60.0, 0.9)
    assert judged.reason == "600 rows, which count as 60, are too few; about 1,000 rows would decide"
    assert judged.decisive.rows_needed == 1000
    # 100 rows of weight 1 would be 3e10 of these, and no rule is told to need so many.
    assert told(300_000_000, 1.0, 0.9).reason == "300,000,000 rows, which count as 1, are too few"


def test_without_a_bin_of_thirty_rows_the_largest_error_is_inconclusive():
    reason = Notice("no bin holds 30 rows", "no_filled_bin")
    bare = over_confident(metrics={"mce": MetricResult("mce", None, reason=reason)}, n=60)
    judged = one(Rule("mce", "max", 0.2), bare)
    assert (judged.verdict, judged.decisive.value) == ("inconclusive", None)
    assert judged.reason == "no bin holds 30 rows"
    assert one(Rule("mce", "max", 0.2), bare, GateSettings(decide="point")).verdict == "error"


def test_more_rows_do_not_mend_what_never_has_an_interval():
    bare = over_confident(metrics={"mce_all_bins": MetricResult("mce_all_bins", 0.5)}, n=60)
    judged = one(Rule("mce_all_bins", "max", 0.9), bare)
    assert (judged.verdict, judged.reason) == (
        "error",
        "there is no interval: a bin with few rows may decide the value",
    )


def test_more_bins_need_more_rows():
    bare = over_confident(metrics={"ece": MetricResult("ece", 0.02)}, n=60, equal_width=bins(*[(1, 0.5, 0.5)] * 60))
    assert one(Rule("ece", "max", 0.9), bare).decisive.rows_needed == 300
