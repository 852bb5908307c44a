"""Pixels of cases for maps: all of them, or an even sample that is the same in every run."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import InputError
from calibeval.core.dense.case import Case, Facts
from calibeval.core.dense.sampled import PixelSample, sampled

RNG = np.random.default_rng(6)
SHAPES = [(5, 4), (3, 7), (6, 6)]
SCORES = [RNG.normal(size=(3, *shape)) for shape in SHAPES]
LABELS = [RNG.integers(0, 3, shape) for shape in SHAPES]
LABELS[1][0] = 9


class Given:
    """Cases in memory."""

    def __init__(self, scores=tuple(SCORES), **facts):
        self.scores = scores
        self.facts = Facts(names=("a", "b", "c"), kind="logits", **{"ignore_index": 9, **facts})

    def read(self, number):
        return Case(self.facts.names[number], self.scores[number], LABELS[number])

    def source(self, found):
        assert found == ()
        return self.facts.source


def test_all_labelled_pixels_in_the_order_of_the_cases():
    found = sampled(Given(), most=10_000)
    rows = np.concatenate([np.moveaxis(scores, 0, -1).reshape(-1, 3) for scores in SCORES])
    labels = np.concatenate([labels.reshape(-1) for labels in LABELS])
    assert np.array_equal(found.scores[:], rows[labels != 9])
    assert np.array_equal(found.labels, labels[labels != 9])
    assert np.bincount(found.columns["case"]).tolist() == [20, 14, 36]
    assert (found.kind, found.warnings) == ("logits", ())


def test_a_sample_is_even_and_says_what_it_is_of():
    found = sampled(Given(), most=120)
    assert 18 <= found.n <= 40
    assert found.warnings == (f"fitted on {found.n} of 70 pixels, an even sample",)
    assert found.warnings[0].code == "sampled_pixels"
    again = sampled(Given(), most=120)
    assert np.array_equal(found.scores[:], again.scores[:])


def test_every_part_of_a_large_case_is_in_the_sample():
    sample = PixelSample(4096)
    places = np.arange(2**17, dtype=np.float64)
    for part in np.split(places, 4):
        sample.add(np.stack([part, part]), np.zeros(len(part), int), 0)
    kept = sample.rows()[0][:, 0]
    assert (sample.seen, len(kept)) == (2**17, 2048)
    gaps = np.diff(np.sort(kept))
    assert gaps.max() < 4 * 64
    assert np.bincount((kept % 64).astype(int), minlength=64).min() > 16  # no grid of columns


def test_what_a_map_cannot_have():
    with pytest.raises(InputError, match=r"channels are regions that may overlap \(whole, core\), and a map is for"):
        sampled(Given(regions={"whole": (1, 2), "core": (2,)}))
    with pytest.raises(InputError, match="b: 2 classes, but a has 3"):
        sampled(Given((SCORES[0], SCORES[1][:2], SCORES[2])))
