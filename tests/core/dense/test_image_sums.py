"""The sums of single images: those of boolean masks over their pixels, with and without the compiled kernel."""

from itertools import pairwise

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.dense import image_sums
from calibeval.core.dense.of_dump import images_of
from calibeval.core.dense.regions import boundary, distances
from calibeval.core.dense.values import NUMBERS, of_class
from calibeval.core.report.settings import Settings
from calibeval.core.sums import kernel
from calibeval.core.sums.binning import equal_width_edges

IGNORED = 255


def dump(k, size, kind="probs", images=2, dtype=np.float64):
    """Scores (images, k, *size) with plateaus, ties and pixels to ignore."""
    rng = np.random.default_rng(k)
    z = np.round(rng.normal(size=(images, k, *size)) * 2.0, 1)
    scores = z if kind == "logits" else probabilities(z, "logits", axis=1)
    labels = np.where(rng.random((images, *size)) < 0.7, z.argmax(axis=1), rng.integers(0, k, (images, *size)))
    labels = np.repeat(labels[:, ::4], 4, axis=1)[:, : size[0]].astype(np.int64)
    labels[rng.random(labels.shape) < 0.05] = IGNORED
    return Predictions(**{kind: scores.astype(dtype)}, labels=labels, ignore_index=IGNORED)


def expected(predictions, image, edges):
    """The sums of an image, by boolean masks."""
    size = predictions.layout[1:]
    here = slice(image * int(np.prod(size)), (image + 1) * int(np.prod(size)))
    labels, scores = predictions.labels[here], np.asarray(predictions.scores[here])
    keep = labels != IGNORED
    p, y = probabilities(scores, predictions.kind)[keep], labels[keep]
    predicted = scores[keep].astype(np.float64).argmax(axis=1)
    confidence, right = p.max(axis=1), predicted == y
    near = boundary(labels.reshape(size)).ravel()[keep]
    distance = distances(labels.reshape(size)).ravel()[keep]

    def binned(values, hit, chosen):
        masks = [chosen & (values > low) & (values <= high) for low, high in pairwise(edges)]
        masks[0] = chosen & (values <= edges[1])
        return np.array([[m.sum() for m in masks], [values[m].sum() for m in masks], [hit[m].sum() for m in masks]])

    every = np.ones(len(y), bool)
    bands = np.searchsorted([3.0, 7.0, 15.0], distance, side="right")
    return {
        "top": binned(confidence, right, every),
        "border": binned(confidence, right, near),
        "classes": np.stack([binned(p[:, j], y == j, every) for j in range(predictions.k)], axis=1),
        "bands": np.array(
            [[part[bands == band].sum() for band in range(4)] for part in (every, confidence, right, distance)]
        ),
        "counts": np.array(
            [[part.sum() for part in (y == j, predicted == j, (y == j) & right)] for j in range(predictions.k)]
        ).T,
        "scores": np.array(
            [-np.log(p[np.arange(len(y)), y]).sum(), ((p - np.eye(predictions.k)[y]) ** 2).sum()],
        ),
    }


@pytest.fixture(params=["native", "numpy"])
def computed(request, monkeypatch):
    """The sums by the compiled kernel, if there is one, and by numpy."""
    if request.param == "native" and not kernel.available():
        pytest.skip("there is no compiled kernel")
    monkeypatch.setenv(kernel.VARIABLE, request.param)


@pytest.mark.usefixtures("computed")
@pytest.mark.parametrize("kind", ["probs", "logits"])
@pytest.mark.parametrize(("k", "size"), [(3, (40, 30)), (2, (25, 24)), (3, (5, 20, 18)), (70, (220, 150))])
def test_the_sums_of_an_image_are_those_of_its_pixels(k, size, kind):
    predictions = dump(k, size, kind)
    sums = images_of(predictions, Settings(bins=15)).sums
    for image in range(2):
        for name, own in expected(predictions, image, equal_width_edges(15)).items():
            np.testing.assert_allclose(getattr(sums, name)[image], own, rtol=1e-11, atol=1e-9, err_msg=name)


def test_both_kernels_agree(monkeypatch):
    if not kernel.available():
        pytest.skip("there is no compiled kernel")
    predictions, found = dump(19, (300, 400), "logits", dtype=np.float32), []
    for one in ("native", "numpy"):
        monkeypatch.setenv(kernel.VARIABLE, one)
        found.append(images_of(predictions, Settings()).sums)
    for own, other in zip(*(sums.parts for sums in found), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-12, atol=1e-12)


def test_an_image_whose_pixels_are_all_ignored_has_no_sums():
    scores = np.full((2, 2, 4, 4), 0.5)
    labels = np.stack([np.zeros((4, 4), int), np.full((4, 4), IGNORED)])
    sums = images_of(Predictions(probs=scores, labels=labels, ignore_index=IGNORED), Settings()).sums
    assert sums.n.tolist() == [16.0, 0.0]
    assert not any(part[1].any() for part in sums.parts)


def test_labels_of_probability_0_make_the_nll_of_their_image_infinite():
    p = np.array([[[[1.0, 0.5]], [[0.0, 0.5]]], [[[1.0, 0.5]], [[0.0, 0.5]]]])
    sums = images_of(Predictions(probs=p, labels=np.array([[[1, 0]], [[0, 0]]])), Settings()).sums
    assert np.isinf(sums.scores[0, 0])
    assert sums.scores[1, 0] == pytest.approx(np.log(2.0))
    assert sums.scores[:, 1].tolist() == pytest.approx([2.5, 0.5])


def test_many_images_have_the_numbers_of_few_at_a_time(monkeypatch):
    sums = images_of(dump(3, (8, 9), images=23), Settings(bins=5)).sums
    for number in (*NUMBERS.values(), *of_class(1)):
        monkeypatch.setattr(image_sums, "TOGETHER", 4096)
        whole = [f(one) for f in (sums.each, sums.each_left_out) for one in (number.value, number.parts) if one]
        monkeypatch.setattr(image_sums, "TOGETHER", 4)
        few = [f(one) for f in (sums.each, sums.each_left_out) for one in (number.value, number.parts) if one]
        for own, other in zip(whole, few, strict=True):
            np.testing.assert_array_equal(own, other, err_msg=number.name)


def test_sums_of_all_others():
    sums = images_of(dump(3, (8, 9), images=5), Settings(bins=5)).sums
    for part, left in zip(sums.parts, sums.without_each.parts, strict=True):
        np.testing.assert_allclose(left[1], part[[0, 2, 3, 4]].sum(axis=0), atol=1e-12)
