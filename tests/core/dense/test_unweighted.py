"""Intervals of pooled errors in which bins count in another way than by their pixels, and what has no interval."""

import numpy as np
import pytest
from scipy.stats import t

from calibeval import Predictions, evaluate
from calibeval.core.comparison.of_images import Models, image_differences
from calibeval.core.dense.of_dump import images_of
from calibeval.core.dense.values import NUMBERS, of_class
from calibeval.core.report.settings import Settings

IMAGES, SIDE = 14, 40
MEAN, HALF = (IMAGES - 1) / IMAGES, t.ppf(0.975, IMAGES - 1)


def dump(seed=0, bias=0.0, side=SIDE):
    """Images of two halves; confidences exceed the share of right pixels by the bias, which varies with the image."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.5, 1.0, (IMAGES, side, side))
    predicted = np.zeros(p.shape, int)
    predicted[:, :, side // 2 :] = 1
    off = bias * (1.0 + 0.2 * rng.normal(size=(IMAGES, 1, 1)))
    wrong = np.random.default_rng(5).random(p.shape) > p - off
    wrong[:, : side // 2] = False  # labels have a boundary, and an interior
    probs = np.where(predicted == 0, p, 1.0 - p)
    return Predictions(probs=np.stack([probs, 1.0 - probs], axis=1), labels=np.where(wrong, 1 - predicted, predicted))


def numbers(predictions, bins=10):
    return evaluate(predictions, bins=bins).dumps[0].per_image


def jackknife(left):
    return HALF * np.sqrt(MEAN * ((left - left.mean(axis=0)) ** 2).sum())


@pytest.mark.parametrize("name", ["ace", "cwace", "ba_ece", "class"])
def test_sizes_of_parts_add_up_to_the_number(name):
    sums = images_of(dump(bias=0.2), Settings(bins=7)).sums
    number = of_class(1)[1] if name == "class" else NUMBERS[name]
    for one in (sums, sums.whole, sums.without_each):
        np.testing.assert_allclose(np.abs(number.parts(one)).sum(axis=1), number.value(one), rtol=1e-12)


def test_far_from_zero_the_interval_of_one_bin_is_the_jackknifes():
    predictions = dump(bias=0.3)
    found = numbers(predictions, bins=1).numbers["ace"]
    confidence = np.asarray(predictions.scores[:]).max(axis=1)
    right = np.asarray(predictions.scores[:]).argmax(axis=1) == predictions.labels
    surplus = (confidence - right).reshape(IMAGES, -1).mean(axis=1)
    error = jackknife((surplus.sum() - surplus) / (IMAGES - 1))
    assert found.pooled == pytest.approx(abs(surplus.mean()))
    assert found.pooled_low == pytest.approx(found.pooled - error, abs=0.05 * error)
    assert found.pooled_high == pytest.approx(found.pooled + error, abs=0.05 * error)


def test_an_error_that_noise_explains_may_be_zero():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.5, 1.0, (30, 20, 20))
    labels = (rng.random(p.shape) > p).astype(int)
    block = numbers(Predictions(probs=np.stack([p, 1.0 - p], axis=1), labels=labels))
    every = [block.numbers["ace"], block.numbers["cwace"], block.structures[0].numbers["ace"]]
    assert [one.pooled_low for one in every] == [0.0, 0.0, 0.0]
    assert all(one.pooled < one.pooled_high < 0.1 for one in every)


def test_bands_of_all_distances_give_an_interval_of_the_boundary_aware_error():
    found = numbers(dump(bias=0.3)).numbers["ba_ece"]
    assert 0.0 < found.pooled_low < found.pooled < found.pooled_high
    assert found.reason is None


def test_a_bin_or_band_of_few_images_is_told():
    small = numbers(dump(bias=0.3, side=12)).numbers["ba_ece"]  # no pixel is 15 away
    predictions = dump(bias=0.3)
    scores = np.array(predictions.scores[:])
    scores[:9] = 0.45, 0.55
    scores = np.maximum(scores, 0.0).reshape(IMAGES, SIDE, SIDE, 2)
    scores[1:] = np.where((scores[1:].max(axis=-1) < 0.7)[..., None], [0.25, 0.75], scores[1:])
    labels = predictions.labels.reshape(IMAGES, SIDE, SIDE)
    rare = numbers(Predictions(probs=scores.transpose(0, 3, 1, 2), labels=labels)).numbers["ace"]
    for one in (small, rare):
        assert one.pooled_low is None
        assert str(one.reason) == "a bin, or a band of distance, has pixels of fewer than 10 images, or groups of them"
        assert one.mean_low is not None


def test_the_largest_gap_has_no_interval_and_says_why():
    block = numbers(dump(bias=0.3))
    for one in (block.numbers["cwmce"], block.structures[0].numbers["mce_all_bins"]):
        assert one.pooled_low is None
        assert str(one.reason).startswith("what single images add to the largest of several gaps does not show")


def test_a_difference_changes_its_sign_with_the_models_and_is_about_as_wide_as_the_jackknifes():
    base, candidate = (images_of(dump(bias=one), Settings(bins=2)) for one in (0.2, 0.4))
    forth = image_differences(Models(base, candidate), ["a", "b"], 0.95)["cwace"]
    back = image_differences(Models(candidate, base), ["a", "b"], 0.95)["cwace"]
    left = NUMBERS["cwace"].value(candidate.sums.without_each) - NUMBERS["cwace"].value(base.sums.without_each)
    half = 0.5 * (forth.high - forth.low)
    assert 0.9 * jackknife(left) < half < 1.6 * jackknife(left)
    assert (back.low, back.high) == pytest.approx((-forth.high, -forth.low), rel=1e-6)
    assert forth.p < 0.001


def test_differences_of_bands_and_bins_have_intervals():
    base, candidate = (images_of(dump(seed, bias=one), Settings(bins=10)) for seed, one in ((0, 0.1), (1, 0.3)))
    found = image_differences(Models(base, candidate), ["a", "b"], 0.95)
    for name in ("ace", "cwace", "ba_ece", "a.ace"):
        assert found[name].low < found[name].difference < found[name].high
    assert found["cwmce"].low is None
