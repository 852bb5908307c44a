"""Random comparisons and reports of several dumps: sentences and verdicts say what rows and headlines say."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate
from calibeval.core.report.standing import standing_of_gap
from calibeval.words.candidate import comparison_headline
from calibeval.words.comparison import rows
from calibeval.words.difference import change, finding, told
from calibeval.words.digits import printed
from calibeval.words.finding import By
from calibeval.words.finding import finding as finding_of
from calibeval.words.overview import overview, verdict
from calibeval.words.report import headline

SEEDS = range(60)
VALUES = re.compile(r"([−+]?[\d.]+) → ([−+]?[\d.]+)(?: points \((certain|likely)\))?")
AMOUNT = re.compile(r"([−+]?[\d.]+)(?: points| nats)? \[([−+]?[\d.]+), ([−+]?[\d.]+)\]")


def sampled(rng, logits, labels):
    """Scores of a model that errs more or less: another scale, a shift of one class, noise."""
    given = logits * rng.choice([0.6, 1.0, 1.0, 1.1, 2.0])
    given = given + rng.choice([0.0, 0.0, 0.1, 1.0]) * rng.normal(size=given.shape)
    given[:, -1] += rng.choice([0.0, 0.05, -0.05, 0.5, -0.5])
    return Predictions(logits=given, labels=labels, columns={"image": np.arange(len(labels)) // 3})


@functools.lru_cache(maxsize=len(SEEDS))
def made(seed):
    """Two models on the same rows, of two or of more classes, few rows or many, alone or in groups."""
    rng = np.random.default_rng(seed)
    k, n = int(rng.choice([2, 2, 3, 8])), int(rng.choice([30, 150, 600, 3000]))
    logits = 2.0 * rng.normal(size=(n, k))
    labels = (logits + rng.gumbel(size=(n, k))).argmax(axis=1)
    models = {name: sampled(rng, logits, labels) for name in ("a", "b")}
    return models, compare(models["a"], models["b"], group="image" if seed % 5 == 0 else None)


def beyond(dump, gap, k):
    """Whether the gap of a side is beyond noise."""
    return standing_of_gap(dump.positive.bins if k == 2 else dump.bins, gap).beyond_noise


@pytest.mark.parametrize("seed", SEEDS)
def test_a_comparison_says_what_its_rows_say(seed):
    _, found = made(seed)
    (candidate,) = found.candidates
    k, differences = found.base.k, candidate.differences
    said = comparison_headline(candidate, ("b", "a"), found.base)
    error, gap = ("ece_positive", "gap_positive") if k == 2 else ("ece", "confidence_gap")
    if "no metric differs" in said[0]:
        assert {row.finding for row in rows(differences)} == {"the same"}
        return
    for name, words, opposite in (
        (error, "better calibrated", "worse calibrated"),
        ("accuracy", "right more often", "right less often"),
    ):
        row = change(differences[name])
        for way, is_so in ((words, row.better), (opposite, row.worse)):
            sure = "certainly" if row.certain else "probably"
            assert any(f"b is {sure} {way} than a:" in one for one in said) == is_so, (said, row)
    (turn,) = [one for one in said if VALUES.search(one) and "ap " in one and "points (" in one] or [""]
    assert bool(turn) == change(differences[gap]).moved, (said, finding(differences[gap]))
    if turn:
        check_turn(turn, found, differences[gap], k)


def check_turn(turn, found, gap, k):
    """The sentence about the gap: its numbers, how sure it is, and what it says of either side."""
    base, other, sure = VALUES.search(turn).groups()
    assert (printed(base), printed(other)) == (round(100 * gap.base, 2), round(100 * gap.candidate, 2))
    assert finding(gap).endswith(sure)
    (candidate,) = found.candidates
    if candidate.groups is not None:
        assert "too " not in turn
        assert "-confident" not in turn
        return
    was, now = beyond(found.base, gap.base, k), beyond(candidate.dump, gap.candidate, k)
    errs = "too high" if k == 2 else "over-confident"
    not_ = "too low" if k == 2 else "under-confident"
    for side, value in ((was, gap.base), (now, gap.candidate)):
        if side:
            assert (errs if value > 0 else not_) in turn.lower()
    assert ("gap is" in turn.lower() or turn.startswith("The gap of")) == (not was and not now), turn
    assert ("is no longer" in turn) == (was and not now), turn
    assert ("is now" in turn) == (now and (not was or gap.base * gap.candidate < 0)), turn
    if was and now and gap.base * gap.candidate > 0:
        less = abs(gap.candidate) < abs(gap.base)
        assert bool(re.search(r"is less|but less so", turn)) == less
        assert bool(re.search(r"is more|and more so", turn)) != less


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_printed_of_a_difference_lies_in_its_interval(seed):
    _, found = made(seed)
    (candidate,) = found.candidates
    for row in rows(candidate.differences):
        if not row.interval:
            continue
        low, high = map(printed, row.interval.split(" to "))
        if row.difference and told(candidate.differences[row.name]) is not None:
            assert low <= printed(row.difference) <= high, row
        if row.change.better or row.change.worse or row.change.moved:
            assert low >= 0 or high <= 0, row
        elif row.finding == "cannot tell":
            assert low <= 0 <= high, row
    for one in comparison_headline(candidate, ("b", "a"), found.base):
        for size, low, high in AMOUNT.findall(one):
            assert printed(low) <= printed(size) <= printed(high), one


@pytest.mark.parametrize("seed", SEEDS)
def test_the_verdict_of_a_row_is_what_its_headline_says(seed):
    models, _ = made(seed)
    report = evaluate(models)
    for dump, line in zip(report.dumps, overview(report).lines, strict=True):
        said, found = headline(dump).lower(), finding_of(dump)
        assert line.verdict == verdict(dump)
        what, _, sure = line.verdict.rpartition(", ")
        assert bool(what) == found.beyond_noise
        if not what:
            assert line.verdict in ("within noise", "cannot tell")
            assert {"within noise": "is within noise", "cannot tell": "cannot tell whether"}[sure] in (
                said.replace("within noise of calibrated: ", "is within noise")
            )
            continue
        assert sure in ("certain", "likely")
        assert dump.k != 2 or found.by is By.OTHERS or ("probably" in said) == (sure == "likely"), said
        for words in ("too high", "too low", "over-confident", "under-confident", "off by its regression"):
            assert words not in what or words in said, (line.verdict, said)
        for words in ("over-confident", "under-confident", "off by its regression"):
            if found.by is By.SLOPE:
                assert (words in what) == (words in said), (line.verdict, said)


def test_the_comparisons_are_of_all_kinds():
    turns = " ".join(
        one
        for seed in SEEDS
        for one in comparison_headline(made(seed)[1].candidates[0], ("b", "a"), made(seed)[1].base)
    )
    for words in (
        "is now too",
        "is no longer",
        "gap of P(class 1)",
        "It is now",
        "less so",
        "It is more",
        "Its gap is",
    ):
        assert words in turns, words
