"""Sums of rows without weights, given a weight, are the sums of rows with that weight."""

import numpy as np
import pytest

from calibeval.core.data.predictions import Predictions
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.reweighted import reweighted


def sums_of(weights):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(200, 3))
    return summarise(
        Predictions(logits=z, labels=rng.integers(0, 3, 200), weights=weights), keep_rows=True, finish=False
    )


def flat(sums):
    parts = [*sums.nll, *sums.brier, *sums.excess, sums.risk, sums.weights.total, sums.weights.squares]
    for one in (sums.top, sums.classes, sums.top.squared, sums.classes.squared):
        parts += [*one.count.ravel(), *one.p.ravel(), *one.pp.ravel(), *one.y.ravel(), *one.yp.ravel()]
    return [*parts, *sums.top.rows, *sums.classes.rows.ravel()]


def test_a_weight_for_rows_that_had_none():
    uneven = np.full(200, 0.5)
    uneven[0] = np.nextafter(0.5, 1)  # so that weights are not left out because they are equal
    assert flat(reweighted(sums_of(None), 0.5)) == pytest.approx(flat(sums_of(uneven)), rel=1e-12, abs=1e-12)


def test_a_factor_for_weights():
    weights = np.random.default_rng(1).random(200) + 0.01
    weights *= 0.6 / weights.max()  # weights are kept between 1/2 and 1, times a power of 2
    other = weights * 1.5
    assert flat(reweighted(sums_of(weights), 1.5)) == pytest.approx(flat(sums_of(other)), rel=1e-12, abs=1e-12)
