"""Pages of reports for which other metrics were chosen: they, too, say what is more than noise."""

from __future__ import annotations

import re

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.render.page.page import render


def page(metrics, scale=3.0):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2000, 4)) * 2.0
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (rng.random((2000, 1)) > np.cumsum(probs, axis=1)).sum(1).clip(0, 3)
    return render(evaluate(logits=logits * scale, labels=labels, metrics=metrics))


def noise(text):
    """The part of a page that tells what is more than noise."""
    return text[text.index("more than noise?") :].partition("</section>")[0]


@pytest.mark.parametrize(("scale", "words"), [(3.0, "beyond noise: certain"), (1.0, "within noise")])
def test_chosen_errors_are_drawn_against_noise(scale, words):
    pattern = r'<dt><abbr title="[^"]*">(.*?)</abbr>.*?<dd class="said">(.*?)</dd>'
    drawn = re.findall(pattern, noise(page("ecce,auroc", scale)), re.DOTALL)
    assert drawn == [("ECCE", words)]


def test_the_usual_errors_are_drawn_where_they_are_there():
    drawn = re.findall(r'<dt><abbr title="[^"]*">(.*?)</abbr>', noise(page("ece,ecce,ks")))
    assert drawn == ["ECE"]


def test_numbers_in_tables_have_their_verdict_and_what_noise_gives():
    shown = noise(page("mcb,auroc"))
    assert "<caption>Numbers</caption>" in shown
    (below,) = re.findall(r'<tr class="below"><td colspan="3">(.*?)</td>', shown)
    assert below.startswith("beyond noise: certain · <span")
    assert re.search(r"if calibrated 0\.\d+ \(≤ 0\.\d+\)", below)
    assert "<caption>Other numbers</caption>" in noise(page("ecce,mcb,auroc"))


@pytest.mark.parametrize(("metrics", "there"), [("ecce,mcb", False), ("ece,mcb", True)])
def test_the_diagram_names_the_ece_only_if_it_was_measured(metrics, there):
    text = page(metrics)
    caption = text[text.index("<figcaption>") :].partition("</figcaption>")[0]
    assert ("ECE" in caption) is there
    assert "2,000 rows" in caption
