"""Noise floors: hand arithmetic, exact enumeration of Poisson-binomial counts, and seeded simulation."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.data.arrays import Floats
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums, bin_index, bin_sums, equal_width_edges
from calibeval.core.uncertainty.floors import (
    cube_root_quantile,
    cube_root_score,
    gap_floor,
    gap_p_value,
    mce_floor,
    mean_absolute_gap,
    oe_floor,
)

EDGES = equal_width_edges(15)


def sums_of(p: list[float] | Floats, edges: Floats = EDGES) -> BinSums:
    return bin_sums(p, np.zeros(len(p)), edges)


def class_sums(probs: Floats) -> BinSums:
    rows = [sums_of(column) for column in probs.T]
    return BinSums(*(np.stack([getattr(row, name) for row in rows]) for name in ("count", "p", "pp", "y", "yp")))


def count_distribution(p: Floats) -> Floats:
    """Exact probabilities of 0 ... n outcomes of independent events with these probabilities."""
    distribution = np.ones(1)
    for chance in p.tolist():
        distribution = np.convolve(distribution, [1.0 - chance, chance])
    return distribution


def test_one_row_by_hand() -> None:
    # |y - 0.9| is 0.1 with probability 0.9 and 0.9 with probability 0.1.
    sums = sums_of([0.9])
    assert gap_floor(sums, 1).expected == pytest.approx(0.9 * 0.1 + 0.1 * 0.9)
    assert oe_floor(sums, 1).expected == pytest.approx(0.9 * 0.1 * 0.9)
    assert tuple(mce_floor(sums)) == pytest.approx((0.18, 0.9, 0.9))


def test_two_rows_in_two_bins_by_hand() -> None:
    # Gaps 0.4 | 0.6 with probabilities 0.6 | 0.4, and 0.1 | 0.9 with probabilities 0.9 | 0.1.
    sums = sums_of([0.4, 0.9])
    assert gap_floor(sums, 2).expected == pytest.approx((0.48 + 0.18) / 2)
    largest = 0.6 * 0.9 * 0.4 + 0.4 * 0.9 * 0.6 + 0.1 * 0.9
    assert tuple(mce_floor(sums)) == pytest.approx((largest, 0.9, 0.9))


def test_two_equal_bins_share_their_atoms() -> None:
    # Both bins have gap 0.4 or 0.6; the larger is 0.4 only if both are: 0.6^2.
    floor = mce_floor(sums_of([0.4, 0.4, 0.6, 0.6], np.array([0.0, 0.5, 1.0])))
    one = {hits: abs(hits - 0.8) / 2 for hits in range(3)}
    weights = {0: 0.36, 1: 0.48, 2: 0.16}
    expected = sum(weights[a] * weights[b] * max(one[a], one[b]) for a, b in product(one, one))
    assert floor.expected == pytest.approx(expected)
    assert floor.high == pytest.approx(0.6)


def test_certain_rows_have_no_noise() -> None:
    sums = sums_of([1.0, 1.0, 0.0])
    assert gap_floor(sums, 3) == (0.0, 0.0, 0.0)
    assert oe_floor(sums, 3) == (0.0, 0.0, 0.0)
    assert mce_floor(sums) == (0.0, 0.0, 0.0)


def test_a_fair_coin_has_a_constant_gap() -> None:
    assert gap_floor(sums_of([0.5]), 1) == (0.5, 0.5, 0.5)


def test_an_empty_bin_changes_nothing() -> None:
    p = [0.11, 0.12, 0.9]
    wide, narrow = sums_of(p, np.array([0.0, 0.5, 1.0])), sums_of(p, np.array([0.0, 0.5, 0.6, 0.7, 1.0]))
    assert gap_floor(wide, 3) == gap_floor(narrow, 3)
    assert oe_floor(wide, 3) == oe_floor(narrow, 3)
    assert mce_floor(wide) == mce_floor(narrow)


@pytest.mark.parametrize(("p", "most"), [(0.9, 0.9), (0.2, 0.8)])
def test_a_quantile_is_at_most_the_largest_gap_there_can_be(p: float, most: float) -> None:
    # One row: |y - p| is p or 1 - p, whatever a smooth distribution of this mean and variance reaches.
    assert gap_floor(sums_of([p]), 1, level=0.9999).high == pytest.approx(most, rel=1e-12)
    assert gap_floor(class_sums(np.array([[p, 1.0 - p]])), 1, level=0.9999).high == pytest.approx(most, rel=1e-12)


def test_a_quantile_of_overconfidence_is_at_most_that_of_rows_that_are_all_wrong() -> None:
    # Confidence times overconfidence of one wrong row that says 0.5.
    assert oe_floor(sums_of([0.5]), 1).high == 0.25
    # Of two such rows both are wrong in one of four samples, so that more than 95 % of them are needed.
    assert oe_floor(sums_of([0.5, 0.5]), 2).high == 0.25


def test_no_row_is_refused() -> None:
    empty = sums_of([])
    for floor in (gap_floor, oe_floor):
        with pytest.raises(InputError, match="n is 0"):
            floor(empty, 0)
    with pytest.raises(InputError, match="all bins are empty"):
        mce_floor(empty)


@pytest.mark.parametrize("rows", [1, 2, 5, 20, 100, 1000])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1 / 15), (0.4, 7 / 15), (14 / 15, 1.0), (1e-9, 1e-8)])
def test_mean_absolute_gap_against_exact_enumeration(rows: int, low: float, high: float) -> None:
    p = np.random.default_rng(rows).uniform(low, high, rows)
    exact = float(count_distribution(p) @ np.abs(np.arange(rows + 1) - p.sum()))
    assert mean_absolute_gap(sums_of(p, np.array([0.0, 1.0])))[0] == pytest.approx(exact, rel=5e-4)


@pytest.mark.parametrize("rows", [1, 2, 5, 20, 100, 300])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1 / 15), (0.4, 7 / 15)])
def test_mce_of_one_bin_against_exact_enumeration(rows: int, low: float, high: float) -> None:
    p = np.random.default_rng(rows).uniform(low, high, rows)
    gaps = np.abs(np.arange(rows + 1) - p.sum()) / rows
    order = np.argsort(gaps)
    below = np.cumsum(count_distribution(p)[order])
    floor = mce_floor(sums_of(p, np.array([0.0, 1.0])))
    assert floor.expected == pytest.approx(float(count_distribution(p) @ gaps), rel=2e-3)
    quantile = float(gaps[order][np.searchsorted(below, 0.95)])
    assert floor.high == pytest.approx(max(quantile, floor.expected), rel=1e-9)


def test_many_rows_are_normal() -> None:
    sums = BinSums(*(np.array([x]) for x in (1e8, 0.5e8, 0.25e8, 0.0, 0.0)))
    deviation = math.sqrt(0.25 / 1e8)
    half_normal = (deviation * math.sqrt(2 / math.pi), 1.959964 * deviation, 3.290527 * deviation)
    assert tuple(gap_floor(sums, 10**8))[:2] == pytest.approx(half_normal[:2], rel=0.02)
    assert half_normal[2] < gap_floor(sums, 10**8).certain < 1.1 * half_normal[2]  # its tail is lighter than a cube's
    assert tuple(mce_floor(sums)) == pytest.approx(half_normal, rel=2e-3)


def test_the_switch_to_the_normal_distribution_is_not_felt() -> None:
    below = BinSums(*(np.array([x]) for x in (4000.0, 199.9, 199.9**2 / 4000, 0.0, 0.0)))
    above = BinSums(*(np.array([x]) for x in (4000.0, 200.1, 200.1**2 / 4000, 0.0, 0.0)))
    assert tuple(gap_floor(below, 4000)) == pytest.approx(gap_floor(above, 4000), rel=3e-3)
    assert mce_floor(below).expected == pytest.approx(mce_floor(above).expected, rel=3e-3)
    assert mce_floor(below).high == pytest.approx(mce_floor(above).high, rel=0.02)


@pytest.mark.parametrize("k", [2, 5])
def test_floors_against_simulated_labels_of_a_perfect_model(k: int) -> None:
    rng = np.random.default_rng(k)
    n, replicates = 400, 2000
    logits = 3.0 * rng.normal(size=(n, k))
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    confidence, top = probs.max(axis=1), probs.argmax(axis=1)
    sums, classwise = sums_of(confidence), class_sums(probs)
    weight = sums.p / np.maximum(sums.count, 1.0)
    cells = bin_index(probs, EDGES) + 15 * np.arange(k)
    bins, cumulative, drawn = bin_index(confidence, EDGES), probs.cumsum(axis=1), []
    for _ in range(replicates):
        labels = np.minimum((rng.random((n, 1)) > cumulative).sum(axis=1), k - 1)
        gap = np.bincount(bins, weights=(labels == top) - confidence, minlength=15)
        class_gap = np.bincount(cells.ravel(), weights=(np.eye(k)[labels] - probs).ravel(), minlength=15 * k)
        drawn.append(
            (
                np.abs(gap).sum() / n,
                np.sum(weight * np.maximum(-gap, 0.0)) / n,
                np.max(np.abs(gap) / np.maximum(sums.count, 1.0)),
                np.abs(class_gap).sum() / (n * k),
            )
        )
    floors = (gap_floor(sums, n), oe_floor(sums, n), mce_floor(sums), gap_floor(classwise, n))
    for values, floor in zip(np.array(drawn).T, floors, strict=True):
        assert floor.expected == pytest.approx(values.mean(), abs=4.0 * values.std() / math.sqrt(replicates))
        # Discrete values (the MCE is often that of one lonely row) may jump over 5 %, but not leave it on one side.
        assert np.mean(values >= floor.high - 1e-12) >= 0.03
        assert np.mean(values > floor.high + 1e-12) <= 0.075
        assert np.mean(values > floor.certain + 1e-12) <= 0.005


def test_two_classes_have_the_floor_of_one() -> None:
    p = np.random.default_rng(0).uniform(0.0, 1.0, 1000)
    pair = class_sums(np.column_stack((1.0 - p, p)))
    assert tuple(gap_floor(pair, 1000)) == pytest.approx(gap_floor(pair.row(1), 1000), rel=1e-6)


def test_a_thousand_classes() -> None:
    probs = np.random.default_rng(0).dirichlet(np.full(1000, 0.02), 300)
    floor = gap_floor(class_sums(probs), 300)
    # Nearly every class-bin is a rare count with mean far below one, whose mean deviation is at most twice the mean.
    assert 0.0 < floor.expected < floor.high < 2.0 / 1000


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_floors_are_ordered_and_bounded(p: list[float]) -> None:
    sums = sums_of(p)
    for floor in (gap_floor(sums, len(p)), oe_floor(sums, len(p)), mce_floor(sums)):
        assert 0.0 <= floor.expected <= floor.high <= floor.certain <= 1.0 + 1e-12
    assert gap_floor(sums, len(p)).expected <= mce_floor(sums).expected + 1e-2


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_one_row_per_bin_is_exact(p: list[float]) -> None:
    # 2 p (1 - p) is the mean deviation of one row, whatever p.
    singles = BinSums(np.ones(len(p)), np.array(p), np.square(p), np.zeros(len(p)), np.zeros(len(p)))
    exact = [2.0 * x * (1.0 - x) for x in p]
    np.testing.assert_allclose(mean_absolute_gap(singles), exact, rtol=1e-6, atol=1e-12)


def test_the_p_value_of_the_quantile_is_one_twentieth() -> None:
    rng = np.random.default_rng(2)
    p = rng.uniform(0.5, 1.0, 3000)
    sums = sums_of(p)
    high = gap_floor(sums, 3000).high * 3000
    # All of the ECE in one bin, as large as the 95 % quantile.
    fullest = int(sums.count.argmax())
    y = sums.p.copy()
    y[fullest] += high
    assert gap_p_value(BinSums(sums.count, sums.p, sums.pp, y, sums.yp), 3000) == pytest.approx(0.05, abs=1e-9)


def test_p_values_of_calibrated_rows_are_uniform() -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(400):
        p = rng.uniform(0.5, 1.0, 500)
        found.append(gap_p_value(bin_sums(p, rng.random(500) < p, EDGES), 500))
    for level in (0.05, 0.25, 0.5, 0.9):
        assert np.mean(np.array(found) < level) == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / 400))


def test_certain_rows_are_possible_or_not() -> None:
    assert gap_p_value(bin_sums([1.0, 1.0], [1, 1], EDGES), 2) == 1.0
    assert gap_p_value(bin_sums([1.0, 1.0], [1, 0], EDGES), 2) == 0.0
    with pytest.raises(InputError, match=r"^n is 0, but a floor needs at least 1 row$"):
        gap_p_value(bin_sums([1.0], [1], EDGES), 0)


@given(z=st.floats(-3, 6), half_skew=st.floats(1e-6, 1.0))
def test_score_and_quantile_are_inverse(z: float, half_skew: float) -> None:
    assert cube_root_score(cube_root_quantile(z, half_skew), half_skew) == pytest.approx(z, abs=1e-6)
