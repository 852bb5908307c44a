"""Batches that an accumulator refuses: which row of all, what came, what is needed; nothing of them is added."""

import numpy as np
import pytest

import calibeval

RNG = np.random.default_rng(6)
Z, Y = RNG.normal(size=(10, 3)), np.arange(10) % 3


@pytest.fixture
def part():
    made = calibeval.Accumulator(3)
    made.update(logits=Z, labels=Y)
    return made


def spoiled(row, column, value):
    z = Z.copy()
    z[row, column] = value
    return z


REFUSED = [
    (
        {"logits": spoiled(4, 1, np.nan), "labels": Y},
        calibeval.InputError,
        r"batch 2: row 14 \(row 4 of this batch\) holds nan in column 1, but logits must be finite or -inf",
    ),
    ({"logits": spoiled(0, 2, np.inf), "labels": Y}, calibeval.InputError, r"batch 2: row 10 .* holds inf in column 2"),
    (
        {"logits": np.where(np.arange(10)[:, None] == 3, -np.inf, Z), "labels": Y},
        calibeval.InputError,
        r"batch 2: row 13 .* has only -inf logits",
    ),
    (
        {"logits": Z, "labels": Y + 1},
        calibeval.InputError,
        r"batch 2: row 12 \(row 2 of this batch\): label 3, but the scores have 3 classes",
    ),
    ({"logits": Z, "labels": Y[:5]}, calibeval.InputError, "batch 2: 10 rows of scores, but 5 labels"),
    (
        {"logits": Z[:, :2], "labels": Y % 2},
        calibeval.InputError,
        "have 2 classes, but those of the batches before had 3",
    ),
    ({"probs": np.full((10, 3), 1 / 3), "labels": Y}, calibeval.UsageError, "probs came, but .* before had logits"),
    ({"logits": Z, "labels": Y, "weights": np.ones(10)}, calibeval.UsageError, "this batch has weights, but .* none"),
    ({"logits": Z, "labels": Y, "groups": np.ones(10)}, calibeval.UsageError, "this batch has groups, but .* none"),
    ({"logits": Z}, calibeval.UsageError, "labels are needed to measure calibration"),
    ({"logits": Z[:, :, None], "labels": Y[:, None]}, calibeval.UsageError, "this batch has images, but .* none"),
    ({"labels": Y}, calibeval.UsageError, "give exactly one of logits, probs, log_probs and confidence"),
]


@pytest.mark.parametrize(("batch", "error", "message"), REFUSED)
def test_a_refused_batch_leaves_all_as_it_was(part, batch, error, message):
    before = part.report().to_json()
    with pytest.raises(error, match=message) as refused:
        part.update(**batch)
    assert len(str(refused.value)) < 500
    assert part.report().to_json() == before
    part.update(logits=Z, labels=Y)
    assert part.report().to_json() == calibeval.evaluate(logits=np.r_[Z, Z], labels=np.r_[Y, Y]).to_json()


def test_probabilities_that_do_not_sum_to_1():
    part = calibeval.Accumulator(2)
    part.update(probs=[[0.5, 0.5]] * 3, labels=[0, 1, 0])
    with pytest.raises(calibeval.InputError, match=r"batch 2: row 4 \(row 1 of this batch\) sums to 1.2"):
        part.update(probs=[[0.5, 0.5], [0.612345678, 0.587654322]], labels=[0, 1])
    assert part.n == 3


def test_types_of_probabilities_have_their_own_edges():
    part = calibeval.Accumulator(2)
    part.update(probs=np.full((3, 2), 0.5, np.float32), labels=[0, 1, 0])
    with pytest.raises(calibeval.InputError, match=r"of type float64, but .* float32, whose bins have other edges"):
        part.update(probs=np.full((3, 2), 0.5), labels=[0, 1, 0])


def test_pixels_are_found_in_images_of_any_size():
    part = calibeval.Accumulator(3)
    part.update(logits=RNG.normal(size=(2, 3, 4, 5)), labels=np.zeros((2, 4, 5), int))
    z = RNG.normal(size=(2, 3, 6, 2))
    z[1, 0, 5, 1] = np.nan
    with pytest.raises(
        calibeval.InputError, match=r"batch 2: image 3 \(image 1 of this batch\), pixel \(5, 1\) holds nan"
    ):
        part.update(logits=z, labels=np.zeros((2, 6, 2), int))
    p = np.full((2, 3, 6, 2), 1 / 3)
    p[0, :, 5, 0] = 0.5, 0.5, 0.0
    other = calibeval.Accumulator(3)
    other.update(probs=np.full((2, 3, 4, 5), 1 / 3), labels=np.zeros((2, 4, 5), int))
    other.update(probs=p, labels=np.full((2, 6, 2), 2))
    assert "image 2, pixel (5, 0)" in str(other.report().dumps[0].warnings)


def test_a_batch_of_ignored_rows_only_is_counted():
    part = calibeval.Accumulator(3, ignore_index=-1)
    part.update(logits=Z, labels=np.full(10, -1))
    with pytest.raises(calibeval.InputError, match="there are no rows except 10 ignored ones"):
        part.report()
    part.update(logits=Z, labels=Y)
    assert part.report().dumps[0].ignored == 10


def test_a_batch_without_rows_is_no_batch(part):
    part.update(logits=Z[:0], labels=Y[:0])
    assert repr(part) == "<Accumulator: n=10, k=3, batches=1>"


def test_a_weight_below_0_and_one_beyond_all_others():
    part = calibeval.Accumulator(3)
    part.update(logits=Z, labels=Y, weights=np.ones(10))
    with pytest.raises(calibeval.InputError, match=r'batch 2: "weights" row 13 .*: weight -1'):
        part.update(logits=Z, labels=Y, weights=np.where(np.arange(10) == 3, -1.0, 1.0))
    with pytest.raises(calibeval.InputError, match="weights from 1e-61 to 1e-61, but 1e-60 to 1e60 can be added up"):
        part.update(logits=Z, labels=Y, weights=np.full(10, 1e-61))
    assert part.n == 10


def test_settings_that_cannot_work():
    with pytest.raises(calibeval.UsageError, match="k is 'x', but it must be a whole number, at least 1"):
        calibeval.Accumulator("x")
    with pytest.raises(calibeval.UsageError, match="2 class names, but k is 3"):
        calibeval.Accumulator(3, class_names=["a", "b"])
    with pytest.raises(
        calibeval.InputError, match="batch 1: the scores have 3 classes, but this Accumulator is for k = 4"
    ):
        calibeval.Accumulator(4).update(logits=Z, labels=Y)
    with pytest.raises(calibeval.UnknownMetric, match='did you mean "ece"'):
        calibeval.Accumulator(3, metrics="eec")
    with pytest.raises(calibeval.UsageError, match="positive is for two classes, but there are 3"):
        calibeval.Accumulator(3, positive=1).update(logits=Z, labels=Y)
    with pytest.raises(calibeval.InputError, match=r"there are no rows yet: call update\(\) before report\(\)"):
        calibeval.Accumulator(3).report()
    with pytest.raises(TypeError, match='did you mean "labels"'):
        calibeval.Accumulator(3).update(logits=Z, y=Y)  # type: ignore[call-arg]  # what it refuses


MERGES = [
    (calibeval.Accumulator(3, bins=10), "bins is 15 in the first, but 10 in the other"),
    (calibeval.Accumulator(3, level=None), "level is 0.95 in the first, but None in the other"),
    (calibeval.Accumulator(3, metrics="ece"), r"metrics is None in the first, but \('ece',\) in the other"),
    (calibeval.Accumulator(4), "k is 3 in the first, but 4 in the other"),
    (calibeval.Accumulator(3, ignore_index=-1), "ignore_index is None in the first, but -1 in the other"),
    (calibeval.Accumulator(3, class_names=["a", "b", "c"]), "class_names is None in the first, but"),
]


@pytest.mark.parametrize(("other", "message"), MERGES)
def test_what_cannot_be_merged_says_what_differs(part, other, message):
    with pytest.raises(calibeval.UsageError, match=f"these sums cannot be added up: {message}"):
        part.merge(other)
    assert part.n == 10


def test_rows_of_another_sort_are_not_merged(part):
    for arrays, message in (
        ({"probs": np.full((2, 3), 1 / 3)}, "kind is logits in the first, but probs in the other"),
        ({"logits": Z[:2], "weights": [1, 2]}, "the other has weights, the first has none"),
        ({"logits": Z[:2], "groups": [1, 2]}, "the other has groups, the first has none"),
    ):
        other = calibeval.Accumulator(3)
        other.update(**arrays, labels=[0, 1])
        with pytest.raises(calibeval.UsageError, match=message):
            part.merge(other)
    with pytest.raises(calibeval.UsageError, match="merge takes an Accumulator, but a int came"):
        part.merge(3)


@pytest.mark.parametrize(("scale", "warned"), [(1.0, True), (1.02, False), (-1.0, False)])
def test_logits_that_look_like_probabilities_are_doubted(scale, warned):
    probs = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    for kind in ("logits", "probs"):
        rows = calibeval.Accumulator(3)
        rows.update(**{kind: probs * (scale if kind == "logits" else 1.0)}, labels=Y)
        codes = [one.code for one in rows.report().dumps[0].warnings]
        assert ("logits_like_probs" in codes) is (warned and kind == "logits")
