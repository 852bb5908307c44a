"""The optimal temperature from slopes at fixed temperatures, against the fit on the same rows."""

import math

import numpy as np
import pytest

from calibeval.core.sums.at_temperatures import PLACES, AtTemperatures
from calibeval.core.sums.optimum import optimum_of
from calibeval.core.sums.sample import Sample
from calibeval.core.uncertainty.log_temperature import plausible_log_t

RNG = np.random.default_rng(5)


def drawn(n, k, temperature, spread=3.0):
    z = spread * RNG.normal(size=(n, k))
    y = (z / temperature + RNG.gumbel(size=z.shape)).argmax(axis=1)
    return Sample(z, y, np.arange(n))


@pytest.mark.parametrize("temperature", [0.3, 0.7, 1.0, 1.3, 2.5, 6.0])
@pytest.mark.parametrize("k", [2, 5, 40])
def test_it_is_as_near_to_the_fit_as_it_says(temperature, k):
    rows = drawn(3000, k, temperature)
    found, fit = AtTemperatures.of([rows], "logits", 3000).optimum(), optimum_of([rows], "logits")
    assert abs(found.log_t - fit.log_t) <= found.bound <= 5e-3
    assert found.errors == fit.errors
    assert math.sqrt(found.squares) / found.information == pytest.approx(
        math.sqrt(fit.squares) / fit.information, rel=0.01
    )


def test_slopes_add_up_and_each_part_counts_for_all_its_rows():
    one, other = drawn(1000, 3, 1.5), drawn(500, 3, 1.5)
    both = Sample(
        np.concatenate([one.scores, other.scores]), np.concatenate([one.labels, other.labels]), np.arange(1500)
    )
    joined = AtTemperatures.of([one], "logits", 1000).joined(AtTemperatures.of([other], "logits", 500))
    whole = AtTemperatures.of([both], "logits", 1500)
    assert (joined.rows, joined.sampled, joined.errors) == (1500, 1500, whole.errors)
    assert np.allclose(joined.table, whole.table, rtol=1e-9, atol=1e-9)
    twice = AtTemperatures.of([one], "logits", 2000)
    assert np.allclose(twice.table[:, :3], 2.0 * AtTemperatures.of([one], "logits", 1000).table[:, :3])
    assert twice.sampled == 1000


def test_the_table_holds_the_slope_and_its_derivatives():
    rows = drawn(200, 4, 1.0)

    def nll(place):
        z = rows.scores * math.exp(place)
        return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(200), rows.labels]).sum())

    table, step, here = AtTemperatures.of([rows], "logits", 200).table, 1e-4, 9
    u = float(PLACES[here])
    assert table[here, 0] == pytest.approx((nll(u + step) - nll(u - step)) / (2 * step), rel=1e-5)
    assert table[here, 1] == pytest.approx((nll(u + step) - 2 * nll(u) + nll(u - step)) / step**2, rel=1e-4)


def test_of_few_errors_the_range_is_that_of_the_score_test():
    rows = drawn(400, 3, 0.8, spread=12.0)
    found, fit = AtTemperatures.of([rows], "logits", 400).optimum(), optimum_of([rows], "logits")
    assert found.errors < 30
    assert plausible_log_t(found, 0.95) == pytest.approx(plausible_log_t(fit, 0.95), abs=0.02)


def test_without_errors_far_away_or_with_weights_there_is_none():
    sure = Sample(np.array([[9.0, 0.0]] * 5), np.zeros(5, int), np.arange(5))
    assert AtTemperatures.of([sure], "logits", 5).optimum().missing.code == "no_optimum"
    assert AtTemperatures.of([drawn(500, 3, 30.0)], "logits", 500).optimum().missing.code == "far_from_one"
    weighted = drawn(5, 2, 1.0)._replace(weights=np.arange(1.0, 6.0))
    assert AtTemperatures.of([weighted], "logits", 5).optimum() is None
    assert AtTemperatures.of([], "logits", 5).table is None
