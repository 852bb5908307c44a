"""The interval of one class-wise error: where it is that of the debiased sum, and what it is then."""

import math

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.evaluation.class_noise import with_class_spread
from calibeval.core.evaluation.group_joints import joints_of
from calibeval.core.sums.binning import BinSums
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.debiased import bias_left, debiased_size, expansion, spread
from calibeval.core.uncertainty.debiased_difference import cell_errors
from calibeval.core.uncertainty.debiased_interval import LEAST_EVENTS, debiased_interval, may_apply
from calibeval.core.uncertainty.floors import gap_floor
from calibeval.core.uncertainty.intervals import cwce_interval
from calibeval.core.uncertainty.level import Level


def dump(n=3000, k=5, factor=1.4, seed=0, **more):
    rng = np.random.default_rng(seed)
    true = 2.5 * rng.normal(size=(n, k))
    labels = (true + rng.gumbel(size=(n, k))).argmax(axis=1)
    return Predictions(logits=factor * true, labels=labels, **more)


def found(predictions, **settings):
    return evaluate(predictions, **settings)["cwce"]


def by_hand(sums, n, variance, level):
    k = len(sums.count)
    error, gap = cell_errors(sums) / (n * k), (sums.y - sums.p) / (n * k)
    size = np.divide(abs(gap), error, out=np.zeros_like(gap), where=error > 0)
    true = np.sign(gap) * np.sqrt(np.maximum(size**2 - 1, 0))
    left = np.maximum(spread(true) - expansion(true)[0] ** 2, 0)
    deviation = math.sqrt(variance / (n * k * k) + k / (k - 1) * (error**2 * left).sum())
    half = deviation * Level(level).reach(0.1 * error[size < 3.5].sum() / deviation)
    value = (error * debiased_size(size)).sum()
    tau = math.sqrt(max((error * (np.minimum(size, 4) ** 2 - 1)).sum() / error.sum(), 0))
    return value - bias_left(tau) * error.sum() - half, value, value + half


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_interval_by_its_formula(level):
    predictions = dump()
    sums = summarise(predictions)
    (sums,) = with_class_spread(predictions, [np.arange(3000)], [sums])
    expected = by_hand(sums.classes, 3000, sums.class_spread, level)
    assert debiased_interval(sums.classes, 3000, sums.class_spread, level) == pytest.approx(expected, abs=1e-15)
    cwce = found(predictions, level=level)
    assert (cwce.low, cwce.corrected, cwce.high) == pytest.approx(expected, abs=1e-15)


def test_it_is_narrower_than_the_hull_and_covers():
    predictions = dump()
    hull = cwce_interval(summarise(predictions).classes, 3000, 0.95)
    cwce = found(predictions)
    assert cwce.high - cwce.low < 0.9 * (hull.high - hull.low)


def hull_of(predictions):
    sums = summarise(predictions)
    interval = cwce_interval(sums.classes, sums.n, 0.95)
    return interval.low, interval.high


@pytest.mark.parametrize(
    "predictions",
    [
        dump(n=999),
        dump(k=31, n=5000, factor=1.5),
        dump(factor=1.0),  # within its noise
        Predictions(logits=np.eye(3)[np.arange(3000) % 3] * 9.0, labels=np.arange(3000) % 3),  # no errors
    ],
)
def test_elsewhere_it_is_the_hull(predictions):
    cwce = found(predictions)
    assert (cwce.low, cwce.high) == hull_of(predictions)


def test_from_a_thousand_rows_and_to_thirty_classes():
    for predictions in (dump(n=1000), dump(k=30, n=5000, factor=1.5)):
        cwce = found(predictions)
        assert (cwce.low, cwce.high) != hull_of(predictions)


def of_class(events, n=2000):
    """Sums of one bin in which this many of n outcomes were the rarer ones."""
    return BinSums(*(np.array([[x]]) for x in (n, 0.4 * n, 0.17 * n, events, 0.4 * events)))


@pytest.mark.parametrize("rarer_is_one", [True, False])
@pytest.mark.parametrize(("events", "applies"), [(LEAST_EVENTS - 1, False), (LEAST_EVENTS, True)])
def test_every_class_needs_thirty_events(events, applies, rarer_is_one):
    one = of_class(events if rarer_is_one else 2000 - events)
    parts = [one, of_class(600), of_class(700)]
    sums = BinSums(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("count", "p", "pp", "y", "yp")))
    assert may_apply(sums, 2000) is applies


def test_the_lower_end_is_zero_within_the_floor():
    predictions = dump(factor=1.06, n=4000)
    sums = summarise(predictions)
    value, floor = found(predictions).value, gap_floor(sums.classes, 4000, 0.975)
    assert floor.expected < value < floor.high
    assert found(predictions).low == 0


def test_memory_and_threads_change_nothing():
    predictions = dump()
    assert found(predictions, max_memory=1000, jobs=2) == found(predictions)


def test_a_slice_is_the_same_as_its_rows_alone():
    part = np.tile(["a", "b", "b"], 1000)
    report = evaluate(dump(columns={"part": part}), slices=["part"])
    of_b = next(one for one in report.dumps[0].slices if one.value == "b").metrics["cwce"]
    alone = found(dump().select(part == "b"))
    assert (of_b.low, of_b.high) == (alone.low, alone.high)
    assert (of_b.low, of_b.high) != hull_of(dump().select(part == "b"))


def test_the_order_of_rows_and_classes_is_irrelevant():
    predictions = dump()
    rng = np.random.default_rng(1)
    rows, classes = rng.permutation(3000), rng.permutation(5)
    mixed = Predictions(
        logits=predictions.scores[rows][:, classes], labels=np.argsort(classes)[predictions.labels[rows]]
    )
    one, other = found(predictions), found(mixed)
    assert (one.low, one.high, one.corrected) == pytest.approx((other.low, other.high, other.corrected), abs=1e-12)


def test_ignored_rows_do_not_count():
    predictions = dump()
    labels = predictions.labels.copy()
    labels[::4] = -100
    kept = found(Predictions(logits=predictions.scores, labels=labels, ignore_index=-100))
    alone = found(predictions.select(labels >= 0))
    assert (kept.low, kept.high) == pytest.approx((alone.low, alone.high), abs=1e-15)


def test_by_groups_it_is_the_hull():
    groups = np.random.default_rng(6).integers(0, 50, 3000)
    predictions = dump(columns={"g": groups})
    sums = summarise(predictions, keep_rows=True)
    hull = cwce_interval(sums.classes, 3000, 0.95, joints_of(sums, sums.rows, groups, predictions).classes)
    cwce = found(predictions, group="g")
    assert (cwce.low, cwce.high) == (hull.low, hull.high)
