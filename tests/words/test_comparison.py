"""Which metrics a comparison of two classes shows: those of P(positive class), in every table alike."""

from __future__ import annotations

import re

import numpy as np
import pytest

from calibeval import Predictions, compare
from calibeval.render.page import comparison as page
from calibeval.render.terminal.comparison import render
from calibeval.words.comparison import side_by_side


def sampled(shift, k=2):
    rng = np.random.default_rng(0)
    logits = np.zeros((600, k))
    logits[:, 1:] = rng.normal(-1.0, 1.5, (600, k - 1))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    logits[:, 1] += shift
    return Predictions(logits=logits, labels=labels, columns={"site": np.arange(600) % 2})


@pytest.mark.parametrize(("k", "first"), [(2, "ECE P(pos) %"), (3, "ECE %")])
def test_slices_are_judged_as_their_dump_is(k, first):
    found = compare(sampled(0.0, k), sampled(1.0, k), slices=["site"])
    text = render(found, width=100, color=False, ascii_only=False)
    heads = next(line for line in text.splitlines() if line.startswith("site "))
    assert [head.strip() for head in heads.split("  ") if head][2:] == [first, "NLL nats", "accuracy %"]
    table = page.render(found).partition("<h3>Differences by")[2].partition("</thead>")[0]
    assert re.findall(r'<th scope="col">([^<]*)</th>', table)[2:] == [first, "NLL nats", "accuracy %"]


def test_every_metric_that_was_chosen_is_in_the_table_of_several():
    others = {"b": sampled(0.5), "c": sampled(1.0)}
    chosen = compare(sampled(0.0), others, metrics=["ece", "ece_positive"])
    assert side_by_side(chosen) == ["ece", "ece_positive"]
    usual = ["ece_positive", "gap_positive", "accuracy", "nll", "brier_positive"]
    assert side_by_side(compare(sampled(0.0), others)) == usual
    assert side_by_side(compare(sampled(0.0), others, metrics=["ece", "mce"])) == ["ece", "mce"]
    assert side_by_side(compare(sampled(0.0, 3), {"b": sampled(0.5, 3)})) == [
        "ece",
        "accuracy",
        "confidence_gap",
        "nll",
        "brier",
    ]
