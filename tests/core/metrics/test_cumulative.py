"""ECCE and KS by hand, and the size of their tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from calibeval import evaluate
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.walks import walk_largest_tail, walk_range_tail
from tests.draws import draws

ECCE: Any = REQUESTED["ecce"]
KS: Any = REQUESTED["ks"]


def test_by_hand():
    # D: 0, (1 - .25)/4 = .1875, + (0 - .5)/4 = .0625, + (0 - .75)/4 = -.125, + (1 - 1)/4 = -.125.
    pairs = Pairs.of([0.25, 0.5, 0.75, 1.0], [True, False, False, True])
    assert ECCE.of_pairs(pairs) == pytest.approx(0.1875 + 0.125)
    assert KS.of_pairs(pairs) == pytest.approx(0.1875)


def test_of_one_sign_both_are_the_gap():
    pairs = Pairs.of([0.6, 0.7, 0.8], [False, False, False])
    assert ECCE.of_pairs(pairs) == KS.of_pairs(pairs) == pytest.approx(0.7)


def test_ks_lies_between_half_of_ecce_and_ecce():
    rng = np.random.default_rng(0)
    for _ in range(30):
        pairs = Pairs.of(rng.random(50), rng.random(50) < 0.5)
        assert 0.5 * ECCE.of_pairs(pairs) <= KS.of_pairs(pairs) <= ECCE.of_pairs(pairs)


def test_certain_rows_that_are_right_have_no_test():
    found = evaluate(confidence=[1.0, 1.0], correct=[1, 1], metrics="ecce")["ecce"]
    assert (found.value, found.floor_high, found.p, found.z) == (0.0, 0.0, None, None)


STATED = {
    "spread": lambda rng, n: rng.beta(5, 2, n),
    "101 values": lambda rng, n: np.round(rng.beta(5, 2, n) * 100) / 100,
    "21 values": lambda rng, n: np.round(rng.beta(5, 2, n) * 20) / 20,
    "3 values": lambda rng, n: rng.choice([0.6, 0.8, 0.95], n),
}


def p_of_calibrated(name, kind, n, runs):
    metric, rng = {"ecce": ECCE, "ks": KS}[name], np.random.default_rng(n)
    p = []
    for _ in range(runs):
        confidence = STATED[kind](rng, n)
        p.append(metric.tested(Pairs.of(confidence, rng.random(n) < confidence)).p)
    return np.array(p)


@pytest.mark.parametrize("kind", STATED)
@pytest.mark.parametrize("name", ["ecce", "ks"])
def test_the_size_under_calibration(name, kind):
    p = p_of_calibrated(name, kind, 300, draws(600))
    for level in (0.05, 0.01):
        assert abs(np.mean(p < level) - level) <= 2.0 * np.sqrt(level * (1 - level) / len(p))


def exact_sizes(counts):
    """The size of both tests at 5 % and 1 % for three confidences, over all numbers of right rows."""
    c = np.array([0.6, 0.8, 0.95])
    variance = counts * c * (1 - c)
    surplus, chance = [], []
    for rows, p, spread in zip(counts, c, np.sqrt(variance), strict=True):
        right = np.arange(max(0, int(rows * p - 7 * spread)), min(rows, int(rows * p + 7 * spread)) + 1)
        surplus.append(right - rows * p)
        chance.append(stats.binom.pmf(right, rows, p))
    one, two, three = np.ix_(*surplus)
    walk = np.stack(np.broadcast_arrays(0.0, one + 0 * (two + three), one + two + 0 * three, one + two + three))
    low, high, weight = walk.min(axis=0), walk.max(axis=0), np.einsum("i,j,k->ijk", *chance)
    sizes, steps = [], variance / variance.sum()
    for tail, reach in ((walk_range_tail, high - low), (walk_largest_tail, np.maximum(high, -low))):
        for level in (0.05, 0.01):
            least = optimize.brentq(lambda x, tail=tail, level=level: tail(x, steps) - level, 1.0, 4.5)
            sizes.append(weight[reach > least * np.sqrt(variance.sum())].sum())
    return sizes


@pytest.mark.parametrize("n", [300, 1000])
def test_the_exact_size_for_three_confidences(n):
    # Counts jump, so the size of one set of counts is off by up to 0.7 points; over sets it is right.
    rng = np.random.default_rng(1)
    found = np.mean([exact_sizes(rng.multinomial(n, [1 / 3] * 3)) for _ in range(20)], axis=0)
    assert found == pytest.approx([0.05, 0.01, 0.05, 0.01], rel=0.05)


@pytest.mark.parametrize("name", ["ecce", "ks"])
def test_p_is_uniform_under_calibration(name):
    p = np.sort(p_of_calibrated(name, "spread", 10_000, 400))
    assert np.abs(p - (np.arange(400) + 0.5) / 400).max() < 1.36 / np.sqrt(400)
