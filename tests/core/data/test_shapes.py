"""Shapes of scores and labels: masks of one channel, images with and without their axes, and what is ambiguous."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibeval import Predictions, UsageError, read
from calibeval.core.errors import InputError

N, K, H, W = 4, 3, 5, 6
RNG = np.random.default_rng(7)
MAPS = RNG.random((N, H, W))
MASKS = (RNG.random((N, H, W)) < MAPS).astype(np.uint8)
LOGITS = RNG.normal(size=(N, K, H, W))
CLASSES = RNG.integers(0, K, (N, H, W))


def ways(values):
    """One channel in every place where it may stand."""
    return {"none": values, "axis 1": values[:, None], "last axis": values[..., None]}


SCORE_WAYS, LABEL_WAYS = ways(MAPS), ways(MASKS)


@pytest.mark.parametrize("labels", LABEL_WAYS)
@pytest.mark.parametrize("scores", SCORE_WAYS)
def test_one_channel_is_two_classes(scores, labels):
    found = Predictions(probs=SCORE_WAYS[scores], labels=LABEL_WAYS[labels])
    assert (found.n, found.k, found.layout) == (N * H * W, 2, (N, H, W))
    assert np.array_equal(found.scores[0 : found.rows], np.stack([1 - MAPS, MAPS], -1).reshape(-1, 2))
    assert np.array_equal(found.labels, MASKS.reshape(-1))
    assert found.recognised == ("4 images of 5 × 6 pixels", "one channel, P(class 1)")


@pytest.mark.parametrize("labels", ["none", "axis 1", "last axis"])
def test_labels_of_many_classes_may_have_the_axis_of_one_channel(labels):
    masks = ways(CLASSES)[labels]
    for scores in (LOGITS, np.moveaxis(LOGITS, 1, -1)):
        found = Predictions(logits=scores, labels=masks)
        assert (found.k, found.layout) == (K, (N, H, W))
        assert np.array_equal(found.scores[7:9], np.moveaxis(LOGITS, 1, -1).reshape(-1, K)[7:9])
        assert np.array_equal(found.labels, CLASSES.reshape(-1))


def test_logits_of_one_channel():
    logits = np.log(MAPS / (1 - MAPS))
    found = Predictions(logits=logits[:, None], labels=MASKS)
    assert np.array_equal(found.scores[0:50][:, 1], logits.reshape(-1)[:50])
    assert not found.scores[0:50][:, 0].any()
    assert found.recognised[1] == "one channel, the logit of class 1"
    logs = Predictions(log_probs=np.log(MAPS), labels=MASKS)
    assert np.allclose(np.exp(logs.scores[0:9]), np.stack([1 - MAPS, MAPS], -1).reshape(-1, 2)[:9])
    assert logs.recognised[1] == "one channel, ln P(class 1)"


def test_volumes_of_one_channel():
    probs, masks = RNG.random((2, 1, 3, 4, 5)), RNG.integers(0, 2, (2, 3, 4, 5))
    assert Predictions(probs=probs, labels=masks).layout == (2, 3, 4, 5)
    assert Predictions(probs=probs, labels=masks[:, None]).layout == (2, 3, 4, 5)
    assert Predictions(probs=probs[0], labels=masks[0]).layout == (1, 3, 4, 5)


@pytest.mark.parametrize(
    ("scores", "labels", "k"),
    [
        (LOGITS[0], CLASSES[0], K),
        (LOGITS[0], CLASSES[:1], K),
        (MAPS[:1], MASKS[0], 2),
        (MAPS[:1], MASKS[:1], 2),
        (MAPS[:1, None], MASKS[0], 2),
    ],
)
def test_one_image_alone(scores, labels, k):
    found = Predictions(logits=scores, labels=labels)
    assert (found.n, found.k, found.layout) == (H * W, k, (1, H, W))
    expected = np.moveaxis(LOGITS[0], 0, -1).reshape(-1, K) if k == K else MAPS[0].reshape(-1, 1)
    assert np.array_equal(found.scores[3:20][:, -expected.shape[1] :], expected[3:20])
    assert np.array_equal(found.labels, labels.reshape(-1))
    assert found.recognised[0] == "1 image of 5 × 6 pixels"
    assert found.locate(7) == "image 0, pixel (1, 1)"


def test_classes_last_beside_labels_of_two_axes_are_sequences_as_before():
    found = Predictions(logits=np.moveaxis(LOGITS[0], 0, -1), labels=CLASSES[0])
    assert (found.layout, found.k) == ((H, W), K)
    assert found.recognised == ("5 sequences of 6 positions",)


def test_one_image_has_one_entry_in_columns_and_ids():
    found = Predictions(logits=LOGITS[0], labels=CLASSES[0], columns={"site": ["a"]}, ids=["x"])
    assert found.columns["site"].tolist() == ["a"]
    with pytest.raises(InputError, match='"site" has 3 entries, but there are 30 rows'):
        Predictions(logits=LOGITS[0], labels=CLASSES[0], columns={"site": ["a", "b", "c"]})


def test_scores_and_labels_of_one_plain_shape_are_rows_with_one_hot_labels():
    labels = np.eye(K, dtype=int)[RNG.integers(0, K, 9)]
    found = Predictions(logits=RNG.normal(size=(9, K)), labels=labels)
    assert (found.n, found.k, found.labels.tolist()) == (9, K, labels.argmax(1).tolist())
    with pytest.raises(InputError, match=r"Of one image of two classes, save scores\[None\] and labels\[None\]"):
        Predictions(probs=MAPS[0], labels=MASKS[0])
    assert Predictions(probs=MAPS[0][None], labels=MASKS[0][None]).layout == (1, H, W)


ONE_HOT = np.eye(K, dtype=int)[CLASSES]  # (n, h, w, k)


@pytest.mark.parametrize(
    ("scores", "labels", "sizes", "remedy"),
    [
        (LOGITS, np.moveaxis(ONE_HOT, -1, 1), "3 or 6", "labels.argmax(1)"),
        (np.moveaxis(LOGITS, 1, -1), ONE_HOT, "3 or 5", "labels.argmax(1)"),
        (LOGITS[:, :, 0], np.moveaxis(ONE_HOT[:, 0], -1, 1), "3", "labels.argmax(1)"),
        (np.moveaxis(LOGITS[:, :, 0], 1, -1), ONE_HOT[:, 0], "3", "labels.argmax(2)"),
    ],
)
def test_labels_that_may_be_one_hot_are_ambiguous(scores, labels, sizes, remedy):
    with pytest.raises(InputError) as error:
        Predictions(logits=scores, labels=labels)
    assert f"these could be one-hot labels of {sizes} classes, or one channel of two classes" in str(error.value)
    assert f"{remedy}; or give scores of one channel an axis of size 1, scores[:, None]" in str(error.value)


def test_an_axis_for_the_one_channel_settles_it():
    labels = np.moveaxis(ONE_HOT[:, 0], -1, 1)  # (n, k, w): one 1 in each column of a mask
    found = Predictions(logits=LOGITS[:, :, 0][:, None], labels=labels)
    assert (found.k, found.layout) == (2, (N, K, W))


def test_a_label_beyond_two_classes_names_the_channel():
    with pytest.raises(InputError) as error:
        Predictions(probs=MAPS[:, None], labels=MASKS * 2)
    assert "probs of shape (4, 1, 5, 6) were read as one channel with 2 classes (0 to 1)" in str(error.value)
    with pytest.raises(InputError, match="If 255 marks class 1, as in image files, divide the labels by 255"):
        Predictions(probs=MAPS, labels=MASKS * np.uint8(255))


def test_ignored_pixels():
    masks = MASKS.copy()
    masks[:, 0] = 255
    found = Predictions(probs=MAPS, labels=masks, ignore_index=255)
    assert (found.n, found.ignored) == (N * (H - 1) * W, N * W)
    block = found.block(0, found.rows)
    assert np.array_equal(block.scores[:, 1], MAPS[:, 1:].reshape(-1))
    assert np.array_equal(block.labels, MASKS[:, 1:].reshape(-1))


def test_masked_pixels_are_ignored():
    labels = np.ma.masked_array(MASKS.astype(bool), mask=MAPS < 0.3)
    found = Predictions(probs=MAPS[:, None], labels=labels)
    assert (found.ignored, found.ignore_index) == (int((MAPS < 0.3).sum()), -100)
    assert np.array_equal(found.block(0, found.rows).labels, MASKS[MAPS >= 0.3])


def test_tensors():
    probs, masks = torch.tensor(MAPS[:, None], dtype=torch.bfloat16), torch.tensor(MASKS)
    found = Predictions(probs=probs, labels=masks)
    assert np.array_equal(found.scores[0:60][:, 1], probs.float().numpy().reshape(-1)[:60])
    assert found.precision == 2.0**-7


def test_pixels_of_one_channel_that_are_selected():
    found = Predictions(probs=MAPS, labels=MASKS, columns={"site": list("abcd")}).select(np.array([0, 30, 119]))
    assert found.columns["site"].tolist() == ["a", "b", "d"]
    assert found.scores[0:3][:, 1].tolist() == MAPS.reshape(-1)[[0, 30, 119]].tolist()
    assert (found.layout, found.recognised) == ((3,), ("4 images of 5 × 6 pixels", "one channel, P(class 1)"))


@pytest.mark.parametrize("labels", [1, [0, 1, 0, 1], MASKS[:2], MASKS[0, 0]])
@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 1, 5, 6), (1, 5, 6), (4, 5, 6, 1, 1)])
def test_labels_of_other_shapes_are_refused(shape, labels, tmp_path):
    with pytest.raises(InputError, match=r"^probs have shape .* with labels \(.*, but \(n, k\) with \(n,\), or"):
        Predictions(probs=np.full(shape, 0.5), labels=labels)
    np.savez(tmp_path / "d.npz", probs=np.full(shape, 0.5), labels=labels)
    with pytest.raises(InputError, match=r"^d.npz: probs have shape .* with labels \("):
        read(tmp_path / "d.npz")


@pytest.mark.parametrize("shape", [(), (4, 0), (4, 0, 5, 6)])
def test_no_classes(shape):
    with pytest.raises((InputError, UsageError), match="there are no classes"):
        Predictions(logits=np.zeros(shape), labels=np.zeros(4, int))
