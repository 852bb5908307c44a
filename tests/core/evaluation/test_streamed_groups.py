"""Groups of dumps that are read block by block: the numbers are those of dumps in memory, bit by bit."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate, gate
from calibeval.core.evaluation import doubts, group_joints, stream_joints, units
from calibeval.core.evaluation.units import Units
from calibeval.core.report.report import GroupCount
from calibeval.core.sums.by_group import ClassTotals, GapTotals
from tests.data import logits_and_labels
from tests.definitions import softmax


def by_video(n=3000, k=3, videos=40, kind="logits", **more):
    logits, labels = logits_and_labels(n, k)
    video = np.random.default_rng(1).integers(0, videos, n) ** 2
    scores = {"logits": logits, "probs": softmax(logits), "log_probs": np.log(softmax(logits))}
    if kind == "confidence":
        p = softmax(logits)
        correct = p.argmax(axis=1) == labels
        return Predictions(confidence=p.max(axis=1), correct=correct, columns={"video": video}, **more)
    return Predictions(**{kind: scores[kind]}, labels=labels, columns={"video": video}, **more)


def dense(images=12, size=50, ignore=None, columns=None):
    logits, labels = logits_and_labels(images * size, 3)
    stored = np.moveaxis(logits.reshape(images, 5, size // 5, 3), -1, 1)
    labels = labels.reshape(images, 5, size // 5)
    if ignore is not None:
        labels[3] = ignore  # an image without a row that counts
    return Predictions(logits=stored, labels=labels, ignore_index=ignore, columns=columns)


def assert_same(one, other):
    """Equal bits; equal-mass bins of few rows are sums in another order, of sorted rows."""
    assert {**one, "aece": None} == {**other, "aece": None}
    for fact in ("value", "low", "high", "corrected", "floor", "floor_high", "floor_certain"):
        assert getattr(one["aece"], fact) == pytest.approx(getattr(other["aece"], fact), abs=1e-12)
    assert one["aece"].reason == other["aece"].reason


def same(predictions, **settings):
    here, there = (evaluate(predictions, max_memory=memory, **settings).dumps[0] for memory in (None, 0))
    assert_same(here.metrics, there.metrics)
    assert (here.warnings, here.groups) == (there.warnings, there.groups)
    return there


@pytest.fixture(params=[False, True])
def blocks(request, monkeypatch):
    """Blocks of the usual size, and small ones, which end anywhere."""
    if request.param:
        monkeypatch.setattr("calibeval.core.sums.engine.CHUNK_ROWS", 131)
        monkeypatch.setattr(group_joints, "PART_SCORES", 200)
        monkeypatch.setattr(stream_joints, "PART_SCORES", 200)
        monkeypatch.setattr(group_joints, "PART_CELLS", 500)


@pytest.mark.parametrize("ignore", [None, 1])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_the_numbers_of_a_dump_in_memory(kind, ignore, blocks):
    dump = same(by_video(kind=kind, ignore_index=ignore), group="video")
    for name in ("accuracy", "confidence_gap", "ece", "aece", "cwce", "oe", "nll", "brier", "rmsce"):
        assert dump.metrics[name].low < dump.metrics[name].high
    assert dump.groups == GroupCount("video", 40)


@pytest.mark.parametrize("k", [2, 99, 101])
def test_two_classes_and_more_than_fit_a_table(k, blocks):
    dump = same(by_video(n=900, k=k), group="video")
    assert (dump.metrics["cwce"].low is None) == (k == 101)


def test_top_labels_only(blocks):
    assert same(by_video(kind="confidence"), group="video").metrics["aece"].floor > 0


@pytest.mark.parametrize("ignore", [None, 1])
def test_weighted_rows(ignore, blocks):
    weights = np.random.default_rng(4).choice([0.0, 0.5, 1.0, 4.0], 3000)
    predictions = by_video(ignore_index=ignore, weights=weights)
    here, there = (evaluate(predictions, group="video", max_memory=memory) for memory in (None, 0))
    for name, metric in here.dumps[0].metrics.items():
        for fact in ("value", "low", "high", "floor", "floor_high"):
            assert getattr(there[name], fact) == pytest.approx(getattr(metric, fact), abs=1e-9), name
    assert there["accuracy"].low is not None
    assert here.dumps[0].warnings == there.dumps[0].warnings


@pytest.mark.parametrize("jobs", [1, 3])
def test_any_number_of_threads(jobs, blocks):
    found = evaluate(by_video(), group="video", max_memory=0, jobs=jobs)
    assert_same(found.dumps[0].metrics, evaluate(by_video(), group="video").dumps[0].metrics)


@pytest.mark.parametrize("ignore", [None, 1])
def test_images(ignore, blocks):
    dump = same(dense(ignore=ignore))
    assert dump.groups == GroupCount(None, 12 if ignore is None else 11)
    assert dump.metrics["cwce"].low is not None
    assert not any(one.code == "dependent_pixels" for one in dump.warnings)


@pytest.mark.parametrize("ignore", [None, 1])
def test_images_by_a_column_of_theirs(ignore, blocks):
    columns = {"site": [f"site {i % 15}" for i in range(60)]}
    assert same(dense(60, 20, ignore, columns), group="site").groups == GroupCount("site", 15)


def test_many_bins_and_no_level(blocks):
    assert same(by_video(), group="video", bins=1501).metrics["ece"].reason.code == "too_many_cells"
    assert same(by_video(), group="video", level=None).metrics["ece"].floor > 0


def test_few_groups_are_refused_as_in_memory():
    assert same(by_video(videos=3), group="video").metrics["ece"].reason.code == "too_few_groups"


def test_more_groups_and_bins_than_memory_has_are_told(monkeypatch):
    monkeypatch.setattr(stream_joints, "LEAST_BYTES", 0)
    predictions = by_video()  # 40 groups; 30 bins of the confidence and 6 results; 45 class-wise bins, twice
    needed = 40 * 36 * 8
    for memory, there in ((needed, True), (needed - 1, False)):
        report = evaluate(predictions, group="video", max_memory=memory)
        assert (report["ece"].low is not None) == there
    why = "sums of 40 groups in 36 bins need 0 MiB, over the memory limit of 0 MiB"
    assert report["ece"].reason == f"no interval: {why}"
    assert report["ece"].reason.code == "over_max_memory"
    assert report.dumps[0].warnings == (f"floors and intervals are left out: {why}",)
    classes = 40 * 90 * 8
    for memory, there in ((classes, True), (classes - 1, False)):
        report = evaluate(predictions, group="video", max_memory=memory)
        assert (report["cwce"].low is not None) == there
        assert report["ece"].low is not None
    assert report["cwce"].reason.code == "over_max_memory"
    assert report["cwce"].floor is None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore", [None, 1])
def test_slices_have_the_numbers_of_slices_in_memory(ignore, weighted, blocks, monkeypatch):
    monkeypatch.setattr("calibeval.core.evaluation.parts.BLOCK_SCORES", 700)
    rng = np.random.default_rng(5)
    video = rng.integers(0, 50, 3000)
    logits, labels = logits_and_labels(3000, 3)
    columns = {"video": video, "night": video % 5 < 2, "few": video < 4}
    weights = rng.choice([0.5, 2.0], 3000) if weighted else None
    predictions = Predictions(logits=logits, labels=labels, columns=columns, ignore_index=ignore, weights=weights)
    options = {"group": "video", "slices": ["night", "few"], "level": 0.9}
    here, there = (evaluate(predictions, max_memory=memory, **options).dumps[0] for memory in (None, 0))
    assert [(one.column, one.value, one.n) for one in here.slices] == [(o.column, o.value, o.n) for o in there.slices]
    for one, other in zip(here.slices, there.slices, strict=True):
        assert other.p == pytest.approx(one.p, abs=1e-9) if one.p is not None else other.p is None
        for name, metric in one.metrics.items():
            found = other.metrics[name]
            for fact in ("value", "low", "high", "floor", "floor_high"):
                assert getattr(found, fact) == pytest.approx(getattr(metric, fact), abs=1e-9), name
            assert found.reason == metric.reason
    assert sum(one.p is None for one in there.slices) == 1  # four videos are too few


def test_slices_of_more_groups_than_memory_has_are_told(monkeypatch):
    monkeypatch.setattr(stream_joints, "LEAST_BYTES", 0)
    predictions = by_video()
    both = Predictions(
        logits=predictions.scores[0:3000],
        labels=predictions.labels,
        columns={**predictions.columns, "half": np.arange(3000) % 2},
    )
    classes, needed = 80 * 90 * 8, 80 * 36 * 8  # each half has all 40 groups
    for metric, limit in (("cwce", classes), ("ece", needed)):
        for memory, there in ((limit, True), (limit - 1, False)):
            report = evaluate(both, group="video", slices=["half"], max_memory=memory).dumps[0]
            assert report.metrics["ece"].low is not None
            assert all((one.metrics[metric].low is not None) == there for one in report.slices)
        assert {one.metrics[metric].reason.code for one in report.slices} == {"over_max_memory"}
    assert {one.metrics["ece"].reason.code for one in report.slices} == {"over_max_memory"}


def test_units_by_hand():
    predictions = dense(4, 50, ignore=1, columns={"site": ["b", "a", "b", "c"]})
    found = Units.of(predictions, "site")
    kept = predictions.labels != 1
    assert found.count == 2  # the image of site c has no row that counts
    site = np.repeat([1, 0, 1, 9], 50)
    assert found.sizes.tolist() == [np.sum(kept & (site == 0)), np.sum(kept & (site == 1))]
    assert np.concatenate([*found.blocks(33)]).tolist() == site[kept].tolist()
    assert found.at(np.array([0, 50, 149])).tolist() == [1, 0, 1]


def test_gap_totals_by_hand():
    gaps = GapTotals(2, np.array([0.0, 0.5, 1.0]))
    gaps.add(np.array([0.5, 0.75, 1.0]), np.array([True, False, True]), np.array([0, 0, 1]))
    gaps.add(np.array([0.25]), np.array([False]), np.array([0]))
    assert gaps.totals.tolist() == [[0.25, -0.75], [0.0, 0.0]]


def test_class_totals_by_hand():
    gaps = ClassTotals(2, 2, np.array([0.0, 0.5, 1.0]))
    gaps.add(np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([1, 0]), np.array([1, 1]))
    # Class 0: .25 and .5 in the first bin, once right; class 1: .75 in the second, right, and .5 in the first.
    assert gaps.totals.tolist() == [[0.0] * 4, [0.25, 0.0, -0.5, 0.25]]


class Repeated:
    """60 images of some pixels a side that are made when they are asked for."""

    def __init__(self, side):
        self.shape, self.dtype = (60, 3, side, side), np.dtype(np.float64)
        self._image = np.random.default_rng(0).normal(size=(3, side, side))

    def __getitem__(self, here):
        return np.stack([self._image + i % 7 for i in range(here.start, here.stop)])


def peak(side):
    """The largest memory that is taken in addition to the labels."""
    labels = np.random.default_rng(1).integers(0, 3, (60, side, side))
    predictions = Predictions(logits=Repeated(side), labels=labels, columns={"site": np.arange(60) % 50})
    tracemalloc.start()
    dump = evaluate(predictions, group="site", max_memory=0).dumps[0]
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert dump.groups == GroupCount("site", 50)
    assert dump.metrics["cwce"].low is not None
    return found


def test_memory_does_not_grow_with_rows(monkeypatch):
    monkeypatch.setattr("calibeval.core.sums.engine.CHUNK_ROWS", 2000)
    monkeypatch.setattr("calibeval.core.sums.engine.KEPT_BYTES", 1)
    monkeypatch.setattr(stream_joints, "PART_SCORES", 2000)
    monkeypatch.setattr(units, "PART_ROWS", 2000)
    monkeypatch.setattr(doubts, "PIECE_SCORES", 2000)
    monkeypatch.setattr("calibeval.core.sums.sample.SAMPLE_SCORES", 3000)
    monkeypatch.setattr("calibeval.core.sums.sample.SAMPLE_ROWS", 1000)
    few, many = peak(20), peak(64)  # of each image, sums are kept, so their number stays
    assert many - few < 2 * 60 * (64**2 - 20**2)  # bytes; a row that is kept takes 41, and its group 8


@pytest.mark.parametrize(
    "call",
    [
        lambda memory: gate(by_video(), {"metric": "nll", "max": 0.9}, group="video", max_memory=memory),
        lambda memory: compare(
            by_video(), by_video(kind="probs"), group="video", metrics=["ece", "nll"], max_memory=memory
        ),
        lambda memory: gate(
            by_video(),
            {"metric": "nll", "max_increase": 0.5},
            baseline=by_video(kind="probs"),
            group="video",
            max_memory=memory,
        ),
    ],
    ids=["gate", "compare", "gate with a baseline"],
)
def test_gates_and_comparisons_by_groups(call):
    here, there = (call(memory).to_dict() for memory in (None, 0))
    assert here == there
