"""Ids of rows: which occur more than once, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.data import row_ids
from calibeval.core.data.row_ids import copies_in, matchable, places_in, shown

RNG = np.random.default_rng(2)
NUMBERS = RNG.integers(0, 40, 60)


def plainly(ids):
    """The places of copies, and of the first entries with their ids."""
    first, later = {}, {}
    for place, value in enumerate(ids.tolist()):
        if first.setdefault(value, place) != place:
            later[place] = first[value]
    return later


@pytest.mark.parametrize(
    "ids",
    [
        NUMBERS,
        NUMBERS.astype(float),
        NUMBERS.astype(str),
        NUMBERS.astype(str).astype(">U9"),
        NUMBERS.astype("S"),
        NUMBERS.astype(str).astype(object),
        NUMBERS > 20,
        np.array(["2020-01-01", "2020-01-01", "2021-01-01"], "M8[D]"),
        np.array(["", "a", "", ""]),
        np.array(["b", "a", "b"])[::-1],
    ],
)
def test_copies_are_those_of_a_plain_loop(ids):
    found = copies_in(ids)
    assert dict(zip(found.later.tolist(), found.first.tolist(), strict=True)) == plainly(ids)
    values, counts = np.unique(ids.astype(str), return_counts=True)
    assert (found.ids, found.most) == (int(np.count_nonzero(counts > 1)), int(counts.max()))
    assert len(values) == len(ids) - len(found.later)


@pytest.mark.parametrize(
    "ids",
    [
        np.arange(60),
        RNG.permutation(60),
        RNG.permutation(60).astype(str),
        RNG.permutation(60).astype("S"),
        RNG.permutation(60).astype(str).astype(object),
        np.array([np.nan, np.nan, 1.0]),
        np.array(["only"]),
        np.empty(0, np.int64),
    ],
)
def test_ids_that_all_differ(ids):
    assert copies_in(ids) is None


def test_texts_with_one_hash_are_told_apart(monkeypatch):
    ids = np.array(["b", "a", "c", "a"])
    monkeypatch.setattr(row_ids, "_hashes", lambda texts: np.zeros(len(texts), np.uint64))
    assert copies_in(ids).later.tolist() == [3]
    assert copies_in(ids[:3]) is None


def test_ids_of_two_files_become_comparable():
    seven = np.array([7])
    for other in (np.array(["7"]), np.array([b"7"]), np.array([7.0]), np.array(["007"]), np.array(["7"], object)):
        for mine, theirs in (matchable(seven, other), matchable(other, seven)[::-1]):
            assert mine.tolist() == theirs.tolist()
    assert matchable(np.array(["007"]), np.array(["7"]))[0].tolist() == ["007"]
    assert matchable(np.array([7.5]), np.array(["7.5"]))[0].tolist() == ["7.5"]
    big = np.array([str(10**30), "1"])
    assert matchable(big, np.array([1, 2]))[0].tolist() == big.tolist()
    assert shown("x" * 99) == f'"{"x" * 57}..."'


@pytest.mark.parametrize(
    "kind",
    ["i8", "u2", "U7", ">U9", object],
)
def test_places_are_those_of_a_plain_loop(kind, monkeypatch):
    others, ids = NUMBERS.astype(kind), RNG.integers(20, 60, 50).astype(kind)
    known = others.tolist()
    expected = [known.index(value) if value in known else -1 for value in ids.tolist()]
    assert places_in(others, ids).tolist() == expected
    assert places_in(others[:0], ids).tolist() == [-1] * 50
    monkeypatch.setattr(row_ids, "_hashes", lambda texts: np.zeros(len(texts), np.uint64))
    assert places_in(others, ids).tolist() == expected


def test_places_of_numbers_beyond_int64():
    others, ids = np.array([2**63 + 1, 5], np.uint64), np.array([5, -5], np.int64)
    assert places_in(others, ids).tolist() == [1, -1]
    assert places_in(ids, others).tolist() == [-1, 0]


def test_texts_of_another_width_have_the_same_hash():
    wide = np.array(["a" * 70, "b", "abc"])
    assert places_in(wide, np.array(["abc", "b"])).tolist() == [2, 1]
