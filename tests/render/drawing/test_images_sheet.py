"""Figures of segmentations: bars by hand, one dot for each image, pictures in SVG, PNG and PDF."""

import base64
import re
import struct
from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.api.show import drawn, drawn_cases
from calibeval.core.dense.shown import DumpCases, shown_maps
from calibeval.core.errors import InputError, UsageError
from calibeval.core.report.per_image import ImageValue, Region
from calibeval.render.drawing.cases_sheet import cases_sheet
from calibeval.render.drawing.images_sheet import images_sheet
from calibeval.render.drawing.marks import Box, Dot, Pixels, Stroke, Text
from calibeval.render.drawing.strip import MOST_DOTS, strip_of


@pytest.fixture(scope="module")
def dump():
    rng = np.random.default_rng(3)
    p = rng.random((12, 16, 20))
    labels = (rng.random((12, 16, 20)) < 0.5 * p).astype(int)
    names = ["</text>&evil", *(f"case {i}" for i in range(11))]
    return Predictions(probs=np.stack([1 - p, p], axis=1), labels=labels, ids=names, class_names=["rest", "<organ>"])


@pytest.fixture(scope="module")
def report(dump):
    return evaluate(dump)


@pytest.fixture(scope="module")
def maps(report, dump):
    return {report.dumps[0].name: shown_maps(report.dumps[0], DumpCases(dump), ["0"])[0]}


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
    strip = strip_of(report.dumps[0].per_image)
    values = report.dumps[0].per_image.ece_of_images
    dots = [one for one in strip.marks if isinstance(one, Dot)]
    assert sorted(one.place[0] * strip.top for one in dots) == pytest.approx(sorted(one.value for one in values))
    assert sum(one.role == "worst" for one in dots) == 3
    assert max(dots, key=lambda one: one.place[0]).role == "worst"
    number = report.dumps[0].per_image.numbers["ece"]
    (box,) = (one for one in strip.marks if isinstance(one, Box))
    assert box.x * strip.top == pytest.approx(number.lower_quartile)
    assert (box.x + box.width) * strip.top == pytest.approx(number.upper_quartile)


def test_of_many_images_some_are_drawn(report):
    values = tuple(ImageValue(str(i), 0.5 - i / 4000) for i in range(2000))
    strip = strip_of(replace(report.dumps[0].per_image, ece_of_images=values))
    places = [one.place[0] * strip.top for one in strip.marks if isinstance(one, Dot)]
    assert len(places) == MOST_DOTS
    assert (max(places), min(places)) == (pytest.approx(0.5), pytest.approx(0.5 - 1999 / 4000))


def test_a_report_of_rows_has_no_images():
    plain = evaluate(Predictions(probs=[[0.8, 0.2], [0.3, 0.7]], labels=[0, 0]))
    with pytest.raises(InputError, match="the report has no segmentations"):
        images_sheet(plain)
    with pytest.raises(InputError, match="there are no images to draw"):
        cases_sheet(plain, {})


@pytest.mark.parametrize("width", [None, 2.5, 7.0])
def test_figures_have_the_width_that_was_asked_for(report, maps, width):
    for text, usual in ((drawn(report, ".svg", width, "images"), 3.5), (drawn_cases(report, maps, ".svg", width), 7.0)):
        assert f'width="{72 * (width or usual):g}pt"' in text.decode()


def test_pictures_in_svg_are_files_of_their_own_size(report, maps):
    text = drawn_cases(report, maps, ".svg").decode()
    files = [base64.b64decode(one) for one in re.findall(r"data:image/png;base64,([^\"]+)", text)]
    sizes = [struct.unpack(">II", file[16:24]) for file in files]
    (found,) = maps.values()
    assert sizes.count((20, 16)) == 5 * len(found)
    assert "&lt;/text&gt;&amp;evil" in text
    assert "</text>&evil" not in text
    assert "&lt;organ&gt;" in text


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_the_same_as_png_and_pdf(report, maps, suffix, start):
    assert drawn(report, suffix, of="images").startswith(start)
    assert drawn_cases(report, maps, suffix).startswith(start)


def test_pictures_lie_within_the_figure(report, maps):
    sheet = cases_sheet(report, maps)
    pixels = [one for one in sheet.marks if isinstance(one, Pixels) and one.role.startswith("picture")]
    assert all(one.x >= 0 and one.x + one.width <= sheet.width + 1e-6 for one in pixels)
    assert all(one.y >= 0 and one.y + one.height <= sheet.height for one in pixels)
    assert all(one.height / one.width == pytest.approx(16 / 20) for one in pixels)


def test_another_format_is_refused(report, maps):
    with pytest.raises(UsageError, match=r'a figure cannot be a ".gif" file'):
        drawn_cases(report, maps, ".gif")
