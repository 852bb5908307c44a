"""What differences mean, in words."""

from dataclasses import replace

import pytest

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Difference
from calibeval.core.data.notices import reason
from calibeval.core.data.predictions import Source
from calibeval.words.candidate import comparison_headline
from calibeval.words.difference import (
    Change,
    amount,
    change,
    could_have_shown,
    difference_decimals,
    finding,
    tone,
)


def difference(name="ece", base=0.02, candidate=0.03, low=0.002, high=0.018, p=0.0001, **more):
    return Difference(name, base, candidate, candidate - base, low, high, p, 0.012, **more)


@pytest.mark.parametrize(
    ("name", "sign", "expected"),
    [
        ("ece", 1, Change.WORSE),
        ("ece", -1, Change.BETTER),
        ("nll", -1, Change.BETTER),
        ("accuracy", 1, Change.BETTER),
        ("accuracy", -1, Change.WORSE),
        ("confidence_gap", 1, Change.HIGHER),
        ("confidence_gap", -1, Change.LOWER),
        ("phi_nll", -1, Change.LOWER),  # less left to gain is neither good nor bad of a model
        ("of_another_version", 1, Change.HIGHER),
    ],
)
def test_direction(name, sign, expected):
    ends = sorted((sign * 0.002, sign * 0.018))
    assert change(difference(name, low=ends[0], high=ends[1])) is expected


@pytest.mark.parametrize(
    ("name", "sign", "expected"),
    [
        ("ece", 1, Change.LIKELY_WORSE),
        ("ece", -1, Change.LIKELY_BETTER),
        ("accuracy", 1, Change.LIKELY_BETTER),
        ("confidence_gap", 1, Change.LIKELY_HIGHER),
        ("confidence_gap", -1, Change.LIKELY_LOWER),
    ],
)
def test_direction_of_what_is_only_likely(name, sign, expected):
    ends = sorted((sign * 0.002, sign * 0.018))
    assert change(difference(name, low=ends[0], high=ends[1], p=0.001)) is expected


def test_certain_is_below_a_thousandth_and_likely_below_a_twentieth_after_correction():
    assert change(difference(p=0.00099)) is Change.WORSE
    assert change(difference(p=0.001)) is Change.LIKELY_WORSE
    assert change(difference(p=0.0499)) is Change.LIKELY_WORSE
    assert change(difference(p=0.05)) is Change.CHANCE  # an interval at a level below 95 %
    assert change(difference(p=0.0001, p_holm=0.00099)) is Change.WORSE
    assert change(difference(p=0.0001, p_holm=0.001)) is Change.LIKELY_WORSE
    assert change(difference(p_holm=0.0499)) is Change.LIKELY_WORSE
    assert change(difference(p_holm=0.05)) is Change.CHANCE


def test_few_errors_are_never_certain():
    few = reason("few_errors", "not called certain: only 9 errors of the base, fewer than 10")
    assert change(difference(reason=few)) is Change.LIKELY_WORSE
    assert change(difference(reason=reason("many_bins", "approximate"))) is Change.WORSE


def test_what_shows_no_difference():
    assert change(difference(low=-0.01)) is Change.OPEN
    assert change(difference(low=0.0)) is Change.OPEN
    assert change(difference(low=None, high=None, p=None)) is Change.UNKNOWN
    assert change(difference(candidate=0.02, low=0.0, high=0.0, p=1.0)) is Change.SAME


# Half of the last digit of an NLL of 0.489 is 0.0005.
@pytest.mark.parametrize(
    ("low", "high", "p", "found"),
    [
        (-0.00026, 0.00001, 0.07, Change.NEGLIGIBLE),
        (-0.00026, -0.00001, 0.01, Change.NEGLIGIBLE),
        (-0.00049, 0.00049, 0.5, Change.NEGLIGIBLE),
        (-0.00051, 0.00049, 0.5, Change.OPEN),
        (-0.00049, 0.00051, 0.5, Change.OPEN),
        (-0.00051, -0.00001, 0.01, Change.LIKELY_BETTER),
    ],
)
def test_rows_that_differ_are_not_called_the_same_however_small_the_difference(low, high, p, found):
    nll = Difference("nll", 0.488787, 0.48866, -0.000127, low, high, p, 0.0002)
    assert change(nll) is found
    assert change(replace(nll, same=True)) is Change.SAME
    assert amount(nll).startswith("−0.000")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (difference(), "+1.0 points [+0.2, +1.8]"),
        (difference("nll", 0.5, 0.46, -0.062, -0.018), "−0.040 nats [−0.062, −0.018]"),
        (difference("brier", 0.5, 0.46, -0.062, -0.018), "−0.040 [−0.062, −0.018]"),
        (difference(low=None, high=None), "+1.0 points"),
        (Difference("nll", None, 0.5, None), ""),
    ],
)
def test_amounts(found, text):
    assert amount(found) == text


@pytest.mark.parametrize(("width", "places"), [(0.5, 1), (0.1, 1), (0.01, 1), (0.009, 2), (0.0008, 3), (0.0, 1)])
def test_decimals_follow_the_interval(width, places):
    assert difference_decimals(difference(low=0.0, high=width)) == places


def test_what_could_have_been_shown():
    assert could_have_shown(difference()) == "it could have shown a difference of 1.2 points"
    assert could_have_shown(Difference("ece", 0.1, 0.1, 0.0)) == ""


def said(**differences):
    dump = ComparedDump("b.npz", Source("b.npz"), "probs", 5000, 10)
    return " ".join(comparison_headline(Candidate(dump, "id", differences), ("b", "a")))


def test_headlines():
    ece = difference()
    same = Difference("accuracy", 0.9, 0.9, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert said(ece=ece, accuracy=same) == (
        "b is certainly worse calibrated than a: ECE 2.00 → 3.00, +1.0 points [+0.2, +1.8]. "
        "Accuracy is the same in both: 90.00."
    )
    assert said(ece=difference(p=0.004)).startswith("b is probably worse calibrated than a: ECE 2.00 → 3.00, ")
    assert said(ece=difference(p=0.02, p_holm=0.14)) == (
        "This sample cannot tell whether b is better calibrated than a: ECE 2.00 → 3.00, +1.0 points [+0.2, +1.8]; "
        "p = 0.020, but 0.14 after correction for the number of metrics tested."
    )
    assert "; p = 0.0496, but 0.30 after" in said(ece=difference(p=0.0496, p_holm=0.3))
    right = difference("accuracy", 0.9, 0.91, -0.002, 0.022, 0.1)
    assert said(accuracy=right) == (
        "This sample cannot tell whether b is right more often than a: accuracy 90.00 → 91.00, "
        "+1.0 points [−0.2, +2.2]; it could have shown a difference of 1.2 points."
    )
    thin = Difference("ece", 0.02, 0.03, 0.01, reason="too few rows")
    assert said(ece=thin) == "Not tested whether b is better calibrated than a: ECE 2.00 → 3.00 (too few rows)."
    assert said() == "b and a could not be compared."


@pytest.mark.parametrize(("sign", "words"), [(-1, "less left to gain"), (1, "more left to gain")])
def test_what_is_left_to_gain_is_neither_better_nor_worse(sign, words):
    ends = sorted((sign * 0.002, sign * 0.018))
    found = difference("phi_nll", low=ends[0], high=ends[1])
    assert (finding(found), tone(found)) == (f"{words}, certain", "")
    candidate = Candidate(ComparedDump("b", Source(), "probs", 500, 3), "id", {"phi_nll": found})
    assert comparison_headline(candidate, ("b", "a")) == [f"b against a: PHI of NLL {words} (certain)."]
    with_ece = Candidate(candidate.dump, "id", {"ece": difference(), "phi_nll": found})
    assert "PHI" not in " ".join(comparison_headline(with_ece, ("b", "a")))
