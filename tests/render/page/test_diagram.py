"""The diagram of a page: its marks stand where the bins are, in percent of a panel."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET  # the pages are our own

import pytest

from calibeval.core.report.curve import SmoothCurve
from calibeval.core.report.fitted_on import OutOfFold
from calibeval.core.report.report import Bin, Recalibrated
from calibeval.render.drawing.content import Subject
from calibeval.render.drawing.marks import Dot, Path
from calibeval.render.drawing.reliability import JOINED_ROWS, overlaid
from calibeval.render.page.diagram import diagram, legend, mean_lines, overlay
from calibeval.render.page.page import render
from calibeval.words.terms import TOP_LABEL
from tests.render.hand_made import bins, over_confident, report

CURVE = SmoothCurve((0.5, 0.9), (0.25, 0.75), (0.4, 0.8), (0.6, 1.0))


def panels(dump, *, spacious=True):
    text = f"<root>{diagram(dump).panels('d1', 'what it shows', spacious=spacious)}</root>"
    return ET.fromstring(text.replace("\n", ""))  # noqa: S314 - our own


def of_class(root, name, tag="rect"):
    return [one for one in root.iter(tag) if one.get("class") == name]


def test_bars_stand_where_the_bins_are():
    root = panels(over_confident())
    assert [(bar.get("y"), bar.get("height")) for bar in of_class(root, "bar")] == [("55%", "45%"), ("15%", "85%")]
    gaps = [(gap.get("y"), gap.get("height"), gap.get("fill")) for gap in of_class(root, "gap over")]
    assert gaps == [("40%", "15%", "url(#d1-over)"), ("5%", "10%", "url(#d1-over)")]
    assert [share.get("height") for share in of_class(root, "share")] == ["25%", "100%"]
    assert [cap.get("y1") for cap in of_class(root, "cap", "line")] == ["55%", "15%"]


def test_ranges_stand_in_front_of_bars_and_the_diagonal():
    marks = [one.get("class") for one in panels(over_confident())[0][0]]
    last = max(i for i, name in enumerate(marks) if name in ("bar", "gap over", "diagonal"))
    assert min(i for i, name in enumerate(marks) if name == "range") > last


def test_the_curve_with_its_band_lies_over_the_bins():
    root = panels(over_confident(curve=CURVE))
    (curve,) = of_class(root, "curve", "path")
    assert curve.get("d") == "M500,750 900,250"
    (ribbon,) = of_class(root, "ribbon", "path")
    assert ribbon.get("d") == "M500,600 900,200 900,0 500,400Z"
    assert "smooth curve, 90 % band if calibrated" in legend("x", [Subject.of_dump(over_confident(curve=CURVE))])
    assert "smooth curve" not in legend("x", [Subject.of_dump(over_confident())])


def test_a_bin_says_its_numbers_to_pointer_and_keyboard():
    spots = [one for one in panels(over_confident()).iter("g") if of_class(one, "spot")]
    said = [spot.findtext("title") for spot in spots]
    assert said[1].startswith("0.75 – 1.00: 800 rows, confidence 95.0 %, accuracy 85.0 %, gap +10.0, outside ")
    assert of_class(panels(over_confident(), spacious=False), "spot") == []


def test_confidences_stand_under_the_diagram_and_under_the_histogram():
    for panel in panels(over_confident())[0]:
        below = [text.text for text in panel.iter("text") if text.get("y") == "100%" and text.get("class") is None]
        assert [words for words in below if words != "0"] == ["20", "40", "60", "80", "100"]


def test_counts_are_labelled_and_thinned_where_they_would_collide():
    many = bins(*[(1000 + i, (i + 0.5) / 20, 0.5) for i in range(20)])
    root = panels(over_confident(equal_width=many))
    words = [text.text for text in root.iter("text") if (text.get("class") or "").startswith("rowcount")]
    assert words[0] == "rows"
    narrow = [text for name in ("rowcount", "rowcount tight") for text in of_class(root, name, "text")]
    narrow = sorted((text for text in narrow if text.text != "rows"), key=lambda text: float(text.get("x")[:-1]))
    # Four letters of 11 pixels take less than 30 of at least 250 pixels.
    places = [float(text.get("x")[:-1]) for text in narrow]
    assert min(b - a for a, b in pairwise(places)) >= 100 * 24 / 250
    assert 3 <= len(narrow) < 20


@pytest.mark.parametrize(
    ("accuracy", "confidence", "anchors"),
    [(0.8, 0.9, ["end", "end"]), (0.1, 0.3, ["start", "start"]), (0.1, 0.9, ["start", "end"])],
)
def test_labels_of_means_stay_inside(accuracy, confidence, anchors):
    lines = mean_lines(Subject.of_dump(over_confident(equal_width=bins((10, confidence, accuracy)))))
    assert [line.anchor for line in lines] == anchors
    assert {line.row for line in lines} == {0, 1}


def test_before_and_after_stand_side_by_side_on_one_scale():
    before = over_confident(curve=CURVE)
    after = over_confident(equal_width=bins((0, None, None), (0, None, None), (0, None, None), (1000, 0.8, 0.8)))
    mapped = Recalibrated("temperature", {}, OutOfFold(5, 0, 1000), after.metrics, after.equal_width, None)
    page = render(report(replace(before, recalibrated=mapped)))
    shares = re.findall(r'<rect class="share"[^>]* height="([^"]*)"', page)
    assert shares == ["20%", "80%", "100%"]  # before and after, each drawn once
    assert page.index("<h3>Before</h3>") < page.index("<h3>With temperature, 5 folds</h3>") < page.index('"changes"')
    assert page.count('<ul class="legend"><li><svg') == 1


def test_two_subjects_share_a_frame():
    first, second = (Subject.of_dump(over_confident(curve=curve)) for curve in (None, CURVE))
    svg = str(overlay(first, second, "x", "a <b>", ("base", "candidate"), ("old <", "new")))
    assert svg.count('<circle class="first"') == 2 + 1
    assert svg.count('<circle class="second"') == 2 + 1
    assert "base: <bdi>old &lt;</bdi>" in svg
    assert "candidate: <bdi>new</bdi>" in svg
    assert "a &lt;b&gt;" in svg
    assert '<path class="first" d="M600,550 950,150"/>' in svg
    assert '<path class="second" d="M500,750 900,250"/>' in svg


@pytest.mark.parametrize(("rows", "pieces"), [(JOINED_ROWS, 1), (JOINED_ROWS - 1, 0)])
def test_bins_of_few_rows_are_not_joined(rows, pieces):
    table = (Bin(0.0, 0.4, 500, 0.2, 0.1, 0.1), Bin(0.4, 0.6, rows, 0.5, 1.0, -0.5), Bin(0.6, 1.0, 500, 0.8, 0.7, 0.1))
    subject = Subject.of(table, None, TOP_LABEL)
    marks = overlaid(subject, subject)
    drawn = [mark for mark in marks if isinstance(mark, Path) and mark.role == "first"]
    assert len(drawn) == pieces
    assert sum(isinstance(mark, Dot) and mark.role == "first" for mark in marks) == 3  # all are there


def test_what_has_no_rows_is_not_drawn():
    assert diagram(over_confident(equal_width=bins((0, None, None)))) is None
