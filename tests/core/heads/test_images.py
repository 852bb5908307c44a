"""Features of images: every pixel is a row, an image a unit, and what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Features, InputError
from calibeval.core.data.dense import DensePixels
from calibeval.core.heads.images import images_of
from calibeval.core.heads.layers import PlainLayer
from calibeval.core.heads.leak import feature_leak
from calibeval.core.heads.scores import scores_of

RNG = np.random.default_rng(4)
FIRST = RNG.normal(size=(3, 5, 4, 2))  # channels first
LABELS = RNG.integers(0, 3, (3, 4, 2))
ROWS = np.moveaxis(FIRST, 1, -1).reshape(-1, 5)


@pytest.mark.parametrize(
    "features", [FIRST, np.moveaxis(FIRST, 1, -1), np.ascontiguousarray(np.moveaxis(FIRST, 1, -1))], ids="abc"
)
def test_every_pixel_is_a_row(features):
    found = Features(features=features, labels=LABELS)
    assert (found.n, found.d, found.k) == (24, 5, 3)
    assert np.array_equal(found.features[:], ROWS)
    assert np.array_equal(found.labels, LABELS.reshape(-1))
    assert found.image_rows == (8, 8, 8)
    assert repr(found) == "<Features: 3 images, n=24, d=5, k=3, source='predictions'>"
    np.testing.assert_array_equal(np.concatenate([block.features for block in found.blocks(7)]), ROWS)


def test_volumes_and_lines_are_images_too():
    volume = Features(features=RNG.normal(size=(2, 4, 3, 2, 2)), labels=np.zeros((2, 3, 2, 2), int))
    assert (volume.n, volume.d, volume.image_rows) == (24, 4, (12, 12))
    line = Features(features=RNG.normal(size=(2, 4, 7)), labels=np.ones((2, 7), int))
    assert (line.n, line.d, line.image_rows) == (14, 4, (7, 7))


def test_without_labels_four_axes_are_images_with_channels_first():
    said = Features(features=FIRST).warnings
    assert said == ("features (3, 5, 4, 2) without labels are read as images: every pixel is a row of 5 features",)
    assert said[0].code == "read_as_images"
    assert Features(features=FIRST, labels=LABELS).warnings == ()
    assert Features(features=FIRST).image_rows == (8, 8, 8)
    assert Features(features=FIRST).d == 5
    assert Features(features=ROWS).image_rows is None


def test_where_both_axes_fit_the_second_has_the_features():
    features = RNG.normal(size=(2, 3, 3, 3))
    found = Features(features=features, labels=np.zeros((2, 3, 3), int))
    assert np.array_equal(found.features[0:1], features[:1, :, 0, 0])


def test_ignored_pixels_are_no_rows_but_stay_in_their_images():
    labels = LABELS.copy()
    labels[0, 0] = labels[2] = 255
    found = Features(features=FIRST, labels=labels, ignore_index=255, columns={"site": ["a", "b", "c"]}, ids=[7, 8, 9])
    assert (found.n, found.ignored, found.image_rows) == (14, 10, (6, 8, 0))
    kept = labels.reshape(-1) != 255
    assert np.array_equal(found.features[:], ROWS[kept])
    assert found.columns["site"].tolist() == ["a", "b", "c"]
    assert found.ids.tolist() == [7, 8, 9]
    layer = PlainLayer(RNG.normal(size=(3, 5)), np.arange(3.0))
    scores = scores_of([layer], found)
    assert (scores.logits.shape, scores.ignore_index) == ((3, 4, 2, 3), 255)
    np.testing.assert_allclose(scores.logits[0:3].reshape(-1, 3), ROWS @ layer.weight.T + layer.bias)
    assert np.array_equal(scores.labels, labels)


def test_an_image_may_have_a_weight_and_one_of_0_is_left_out():
    found = Features(features=FIRST, labels=LABELS, weights=[1.0, 0.0, 3.0])
    assert (found.n, found.ignored, found.image_rows) == (16, 8, (8, 0, 8))
    assert found.weights.values.tolist() == [0.5] * 8 + [1.5] * 8


def test_a_wrong_value_is_named_by_image_and_pixel():
    features = FIRST.copy()
    features[1, 3, 2, 1] = np.nan
    with pytest.raises(
        InputError, match=r"image 1, pixel \(2, 1\) holds nan in feature 3, but features must be finite"
    ):
        Features(features=features, labels=LABELS).check_values()


@pytest.mark.parametrize(
    ("shape", "labels", "said"),
    [
        (
            (3, 5, 4, 2),
            (3, 4, 3),
            "features have shape (3, 5, 4, 2), but labels (3, 4, 3); (n, c, h, w) needs (n, h, w).",
        ),
        (
            (3, 5, 4),
            (3,),
            "features have shape (3, 5, 4), but (n, d) is needed. Flatten or average the values of a row",
        ),
        (
            (3, 5, 4),
            None,
            "features have shape (3, 5, 4), but (n, d) is needed. Flatten or average the values of a row",
        ),
        ((3, 5, 0, 2), (3, 0, 2), "features have shape (3, 5, 0, 2): there is nothing in them"),
    ],
)
def test_what_does_not_fit_is_refused(shape, labels, said):
    with pytest.raises(InputError) as caught:
        Features(features=np.zeros(shape), labels=None if labels is None else np.zeros(labels, int))
    assert str(caught.value).startswith(said)


def test_images_leak_not_pixels_that_are_equal_by_chance():
    flat = np.zeros((2, 5, 4, 2))
    flat[0, 0, 0, 0], flat[1, 0, 0, 0] = 1.0, 2.0
    other = flat.copy()
    other[0, 0, 0, 0], other[1, 0, 0, 0] = 3.0, 4.0
    labels = np.zeros((2, 4, 2), int)
    labels[0, 0, 0] = 1
    one, two = (Features(features=features, labels=labels) for features in (flat, other))
    assert feature_leak(one, two) is None
    found = feature_leak(one, one)
    assert (found.certain, found.rows) == (True, 2)
    assert "identical in features of all pixels" in found.text


def test_blocks_of_images_are_whole_images():
    images = images_of(FIRST, LABELS.shape)
    assert [block.shape for block in images.blocks()] == [(1, 40)] * 3
    assert np.array_equal(np.concatenate([*images.blocks()]), FIRST.reshape(3, -1))


class OnlySlices:
    """As a source on disk: it has no way to take single rows."""

    def __init__(self, values):
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __getitem__(self, rows):
        return self.values[rows]


@pytest.mark.parametrize("axis", [1, 3])
@pytest.mark.parametrize("wrap", [np.ascontiguousarray, np.asfortranarray, OnlySlices])
def test_pixels_are_taken_in_any_order(axis, wrap):
    pixels = DensePixels(wrap(np.moveaxis(FIRST, 1, axis)), axis)
    rows = np.array([23, 0, 9, 8, 9])
    assert np.array_equal(pixels.take(rows), ROWS[rows])
    assert pixels.take(rows[:0]).shape == (0, 5)
