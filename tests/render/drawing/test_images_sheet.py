"""Figures of segmentations: bars by hand, one dot for each image, pictures in SVG, PNG and PDF."""

import base64
import re
import struct
from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.api.show import drawn
from calibeval.core.errors import InputError, UsageError
from calibeval.core.report.per_image import ImageValue, Region
from calibeval.core.report.views import by_image
from calibeval.render.drawing.cases_sheet import cases_sheet
from calibeval.render.drawing.images_sheet import images_sheet
from calibeval.render.drawing.letters import text_width
from calibeval.render.drawing.marks import Box, Dot, Pixels, Stroke, Text
from calibeval.render.drawing.strip import MOST_DOTS, strip_of
from calibeval.words.cases import case_said


@pytest.fixture(scope="module")
def dump():
    rng = np.random.default_rng(3)
    p = rng.random((12, 16, 20))
    labels = (rng.random((12, 16, 20)) < 0.5 * p).astype(int)
    names = ["</text>&evil", *(f"case {i}" for i in range(11))]
    return Predictions(probs=np.stack([1 - p, p], axis=1), labels=labels, ids=names, class_names=["rest", "<organ>"])


@pytest.fixture(scope="module")
def report(dump):
    return evaluate(dump, show="0")


def with_regions(report, regions):
    block = replace(report.dumps[0].per_image, regions=regions)
    return replace(report, dumps=(replace(report.dumps[0], per_image=block),))


def test_bars_by_hand(report):
    regions = (
        Region("boundary", 10, 0.9, 0.7, 0.2, None, None, 0.1, 0.4),
        Region("interior", 10, 0.7, 0.8, -0.1, None, None, None, None),
    )
    panel = images_sheet(with_regions(report, regions)).panels[0]
    boxes = [one for one in panel.marks if isinstance(one, Box)]
    most = 1.05 * 0.4
    assert [one.hatch for one in boxes] == ["over", "under"]
    assert (boxes[0].x, boxes[0].width) == (0.5, pytest.approx(0.5 * 0.2 / most))
    assert boxes[1].x == pytest.approx(0.5 - 0.5 * 0.1 / most)
    ends = [one for one in panel.marks if isinstance(one, Stroke) and one.role == "whisker"]
    assert ends[0].start[0] == pytest.approx(0.5 + 0.5 * 0.1 / most)
    assert ends[0].end[0] == pytest.approx(0.5 + 0.5 * 0.4 / most)
    assert len(ends) == 3
    words = [one.words for one in panel.marks if isinstance(one, Text)]
    assert words == ["boundary, ≤ 2 px", "+20.0", "interior", "−10.0"]


def test_a_dot_for_each_image(report):
    strip = strip_of(report.dumps[0])
    values = by_image(report.dumps[0]).spread
    dots = [one for one in strip.marks if isinstance(one, Dot)]
    assert sorted(one.place[0] * strip.top for one in dots) == pytest.approx(sorted(one.value for one in values))
    assert sum(one.role == "worst" for one in dots) == 3
    assert max(dots, key=lambda one: one.place[0]).role == "worst"
    number = by_image(report.dumps[0]).numbers["ece"]
    (box,) = (one for one in strip.marks if isinstance(one, Box))
    assert box.x * strip.top == pytest.approx(number.lower_quartile)
    assert (box.x + box.width) * strip.top == pytest.approx(number.upper_quartile)


def test_of_many_images_some_are_drawn(report):
    values = tuple(ImageValue(str(i), 0.5 - i / 4000) for i in range(2000))
    block = replace(report.dumps[0].per_image, ece_of_images=values)
    strip = strip_of(replace(report.dumps[0], per_image=block, positive=None))
    places = [one.place[0] * strip.top for one in strip.marks if isinstance(one, Dot)]
    assert len(places) == MOST_DOTS
    assert (max(places), min(places)) == (pytest.approx(0.5), pytest.approx(0.5 - 1999 / 4000))


def test_a_report_of_rows_has_no_images():
    plain = evaluate(Predictions(probs=[[0.8, 0.2], [0.3, 0.7]], labels=[0, 0]))
    with pytest.raises(InputError, match="the report has no segmentations"):
        images_sheet(plain)
    with pytest.raises(InputError, match="there are no images to draw"):
        cases_sheet(plain)


@pytest.mark.parametrize("width", [None, 2.5, 7.0])
def test_figures_have_the_width_that_was_asked_for(report, width):
    for text, usual in ((drawn(report, ".svg", width, "images"), 3.5), (drawn(report, ".svg", width, "pictures"), 7.0)):
        assert f'width="{72 * (width or usual):g}pt"' in text.decode()


def test_pictures_in_svg_are_files_of_their_own_size(report):
    text = drawn(report, ".svg", of="pictures").decode()
    files = [base64.b64decode(one) for one in re.findall(r"data:image/png;base64,([^\"]+)", text)]
    sizes = [struct.unpack(">II", file[16:24]) for file in files]
    (found,) = report.cases.values()
    assert sizes.count((20, 16)) == 5 * len(found)
    assert "&lt;/text&gt;&amp;evil" in text
    assert "</text>&evil" not in text
    assert "&lt;organ&gt;" in text


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_the_same_as_png_and_pdf(report, suffix, start):
    assert drawn(report, suffix, of="images").startswith(start)
    assert drawn(report, suffix, of="pictures").startswith(start)


def test_pictures_lie_within_the_figure(report):
    sheet = cases_sheet(report)
    pixels = [one for one in sheet.marks if isinstance(one, Pixels) and one.role.startswith("picture")]
    assert all(one.x >= 0 and one.x + one.width <= sheet.width + 1e-6 for one in pixels)
    assert all(one.y >= 0 and one.y + one.height <= sheet.height for one in pixels)
    assert all(one.height / one.width == pytest.approx(16 / 20) for one in pixels)


def test_names_of_the_worst_lie_within_the_panel(report):
    strip = strip_of(report.dumps[0])
    texts = [one for one in strip.marks if isinstance(one, Text)]
    dots = {one.place for one in strip.marks if isinstance(one, Dot) and one.role == "worst"}
    assert {one.place for one in texts} == dots
    assert len({one.place[1] for one in texts}) == 3
    assert all(one.anchor == ("end" if one.place[0] > 0.5 else "start") for one in texts)


@pytest.mark.parametrize("width", [2.5, 7.0])
def test_all_that_is_said_of_a_case_is_there(report, width):
    texts = [one for one in cases_sheet(report, width).marks if isinstance(one, Text)]
    for dump in report.dumps:
        for case in report.cases[dump.name]:
            assert " · ".join(case_said(dump, case)) in " · ".join(one.words for one in texts)
    assert all(one.place[0] + text_width(one.words, one.size, bold=one.bold) <= 72 * width for one in texts)


def tumour(classes):
    return (classes[0], replace(classes[1], name="tumour"))


def test_regions_share_their_colours_and_name_both(report):
    other = replace(report.dumps[0], name="other", per_class=tumour(report.dumps[0].per_class))
    (maps,) = report.cases.values()
    both = replace(report, dumps=(*report.dumps, other), cases={**report.cases, "other": maps})
    words = [one.words for one in cases_sheet(both).marks if isinstance(one, Text)]
    assert "rest" in words
    assert "<organ> / tumour" in words


def test_without_intervals_none_is_in_the_legend(dump, report):
    def words(one):
        return [mark.words for mark in images_sheet(one).marks if isinstance(mark, Text)]

    assert "95 % interval over images" in words(report)
    assert "95 % interval over images" not in words(evaluate(dump, level=None))
    block = replace(report.dumps[0].per_image, regions=(Region("interior", 9, 0.9, 0.8, 0.1, None, None, None, None),))
    few = replace(report, dumps=(replace(report.dumps[0], per_image=block),))
    assert "95 % interval over images" not in words(few)


def test_another_format_is_refused(report):
    with pytest.raises(UsageError, match=r'a figure cannot be a ".gif" file'):
        drawn(report, ".gif", of="pictures")
