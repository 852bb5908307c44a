"""The table of metrics: complete, consistent with the docs of each entry, and null with a reason where it must be."""

from __future__ import annotations

import re

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.errors import UnknownMetric
from calibeval.core.metrics.table import METRICS, meant, metric_named
from calibeval.core.sums.engine import summarise
from tests import definitions
from tests.data import logits_and_labels

# Which metrics need no more than the top label, their plain definitions say.
NEEDING_LITTLE = definitions.top_label_metrics([0.5], [1.0])
TOP_LABEL = [name for name in METRICS if name in NEEDING_LITTLE]
FULL = [name for name, metric in METRICS.items() if name not in NEEDING_LITTLE and not metric.binary]
MISSING = "needs the probability of every class, but this dump has the top label only"


def test_no_key_is_lost_that_rules_and_saved_reports_may_name():
    assert {"accuracy", "confidence_gap", "ece", "mce", "mce_all_bins", "aece", "cwce", "oe", "rmsce"} <= set(METRICS)
    assert {"nll", "brier", "ece_positive"} <= set(METRICS)


def test_every_metric_has_an_independent_definition():
    logits, labels = logits_and_labels(30, 2)
    assert set(definitions.metrics(definitions.softmax(logits), labels)) == set(METRICS)


def test_an_unknown_metric_has_a_nearest_match():
    known = f"{', '.join(METRICS)}; docs/reference/metrics.md also has those on request"
    known += ", and of images, as per_image.dice and per_image.CLASS.dice"
    with pytest.raises(UnknownMetric) as error:
        metric_named("eec")
    assert str(error.value) == f'metric "eec" is unknown (did you mean "ece"?); metrics are {known}'


@pytest.mark.parametrize("k", [2, 7])
def test_binary_metrics_exist_for_two_classes_only(k):
    logits, labels = logits_and_labels(30, k)
    found = evaluate(Predictions(logits=logits, labels=labels), level=None).dumps[0].metrics
    assert list(found) == [name for name, metric in METRICS.items() if k == 2 or not metric.binary]


def test_floors_exist_for_metrics_that_noise_moves_away_from_zero():
    logits, labels = logits_and_labels(200, 2)
    found = evaluate(Predictions(logits=logits, labels=labels)).dumps[0].metrics
    for name, metric in found.items():
        floored = METRICS[name].has_floor
        assert not (floored and name in ("accuracy", "nll", "brier"))
        assert (metric.floor is not None) == (metric.floor_high is not None) == floored
        if floored:
            assert 0 < metric.floor < metric.floor_high < metric.floor_certain


@pytest.mark.parametrize("k", [2, 3, 20])
def test_values_lie_in_their_ranges(k):
    for scale in (0.1, 3.0, 100.0):
        logits, labels = logits_and_labels(80, k, scale=scale)
        for name, metric in evaluate(Predictions(logits=logits, labels=labels)).dumps[0].metrics.items():
            spec = METRICS[name]
            if metric.value is None:
                assert metric.reason.code == ("no_filled_bin" if name == "mce" else "no_optimum")
                assert name in ("mce", "temperature", "cox_slope", "cox_intercept")
            else:
                assert spec.least <= metric.value <= (np.inf if spec.most is None else spec.most)


def test_intervals_only_on_request():
    logits, labels = logits_and_labels(200, 3)
    predictions = Predictions(logits=logits, labels=labels)
    without = evaluate(predictions, level=None).dumps[0].metrics
    assert all(metric.low is metric.high is metric.corrected is None for metric in without.values())
    with_intervals = dict(evaluate(predictions).dumps[0].metrics)
    assert with_intervals.pop("mce_all_bins").reason == "no interval: a bin with few rows may decide the value"
    for metric in with_intervals.values():
        assert metric.low <= metric.high
        assert metric.corrected is None or metric.low <= metric.corrected <= metric.high


def test_top_label_dumps_give_reasons_for_the_rest():
    predictions = Predictions(confidence=[0.5, 0.9] * 30, correct=[1, 0] * 30)
    found = evaluate(predictions).dumps[0].metrics
    assert [name for name in found if found[name].value is not None] == TOP_LABEL
    assert {found[name].reason for name in FULL} == {MISSING}


def test_mce_tells_its_bin_and_its_rows():
    # Bin 2 of 4, (.5, .75]: two rows of .6, both wrong. Bin 3: one row of .9, right.
    found = evaluate(Predictions(confidence=[0.6, 0.9, 0.6], correct=[0, 1, 0]), bins=4)
    worst = found["mce_all_bins"]
    assert (worst.value, worst.bin, worst.count) == (pytest.approx(0.6), 2, 2)
    assert (found["mce"].value, found["mce"].reason) == (None, "no bin holds 30 rows")


@pytest.mark.parametrize(("rows", "expected"), [(29, 0.1), (30, 0.6)])
def test_mce_is_of_bins_of_30_rows_and_more(rows, expected):
    # Bin 2 of 4: all wrong with .6, a gap of .6. Bin 3: all right with .9, a gap of .1, on 40 rows.
    found = evaluate(Predictions(confidence=[0.6] * rows + [0.9] * 40, correct=[0] * rows + [1] * 40), bins=4)
    assert found["mce"].value == pytest.approx(expected)
    assert found["mce_all_bins"].value == pytest.approx(0.6)
    assert found["mce"].low <= found["mce"].value <= found["mce"].high
    assert (found["mce"].bin, found["mce"].count) == ((3, 40) if rows < 30 else (2, 30))


def test_impossible_labels_make_nll_null_with_count_and_first_row():
    probs = [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    report = evaluate(Predictions(probs=probs, labels=[0, 1, 1, 1]))
    nll = report["nll"]
    assert nll.to_dict() == {
        "value": None,
        "reason": {"code": "infinite", "message": "infinite: the label has probability 0 in 2 rows, first in row 1"},
        **dict.fromkeys(("low", "high", "corrected", "floor", "floor_high", "floor_certain")),
        "count": 2,
        "row": 1,
    }
    # Squared distances: .25 + .25, 1 + 1, 0, 1 + 1.
    assert report["brier"].value == (0.5 + 2 + 0 + 2) / 4
    assert report["accuracy"].value == 2 / 4


def test_one_impossible_label_is_told_in_the_singular():
    nll = evaluate(Predictions(probs=[[1.0, 0.0]], labels=[1]))["nll"]
    assert nll.reason == "infinite: the label has probability 0 in 1 row, first in row 0"


def test_metrics_of_sums_by_hand():
    # Rows .8 right and .6 wrong in bin (.5, 1]: mean .7, share .5; both metrics see the one bin.
    sums = summarise(Predictions(probs=[[0.8, 0.2], [0.4, 0.6]], labels=[0, 0]), bins=2)
    assert METRICS["accuracy"].value(sums) == 0.5
    assert METRICS["confidence_gap"].value(sums) == pytest.approx((0.8 + 0.6) / 2 - 0.5)
    assert METRICS["ece"].value(sums) == pytest.approx(abs(0.5 - 0.7))
    assert METRICS["oe"].value(sums) == pytest.approx(0.7 * (0.7 - 0.5))
    assert METRICS["rmsce"].value(sums) == pytest.approx(0.7 - 0.5)
    assert METRICS["nll"].value(sums) == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    assert METRICS["brier"].value(sums) == pytest.approx((0.04 + 0.04 + 0.36 + 0.36) / 2)
    # Class 0: bin 0 holds .4 (label 0), bin 1 holds .8 (label 0). Class 1: .2 and .6, never the label.
    assert METRICS["cwce"].value(sums) == pytest.approx(((0.6 + 0.2) / 2 + (0.2 + 0.6) / 2) / 2)
    assert METRICS["ece_positive"].value(sums) == pytest.approx((0.2 + 0.6) / 2)


@pytest.mark.parametrize(
    ("rows", "few"),
    [
        ([40, 40, 19], "class 2 has 19 rows, fewer than 20"),
        ([1, 100, 100], "class 0 has 1 row, fewer than 20"),
        ([40, 12, 40, 5, 19], "3 of 5 classes have fewer than 20 rows, class 3 only 5"),
        ([40, 7, 40, 7], "2 of 4 classes have fewer than 20 rows, class 1 only 7"),
        ([20, 20, 20], None),
        # Classes without a row are not small; few rows in all still are few.
        ([100, 100, 0], None),
        ([20, 25, 0], "15 rows per class, fewer than 20"),
        ([40, 0, 0, 0, 0, 0, 0, 0], "5 rows per class, fewer than 20"),
        # Two classes mirror each other, so the smaller one does not matter.
        ([35, 4], "19.5 rows per class, fewer than 20"),
        ([95, 5], None),
    ],
)
def test_few_rows_per_class_are_told_beside_the_interval(rows, few):
    labels = np.repeat(np.arange(len(rows)), rows)
    logits = np.random.default_rng(len(labels)).normal(size=(len(labels), len(rows)))
    predictions = Predictions(logits=logits, labels=labels)
    found = evaluate(predictions, bins=5).dumps[0].metrics
    told = None if few is None else f"the interval is approximate: {few}"
    assert found["cwce"].low is not None
    assert found["cwce"].reason == told
    decided = {"mce": found["mce"].reason, "mce_all_bins": "no interval: a bin with few rows may decide the value"}
    assert decided["mce"] in (None, "no bin holds 30 rows")
    assert {name: m.reason for name, m in found.items() if name not in ("cwce", "temperature")} == {
        name: decided.get(name) for name in found if name not in ("cwce", "temperature")
    }
    assert evaluate(predictions, bins=5, level=None).dumps[0].metrics["cwce"].reason is None


def test_every_metric_is_found_by_its_name_on_the_screen_and_by_its_title():
    for metric in METRICS.values():
        assert meant(metric.label.upper()) == f' ("{metric.label.upper()}" is {metric.name})'
        title = re.split("[,:;]", metric.title)[0]
        assert meant(title).endswith(f" is {metric.name})")
    assert len({metric.label for metric in METRICS.values()}) == len(METRICS)
