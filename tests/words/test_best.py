"""The best of several dumps: marked only where it is certain, and only among dumps of the same rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calibeval.core.metrics.result import MetricResult
from calibeval.words.best import best, note, same_rows
from tests.render.hand_made import over_confident, without_intervals


def of_rows(rows, dump):
    return replace(dump, rows_sha256=rows)


def rivals(name, *intervals):
    found = [over_confident(metrics={name: MetricResult(name, (a + b) / 2, low=a, high=b)}) for a, b in intervals]
    return [of_rows("1", one) for one in found]


@pytest.mark.parametrize(
    ("name", "intervals", "expected"),
    [
        ("ece", [(0.3, 0.4), (0.1, 0.2), (0.25, 0.5)], 1),
        ("ece", [(0.3, 0.4), (0.1, 0.2), (0.2, 0.5)], None),
        ("accuracy", [(0.3, 0.4), (0.1, 0.2)], 0),
        ("accuracy", [(0.3, 0.4), (0.35, 0.9)], None),
        ("confidence_gap", [(-0.1, -0.05), (0.01, 0.04)], 1),
        ("confidence_gap", [(-0.01, 0.02), (0.03, 0.04)], 0),
        ("confidence_gap", [(-0.05, 0.02), (0.03, 0.04)], None),
        ("ece", [(0.3, 0.4)], None),
        ("unheard_of", [(0.3, 0.4), (0.1, 0.2)], None),
        ("auroc", [(0.3, 0.4), (0.1, 0.2)], 0),
        ("coverage@error=0.05", [(0.3, 0.4), (0.1, 0.2)], None),  # differences of it are not tested
    ],
)
def test_the_best_is_marked_only_where_its_interval_overlaps_no_other(name, intervals, expected):
    assert best(rivals(name, *intervals), name) == ({expected} - {None})


def test_no_best_without_intervals_nor_of_cwce_at_different_k():
    good, bad = rivals("cwce", (0.1, 0.2), (0.3, 0.4))
    assert best([good, bad], "cwce") == {0}
    assert best([good, replace(bad, k=7)], "cwce") == set()
    assert best([good, without_intervals(bad)], "cwce") == set()


def test_a_null_takes_no_part_in_being_best():
    null = of_rows("1", over_confident(metrics={"ece": MetricResult("ece", None, reason="why")}))
    assert best([null, *rivals("ece", (0.3, 0.4), (0.1, 0.2))], "ece") == {2}


def test_dumps_of_other_rows_are_not_ranked():
    """Two models on each of two test sets: one is best on each, none over both."""
    four = rivals("ece", (0.3, 0.4), (0.1, 0.2), (0.01, 0.02), (0.05, 0.06))
    other = [of_rows(rows, dump) for rows, dump in zip("aabb", four, strict=True)]
    assert best(four, "ece") == {2}
    assert best(other, "ece") == {1, 2}
    assert same_rows(other) == [[0, 1], [2, 3]]
    assert best([of_rows(str(i), dump) for i, dump in enumerate(four)], "ece") == set()
    assert best([of_rows(None, dump) for dump in four], "ece") == set()


def test_why_none_is_marked():
    same = rivals("ece", (0.3, 0.4), (0.1, 0.2))
    other = [of_rows(rows, dump) for rows, dump in zip("ab", same, strict=True)]
    assert note(same, ["ece"], level="95 %").startswith("* certainly best among the dumps of the same rows")
    assert note(same, [], level="95 %") == "No value is certainly best"
    assert note(other, [], level="95 %") == "No value is marked as best: the dumps hold different rows"
    unknown = [of_rows(None, dump) for dump in same]
    why = "it is not known whether the dumps hold the same rows"
    assert note(unknown, [], level="95 %") == f"No value is marked as best: {why}"
    assert note(same, [], level="") == "No value is marked as best: that needs intervals"
    assert note(same[:1], [], level="95 %") == ""
