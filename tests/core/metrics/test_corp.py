"""Parts of the Brier score, distances from isotonic regression, and Spiegelhalter's z: by hand and by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from calibeval import evaluate
from calibeval.core.metrics.corp import quantile
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums.pairs import Pairs

METRIC: dict[str, Any] = dict(REQUESTED)
ISOTONIC = ["mcb", "ici", "e50", "e90"]


def test_parts_by_hand():
    # Regression: 0 for .2, the mean 2/3 of 1, 0 and 1 for .4, .6, .8.
    pairs = Pairs.of([0.2, 0.4, 0.6, 0.8], [False, True, False, True])
    score = (0.04 + 0.36 + 0.36 + 0.04) / 4
    # .4 right and .6 wrong are pooled to 1/2; .8 right is 1.
    calibrated = (0 + 0.25 + 0.25 + 0) / 4
    assert METRIC["mcb"].of_pairs(pairs) == pytest.approx(score - calibrated)
    assert METRIC["unc"].of_pairs(pairs) == 0.25
    assert METRIC["dsc"].of_pairs(pairs) == pytest.approx(0.25 - calibrated)
    # Distances .2, .1, .1, .2.
    assert METRIC["ici"].of_pairs(pairs) == pytest.approx(0.15)
    assert METRIC["e50"].of_pairs(pairs) == pytest.approx(0.15)
    assert METRIC["e90"].of_pairs(pairs) == pytest.approx(0.2)


def test_parts_add_up_to_the_score():
    rng = np.random.default_rng(0)
    c, weights = np.ceil(rng.random(300) * 40) / 40, rng.random(300)
    a = rng.random(300) < c**2
    pairs = Pairs.of(c, a, weights)
    mcb, dsc, unc = (METRIC[name].of_pairs(pairs) for name in ("mcb", "dsc", "unc"))
    assert mcb - dsc + unc == pytest.approx(np.average((c - a) ** 2, weights=weights))


def test_equal_confidences_are_one_step():
    # All .5: half are right, so the regression is .5 in whichever order the rows come.
    pairs = Pairs.of([0.5] * 4, [True, False, True, False])
    assert METRIC["mcb"].of_pairs(pairs) == METRIC["ici"].of_pairs(pairs) == METRIC["dsc"].of_pairs(pairs) == 0.0


def test_quantiles_with_weights_are_those_of_repeated_rows():
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 7.0])
    assert [quantile(values, weights, share) for share in (0.1, 0.2, 0.3, 0.9, 0.95)] == [1.0, 1.0, 2.0, 2.0, 3.0]


@pytest.mark.parametrize("n", [300, 6000])
def test_floors_are_what_calibrated_models_show(n):
    rng, found = np.random.default_rng(n), {name: [] for name in ISOTONIC}
    for _ in range(300):
        c = rng.beta(4, 2, n)
        pairs = Pairs.of(c, rng.random(n) < c)
        for name in ISOTONIC:
            found[name].append(METRIC[name].of_pairs(pairs))
    c = rng.beta(4, 2, n)
    pairs = Pairs.of(c, rng.random(n) < c)
    for name in ISOTONIC:
        floor, seen = METRIC[name].floor_of(pairs), np.array(found[name])
        assert floor.expected == pytest.approx(seen.mean(), rel=0.06), name
        assert 0.01 <= np.mean(seen > floor.high) <= 0.1, name
        assert floor.high < floor.certain


def test_floors_are_the_same_each_time():
    c = np.random.default_rng(5).random(5000)
    one, other = (evaluate(confidence=c, correct=c > 0.4, metrics=ISOTONIC) for _ in range(2))
    assert {name: one[name] for name in ISOTONIC} == {name: other[name] for name in ISOTONIC}


def test_spiegelhalter_by_hand():
    # (0 - .8)(-.6) + (1 - .9)(-.8) over the root of .36 x .16 + .64 x .09.
    z = (0.48 - 0.08) / np.sqrt(0.36 * 0.16 + 0.64 * 0.09)
    found = evaluate(confidence=[0.8, 0.9], correct=[0, 1], metrics="spiegelhalter")["spiegelhalter"]
    assert (found.value, found.z) == (pytest.approx(z), pytest.approx(z))
    assert found.p == pytest.approx(2 * stats.norm.sf(z))


def test_spiegelhalter_has_the_sign_of_over_confidence():
    c = np.full(100, 0.9)
    assert METRIC["spiegelhalter"].of_pairs(Pairs.of(c, np.arange(100) < 80)) > 3
    assert METRIC["spiegelhalter"].of_pairs(Pairs.of(c, np.arange(100) < 99)) < -2


def test_spiegelhalter_of_two_classes_is_that_of_either_column():
    rng = np.random.default_rng(2)
    p, y = rng.random(200), rng.random(200) < 0.4
    top = evaluate(probs=p, labels=y.astype(int), metrics="spiegelhalter")["spiegelhalter"].value
    assert METRIC["spiegelhalter"].of_pairs(Pairs.of(p, y)) == pytest.approx(top)


def test_spiegelhalter_without_variance_has_a_reason():
    found = evaluate(confidence=[0.5, 1.0], correct=[0, 1], metrics="spiegelhalter")["spiegelhalter"]
    assert (found.value, found.p) == (None, None)
    assert found.reason == "every confidence is 0, 1/2 or 1, where the test has no variance"


@pytest.mark.parametrize("n", [300, 3000])
def test_the_size_of_spiegelhalters_test(n):
    rng, runs = np.random.default_rng(n), 2000
    p = []
    for _ in range(runs):
        c = rng.beta(5, 2, n)
        p.append(METRIC["spiegelhalter"].tested(Pairs.of(c, rng.random(n) < c)).p)
    for level in (0.05, 0.01):
        rate, error = np.mean(np.array(p) < level), np.sqrt(level * (1 - level) / runs)
        assert abs(rate - level) <= 2.5 * error


@pytest.mark.parametrize("n", [300, 6000])
def test_the_floor_of_the_smooth_error(n):
    rng = np.random.default_rng(n)
    pairs = []
    for _ in range(80):
        c = rng.beta(4, 2, n)
        pairs.append(Pairs.of(c, rng.random(n) < c))
    floor, seen = METRIC["smece"].floor_of(pairs[0]), np.array([METRIC["smece"].of_pairs(one) for one in pairs])
    assert floor.expected == pytest.approx(seen.mean(), rel=0.12)
    assert np.mean(seen > floor.high) <= 0.15
    assert floor.expected < floor.high < floor.certain
