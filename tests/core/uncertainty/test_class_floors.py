"""Floors of single classes: by hand, against the floor of one class alone, and by simulation over all classes."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.errors import InputError
from calibeval.core.sums.binning import BinSums, sums_by_index
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.class_floors import class_floors
from calibeval.core.uncertainty.floors import gap_floor


def calibrated(rng, n, k, spread):
    """Probabilities of k classes and labels drawn from them."""
    probs = rng.gamma(spread * rng.uniform(0.3, 3, k), size=(n, k)) + 1e-12
    probs /= probs.sum(axis=1, keepdims=True)
    return probs, (probs.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, k - 1)


def test_the_expectation_is_that_of_the_class_alone():
    rng = np.random.default_rng(1)
    probs, labels = calibrated(rng, 400, 5, 0.5)
    sums = summarise(Predictions(probs=probs, labels=labels), 15).classes
    expected = [gap_floor(sums.row(c), 400).expected for c in range(5)]
    assert class_floors(sums, 400).expected.tolist() == pytest.approx(expected, rel=1e-12)


def test_one_class_has_the_quantile_of_its_floor():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.1, 0.9, 600)
    one = sums_by_index((p * 15).astype(int), 15, p, rng.random(600) < p)
    alone = BinSums(*(getattr(one, f)[None] for f in ("count", "p", "pp", "y", "yp")))
    assert float(class_floors(alone, 600).high[0]) == pytest.approx(gap_floor(one, 600).high, rel=1e-9)


def test_the_quantile_of_a_rare_class_is_that_of_its_count():
    # 100 rows of probability 0.005 in one bin: P(more than 2 of Binomial(100, 0.005)) = 0.0141 <= 0.05 / 2 < 0.0898,
    # so that 2 rows may be of this class: |2 - 0.5| / 100. With one class it would be 1 row: 0.0898 is above 0.05.
    rare = BinSums(*(np.array([[x]]) for x in (100.0, 0.5, 0.0025, 0.0, 0.0)))
    both = BinSums(*(np.repeat(getattr(rare, f), 2, axis=0) for f in ("count", "p", "pp", "y", "yp")))
    assert class_floors(both, 100).high[0] >= 0.015
    tail = 1.0 - sum(_binomial(100, 0.005, hits) for hits in range(3))
    assert tail <= 0.025 < 1.0 - sum(_binomial(100, 0.005, hits) for hits in range(2))


def _binomial(n, p, hits):
    ways = np.prod([(n - i) / (i + 1) for i in range(hits)])
    return ways * p**hits * (1 - p) ** (n - hits)


def test_certain_outcomes_leave_no_noise_and_no_rows_are_refused():
    sums = BinSums(*(np.array([[x], [y]]) for x, y in ((9.0, 9.0), (9.0, 0.0), (9.0, 0.0), (9.0, 0.0), (9.0, 0.0))))
    assert class_floors(sums, 9).high.tolist() == [0.0, 0.0]
    with pytest.raises(InputError, match="n is 0"):
        class_floors(sums, 0)


def test_a_class_of_which_hardly_a_part_of_a_row_is_expected_has_a_finite_floor():
    for certainty in (50.0, 150.0, 300.0, 440.0):
        sums = summarise(Predictions(logits=np.array([[certainty, 0.0, -5.0]] * 7), labels=np.zeros(7, int)), 15)
        expected, high = class_floors(sums.classes, 7)
        assert np.isfinite(high).all()
        assert (expected <= high).all()
        assert high.max() < 1e-9


@pytest.mark.parametrize(("n", "k", "spread", "times"), [(300, 10, 0.2, 200), (2000, 50, 0.05, 60)])
def test_of_100_calibrated_models_about_5_have_a_class_above_its_floor(n, k, spread, times):
    rng, found = np.random.default_rng(3), 0
    for _ in range(times):
        probs, labels = calibrated(rng, n, k, spread)
        classes = evaluate(probs=probs, labels=labels, level=None, metrics="cwce").dumps[0].per_class
        found += any(one.calibration_error > one.floor_high for one in classes)
    assert found / times <= 0.12


def test_weights_of_1_are_no_weights_and_heavier_rows_make_more_noise():
    rng = np.random.default_rng(4)
    probs, labels = calibrated(rng, 500, 4, 0.5)
    floors = [
        [one.floor_high for one in evaluate(probs=probs, labels=labels, weights=weights).dumps[0].per_class]
        for weights in (None, np.ones(500), rng.exponential(size=500))
    ]
    assert floors[0] == pytest.approx(floors[1])
    assert all(heavy > plain for plain, heavy in zip(floors[0], floors[2], strict=True))


def test_dependent_rows_and_other_tools_have_no_floors_of_classes():
    rng = np.random.default_rng(5)
    probs, labels = calibrated(rng, 600, 3, 0.5)
    plain, grouped, tool = (
        evaluate(probs=probs, labels=labels, **more).dumps[0].per_class
        for more in ({}, {"group": np.arange(600) // 3}, {"convention": "mbls"})
    )
    assert all(one.floor is not None for one in plain)
    assert all(one.floor is None and one.floor_high is None for one in itertools.chain(grouped, tool))


def test_nearly_certain_probabilities_and_wide_weights_end_in_a_report_without_warnings():
    for seed in (20, 26, 28, 32):
        rng = np.random.default_rng(seed)
        z = 1000.0 * rng.normal(size=(500, 50))
        weights = rng.random(500) * 10.0 ** rng.integers(-3, 3, 500)
        p = np.exp(z - z.max(axis=1, keepdims=True))
        dump = Predictions(probs=p / p.sum(axis=1, keepdims=True), labels=rng.integers(0, 50, 500), weights=weights)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = evaluate(dump)
        assert 0.0 <= found["cwce"].floor <= found["cwce"].floor_high <= 1.0
