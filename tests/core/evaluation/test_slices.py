"""Slices: each is the dump of its rows, in memory and block by block; order, correction, limits, messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval import Predictions, Report, evaluate
from calibeval.core.errors import UsageError
from calibeval.core.evaluation import parts as module
from calibeval.core.uncertainty.holm import holm
from tests.data import logits_and_labels

N = 900


def sliced(predictions, *columns, **settings):
    return evaluate(predictions, slices=columns, **{"min_rows": 50, **settings}).dumps[0]


def sample(k=4, **more):
    logits, labels = logits_and_labels(N, k)
    where = np.array(["night", "day", "dusk", "fog"])[np.minimum(np.arange(N) % 7, 3)]
    where[: N // 2 : 3] = "night"
    where[5] = "noon"
    return Predictions(logits=logits, labels=labels, columns={"where": where}, **more)


@pytest.mark.parametrize("k", [2, 4, 30])
@pytest.mark.parametrize("column", ["where", "predicted"])
def test_a_slice_is_the_dump_of_its_rows(k, column):
    predictions = sample(k)
    found = sliced(predictions, column)
    codes = predictions.columns["where"] if column == "where" else predictions.scores.argmax(axis=1).astype(str)
    assert {one.value for one in found.slices} | {one.value for one in found.small_slices} == set(codes)
    for one in found.slices:
        alone = evaluate(predictions.select(codes == one.value)).dumps[0]
        assert one.n == alone.n
        assert one.metrics == alone.metrics


def test_slices_of_the_true_class_have_no_null():
    predictions = sample()
    found = sliced(predictions, "class")
    assert {one.value for one in found.slices} == {"0", "1", "2", "3"}
    for one in found.slices:
        alone = evaluate(predictions.select(predictions.labels == int(one.value))).dumps[0]
        assert one.metrics["ece"].low == alone["ece"].low
        assert (one.p, one.p_holm, one.metrics["ece"].floor, one.metrics["ece"].floor_high) == (None,) * 4


def test_rows_are_parted_once():
    found = sliced(sample(), "where", "predicted", min_rows=1)
    for column in ("where", "predicted"):
        assert sum(one.n for one in found.slices if one.column == column) == N


@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs", "confidence"])
@pytest.mark.parametrize("ignore", [None, 1])
def test_blocks_and_threads_change_nothing(kind, ignore, monkeypatch):
    logits, labels = logits_and_labels(N, 5)
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    columns = {"c": np.arange(N) % 3}
    if kind == "confidence":
        given = {"confidence": probs.max(axis=1), "correct": probs.argmax(axis=1) == labels}
    else:
        given = {kind: {"logits": logits, "probs": probs, "log_probs": np.log(probs)}[kind], "labels": labels}
    predictions = Predictions(**given, columns=columns, ignore_index=None if kind == "confidence" else ignore)
    whole = sliced(predictions, "c")
    assert sliced(predictions, "c", jobs=3).slices == whole.slices
    monkeypatch.setattr(module, "BLOCK_SCORES", 5 * 100)
    parts = sliced(predictions, "c", max_memory=0)
    assert len(whole.slices) == len(parts.slices) == 3
    for one, other in zip(whole.slices, parts.slices, strict=True):
        assert (one.value, one.n) == (other.value, other.n)
        for name, metric in one.metrics.items():
            assert other.metrics[name].value == pytest.approx(metric.value, abs=1e-12)
            assert other.metrics[name].high == pytest.approx(metric.high, abs=1e-9)
        assert other.p_holm == pytest.approx(one.p_holm, abs=1e-9)


def test_blocks_may_lack_a_slice(monkeypatch):
    logits, labels = logits_and_labels(300, 3)
    predictions = Predictions(logits=logits, labels=labels, columns={"c": np.arange(300) // 100})
    monkeypatch.setattr(module, "BLOCK_SCORES", 3 * 70)
    found = sliced(predictions, "c", max_memory=0)
    assert sorted((one.value, one.n) for one in found.slices) == [("0", 100), ("1", 100), ("2", 100)]


def test_worst_first_and_small_ones_named():
    rng = np.random.default_rng(0)
    shift = np.repeat([0.0, 0.3, 0.15, 0.4], [400, 400, 400, 20])
    confidence = rng.uniform(0.6, 0.9, len(shift))
    correct = rng.random(len(shift)) < confidence - shift
    name = np.repeat(["fine", "bad", "poor", "tiny"], [400, 400, 400, 20])
    found = sliced(Predictions(confidence=confidence, correct=correct, columns={"c": name}), "c")
    assert [one.value for one in found.slices] == ["bad", "poor", "fine"]
    assert [(one.value, one.n) for one in found.small_slices] == [("tiny", 20)]
    bad, _, fine = found.slices
    assert bad.p_holm < 1e-6
    assert fine.p_holm == fine.p > 0.05
    without = sliced(Predictions(confidence=confidence, correct=correct, columns={"c": name}), "c", level=None)
    assert [one.value for one in without.slices] == ["bad", "poor", "fine"]


@pytest.mark.parametrize("level", [0.95, None])
def test_worst_first_whatever_is_measured(level):
    rng = np.random.default_rng(0)
    shift = np.repeat([0.0, 0.3, 0.15], 400)
    confidence = rng.uniform(0.6, 0.9, len(shift))
    columns = {"c": np.repeat(["fine", "bad", "poor"], 400)}
    predictions = Predictions(
        confidence=confidence, correct=rng.random(len(shift)) < confidence - shift, columns=columns
    )
    (dump,) = evaluate(predictions, slices="c", metrics="accuracy", level=level).dumps
    assert [(one.value, [*one.metrics]) for one in dump.slices] == [(c, ["accuracy"]) for c in ("bad", "poor", "fine")]


def test_impossible_rows_are_named_by_their_place_in_the_dump(monkeypatch):
    probs = np.tile([0.6, 0.4], (200, 1))
    probs[150], probs[151] = [1.0, 0.0], [1.0, 0.0]
    labels = np.zeros(200, int)
    labels[150:152] = 1
    predictions = Predictions(probs=probs, labels=labels, columns={"c": np.arange(200) % 2})
    monkeypatch.setattr(module, "BLOCK_SCORES", 60)
    for limit in (None, 0):
        reasons = {one.value: one.metrics["nll"].reason for one in sliced(predictions, "c", max_memory=limit).slices}
        assert reasons == {
            "0": "infinite: the label has probability 0 in 1 row, first in row 150",
            "1": "infinite: the label has probability 0 in 1 row, first in row 151",
        }


def test_pixels_by_a_column_of_images():
    logits, labels = logits_and_labels(600, 3)
    images = np.moveaxis(logits.reshape(4, 15, 10, 3), -1, 1)
    dense = Predictions(logits=images, labels=labels.reshape(4, 15, 10), columns={"site": ["a", "b", "a", "b"]})
    plain = Predictions(logits=logits, labels=labels, columns={"site": np.repeat(["a", "b", "a", "b"], 150)})
    for one, other in zip(sliced(dense, "site").slices, sliced(plain, "site").slices, strict=True):
        assert {k: m.value for k, m in one.metrics.items()} == {k: m.value for k, m in other.metrics.items()}


def test_the_report_round_trips_and_has_the_settings():
    report = evaluate(sample(), slices=["where", "where", "class"], min_rows=100)
    assert report.settings.slices == ("where", "class")
    assert report.settings.min_rows == 100
    assert Report.from_json(report.to_json()) == report
    document = report.to_dict()["dumps"][0]
    assert list(document["slices"][0]) == ["column", "value", "n", "metrics", "p", "p_holm"]
    assert list(document["small_slices"][0]) == ["column", "value", "n"]
    plain = evaluate(sample()).to_dict()["dumps"][0]
    assert [plain[name] for name in ("slices", "small_slices", "groups")] == [None, None, None]


def test_all_slices_may_be_small():
    found = sliced(sample(), "where", min_rows=N + 1)
    assert found.slices == ()
    assert len(found.small_slices) == 5
    streamed = sliced(sample(), "where", min_rows=N + 1, max_memory=0)
    assert streamed.small_slices == found.small_slices


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"slices": ["where"], "min_rows": 0},
            "min_rows is 0, but it must be a whole number, at least 1",
        ),
        ({"min_rows": 5}, "min_rows applies to slices only, but there are no slices"),
        (
            {"slices": ["where"], "convention": "guo"},
            "slices can only be measured with calibeval's own bins, not with those of guo",
        ),
        (
            {"slices": ["were"]},
            'predictions: there is no column "were" (did you mean "where"?); there are where, class',
        ),
    ],
)
def test_what_cannot_work(settings, message):
    with pytest.raises(UsageError) as error:
        evaluate(sample(), **settings)
    assert str(error.value).startswith(message)


def test_one_column_may_be_named_without_a_list():
    assert evaluate(sample(), slices="where") == evaluate(sample(), slices=["where"])


def test_columns_that_are_no_categories():
    predictions = Predictions(probs=[[0.5, 0.5]] * 1001, labels=[0] * 1001, columns={"x": np.arange(1001.0)})
    with pytest.raises(UsageError) as error:
        sliced(predictions, "x")
    assert str(error.value) == (
        'predictions: column "x" has 1,001 distinct values, but slices need categories, at most 1,000; '
        "store numbers as bands, such as 0-10"
    )
    many = Predictions(probs=[[0.5, 0.5]] * 402, labels=[0] * 402, columns={"x": np.arange(402) // 2})
    with pytest.raises(UsageError) as error:
        sliced(many, "x", min_rows=2)
    assert str(error.value) == (
        'predictions: column "x" makes 201 slices of at least 2 rows, but at most 200 are measured; raise min_rows'
    )


def test_as_many_values_and_slices_as_are_allowed():
    thousand = Predictions(confidence=[0.5] * 1000, correct=[0] * 1000, columns={"x": np.arange(1000)})
    assert len(sliced(thousand, "x", min_rows=2).small_slices) == 1000
    many = Predictions(confidence=[0.5] * 400, correct=[0] * 400, columns={"x": np.arange(400) // 2})
    assert len(sliced(many, "x", min_rows=2, level=None).slices) == 200


def test_a_slice_of_just_enough_rows_is_measured():
    top = Predictions(confidence=[0.5] * 109, correct=[0] * 109, columns={"x": ["a"] * 55 + ["b"] * 54})
    found = sliced(top, "x", min_rows=55)
    assert [one.value for one in found.slices] == ["a"]
    assert [one.value for one in found.small_slices] == ["b"]


@pytest.mark.parametrize("level", [0.95, None])
def test_slices_are_ordered_by_their_error_less_what_noise_adds_to_it(level):
    # 2,000 rows that are wrong by 10 points, and 50 calibrated ones in ten bins, whose error of 16 points is noise.
    rng = np.random.default_rng(0)
    few = np.tile([0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 0.5], 5)
    confidence = np.concatenate((np.full(2000, 0.8), few))
    correct = np.concatenate((np.arange(2000) % 10 < 7, rng.random(50) < few))
    top = Predictions(confidence=confidence, correct=correct, columns={"x": ["many"] * 2000 + ["few"] * 50})
    many, few = sliced(top, "x", level=level).slices
    assert (many.value, few.value) == ("many", "few")
    assert few.metrics["ece"].value > many.metrics["ece"].value


def test_holm_by_hand():
    # Ordered: .01 x 4, .02 x 3, .03 x 2 (not below the one before), .9.
    assert holm([0.9, 0.02, 0.01, 0.03]) == pytest.approx([0.9, 0.06, 0.04, 0.06])
    assert holm([None, 0.04, None, 0.6]) == [None, 0.08, None, 0.6]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_never_flatters(values):
    corrected = holm(values)
    assert all(p <= q <= min(1.0, len(values) * p) + 1e-15 for p, q in zip(values, corrected, strict=True))
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert [corrected[i] for i in order] == sorted(corrected)


@pytest.mark.slow
def test_calibrated_slices_are_rarely_called_wrong():
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(120):
        confidence = rng.uniform(0.5, 1.0, 1200)
        predictions = Predictions(
            confidence=confidence, correct=rng.random(1200) < confidence, columns={"c": np.arange(1200) % 6}
        )
        wrong += min(one.p_holm for one in sliced(predictions, "c", level=None, metrics="ece").slices) < 0.05
    assert wrong <= 15  # 5 % of 120 are 6; 15 or more have a chance of 0.1 %
