"""The sentences about a candidate say what the table says."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval import Predictions, compare
from calibeval.core.comparison.comparison import Candidate, ComparedDump, Difference
from calibeval.core.data.predictions import Source
from calibeval.core.report.report import Bin
from calibeval.words import cells
from calibeval.words.candidate import comparison_headline
from calibeval.words.comparison import rows
from calibeval.words.difference import change, finding

NAMES = ("accuracy", "confidence_gap", "ece", "aece", "cwce", "oe", "nll", "brier")


def dump(name, gap=None, n=5000):
    bins = None if gap is None else (Bin(0.0, 1.0, n, 0.9, 0.9 - gap, gap),)
    return ComparedDump(name, Source(name), "probs", n, 10, bins=bins)


def difference(name, size=0.01, *, base=0.1, p=1e-6, width=0.4):
    reach = width * abs(size) if p < 0.05 else 2 * abs(size)
    return Difference(name, base, base + size, size, size - reach, size + reach, p, 0.01)


def said(*differences, base=None, candidate=None):
    found = Candidate(candidate or dump("b"), "id", {one.name: one for one in differences})
    return comparison_headline(found, ("b", "a"), base or dump("a"))


def test_an_undecided_headline_names_what_is_decided():
    first, *rest = said(difference("ece", p=0.5), difference("nll", -0.01), difference("oe", 0.01, p=0.01))
    assert first == (
        "This sample cannot tell whether b is better calibrated than a: ECE 10.00 → 11.00, +1.0 points [−1.0, +3.0]; "
        "it could have shown a difference of 1.0 points. But better: NLL (certain); worse: OE (likely)."
    )
    assert rest == []


def test_a_headline_names_what_contradicts_it_and_what_agrees():
    first, also = said(difference("ece", -0.01), difference("nll", 0.01), difference("oe", -0.01, p=0.01))
    assert first.startswith("b is certainly better calibrated than a: ")
    assert first.endswith(". But worse: NLL (certain).")
    assert also == "Also better: OE (likely)."


@pytest.mark.parametrize(
    ("base", "candidate", "sentence"),
    [
        (0.12, 0.05, "It is less over-confident: gap +12.00 → +5.00 points (certain)."),
        (0.05, 0.12, "It is more over-confident: gap +5.00 → +12.00 points (certain)."),
        (-0.05, -0.12, "It is more under-confident: gap −5.00 → −12.00 points (certain)."),
        (0.05, -0.03, "It was over-confident and is now under-confident: gap +5.00 → −3.00 points (certain)."),
        (-0.05, 0.03, "It was under-confident and is now over-confident: gap −5.00 → +3.00 points (certain)."),
        (0.05, 0.001, "It is no longer over-confident on average: gap +5.00 → +0.10 points (certain)."),
        (0.05, -0.001, "It is no longer over-confident on average: gap +5.00 → −0.10 points (certain)."),
        (0.001, 0.05, "It is now over-confident: gap +0.10 → +5.00 points (certain)."),
        (-0.001, 0.05, "It is now over-confident: gap −0.10 → +5.00 points (certain)."),
        (0.001, -0.001, "Its gap is lower: +0.10 → −0.10 points (certain)."),
        (0.001, 0.002, "Its gap is higher: +0.10 → +0.20 points (certain)."),
        (0.0, -0.002, "Its gap is lower: 0.00 → −0.20 points (certain)."),
    ],
)
def test_the_direction_of_a_gap(base, candidate, sentence):
    gap = difference("confidence_gap", candidate - base, base=base)
    accuracy = difference("accuracy", p=0.5)
    assert said(accuracy, gap, base=dump("a", base), candidate=dump("b", candidate))[1] == sentence


def test_without_bins_a_change_of_sign_is_not_called_more_than_it_is():
    gap = difference("confidence_gap", -0.08, base=0.05)
    assert said(difference("accuracy", p=0.5), gap)[1] == "Its gap is lower: +5.00 → −3.00 points (certain)."
    gap = difference("confidence_gap", -0.04, base=0.05)
    assert said(difference("accuracy", p=0.5), gap)[1] == "Its gap is closer to 0: +5.00 → +1.00 points (certain)."


def test_a_gap_that_may_be_the_same_is_not_spoken_of():
    gap = difference("confidence_gap", -0.08, base=0.05, p=0.5)
    assert len(said(difference("accuracy", p=0.5), gap)) == 1


def test_what_is_the_same():
    same = [replace(difference(name), candidate=0.1, difference=0.0, same=True) for name in NAMES]
    assert said(*same) == ["b and a are the same: no metric differs."]
    near = [replace(one, difference=1e-9) for one in same]
    assert said(*near) == ["b and a are the same up to rounding: no metric differs in a digit that is shown."]
    other = [replace(one, low=-1e-9, high=3e-9, same=None) for one in near]
    assert said(*other) == ["b and a are nearly the same: no metric differs in a digit that is shown."]
    ece = next(one for one in other if one.name == "ece")
    assert said(difference("accuracy"), ece)[0].startswith("ECE is nearly the same in both: 10.00 → 10.00, ")
    assert [(row.difference, row.interval, row.p, row.finding) for row in rows({"ece": near[2]})] == [
        ("0", "", "", "the same")
    ]


@pytest.mark.parametrize(
    ("name", "base", "size", "words"),
    [
        ("confidence_gap", 0.12, -0.05, "closer to 0, certain"),
        ("confidence_gap", -0.12, -0.05, "farther from 0, certain"),
        ("confidence_gap", 0.02, -0.05, "lower, certain"),
        ("cox_slope", 0.8, 0.1, "closer to 1, certain"),
        ("cox_slope", 1.2, 0.1, "farther from 1, certain"),
        ("cox_slope", 0.95, 0.1, "higher, certain"),
        ("ece", 0.1, 0.05, "worse, certain"),
    ],
)
def test_findings(name, base, size, words):
    assert finding(difference(name, size, base=base)) == words


CALIBRATED = ("better calibrated than", "worse calibrated than")
RIGHT = ("right more often than", "right less often than")
SIZES = st.sampled_from([-0.05, -0.01, -1e-7, 0.0, 1e-7, 0.01, 0.05])
CHANGES = st.builds(
    lambda name, size, p: difference(name, size, p=p), st.just("x"), SIZES, st.sampled_from([1e-6, 0.01, 0.5])
)


def named(sentences):
    """The metrics that the sentences call better or worse, each with the word for how sure that is."""
    found = {}
    for way, listed in re.findall(r"(better|worse): ([^.;]*)", sentences):
        for labels, sure in re.findall(r"([^()]+) \((certain|likely)\)", listed):
            found |= dict.fromkeys(labels.strip(", ").split(", "), f"{way}, {sure}")
    return found


@given(st.lists(CHANGES, min_size=len(NAMES), max_size=len(NAMES)))
def test_every_decided_row_is_in_the_sentences_and_no_other(changes):
    differences = [replace(one, name=name) for one, name in zip(changes, NAMES, strict=True)]
    sentences = " ".join(said(*differences))
    found = {one.name: change(one) for one in differences}
    decided = {name: one for name, one in found.items() if one.better or one.worse}
    expected = {cells.label(name): one.value for name, one in decided.items() if name not in ("ece", "accuracy")}
    assert named(sentences) == expected
    for name, (better, worse) in {"ece": CALIBRATED, "accuracy": RIGHT}.items():
        for phrase, is_so in ((better, found[name].better), (worse, found[name].worse)):
            sure = "certainly" if found[name].certain else "probably"
            assert (f"b is {sure} {phrase} a:" in sentences) == is_so


@pytest.mark.parametrize(
    ("shifts", "words"),
    [
        ((0.6, 0.3), 'P("default") is still too high, but less so: gap +'),
        ((0.3, 0.6), 'P("default") is still too high, and more so: gap +'),
        ((0.6, 0.0), 'P("default") is no longer too high on average: gap +'),
        ((0.5, -0.5), 'P("default") was too high and is now too low: gap +'),
        ((0.0, -0.5), 'P("default") is now too low: gap '),
        ((-0.02, -0.5), 'P("default") is now too low: gap −'),
        ((0.03, -0.03), 'The gap of P("default") is lower: +'),
        ((-0.02, -0.06), 'The gap of P("default") is lower: −'),
        ((-0.06, -0.02), 'The gap of P("default") is higher: −'),
    ],
)
def test_of_two_classes_the_probability_of_the_positive_one_leads(shifts, words):
    rng = np.random.default_rng(0)
    s = rng.normal(-2.5, 1.2, 6000)
    labels = (rng.random(6000) < 1 / (1 + np.exp(-s))).astype(int)
    base, candidate = (
        Predictions(probs=1 / (1 + np.exp(-s - shift)), labels=labels, class_names=["ok", "default"])
        for shift in shifts
    )
    found = compare(base, candidate)
    said = comparison_headline(found.candidates[0], ("b", "a"), found.base)
    assert "calibrated than a: ECE P(pos) " in said[0]
    assert any(one.startswith(words) for one in said), said
    assert found.base.positive.name == "default"
