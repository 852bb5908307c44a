"""Intervals of means over cells: units that cells share are units, and cells without them are independent."""

import math

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.evaluation.evaluate import measured_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.survey.rows import Units, UnitValues
from calibeval.core.survey.together import Kept, Together, balance, psi_of
from tests.data import logits_and_labels

Z = 1.959963984540054


def kept(predictions, group=None):
    _, found = measured_dump(predictions, checked(group=group), keep_rows=True)
    rows = found.sums.rows
    units = Units.of(predictions, rows, group)
    return Kept(units.bare, UnitValues.of(rows, units)), rows


def cells(count=3, n=600, **more):
    logits, labels = logits_and_labels(n, 4)
    rng = np.random.default_rng(3)
    noisy = [logits + i * rng.normal(size=logits.shape) for i in range(count)]
    return [kept(Predictions(logits=one, labels=labels, **more)) for one in noisy]


def interval(found, name="nll", level=0.95):
    some = [one for one, _ in found]
    return Together(some, level).interval(name, range(len(some)), after=False)


def half(ends):
    return (ends[1] - ends[0]) / 2


@pytest.mark.parametrize("name", ["nll", "brier", "confidence_gap"])
def test_with_the_same_rows_it_is_the_interval_of_the_means_of_each_row(name):
    found = cells()
    value = {
        "nll": lambda rows: rows.nll,
        "brier": lambda rows: rows.brier,
        "confidence_gap": lambda rows: rows.confidence - rows.correct,
    }[name]
    means = np.mean([value(rows) for _, rows in found], axis=0)
    ends = interval(found, name)
    assert sum(ends) / 2 == pytest.approx(means.mean(), rel=1e-6)
    assert half(ends) == pytest.approx(Z * means.std(ddof=1) / math.sqrt(600), rel=4e-3)  # Student's, 599 degrees


def test_ids_pair_rows_in_any_order_and_of_any_type():
    logits, labels = logits_and_labels(600, 4)
    turned = np.random.default_rng(0).permutation(600)
    one = kept(Predictions(logits=logits, labels=labels, ids=np.arange(600)))
    other = kept(Predictions(logits=logits[turned], labels=labels[turned], ids=turned.astype(str)))
    assert one[0].units.key == other[0].units.key
    assert interval([one, other]) == pytest.approx(interval([one, one]), rel=1e-9)
    assert half(interval([one, other])) == pytest.approx(half(interval([one])), rel=1e-9)


def test_cells_of_other_rows_are_independent():
    halves = []
    logits, labels = logits_and_labels(1200, 4)
    for start in (0, 600):
        here = slice(start, start + 600)
        halves.append(kept(Predictions(logits=logits[here], labels=labels[here], ids=np.arange(start, start + 600))))
    errors = [half(interval([one])) for one in halves]
    assert half(interval(halves)) == pytest.approx(math.hypot(*errors) / 2, rel=4e-3)


def test_of_rows_that_are_partly_shared_only_these_are_counted_together():
    logits, labels = logits_and_labels(900, 4)
    first, last = slice(0, 600), slice(300, 900)
    found = [
        kept(Predictions(logits=logits[here], labels=labels[here], ids=np.arange(here.start, here.stop)))
        for here in (first, last)
    ]
    nll = found[0][1].nll, found[1][1].nll
    psi = np.zeros(900)
    psi[first] += (nll[0] - nll[0].mean()) / 1200
    psi[last] += (nll[1] - nll[1].mean()) / 1200
    assert half(interval(found)) == pytest.approx(Z * math.sqrt((psi**2).sum()), rel=5e-3)


def test_without_ids_rows_at_the_same_place_are_one_unit_if_all_labels_agree():
    logits, labels = logits_and_labels(600, 4)
    one = kept(Predictions(logits=logits, labels=labels))
    other = kept(Predictions(logits=logits[::-1], labels=labels[::-1]))
    assert one[0].units.key != other[0].units.key
    assert half(interval([one, other])) == pytest.approx(half(interval([one])) / math.sqrt(2), rel=4e-3)


def test_top_label_dumps_of_as_many_rows_are_taken_together():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1.0, 600)
    made = [Predictions(confidence=confidence, correct=rng.random(600) < one) for one in (0.7, 0.8)]
    found = [kept(one) for one in made]
    assert found[0][0].units.key == found[1][0].units.key
    means = np.mean([rows.confidence - rows.correct for _, rows in found], axis=0)
    assert half(interval(found, "confidence_gap")) == pytest.approx(Z * means.std(ddof=1) / math.sqrt(600), rel=4e-3)


def test_images_are_units_of_segmentations():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(60, 3, 4, 4))
    predictions = Predictions(logits=logits, labels=rng.integers(0, 3, (60, 4, 4)))
    found = kept(predictions)
    assert (found[0].units.by, found[0].units.count, found[0].units.sizes[0]) == ("position", 60, 16.0)
    by_image = found[1].nll.reshape(60, 16).mean(axis=1)
    assert half(interval([found])) == pytest.approx(
        2.000995 * by_image.std(ddof=1) / math.sqrt(60), rel=1e-4
    )  # Student's quantile of 59 degrees of freedom


def test_groups_are_units():
    video = np.repeat(np.arange(200), 10)
    logits, labels = logits_and_labels(200, 4)
    found = kept(Predictions(logits=logits[video], labels=labels[video], columns={"video": video}), "video")
    plain = kept(Predictions(logits=logits, labels=labels))
    assert (found[0].units.by, found[0].units.count) == ("group", 200)
    assert interval([found]) == pytest.approx(interval([plain]), rel=1e-6)
    few = np.repeat(np.arange(6), 30)
    assert (
        interval([kept(Predictions(logits=logits[few], labels=labels[few], columns={"video": few}), "video")]) is None
    )


def test_accuracy_has_wilsons_interval_with_the_effective_number_of_rows():
    (found,) = cells(1)
    right = found[1].correct.mean()
    low, high = interval([found], "accuracy")
    assert low < right < high <= 1.0
    z2 = Z**2 / 600
    assert (low + high) / 2 == pytest.approx((right + z2 / 2) / (1 + z2), rel=1e-4)


def test_other_metrics_and_cells_with_few_errors_have_none():
    found = cells(2)
    assert interval(found, "ece") is None
    labels = np.zeros(600, int)
    logits = np.tile([9.0, 0.0, 0.0, 0.0], (600, 1))
    logits[:29] = [0.0, 9.0, 0.0, 0.0]
    assert interval([kept(Predictions(logits=logits, labels=labels))]) is None
    logits[29] = [0.0, 9.0, 0.0, 0.0]
    assert interval([kept(Predictions(logits=logits, labels=labels))]) is not None


def test_sixteen_bytes_a_row_are_kept():
    (found,) = cells(1)
    held = [getattr(found[0].values, name) for name in ("confidence", "correct", "nll", "brier")]
    assert sum(one.nbytes for one in held) == 16 * 600
    assert found[0].units.places is None
    assert found[0].units.sizes is None


def test_mean_changes_are_paired_with_the_references():
    (base, rows), *others = cells(3)
    found = Together([one for one, _ in others], 0.95, [base, base])
    change = np.mean([one.nll - rows.nll for _, one in others], axis=0)
    ends = found.change("nll", [0, 1])
    assert sum(ends) / 2 == pytest.approx(change.mean(), rel=1e-5)
    assert half(ends) == pytest.approx(Z * change.std(ddof=1) / math.sqrt(600), rel=4e-3)
    assert found.change("ece", [0, 1]) is None
    assert Together([base], 0.95, [None]).change("nll", [0]) is None


def few(n, key, wrong):
    """A cell of n units, some of them wrong, whose NLLs are 0 and 2 by turns."""
    correct = np.arange(n) >= wrong
    return Kept(Units(key, "position", n), UnitValues(*np.float32([correct, correct, np.arange(n) % 2 * 2, correct])))


def test_a_cell_of_few_units_has_the_weight_that_its_error_shows():
    big, small = few(2000, "big", 1000), few(20, "small", 10)
    joined = psi_of((one.units, one.values.nll, 1.0) for one in (big, small))
    # The variance of a mean of 0s and 2s is 1 / (n - 1); the mean of two means has a quarter of their sum.
    assert joined.psi @ joined.psi == pytest.approx((1 / 1999 + 1 / 19) / 4, rel=1e-9)
    # 1 / sum of squared weights is 4 / (1/2000 + 1/20) = 79.2 of 2,020 units.
    assert balance([big.units, small.units]) == pytest.approx(4 / (1 / 2000 + 1 / 20) / 2020)
    assert balance([big.units, big.units]) == pytest.approx(1.0)
    # Freedom by weights: (0.0505)^2 / (1/2000^3 + 1/20^3) - 1 = 19.4, whose quantile is 2.090.
    assert half(Together([big, small], 0.95).interval("nll", [0, 1], after=False)) == pytest.approx(
        2.090 * math.sqrt((1 / 1999 + 1 / 19) / 4), rel=2e-3
    )


@pytest.mark.parametrize("n", [1, 9])
def test_no_interval_where_a_cell_has_fewer_than_10_units(n):
    found = Together([few(2000, "big", 600), few(n, "small", 0)], 0.95, [few(2000, "big", 700)] * 2)
    for name in ("accuracy", "nll"):
        assert found.interval(name, [0, 1], after=False) is None
        assert found.change(name, [0, 1]) is None
        assert found.change(name, [0]) is not None


def test_wrong_units_of_large_cells_do_not_make_up_for_a_small_one():
    cells = [few(2000, "big", 600), few(10, "small", 0)]
    assert Together(cells, 0.95).interval("accuracy", [0, 1], after=False) is None  # 600 of 2,010 count as 11.9
    assert Together(cells, 0.95).interval("accuracy", [0], after=False) is not None
