"""ECCE and KS by hand, and the size of their tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums.pairs import Pairs

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
    p = p_of_calibrated(name, kind, 300, 1500)
    for level in (0.05, 0.01):
        assert abs(np.mean(p < level) - level) <= 2.0 * np.sqrt(level * (1 - level) / len(p))


@pytest.mark.parametrize("name", ["ecce", "ks"])
def test_p_is_uniform_under_calibration(name):
    p = np.sort(p_of_calibrated(name, "spread", 10_000, 400))
    assert np.abs(p - (np.arange(400) + 0.5) / 400).max() < 1.36 / np.sqrt(400)
