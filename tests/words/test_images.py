"""What is said of segmentations after a map: means before and after it, or that they are those before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.metrics.result import MetricResult
from calibeval.words.images import image_lines


def made(k):
    """Twelve over-confident images; a fifth of the pixels are of a class at random."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, k, (12, 8, 8))
    shown = np.where(rng.random(labels.shape) < 0.8, labels, rng.integers(0, k, labels.shape))
    logits = 4.0 * (np.arange(k)[:, None, None] == shown[:, None]) + 0.1 * rng.normal(size=(12, k, 8, 8))
    return Predictions(logits=logits, labels=labels)


def test_without_a_map_no_line_speaks_of_one():
    assert "map" not in str(image_lines(evaluate(made(3)).dumps[0]))


@pytest.mark.parametrize("k", [2, 3])
def test_after_a_map_every_line_says_what_is_before_it(k):
    dump = evaluate(made(k), cross_fit=3).dumps[0]
    means, *others = image_lines(dump)
    assert means[0].startswith("mean over images before the map: ECE")
    assert len(others) == 2
    assert all(line[0].startswith("before the map, ") for line in others)


@pytest.mark.parametrize(("k", "name"), [(2, "ece_positive"), (3, "ece")])
def test_means_after_a_map_stand_beside_those_before_it(k, name):
    dump = evaluate(made(k), cross_fit=3).dumps[0]
    after = MetricResult(f"per_image.{name}", 0.0123)
    mapped = replace(dump.recalibrated, metrics={**dump.recalibrated.metrics, after.name: after})
    means = image_lines(replace(dump, recalibrated=mapped))[0]
    assert means[0].startswith("mean over images: ECE")
    assert means[0].endswith(", after the map 1.23")
    assert not any("after" in one for one in means[1:])
