"""The worst of many overlapping segments: its statistic against a plain loop, and how often it is a false alarm."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.uncertainty.segments import Largest, Segmented, largest_of

rng = np.random.default_rng(7)
N = 500


def reach(p, y, w, chosen):
    """The statistic of some rows, one after another in ascending p, cells left out: p has few values here."""
    highest = lowest = total = variance = 0.0
    for value in sorted(set(p)):
        rows = [i for i in range(len(p)) if chosen[i] and p[i] == value]
        total += sum(w[i] * (y[i] - p[i]) for i in rows)
        variance += sum(w[i] ** 2 * p[i] * (1 - p[i]) for i in rows)
        highest, lowest = max(highest, total), min(lowest, total)
    one = (sum(v * v for v in w) / sum(w)) ** 2
    return (highest - lowest) / (variance + one) ** 0.5, -total / sum(w[i] for i in range(len(p)) if chosen[i])


def sample(weighted=False):
    p = rng.choice(np.linspace(0.05, 0.95, 19), N)
    y = rng.random(N) < p
    return p, y, rng.choice([0.5, 1.0, 3.0], N) if weighted else None, rng.integers(0, 4, N)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_statistic_is_the_reach_of_the_cumulative_differences(weighted):
    p, y, w, codes = sample(weighted)
    found = largest_of([Segmented(codes, 3), Segmented(np.zeros(N, np.intp), 1)], p, y, w, draws=9)
    weights = np.ones(N) if w is None else w
    expected = [reach(p, y, weights, codes == code) for code in range(3)] + [reach(p, y, weights, np.ones(N, bool))]
    assert np.allclose(found.sigma, [one[0] for one in expected], atol=1e-12)
    assert np.allclose(found.gap, [one[1] for one in expected], atol=1e-12)


def test_all_rows_reach_as_far_as_the_metric_says():
    p, y, _, _ = sample()
    found = largest_of([Segmented(np.zeros(N, np.intp), 1)], p, y, draws=1)
    metric = evaluate(Predictions(confidence=p, correct=y), metrics="ecce", level=None)["ecce"]
    variance = float((p * (1 - p)).sum())
    assert found.sigma[0] == pytest.approx(metric.value * N / (variance + 1) ** 0.5)


def test_p_counts_the_draws_that_reach_as_far():
    found = Largest(np.array([5.0, 3.0, 0.5]), np.zeros(3), np.array([1.0, 3.0, 2.0, 4.0]))
    assert found.p().tolist() == [1 / 5, 3 / 5, 5 / 5]
    assert found.critical(0.4) == 3.0
    assert found.critical() == float("inf")


def test_the_seed_alone_decides():
    p, y, w, codes = sample(weighted=True)
    ways = [Segmented(codes, 4)]
    one, again, other = (largest_of(ways, p, y, w, draws=50, seed=seed) for seed in (3, 3, 4))
    assert one.largest.tolist() == again.largest.tolist()
    assert one.largest.tolist() != other.largest.tolist()


def test_weights_of_any_unit_say_the_same():
    p, y, w, codes = sample(weighted=True)
    ways = [Segmented(codes, 4)]
    one, other = (largest_of(ways, p, y, scale * w, draws=20) for scale in (1.0, 1000.0))
    assert np.allclose(one.sigma, other.sigma)
    assert np.allclose(one.largest, other.largest)
    plain, even = (largest_of(ways, p, y, own, draws=20) for own in (None, np.ones(N)))
    assert np.allclose(plain.largest, even.largest)


def test_rows_in_another_order_reach_as_far():
    p, y, _, codes = sample()
    p = rng.random(N)
    order = rng.permutation(N)
    one = largest_of([Segmented(codes, 4)], p, y, draws=1)
    other = largest_of([Segmented(codes[order], 4)], p[order], y[order], draws=1)
    assert np.allclose(one.sigma, other.sigma, atol=1e-12)


def test_one_error_where_none_is_expected_is_no_alarm():
    p, codes = np.full(N, 0.9999), np.zeros(N, np.intp)
    y = np.ones(N, bool)
    y[0] = False
    assert largest_of([Segmented(codes, 1)], p, y, draws=99).p()[0] > 0.04
    y[:8] = False
    assert largest_of([Segmented(codes, 1)], p, y, draws=99).p()[0] == 0.01


def test_false_alarms_over_all_segments_are_five_of_a_hundred():
    """150 calibrated samples of 12 overlapping segments: the number of alarms is binomial, above 17 in 1 of 1,000."""
    alarms = 0
    for seed in range(150):
        draw = np.random.default_rng(seed)
        p = draw.beta(3, 1, 300)
        first, second = draw.integers(0, 2, (2, 300))
        ways = [Segmented(first, 2), Segmented(second, 2), Segmented(2 * first + second, 4)]
        alarms += bool((largest_of(ways, p, draw.random(300) < p, draws=99, seed=seed).p() <= 0.05).any())
    assert alarms <= 17


def test_an_over_confident_segment_is_found():
    draw = np.random.default_rng(1)
    p, codes = draw.uniform(0.5, 1, 4000), draw.integers(0, 20, 4000)
    y = draw.random(4000) < np.where(codes == 13, p - 0.2, p)
    found = largest_of([Segmented(codes, 20)], p, y, draws=999)
    assert int(found.sigma.argmax()) == 13
    assert found.p()[13] == 0.001
    assert found.gap[13] == pytest.approx(0.2, abs=0.09)
    assert (np.delete(found.p(), 13) > 0.05).all()
