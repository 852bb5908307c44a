"""Intervals by groups: the covariance against plain loops, coverage, few groups, images, what has no interval."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from calibeval import Predictions, Report, evaluate
from calibeval.core.errors import UsageError
from calibeval.core.evaluation import group_joints as module
from calibeval.core.evaluation.groups import ENOUGH_GROUPS, find_groups
from calibeval.core.report.report import GroupCount
from calibeval.core.report.settings import Settings
from calibeval.core.sums.binning import bin_index, equal_width_edges
from calibeval.core.sums.engine import summarise
from calibeval.core.uncertainty.paths import gap_errors
from tests.data import logits_and_labels
from tests.definitions import softmax

OWN = Settings()


def by_video(n=600, k=3, videos=25, seed=1, **more):
    logits, labels = logits_and_labels(n, k)
    return Predictions(
        logits=logits,
        labels=labels,
        columns={"video": np.random.default_rng(seed).integers(0, videos, n) * 7 - 3},
        **more,
    )


def joints(predictions):
    groups = find_groups(predictions, replace(OWN, group="video"))
    sums = summarise(predictions, 15, keep_rows=True)
    return sums, module.joints_of(sums, sums.rows, groups.codes, predictions)


def expected_joint(totals, sizes, gap, least):
    """Errors and correlations, by the formula and loops over the groups."""
    count, n = len(sizes), sizes.sum()
    covariance = np.zeros((totals.shape[1],) * 2)
    for total, size in zip(totals, sizes, strict=True):
        # What the total over all rows, per row, would be without the group, in units of n rows.
        own = (gap - total) * n / (n - size) - gap
        covariance += (count - 1) / count * np.outer(own, own)
    error = np.sqrt(np.maximum(np.diag(covariance), least**2))
    correlation = covariance / np.maximum(np.outer(error, error), 1e-300)
    np.fill_diagonal(correlation, 0.0)
    return error, correlation


@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
@pytest.mark.parametrize("parts", [(2**18, 2**21), (64, 200)])
def test_the_covariance_by_its_definition(kind, parts, monkeypatch):
    monkeypatch.setattr(module, "PART_SCORES", parts[0])
    monkeypatch.setattr(module, "PART_CELLS", parts[1])
    n, k = 400, 3
    logits, labels = logits_and_labels(n, k)
    video = np.random.default_rng(5).integers(0, 30, n)
    p = softmax(logits)
    given = {"logits": logits, "probs": p, "log_probs": np.log(p)}[kind]
    sums, found = joints(Predictions(**{kind: given}, labels=labels, columns={"video": video}))
    edges, top = equal_width_edges(15), p.argmax(axis=1)
    bins, gap = bin_index(p.max(axis=1), edges), (top == labels) - p.max(axis=1)
    names = np.unique(video)
    sizes = np.array([(video == name).sum() for name in names])
    totals = np.array([[gap[(video == name) & (bins == b)].sum() for b in range(15)] for name in names])
    error, correlation = expected_joint(totals, sizes, sums.top.surplus, gap_errors(sums.top))
    assert found.top.freedom == pytest.approx((sizes**2).sum() ** 2 / (sizes**4).sum() - 1)
    assert found.top.error == pytest.approx(error, abs=1e-9)
    assert found.top.correlation == pytest.approx(correlation, abs=1e-9)
    class_gap = np.eye(k)[labels] - p
    cells = bin_index(p, edges)
    totals = np.array(
        [
            [class_gap[(video == name) & (cells[:, c] == b), c].sum() for c in range(k) for b in range(15)]
            for name in names
        ]
    )
    error, correlation = expected_joint(totals, sizes, sums.classes.surplus.ravel(), gap_errors(sums.classes).ravel())
    assert found.classes.error.ravel() == pytest.approx(error, abs=1e-9)
    assert found.classes.correlation == pytest.approx(correlation, abs=1e-9)


def test_means_by_hand():
    # 20 groups of two rows, all right in one half of them and all wrong in the other: one row each tells as much.
    correct = np.repeat([1, 0], 20)
    top = Predictions(confidence=[0.5] * 40, correct=correct, columns={"g": np.arange(40) // 2})
    grouped = evaluate(top, group="g")
    # Totals are +-1 around the mean of a half: variance 20/19 x 20 x 1 / 40^2.
    error = math.sqrt(20 / 19 * 20) / 40
    t = 2.093024054408263
    assert grouped["confidence_gap"].high == pytest.approx(t * error)
    assert grouped["confidence_gap"].low == pytest.approx(-t * error)
    assert grouped["confidence_gap"].floor == pytest.approx(error * math.sqrt(2 / math.pi))
    assert grouped["confidence_gap"].floor_high == pytest.approx(t * error)
    effective = 0.25 / error**2
    half = t * math.sqrt(0.25 / effective + t * t / (4 * effective**2)) / (1 + t * t / effective)
    # 9.5 effective errors are few, so the interval is also at least the exact one of 19 rows.
    exact = float(beta.ppf(0.975, 10.5, 9.5))
    assert exact > 0.5 + half
    assert grouped["accuracy"].high == pytest.approx(exact)
    alone = evaluate(top)
    assert grouped["accuracy"].high - 0.5 > 1.3 * (alone["accuracy"].high - 0.5)


def test_groups_that_vary_less_than_chance_tell_as_much_as_their_rows():
    # 20 groups of one right and one wrong row: their totals never vary, but 40 rows of even chances would.
    top = Predictions(confidence=[0.5] * 40, correct=[1, 0] * 20, columns={"g": np.arange(40) // 2})
    gap = evaluate(top, group="g")["confidence_gap"]
    assert gap.high == pytest.approx(2.093024054408263 * 0.5 / math.sqrt(40))


def test_intervals_by_groups_keep_the_range_of_the_metric():
    # One of 20 groups has nearly all of the loss, so that t standard errors reach below 0.
    probs = np.tile([0.999, 0.001], (20, 1))
    p = Predictions(probs=probs, labels=[1] + [0] * 19, columns={"g": np.arange(20)})
    report = evaluate(p, group="g")
    assert report["nll"].low == report["brier"].low == 0.0
    assert report["nll"].high > 2 * report["nll"].value
    wrong = Predictions(confidence=[1.0] * 20, correct=[0] * 19 + [1], columns={"g": np.arange(20)})
    assert evaluate(wrong, group="g")["confidence_gap"].high == 1.0


@pytest.mark.parametrize(("rows", "thin"), [(24, True), (25, False)])
def test_bins_of_few_rows_have_a_floor_but_no_interval_by_groups(rows, thin):
    # Five bins, which need 25 rows.
    confidence = np.resize([0.1, 0.3, 0.5, 0.7, 0.9], rows)
    p = Predictions(confidence=confidence, correct=np.arange(rows) % 2, columns={"g": np.arange(rows) % 12})
    ece = evaluate(p, group="g", bins=5)["ece"]
    assert ece.floor > 0
    assert (ece.low is None) == thin


def test_groups_that_all_agree_count_as_one_row_each():
    top = Predictions(confidence=[1.0] * 100, correct=[1] * 100, columns={"g": np.arange(100) // 5})
    accuracy = evaluate(top, group="g")["accuracy"]
    t = 2.093024054408263
    assert (accuracy.low, accuracy.high) == (pytest.approx(20 / (20 + t * t)), 1.0)


def test_groups_of_one_row_give_about_the_intervals_of_rows():
    logits, labels = logits_and_labels(4000, 3)
    predictions = Predictions(logits=logits, labels=labels, columns={"row": np.arange(4000)})
    alone, grouped = evaluate(predictions), evaluate(predictions, group="row")
    for name in ("accuracy", "confidence_gap", "ece", "aece", "oe", "nll", "brier"):
        width = alone[name].high - alone[name].low
        assert grouped[name].low == pytest.approx(alone[name].low, abs=0.06 * width)
        assert grouped[name].high == pytest.approx(alone[name].high, abs=0.06 * width)
        assert grouped[name].value == alone[name].value


def test_repeated_rows_tell_no_more():
    logits, labels = logits_and_labels(600, 3)
    columns = {"row": np.repeat(np.arange(600), 4)}
    many = Predictions(logits=np.repeat(logits, 4, axis=0), labels=np.repeat(labels, 4), columns=columns)
    once, grouped = evaluate(Predictions(logits=logits, labels=labels)), evaluate(many, group="row")
    wrong = evaluate(many)
    for name in ("accuracy", "confidence_gap", "ece", "nll", "brier"):
        width = once[name].high - once[name].low
        assert grouped[name].high - grouped[name].low == pytest.approx(width, rel=0.1)
        assert wrong[name].high - wrong[name].low < 0.75 * width
    assert grouped["ece"].floor == pytest.approx(once["ece"].floor, rel=0.1)


def test_the_order_of_rows_and_the_names_of_groups_do_not_matter():
    predictions = by_video()
    order = np.random.default_rng(0).permutation(600)
    shuffled = predictions.select(order)
    renamed = Predictions(
        logits=predictions.scores[0:600],
        labels=predictions.labels,
        columns={"video": [f"v{v}" for v in predictions.columns["video"]]},
    )
    first = evaluate(predictions, group="video")
    for other in (shuffled, renamed):
        again = evaluate(other, group="video")
        for name, metric in first.dumps[0].metrics.items():
            for fact in ("value", "low", "high", "floor", "floor_high"):
                assert getattr(again[name], fact) == pytest.approx(getattr(metric, fact), abs=1e-9)


def effects(rng, groups, size, effect):
    """Top-label rows whose chances move together within a group, and cancel over groups."""
    group = np.repeat(np.arange(groups), size)
    confidence = rng.uniform(0.5, 1.0, len(group))
    move = effect * rng.choice([-1.0, 1.0], groups)[group] * confidence * (1 - confidence)
    correct = rng.random(len(group)) < confidence - 0.05 + move
    return Predictions(confidence=confidence, correct=correct, columns={"g": group})


@pytest.mark.slow
def test_coverage_with_an_effect_of_the_group():
    rng, held = np.random.default_rng(11), {"rows": 0, "groups": 0}
    for _ in range(80):
        predictions = effects(rng, 30, 40, 0.7)
        for unit, group in (("rows", None), ("groups", "g")):
            metric = evaluate(predictions, group=group, metrics="ece")["ece"]
            held[unit] += metric.low <= 0.05 <= metric.high
    assert held["groups"] >= 71  # 95 % of 80 are 76; fewer than 71 have a chance of 1 %
    assert held["rows"] <= 66  # which 95 % would give once in a million times


@pytest.mark.slow
def test_a_calibrated_model_rarely_exceeds_its_floor():
    rng, above, few = np.random.default_rng(12), {"rows": 0, "groups": 0}, 0
    for _ in range(80):
        group = np.repeat(np.arange(30), 40)
        confidence = rng.uniform(0.5, 1.0, 1200)
        move = 0.8 * rng.choice([-1.0, 1.0], 30)[group] * confidence * (1 - confidence)
        correct = rng.random(1200) < confidence + move
        predictions = Predictions(confidence=confidence, correct=correct, columns={"g": group, "all": [0] * 1200})
        by_rows = evaluate(predictions, metrics="ece")["ece"]
        above["rows"] += by_rows.value > by_rows.floor_high
        found = evaluate(predictions, group="g", slices=["all"], metrics="ece")
        above["groups"] += found["ece"].value > found["ece"].floor_high
        few += found.dumps[0].slices[0].p < 0.05
    assert above["groups"] == few <= 10
    assert above["rows"] >= 20


@pytest.mark.parametrize("count", [2, 9])
def test_few_groups_are_refused_with_the_reason(count):
    report = evaluate(by_video(videos=count), group="video")
    why = f"{count} groups are too few, at least 10 are needed"
    for metric in report.dumps[0].metrics.values():
        assert metric.value is not None
        assert metric.reason == f"no interval: {why}"
        assert (metric.low, metric.high, metric.floor, metric.floor_high) == (None,) * 4
    assert report.dumps[0].warnings == (f"floors and intervals are left out: {why}",)
    assert report.dumps[0].groups == GroupCount("video", count)


def test_no_row_has_no_group():
    groups = find_groups(by_video(videos=12), Settings(group="video")).of_rows(np.array([], np.intp))
    assert (groups.count, groups.effective) == (0, 0.0)
    assert groups.refused == "0 groups are too few, at least 10 are needed"


def test_one_group():
    report = evaluate(by_video(videos=1), group="video")
    assert report["ece"].reason == "no interval: 1 group is too few, at least 10 are needed"


@pytest.mark.parametrize(("count", "warned"), [(10, True), (39, True), (40, False)])
def test_not_many_groups_are_a_warning(count, warned):
    n = 400
    logits, labels = logits_and_labels(n, 3)
    predictions = Predictions(logits=logits, labels=labels, columns={"video": np.arange(n) % count})
    report = evaluate(predictions, group="video")
    warning = f'there are only {count} groups by "video": floors and intervals are approximate below {ENOUGH_GROUPS}'
    assert report.dumps[0].warnings == ((warning,) if warned else ())
    assert report["ece"].low is not None


def test_the_largest_gap_has_no_interval():
    metric = evaluate(by_video(), group="video")["mce"]
    assert (metric.low, metric.floor) == (None, None)
    assert metric.value == evaluate(by_video())["mce"].value
    assert metric.bin is not None
    assert metric.reason == "no interval: the largest of many gaps, of rows that depend on each other, has none"


def test_too_many_bins_have_no_interval():
    k = 101
    logits, labels = logits_and_labels(900, k)
    predictions = Predictions(logits=logits, labels=labels, columns={"g": np.arange(900) % 30})
    report = evaluate(predictions, group="g")
    assert (
        report["cwce"].reason == "no interval: the joint variation of 1,515 bins is not estimated, only of up to 1,500"
    )
    assert report["cwce"].floor is None
    assert report["ece"].low is not None
    many = evaluate(predictions, group="g", bins=1501)
    assert many["ece"].reason == "no interval: the joint variation of 1,501 bins is not estimated, only of up to 1,500"


@pytest.mark.parametrize(("bins", "few"), [(30, True), (31, False)])
def test_as_many_bins_as_are_allowed_have_an_interval(bins, few, monkeypatch):
    monkeypatch.setattr(module, "MOST_JOINT_CELLS", 30)
    assert (evaluate(by_video(), group="video", bins=bins)["ece"].low is not None) == few
    assert (evaluate(by_video(k=2), group="video", bins=bins // 2 + (not few))["cwce"].low is not None) == few


def test_two_classes():
    report = evaluate(by_video(k=2), group="video")
    one, both = report["ece_positive"], report["cwce"]
    assert both.low == pytest.approx(one.low, abs=0.02)
    assert both.high == pytest.approx(one.high, abs=0.02)
    assert one.floor > 0


def test_impossible_rows_and_huge_numbers_have_no_nll_interval():
    probs = np.tile([0.6, 0.4], (60, 1))
    probs[7] = [1.0, 0.0]
    labels = np.arange(60) % 2
    report = evaluate(Predictions(probs=probs, labels=labels, columns={"g": np.arange(60) % 12}), group="g")
    assert (report["nll"].value, report["nll"].count) == (None, 1)
    huge = Predictions(logits=np.tile([1e200, 0.0], (60, 1)), labels=[1, 0] * 30, columns={"g": np.arange(60) // 5})
    found = evaluate(huge, group="g")
    assert found["nll"].value == pytest.approx(5e199)
    assert found["nll"].low is None
    assert Report.from_json(found.to_json()) == found


def dense(images=12, ignore=None, source=None):
    logits, labels = logits_and_labels(images * 50, 3)
    stored = np.moveaxis(logits.reshape(images, 5, 10, 3), -1, 1)
    if source is not None:
        stored = source(stored)
    return Predictions(logits=stored, labels=labels.reshape(images, 5, 10), ignore_index=ignore)


def test_images_are_groups_by_themselves():
    predictions = dense()
    report = evaluate(predictions)
    logits, labels = logits_and_labels(600, 3)
    plain = Predictions(logits=logits, labels=labels, columns={"image": np.repeat(np.arange(12), 50)})
    by_image = evaluate(plain, group="image")
    for name, metric in report.dumps[0].metrics.items():
        assert metric.low == pytest.approx(by_image[name].low, abs=1e-12)
        assert metric.high == pytest.approx(by_image[name].high, abs=1e-12)
    assert report.dumps[0].groups == GroupCount(None, 12)
    assert report.dumps[0].warnings == ("there are only 12 images: floors and intervals are approximate below 40",)
    assert report.settings.group is None


class Elsewhere:
    """Images that lie elsewhere and are read forward."""

    def __init__(self, images):
        self.images, self.shape, self.dtype = images, images.shape, images.dtype

    def __getitem__(self, rows):
        return self.images[rows]


@pytest.mark.parametrize("ignore", [None, 1])
def test_images_that_lie_elsewhere(ignore):
    here, there = evaluate(dense(ignore=ignore)), evaluate(dense(ignore=ignore, source=Elsewhere))
    assert here.dumps[0].metrics == there.dumps[0].metrics
    assert here["cwce"].low is not None


def test_sources_that_are_read_forward_serve_groups_in_any_order():
    predictions = by_video()
    logits = predictions.scores[0:600]
    other = Predictions(logits=Elsewhere(logits), labels=predictions.labels, columns=predictions.columns)
    assert evaluate(other, group="video").dumps[0].metrics == evaluate(predictions, group="video").dumps[0].metrics


def test_images_under_a_convention_are_no_groups():
    dump = evaluate(dense(), convention="guo").dumps[0]
    assert dump.groups is None
    assert "pixels of one image depend on each other: floors and intervals are too narrow" in dump.warnings


def test_groups_by_another_convention_are_a_warning():
    report = evaluate(by_video(), group="video", convention="guo")
    assert report["ece"].low == evaluate(by_video(), convention="guo")["ece"].low
    assert report.dumps[0].warnings[:1] == ("convention guo: floors and intervals ignore groups of rows",)


def test_no_intervals_but_floors():
    report = evaluate(by_video(), group="video", level=None)
    assert report["ece"].floor == evaluate(by_video(), group="video")["ece"].floor
    assert report["ece"].low is report["accuracy"].low is None


def test_ignored_rows_are_in_no_group():
    predictions = by_video(ignore_index=1)
    kept = predictions.select(np.flatnonzero(predictions.labels != 1))
    found, expected = evaluate(predictions, group="video"), evaluate(kept, group="video")
    assert found.dumps[0].metrics == expected.dumps[0].metrics


def test_slices_are_measured_by_their_own_groups():
    logits, labels = logits_and_labels(900, 3)
    columns = {"video": np.arange(900) % 30, "night": (np.arange(900) % 30) < 14}
    predictions = Predictions(logits=logits, labels=labels, columns=columns, ignore_index=2)
    found = evaluate(predictions, group="video", slices=["night"]).dumps[0].slices
    for one in found:
        alone = evaluate(predictions.select(columns["night"] == (one.value == "True")), group="video")
        assert one.metrics == alone.dumps[0].metrics
        assert 0 < one.p <= one.p_holm


def test_unknown_groups():
    with pytest.raises(UsageError, match=r'^predictions: there is no column "vid" \(did you mean "video"\?\); there'):
        evaluate(by_video(), group="vid")
