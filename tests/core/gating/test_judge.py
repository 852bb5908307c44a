"""Verdicts from numbers that stand in the test: intervals, corrections, what is missing, and how many rows decide."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison, Difference, SliceDifferences
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Source
from calibeval.core.errors import UsageError
from calibeval.core.gating.judge import judge
from calibeval.core.gating.measured import Measured
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.gating.ruling import whole
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import SliceResult, SmallSlice
from calibeval.core.report.settings import Settings
from calibeval.core.uncertainty.holm import holm
from tests.render.hand_made import over_confident

SETTINGS = GateSettings()
NUMBERS = st.floats(-1, 1)


def measured(report=None, differences=None, slices=()):
    dump = over_confident() if report is None else report
    if differences is None:
        return lambda _: Measured(dump)
    side = ComparedDump("base.npz", Source(), "logits", 1000, 10)
    changes = {d.name: d for d in differences}
    candidate = Candidate(replace(side, name="a.npz"), "id", changes, tuple(slices))
    return lambda _: Measured(dump, Comparison("0", Settings(), side, (candidate,)))


def one(rule, measure, settings=SETTINGS):
    (judged,) = judge([rule], measure, settings)
    return judged


# over_confident(): accuracy 0.77 [0.743, 0.795]; ece 0.11 [0.085, 0.134]; gap 0.11 [0.085, 0.135]; nll null.
@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (Rule("ece", "max", 0.134), "pass"),
        (Rule("ece", "max", 0.1339), "inconclusive"),
        (Rule("ece", "max", 0.085), "inconclusive"),
        (Rule("ece", "max", 0.0849), "fail"),
        (Rule("accuracy", "min", 0.743), "pass"),
        (Rule("accuracy", "min", 0.7431), "inconclusive"),
        (Rule("accuracy", "min", 0.795), "inconclusive"),
        (Rule("accuracy", "min", 0.7951), "fail"),
        (Rule("confidence_gap", "max", 0.135), "pass"),
        (Rule("nll", "max", 9.0), "error"),
        (Rule("ece_positive", "max", 0.5), "error"),
    ],
)
def test_an_interval_decides_by_both_its_ends(rule, verdict):
    assert one(rule, measured()).verdict == verdict


def test_the_reason_of_a_missing_value_is_the_reports():
    judged = one(Rule("nll", "max", 9.0), measured())
    assert judged.reason == "infinite: the label has probability 0 in 1 row, first in row 7"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["value", "low", "high"])
@pytest.mark.parametrize("decide", ["interval", "point"])
def test_no_rule_passes_by_what_is_no_finite_number(field, number, decide):
    result = replace(MetricResult("ece", 0.01, low=0.0, high=0.02), **{field: number})
    report = over_confident(metrics={"ece": result})
    judged = one(Rule("ece", "max", 0.5), measured(report), GateSettings(decide=decide))
    assert (judged.verdict, judged.reason) == ("error", "its value or interval is no finite number")
    assert (judged.reason.code, judged.decisive.value, judged.decisive.high) == ("no_value", None, None)


def test_a_gap_is_limited_by_its_size():
    under = over_confident(metrics={"confidence_gap": MetricResult("confidence_gap", -0.11, low=-0.135, high=-0.085)})
    judged = one(Rule("confidence_gap", "max", 0.08), measured(under))
    assert judged.verdict == "fail"
    assert (judged.decisive.value, judged.decisive.low, judged.decisive.high) == (0.11, 0.085, 0.135)
    around = over_confident(metrics={"confidence_gap": MetricResult("confidence_gap", -0.01, low=-0.04, high=0.02)})
    judged = one(Rule("confidence_gap", "max", 0.03), measured(around))
    assert (judged.verdict, judged.decisive.low, judged.decisive.high) == ("inconclusive", 0.0, 0.04)


@pytest.mark.parametrize(
    ("base", "change", "low", "high", "size", "verdict"),
    [
        (-0.135, 0.147, 0.137, 0.157, (-0.123, -0.133, -0.113), "pass"),  # a repair: from -13.5 points to +1.2
        (0.012, -0.147, -0.157, -0.137, (0.123, 0.113, 0.133), "fail"),  # the same, backwards
        (0.05, 0.03, 0.021, 0.039, (0.03, 0.021, 0.039), "fail"),
        (0.05, -0.05, -0.08, -0.02, (-0.05, -0.05, -0.02), "pass"),  # it may be 0 anywhere in between
        (0.01, -0.02, -0.045, 0.005, (0.0, -0.01, 0.025), "inconclusive"),
    ],
)
def test_a_change_of_the_gap_is_one_of_its_size(base, change, low, high, size, verdict):
    difference = Difference("confidence_gap", base, base + change, change, low, high, 0.01, 0.02)
    judged = one(Rule("confidence_gap", "max_increase", 0.02), measured(differences=[difference]))
    assert judged.verdict == verdict
    assert (judged.decisive.value, judged.decisive.plain_low, judged.decisive.plain_high) == pytest.approx(size)


def test_too_few_rows_for_an_interval_are_inconclusive_and_say_how_many_would_decide():
    bare = over_confident(metrics={"ece": MetricResult("ece", 0.02), "accuracy": MetricResult("accuracy", 0.8)}, n=60)
    judged = one(Rule("ece", "max", 0.03), measured(bare))
    # (48 + 2) / 64 of the rows are taken as right, so one row has sd 0.413; 80 of 100 samples decide from
    # (1.4 (1.96 + 0.842) 0.413 / 0.03)^2 = 2,920 rows on, as the noise of bins raises the interval of an ECE by 1.4.
    assert (judged.verdict, judged.reason) == ("inconclusive", "60 rows are too few; about 3,000 rows would decide")
    assert (judged.decisive.rows_needed, judged.decisive.outlook.pass_chance) == (3000, None)
    assert judged.reason.code == "more_rows_needed"
    assert one(Rule("ece", "max", 0.03), measured(bare), GateSettings(decide="point")).verdict == "pass"
    assert one(Rule("ece", "max", 0.01), measured(bare), GateSettings(decide="point")).verdict == "fail"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            "no interval: how 1,501 bins vary together is not estimated",
            "there is no interval: how 1,501 bins vary together is not estimated",
        ),
        (
            Notice("no interval: there is no method for it", "no_method"),
            'this metric has no interval, so only decide = "point" can judge it',
        ),
    ],
)
def test_the_reason_of_a_missing_interval_is_the_reports(told, why):
    bare = over_confident(metrics={"ece": MetricResult("ece", 0.02, reason=told)})
    judged = one(Rule("ece", "max", 0.03), measured(bare))
    assert (judged.verdict, judged.reason) == ("error", why)


def test_too_few_rows_are_no_evidence():
    judged = one(Rule("accuracy", "min", 0.5), measured(), GateSettings(min_rows=1001))
    assert (judged.verdict, judged.reason) == ("error", "too few rows: 1,000 of at least 1,001")
    assert one(Rule("accuracy", "min", 0.5), measured(), GateSettings(min_rows=1000)).verdict == "pass"


def test_a_rule_that_is_off_is_not_judged():
    judged = one(Rule("nll", "max", 1.0, "off"), measured())
    assert (judged.verdict, judged.decisive) == ("off", None)


CHANGES = [
    Difference("nll", 0.5, 0.531, 0.031, 0.022, 0.040, 0.001, 0.01),
    Difference("accuracy", 0.9, 0.897, -0.003, -0.006, -0.001, 0.01, 0.004),
    Difference("ece", 0.02, 0.05, 0.03, 0.0, 0.02, 0.05, 0.01),
    Difference("mce", 0.2, 0.1, -0.1, reason="no method"),
    Difference("brier", None, 0.3, None, reason="unknown in base.npz"),
]


@pytest.mark.parametrize(
    ("rule", "verdict", "threshold"),
    [
        (Rule("nll", "max_increase", 0.04), "pass", 0.04),
        (Rule("nll", "max_increase", 0.03), "inconclusive", 0.03),
        (Rule("nll", "max_increase", 0.02), "fail", 0.02),
        (Rule("nll", "max_increase", 0.08, relative=True), "pass", 0.04),
        (Rule("nll", "max_increase", 0.04, relative=True), "fail", 0.02),
        (Rule("accuracy", "max_drop", 0.006), "pass", 0.006),
        (Rule("accuracy", "max_drop", 0.005), "inconclusive", 0.005),
        (Rule("accuracy", "max_drop", 0.0), "fail", 0.0),
        (Rule("mce", "max_increase", 0.1), "error", 0.1),
        (Rule("brier", "max_increase", 0.1), "error", 0.1),
        (Rule("brier", "max_increase", 0.1, relative=True), "error", None),
        (Rule("cwce", "max_increase", 0.1), "error", 0.1),
    ],
)
def test_changes_are_judged_by_the_paired_interval(rule, verdict, threshold):
    judged = one(rule, measured(differences=CHANGES))
    assert judged.verdict == verdict
    assert judged.decisive.threshold == pytest.approx(threshold)


def test_a_change_has_its_sign_and_its_baseline():
    part = one(Rule("accuracy", "max_drop", 0.005), measured(differences=CHANGES)).decisive
    assert (part.value, part.low, part.high, part.baseline) == (-0.003, -0.006, -0.001, 0.9)


def test_the_centre_of_a_biased_difference_lies_in_its_interval():
    part = one(Rule("ece", "max_increase", 0.015), measured(differences=CHANGES)).decisive
    assert (part.value, part.centre) == (0.03, 0.01)
    # An unchanged model lies 0.015 within the limit, and the 90 % interval reaches 0.01, an end that varies by 0.6 of
    # its standard error: 1000 ((1.645 + 0.6 x 0.842) / 1.645 x 0.01 / 0.015)^2 = 760 rows.
    assert part.rows_needed == 760


def test_a_change_needs_a_baseline():
    with pytest.raises(UsageError, match="max_increase of nll needs a baseline: use --baseline FILE"):
        judge([Rule("nll", "max_increase", 0.1)], measured(), SETTINGS)


@given(value=NUMBERS, below=st.floats(0, 0.5), above=st.floats(0, 0.5), limit=st.floats(0, 1))
def test_a_verdict_follows_from_the_ends_alone(value, below, above, limit):
    metrics = {"ece": MetricResult("ece", value, low=value - below, high=value + above, corrected=value)}
    judged = one(Rule("ece", "max", limit), measured(over_confident(metrics=metrics)))
    assert judged.verdict == ("pass" if value + above <= limit else "fail" if value - below > limit else "inconclusive")
    assert (judged.decisive.rows_needed is None) or judged.verdict == "inconclusive"


def test_no_number_of_rows_decides_at_the_limit():
    metrics = {"nll": MetricResult("nll", 0.5, low=0.4, high=0.6)}
    judged = one(Rule("nll", "max", 0.5), measured(over_confident(metrics=metrics)))
    assert (judged.verdict, judged.decisive.rows_needed) == ("inconclusive", None)
    assert judged.reason == "more rows would not decide: the value is at the limit"


# Slices whose ECE is known to a standard error of 0.01: their one-sided p against a limit follows from z.
def sliced(*values, n=200, small=(), **more):
    """A measure of slices weather=0, 1, ... with those ECEs, at any level."""

    def measure(level):
        reach = 0.01 * NormalDist().inv_cdf(0.5 + level / 2)
        results = [
            SliceResult(
                "weather", str(i), n, {"ece": MetricResult("ece", v, low=v - reach, high=v + reach)}, None, None
            )
            for i, v in enumerate(values)
        ]
        smalls = tuple(SmallSlice("weather", f"small{i}", count) for i, count in enumerate(small))
        return Measured(over_confident(slices=tuple(results), small_slices=smalls, **more))

    return measure


WORST = Rule("ece", "max", 0.05, slice="worst")


def p_of(value):
    """Two-sided p that the slice is at the limit."""
    return 2 * NormalDist().cdf(-(value - 0.05) / 0.01)


@pytest.mark.parametrize("seed", range(30))
def test_the_slices_that_fail_are_those_of_holms_procedure(seed):
    rng = np.random.default_rng(seed)
    values = (0.05 + 0.01 * rng.normal(1.5, 1.5, 6)).tolist()
    judged = one(WORST, sliced(*values))
    corrected = holm([p_of(max(v, 0.05)) for v in values])
    expected = [v > 0.05 and p < 0.05 for v, p in zip(values, corrected, strict=True)]
    assert [part.verdict == "fail" for part in judged.slices] == expected
    assert judged.verdict == whole([part.verdict for part in judged.slices])


def test_one_slice_beyond_the_limit_is_not_enough_among_many():
    alone = one(Rule("ece", "max", 0.05, slice="weather=0"), sliced(0.071))
    assert alone.verdict == "fail"  # z = 2.1
    among = one(WORST, sliced(0.071, 0.0, 0.0, 0.0))
    assert (among.verdict, among.decisive.slice) == ("inconclusive", "weather=0")
    assert among.reason.startswith("beyond the limit alone, not among 4 slices (Holm's correction); about ")
    assert among.reason.endswith("(worst of 4 slices)")
    assert one(WORST, sliced(0.08, 0.0, 0.0, 0.0)).verdict == "fail"  # z = 3


def test_a_pass_needs_every_slice():
    assert one(WORST, sliced(0.02, 0.03)).verdict == "pass"
    judged = one(WORST, sliced(0.02, 0.04))
    assert (judged.verdict, judged.decisive.slice) == ("inconclusive", "weather=1")


def test_points_decide_slices_without_correction():
    assert one(WORST, sliced(0.051, 0.0), GateSettings(decide="point")).verdict == "fail"
    assert one(WORST, sliced(0.05, 0.0), GateSettings(decide="point")).verdict == "pass"


def test_small_slices_are_counted_and_left_out():
    judged = one(WORST, sliced(0.01, small=(20, 30)))
    assert (judged.verdict, judged.reason) == (
        "pass",
        "interval within the limit (worst of 1 slice; 2 with too few rows left out)",
    )
    judged = one(WORST, sliced(small=(20,)))
    assert (judged.verdict, judged.reason) == ("error", "no slice has enough rows: 1 with too few")
    judged = one(Rule("ece", "max", 0.05, slice="weather=small0"), sliced(0.01, small=(20,)))
    assert (judged.verdict, judged.reason) == ("error", "too few rows to be measured: 20")


@pytest.mark.parametrize(("min_rows", "verdict"), [(200, "pass"), (201, "error")])
def test_a_slice_of_just_enough_rows_is_judged(min_rows, verdict):
    assert one(WORST, sliced(0.01), GateSettings(min_rows=min_rows)).verdict == verdict


def test_the_worst_of_several_slices_is_farthest_beyond_the_limit():
    def measure(_):
        results = [
            SliceResult("weather", str(v), 200, {"accuracy": MetricResult("accuracy", v, low=v, high=v)}, None, None)
            for v in (0.6, 0.5, 0.65)
        ]
        return Measured(over_confident(slices=tuple(results), small_slices=()))

    for limit, verdict in ((0.7, "fail"), (0.4, "pass")):
        judged = one(Rule("accuracy", "min", limit, slice="worst"), measure)
        assert (judged.verdict, judged.decisive.slice) == (verdict, "weather=0.5")


def test_the_worst_drop_of_several_slices_is_the_largest():
    changes = [
        SliceDifferences("weather", str(i), 200, {"accuracy": Difference("accuracy", 0.9, 0.9 + d, d, d, d, 0.1, 0.1)})
        for i, d in enumerate((-0.1, 0.1, -0.2))
    ]
    measure = measured(sliced(0.0, 0.0, 0.0)(0.95).report, CHANGES, changes)
    judged = one(Rule("accuracy", "max_drop", 0.05, slice="worst"), measure)
    assert (judged.verdict, judged.decisive.slice) == ("fail", "weather=2")


def test_a_slice_that_could_not_be_measured_never_passes():
    def measure(_):
        null = SliceResult("weather", "x", 200, {"ece": MetricResult("ece", None, reason="because")}, None, None)
        good = SliceResult("weather", "y", 200, {"ece": MetricResult("ece", 0.0, low=0.0, high=0.01)}, None, None)
        return Measured(over_confident(slices=(null, good), small_slices=()))

    judged = one(WORST, measure)
    assert (judged.verdict, judged.decisive.slice) == ("error", "weather=x")
    assert judged.reason == "because (worst of 2 slices)"


@pytest.mark.parametrize(
    ("slice_", "message"),
    [
        ("weather=00", 'slice "weather=00" is unknown (did you mean "weather=0"?); there are weather=0, weather=1'),
        ("worst:wether", 'there is no column "wether" (did you mean "weather"?); there are weather'),
    ],
)
def test_unknown_slices_have_a_nearest_one(slice_, message):
    with pytest.raises(UsageError) as caught:
        judge([Rule("ece", "max", 0.05, slice=slice_)], sliced(0.1, 0.2), SETTINGS)
    assert message in str(caught.value)


def test_the_worst_slice_needs_columns():
    with pytest.raises(UsageError, match=r'slice "worst" needs columns: use --slice COLUMN, or slices = \["COLUMN"\]'):
        judge([WORST], measured(), SETTINGS)


def test_changes_in_slices():
    slices = [
        SliceDifferences("weather", "0", 300, {"nll": Difference("nll", 0.5, 0.6, 0.1, 0.08, 0.12, 0.001, 0.01)}),
        SliceDifferences("weather", "1", 700, {"nll": Difference("nll", 0.5, 0.5, 0.0, -0.01, 0.01, 1.0, 0.01)}),
    ]
    report = sliced(0.1, 0.2)(0.95).report
    measure = measured(report, CHANGES, slices)
    judged = one(Rule("nll", "max_increase", 0.05, slice="weather=0"), measure)
    assert (judged.verdict, judged.decisive.n, judged.decisive.baseline) == ("fail", 300, 0.5)
    assert one(Rule("nll", "max_increase", 0.05, slice="weather=1"), measure).verdict == "pass"
    judged = one(Rule("nll", "max_increase", 0.05, slice="worst"), measure)
    assert (judged.verdict, judged.decisive.slice) == ("fail", "weather=0")
    measure = measured(report, CHANGES, slices[:1])
    judged = one(Rule("nll", "max_increase", 0.05, slice="weather=1"), measure)
    assert (judged.verdict, judged.reason) == ("error", "the baseline has no such slice")


def test_an_approximate_interval_is_told_with_the_verdict():
    approximate = "the interval is approximate: 5 rows per class, fewer than 20"
    metrics = {"cwce": MetricResult("cwce", 0.02, approximate, low=0.01, high=0.03, corrected=0.02)}
    report = replace(over_confident(), metrics=metrics)
    for limit, verdict, words in ((0.03, "pass", "within"), (0.009, "fail", "beyond")):
        found = one(Rule("cwce", "max", limit), measured(report))
        assert (found.verdict, found.reason) == (verdict, f"interval {words} the limit; {approximate}")
    undecided = one(Rule("cwce", "max", 0.025), measured(report))
    assert undecided.reason == f"about 8,200 rows would decide; {approximate}"
