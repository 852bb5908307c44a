"""Rows in narrow cells of the confidence, where there are many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.sums import pair_keys
from calibeval.core.sums.equal_mass import confidence_keys
from calibeval.core.sums.pair_cells import PairCells
from calibeval.core.sums.pair_keys import PairKeys
from calibeval.core.sums.ranking import inverse_between

FIELDS = ("wrong", "right", "mean", "low", "high")


def cells_of(*blocks):
    cells = PairCells()
    for confidence, correct in blocks:
        cells.add(confidence_keys(np.asarray(confidence, np.float64), np.asarray(correct, np.bool_)))
    return cells.filled()


def rows(n=5000, seed=0):
    rng = np.random.default_rng(seed)
    kinds = [rng.random(n), 1 - 10 ** (-15 * rng.random(n)), np.round(rng.random(n), 2), rng.integers(0, 2, n)]
    confidence = np.choose(rng.integers(0, 4, n), kinds).astype(np.float64)
    return confidence, rng.random(n) < confidence


def test_two_cells_by_hand():
    found = cells_of(([0.7501, 0.25, 0.7501 + 2**-20], [False, True, True]))
    assert found.wrong.tolist() == [0.0, 1.0]
    assert found.right.tolist() == [1.0, 1.0]
    assert found.mean == pytest.approx(np.array([[0.25, 0.7501], [0.25, 0.7501 + 2**-20]]), abs=2**-42)
    assert found.high - found.low == pytest.approx([0.0, 2**-20])


def test_counts_and_sums_are_those_of_the_rows():
    confidence, correct = rows()
    found = cells_of((confidence, correct))
    assert (found.wrong.sum(), found.right.sum()) == ((~correct).sum(), correct.sum())
    for kind, chosen in ((0, ~correct), (1, correct)):
        counts = found.right if kind else found.wrong
        assert counts @ found.mean[kind] == pytest.approx(confidence[chosen].sum(), rel=1e-12)


def test_cells_are_narrow_and_in_order():
    confidence, correct = rows()
    found = cells_of((confidence, correct))
    assert (found.low[1:] > found.high[:-1]).all()
    width = found.high - found.low
    assert width.max() < 3e-4
    assert (width <= np.maximum((1.0 - found.low) / 2000, 2e-13))[found.low >= 0.5].all()
    assert ((found.mean >= found.low) & (found.mean <= found.high)).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_blocks_and_order_change_no_bit(seed, parts):
    confidence, correct = rows(300, seed)
    whole = cells_of((confidence, correct))
    order = np.random.default_rng(seed).permutation(300)
    blocks = zip(*(np.array_split(one[order], parts) for one in (confidence, correct)), strict=True)
    found = cells_of(*blocks)
    for name in FIELDS:
        assert getattr(found, name).tobytes() == getattr(whole, name).tobytes()


def test_sums_beyond_2_to_the_40_steps_are_carried():
    ones = np.ones(2**12)
    stated = 0.625 + 2**-20
    found = cells_of(*[(stated * ones, ones > 0)] * 3, (stated * ones[:5] + 2**-42, [False] * 5))
    assert (found.right.tolist(), found.wrong.tolist()) == ([3.0 * 2**12], [5.0])
    assert found.mean.tolist() == [[stated + 2**-42], [stated]]


@pytest.mark.parametrize(("rows_n", "cells"), [(64, False), (65, True)])
def test_more_rows_than_the_limit_become_cells(monkeypatch, rows_n, cells):
    monkeypatch.setattr(pair_keys, "EXACT", 64)
    confidence, correct = rows(rows_n)
    found = PairKeys()
    found.add(confidence_keys(confidence, correct))
    pairs = found.pairs()
    assert (pairs.counts is not None) == cells
    assert pairs.rows == rows_n
    assert pairs.mean(pairs.correct * 1.0) == correct.mean()


@pytest.mark.parametrize("blocks", [1, 3, 50])
def test_pairs_do_not_depend_on_blocks(monkeypatch, blocks):
    monkeypatch.setattr(pair_keys, "EXACT", 64)
    keys = confidence_keys(*rows(1000))
    found, whole = PairKeys(), PairKeys()
    whole.add(keys)
    for block in np.array_split(keys, blocks)[::-1]:
        found.add(block)
    one, other = found.pairs(), whole.pairs()
    for name in ("confidence", "correct", "counts", "tied", "low", "high"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_the_rows_of_a_cell_tie(monkeypatch):
    monkeypatch.setattr(pair_keys, "EXACT", 2)
    found = PairKeys()
    found.add(confidence_keys(np.array([0.7501, 0.5, 0.7501 + 2**-20]), np.array([False, True, True])))
    pairs = found.pairs()
    count, confidence, right, _ = pairs.runs
    assert (count.tolist(), right.tolist()) == ([1.0, 2.0], [1.0, 1.0])
    assert confidence == pytest.approx([0.5, 0.7501 + 2**-21], abs=2**-42)
    assert pairs.ranking.confidence.tolist() == [0.7501, 0.5]  # from the least confidence of a cell on
    assert pairs.ranking.wrong.tolist() == [1.0, 0.0]
    assert pairs.one_first(right=False).ranking.wrong.tolist() == [0.0, 1.0, 0.0]
    assert pairs.one_first(right=True).ranking.wrong.tolist() == [1.0, 0.0, 0.0]


@given(st.integers(0, 200), st.integers(0, 300))
def test_sums_of_inverses(first, more):
    expected = sum(1.0 / k for k in range(first + 1, first + more + 1))
    found = inverse_between(np.array([float(first)]), np.array([float(first + more)]))
    assert found[0] == pytest.approx(expected, rel=1e-13, abs=1e-16)
