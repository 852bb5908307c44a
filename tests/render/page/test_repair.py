"""Before and after a map, side by side: two diagrams on the same axes, and the numbers of both in one table."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from markupsafe import escape

import calibeval
from calibeval.core.report.report import GroupCount
from calibeval.core.report.standing import standing_in
from calibeval.render.page.page import render
from calibeval.render.page.repair import changes
from calibeval.render.page.report import page_view
from calibeval.words import digits
from tests.render.hand_made import over_confident, report

NAMES = ["accuracy", "ece", "cwce", "nll"]


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 5)) * 4
    labels = np.where(rng.random(4000) < 0.6, logits.argmax(axis=1), rng.integers(0, 5, 4000))
    test, val = (calibeval.Predictions(logits=logits[rows::2], labels=labels[rows::2]) for rows in (0, 1))
    return calibeval.evaluate(test, fit_on=val)


def section(page):
    """The part of the page about the map."""
    start = page.index('<div class="sides">')
    return page[start : page.index("</section>", start)]


def test_each_side_has_its_own_numbers_and_words(fitted):
    (dump,) = fitted.dumps
    left = dump.after()
    for row, name in zip(changes(dump, left, NAMES), NAMES, strict=True):
        for side, one in ((row.before, dump), (row.after, left)):
            metric, standing = one.metrics[name], standing_in(one, name)
            assert (side.value, " ".join(side.estimate)) == (digits.value(metric), digits.estimate(metric))
            assert side.word == ("" if standing is None else standing.short)
    ece = changes(dump, left, ["ece"])[0]
    assert ece.before.word == "certain"
    assert ece.before.value != ece.after.value


def test_only_what_both_have_is_beside_each_other():
    before, after = over_confident(), over_confident(metrics={"ece": over_confident().metrics["ece"]})
    assert [row.label for row in changes(before, after, ["accuracy", "ece"])] == ["ECE"]


def test_both_diagrams_have_the_same_axes_and_stand_side_by_side(fitted):
    shown = section(render(fitted))
    first, second = shown.split("<figure>")[1:]
    assert "<h3>Before</h3>" in first
    assert f"<h3>With {fitted.dumps[0].recalibrated.name}</h3>" in second
    axes = [
        re.findall(r'<line class="grid"[^>]*>(?=<text x="0" y="[^"]*" dx="-6" dy=".35em")', one)
        for one in (first, second)
    ]
    assert axes[0][:3] == axes[1][:3]


def test_the_table_reads_from_before_to_after(fitted):
    (dump,) = fitted.dumps
    text = " ".join(re.sub("<[^>]*>", " ", section(render(fitted))).split())
    for name in ("ece", "nll"):
        first, second = (one.metrics[name] for one in (dump, dump.after()))
        assert re.search(rf"{re.escape(digits.value(first))} .{{0,40}}→ {re.escape(digits.value(second))} ", text)


def test_the_repair_is_said_below_the_headline_and_each_diagram_is_drawn_once(fitted):
    page = render(fitted)
    said = page_view(fitted).only.after.headline
    assert page.count(f'<p class="repair">{escape(said)}</p>') == 1
    assert page.index("</h1>") < page.index('<p class="repair">') < page.index('<p class="facts">')
    assert page.count(f"<h2>{escape(said)}</h2>") == 0
    assert page.count('<svg class="square"') == 2


def test_without_a_map_there_is_no_such_part():
    assert '<div class="sides">' not in render(report(over_confident()))
    assert 'class="repair"' not in render(report(over_confident()))


def test_of_too_few_images_the_legend_shows_no_noise_and_no_interval():
    dump = over_confident()
    bare = {
        name: replace(one, low=None, high=None, corrected=None, floor=None, floor_high=None)
        for name, one in dump.metrics.items()
    }
    few = replace(dump, metrics=bare, groups=GroupCount(None, 3))
    for made in (report(few), report(few, replace(few, source=replace(few.source, path="b.npz")))):
        page = render(made)
        assert "hollow" not in page
        assert "95 % of samples" not in page
        assert "miscalibrated?" not in page
    both = render(report(dump, dump))
    assert "hollow" in both
    assert "95 % of samples" in both
    assert "miscalibrated?" in both
