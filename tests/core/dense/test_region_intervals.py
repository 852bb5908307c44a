"""Intervals of gaps by region, and the ECE of single images, against their definitions."""

import numpy as np
import pytest
from scipy.stats import t

from calibeval import Predictions, evaluate


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(11)
    p = rng.random((14, 20, 24))
    labels = np.zeros((14, 20, 24), int)
    labels[:, 5:13, 6:17] = 1
    flipped = rng.random(labels.shape) < 0.1
    return evaluate(Predictions(probs=np.stack([1 - p, p], axis=1), labels=np.where(flipped, 1 - labels, labels)))


def test_regions_have_the_intervals_of_their_numbers(report):
    block = report.dumps[0].per_image
    for region in block.regions[:2]:
        number = block.numbers[f"{region.name}_gap"]
        ends = number.pooled_low, number.pooled_high
        assert (region.low, region.high) == pytest.approx(ends, rel=1e-12)
        assert region.low < region.gap < region.high


def test_the_interval_of_a_band_is_the_jackknifes():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.5, 1.0, (12, 9, 9))
    labels = np.zeros((12, 9, 9), int)
    labels[:, :, 4:] = 1
    report = evaluate(Predictions(probs=np.stack([p, 1 - p], axis=1), labels=labels))
    band = next(one for one in report.dumps[0].per_image.regions if one.name == "distance" and one.lower == 0.0)
    near = [1, 2, 3, 4, 5, 6]  # columns 3 and 4 have distance 0
    surplus = (p - (labels == 0))[:, :, near].sum(axis=(1, 2))
    n = 9 * len(near)
    assert band.n == 12 * n
    assert band.gap == pytest.approx(surplus.sum() / band.n)
    left = (surplus.sum() - surplus) / (11 * n)
    error = np.sqrt(11 / 12 * ((left - left.mean()) ** 2).sum())
    assert band.high - band.gap == pytest.approx(t.ppf(0.975, 11) * error, rel=1e-6)
    assert band.gap - band.low == pytest.approx(band.high - band.gap)


def test_few_images_have_no_intervals():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.5, 1.0, (4, 9, 9))
    report = evaluate(Predictions(probs=np.stack([p, 1 - p], axis=1), labels=rng.integers(0, 2, (4, 9, 9))))
    assert all(one.low is None and one.high is None for one in report.dumps[0].per_image.regions)


def test_the_ece_of_every_image_is_kept_worst_first(report):
    block = report.dumps[0].per_image
    values = [one.value for one in block.ece_of_images]
    assert values == sorted(values, reverse=True)
    assert len(values) == 14
    three = [(one.image, one.value) for one in block.ece_of_images[:3]]
    assert three == [(one.image, one.value) for one in block.numbers["ece"].worst]
    assert np.mean(values) == pytest.approx(block.numbers["ece"].mean)


def test_of_many_images_evenly_spaced_ranks_are_kept():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1.0, (2500, 3, 1))
    report = evaluate(
        Predictions(probs=np.stack([p, 1 - p], axis=1), labels=rng.integers(0, 2, p.shape)), metrics="ece"
    )
    values = [one.value for one in report.dumps[0].per_image.ece_of_images]
    assert len(values) == 2000
    every = sorted(values, reverse=True)
    assert values == every
    assert values[0] == report.dumps[0].per_image.numbers["ece"].worst[0].value
