"""Pictures of single images on the page: their order, what is said of them, hostile names, sizes."""

import base64
import re
import struct
from dataclasses import replace
from html import escape

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.dense.case import Case
from calibeval.core.dense.maps import Asked, maps_of
from calibeval.core.report.views import by_image
from calibeval.render.page.cases import cases_view
from calibeval.render.page.images import images_view
from calibeval.render.page.page import render


@pytest.fixture(scope="module")
def dump():
    rng = np.random.default_rng(3)
    p = rng.random((12, 14, 15))
    labels = (rng.random((12, 14, 15)) < 0.5 * p).astype(int)
    labels[:, 0] = 7
    names = ["<b>bold</b>", 'x" onload="alert(1)', *(f"case {i}" for i in range(10))]
    probs = np.stack([1 - p, p], axis=1)
    return Predictions(probs=probs, labels=labels, ids=names, class_names=["<i>rest", "organ"], ignore_index=7)


@pytest.fixture(scope="module")
def report(dump):
    return evaluate(dump, show=["0", 1])


@pytest.fixture(scope="module")
def maps(report):
    return report.cases[report.dumps[0].name]


@pytest.fixture(scope="module")
def page(report):
    return render(report)


def test_each_case_has_its_pictures(page, maps):
    assert page.count('<figure class="case">') == len(maps)
    files = [base64.b64decode(one) for one in re.findall(r'href="data:image/png;base64,([^"]+)"', page)]
    assert len(files) == 5 * len(maps)
    assert {struct.unpack(">II", file[16:24]) for file in files} == {(15, 14)}


def test_hostile_names_are_text(page):
    assert "<b>bold" not in page
    assert 'onload="alert' not in page
    assert "<i>rest" not in page
    assert "&lt;i&gt;rest" in page


def test_what_a_picture_shows_is_also_said(report, maps):
    view = cases_view(report.dumps[0], maps)
    said = [one.said for one in view.cases[0].pictures]
    assert [one.title for one in view.cases[0].pictures] == [
        "label",
        "prediction",
        "confidence",
        "error",
        "gap nearby",
    ]
    wrong = 100 * maps[0].wrong.sum() / maps[0].counts.sum()
    assert said[3].startswith(f"Errors: {wrong:.1f} % of pixels")
    assert "organ" in said[0]


def test_the_caption_has_the_numbers_of_the_case(report, maps):
    view = cases_view(report.dumps[0], maps)
    values = {one.image: one.value for one in by_image(report.dumps[0]).spread}
    for one, case in zip(view.cases, maps, strict=True):
        assert f"ECE P(pos) {100 * values[case.name]:.1f} %" in one.said
        assert f"{case.n:,} pixels" in one.said


def test_the_legend_names_classes_and_what_does_not_count(report, maps):
    view = cases_view(report.dumps[0], maps)
    assert [one.name for one in view.classes] == ["<i>rest", "organ", "not counted"]
    assert len(view.classes[-1].colours) == 2
    assert [one.title for one in view.ramps] == ["confidence", "error", "gap nearby (confidence − accuracy)"]
    assert view.ramps[0].low == "50 %"


def test_a_slice_and_fewer_pixels_are_said(report):
    labels = np.zeros((2, 600, 30), int)
    one = np.full((2, 600, 30), 0.2)
    one[1, :60] = 0.9
    case = maps_of(Case("a", np.stack([1 - one, one]), labels), Asked("probs"))
    view = cases_view(report.dumps[0], [case])
    assert "slice 1 (of 0 to 1), the one with the most wrong pixels: 10.0 %" in view.cases[0].said
    assert "every 2nd row and column is shown" in view.how
    assert "standard deviation is 15 pixels" in view.how


def test_a_page_without_cases_has_no_pictures(report):
    assert cases_view(report.dumps[0], ()) is None
    assert '<figure class="case">' not in render(replace(report, cases={}))


def test_why_a_case_is_shown(report, maps):
    view = cases_view(report.dumps[0], maps)
    worst = [one.image for one in by_image(report.dumps[0]).numbers["ece"].worst]
    for one, case in zip(view.cases, maps, strict=True):
        assert one.said.startswith("asked for") is (case.name in ('x" onload="alert(1)', "<b>bold</b>"))
        assert ("largest of 12" in one.said) is (case.name in worst)
    assert view.heading == "Images that were asked for, and the three with the largest ECE"
    alone = [one._replace(asked=False) for one in maps if one.rank]
    assert cases_view(report.dumps[0], alone).heading == "Single images: the three with the largest ECE"


def test_the_strip_of_images(page, report):
    assert page.count('<circle class="worst" cx') == 4  # three, and the legend
    assert page.count('<circle class="image" cx') == report.dumps[0].per_image.images - 3 + 1
    assert "Half of the images lie between" in page
    strip = re.search(r'<svg class="strip".*?</svg>', page, re.DOTALL).group()
    named = re.findall(r"<text[^>]*>([^<]*)</text>", strip)
    assert named == [escape(one.image) for one in by_image(report.dumps[0]).numbers["ece"].worst[::-1]]


def test_a_gap_of_nothing_has_no_sign(report):
    block = report.dumps[0].per_image
    gaps = [replace(block.regions[0], gap=gap, low=None, high=None) for gap in (0.0, 0.0004, None, 0.01, -0.01)]
    dump = replace(report.dumps[0], per_image=replace(block, regions=tuple(gaps)))
    assert [one.sign for one in images_view(dump).regions] == ["", "", "", "over", "under"]
    shown = render(replace(report, dumps=(dump,)))
    assert len(re.findall(r'<rect class="(?:over|under)" x="[^"]*" y="2"', shown)) == 2
