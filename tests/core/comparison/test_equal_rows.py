"""Pairs that are the same in every row, values outside of their intervals, and the bins of both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import calibeval
from calibeval import Comparison, Predictions
from calibeval.core.comparison.comparison import Difference
from calibeval.core.data.documents import json_text
from calibeval.core.report.report import Report


def predictions(scale=1.0, n=600, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    logits = 2.0 * rng.normal(size=(n, 4))
    labels = (logits + 2.0 * rng.gumbel(size=(n, 4))).argmax(axis=1)
    return Predictions(logits=scale * logits + shift, labels=labels)


def test_rows_that_differ_by_rounding_are_the_same_in_every_metric():
    found = calibeval.compare(predictions(), predictions(scale=1 + 1e-9))
    assert {one.same for one in found.values()} == {True}
    assert found["nll"].difference != 0.0
    assert all(abs(one.difference or 0.0) < 1e-6 for one in found.values())


def test_a_temperature_changes_no_top_label_and_so_not_the_accuracy():
    found = calibeval.compare(predictions(), predictions(scale=0.7))
    assert [name for name, one in found.items() if one.same] == ["accuracy"]
    assert found["accuracy"].low < 0.0 < found["accuracy"].high  # other rows may still show a difference


@pytest.mark.parametrize(("shift", "same"), [(0.9e-6, True), (1.1e-6, None)])
def test_rounding_is_a_millionth(shift, same):
    probs = np.tile([[0.75, 0.25], [0.25, 0.75], [0.75, 0.25], [0.25, 0.75]], (50, 1))
    labels = np.tile([0, 1, 1, 0], 50)
    other = np.where(probs > 0.5, probs - shift, probs + shift)
    found = calibeval.compare(Predictions(probs=probs, labels=labels), Predictions(probs=other, labels=labels))
    assert found["confidence_gap"].same is same
    assert found["accuracy"].same is True


def test_a_difference_outside_its_interval_is_given_without_bias_too():
    """Class-wise bins of 300 rows are thin: noise adds more to the error of the sharper model."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, 1.5, (300, 10))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    flat = 0.3 * logits + rng.normal(0.0, 0.3, logits.shape)
    pair = [Predictions(logits=one, labels=labels) for one in (logits, flat)]
    found = calibeval.compare(*pair)
    base, candidate = (calibeval.evaluate(one)["cwce"] for one in pair)
    cwce = found["cwce"]
    assert not cwce.holds_difference
    assert cwce.difference == pytest.approx(candidate.value - base.value)
    assert cwce.corrected == pytest.approx(candidate.corrected - base.corrected, abs=1e-3)
    assert cwce.low < cwce.corrected < cwce.high
    assert all(one.corrected is None for one in found.values() if one.holds_difference)


def test_a_number_is_moved_into_the_interval():
    one = Difference("ece", 0.1, 0.2, 0.1, 0.02, 0.05)
    assert (one.holds_difference, one.inside(0.1), one.inside(0.0), one.inside(0.03)) == (False, 0.05, 0.02, 0.03)
    assert Difference("ece", 0.1, 0.2, 0.1).holds_difference


def test_both_sides_have_the_bins_of_their_reports():
    pair = predictions(), predictions(scale=0.7)
    found = calibeval.compare(*pair)
    for side, one in zip((found.base, found.candidates[0].dump), pair, strict=True):
        assert side.bins == calibeval.evaluate(one).dumps[0].equal_width
    again = Comparison.from_json(found.to_json())
    assert again == found
    saved = calibeval.compare(Report.from_json(calibeval.evaluate(pair[0]).to_json()), pair[1])
    assert (saved.base.bins, saved.candidates[0].dump.bins) == (found.base.bins, found.candidates[0].dump.bins)


def test_files_without_bins_are_read():
    found = calibeval.compare(predictions(), predictions(scale=0.7))
    document = found.to_dict()
    for side in (document["base"], *document["candidates"]):
        del side["bins"]
    again = Comparison.from_json(json_text(document))
    assert again.base.bins is None
    assert replace(again.base, bins=found.base.bins) == found.base
