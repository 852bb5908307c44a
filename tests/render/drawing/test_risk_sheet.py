"""Figures of risk-coverage curves: sizes, words that hide nothing, the same marks in SVG and in matplotlib."""

from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree as ET  # the SVGs are our own

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.errors import InputError, UsageError
from calibeval.render.drawing.marks import Text
from calibeval.render.drawing.risk_sheet import has_curves, risk_sheet
from calibeval.render.drawing.svg import sheet_svg
from tests.render.drawing.test_sheet import boxes
from tests.render.hand_made import HOSTILE, report

SVG = "{http://www.w3.org/2000/svg}"


def measured(right=100, n=200, metrics="aurc,coverage@1%,coverage@5%,coverage@10%", name="a.npz#test"):
    """Confidences from .99 down; the first rows are right, and all others wrong."""
    dump = evaluate(confidence=np.linspace(0.99, 0.5, n), correct=np.arange(n) < right, metrics=metrics).dumps[0]
    return replace(dump, name=name)


def several(count):
    return report(*(measured(right=200 - 7 * i, name=f"run_{i}.npz#test") for i in range(count)))


def drawn(found, inches=None):
    return ET.fromstring(sheet_svg(risk_sheet(found, inches)))  # noqa: S314 - our own


@pytest.mark.parametrize(("count", "inches", "points"), [(1, None, 252), (3, None, 504), (2, 5.0, 360)])
def test_the_width_is_that_of_a_column_or_a_page_or_what_was_asked_for(count, inches, points):
    assert drawn(several(count), inches).get("width") == f"{points}pt"


@pytest.mark.parametrize("inches", [3.5, 5.0, 7.0])
@pytest.mark.parametrize("count", [1, 2, 3, 9, 20])
def test_no_text_leaves_the_figure_or_lies_on_another(count, inches):
    sheet = risk_sheet(several(count), inches)
    texts = boxes(sheet)
    for left, bottom, right, top, words in texts:
        assert left >= -0.5, words
        assert right <= sheet.width + 0.5, words
        assert bottom >= 0, words
        assert top <= sheet.height + 0.1, words
    for one, other in combinations(texts, 2):
        across = min(one[2], other[2]) - max(one[0], other[0])
        along = min(one[3], other[3]) - max(one[1], other[1])
        assert across <= 0.5 or along <= 0.5, (one[4], other[4])


def test_panels_do_not_lie_on_each_other_and_share_their_axes():
    sheet = risk_sheet(several(7))
    assert len({panel.top for panel in sheet.panels}) == 1
    frames = [(p.frame.x, p.frame.y, p.frame.x + p.frame.width, p.frame.y + p.frame.height) for p in sheet.panels]
    for a, b in combinations(frames, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_words_of_one_dump():
    sheet = risk_sheet(report(measured()))
    assert [mark.words for mark in sheet.marks if isinstance(mark, Text)][-3:] == [
        "a.npz#test",
        "certified ≤ 5 %: 50.5 % · ≤ 10 %: 52.5 %",
        "AURC 15.47 % · n = 200",  # sum of (k - 100) / k over k = 101 ... 200, divided by 200
    ]
    assert sheet.title == "Risk-coverage curve of a.npz#test"
    assert sheet.description == (
        "Risk-coverage curve. a.npz#test: error 50.00 % of all rows, certified ≤ 5 %: 50.5 % · ≤ 10 %: 52.5 %"
    )


def test_marks_are_the_same_in_svg_and_in_matplotlib():
    found = report(measured())
    root, panel = drawn(found), risk_sheet(found).panels[0]
    top = 0.5 * 1.16
    (axes,) = found.figure(of="risk").axes
    assert axes.get_label() == "risk 0"
    assert axes.get_ylim() == (0.0, pytest.approx(100 * top))
    dots = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_label() == "certified"]
    assert dots == [[50.5, pytest.approx(100 / 101)], [52.5, pytest.approx(500 / 105)]]
    circles = [(float(one.get("cx")), float(one.get("cy"))) for one in root.find(f"{SVG}g").iter(f"{SVG}circle")]
    height = float(root.get("height")[:-2])
    expected = [
        (panel.frame.x + panel.frame.width * x / 100, height - panel.frame.y - panel.frame.height * y / 100 / top)
        for x, y in dots
    ]
    np.testing.assert_allclose(circles, expected, atol=0.006)


def test_each_of_a_few_panels_has_the_curves_of_the_others():
    def others(count):
        panels = risk_sheet(several(count)).panels
        return [sum(getattr(mark, "role", "") == "other" for mark in panel.marks) for panel in panels]

    assert others(1) == [0]
    assert others(3) == [2, 2, 2]
    assert others(9) == [0] * 9


def test_what_was_not_measured_is_not_drawn():
    without = report(measured(metrics="auroc"))
    assert not has_curves(without)
    assert has_curves(report(measured()))
    with pytest.raises(InputError, match="no risk-coverage curve to draw: it comes with metrics such as aurc"):
        risk_sheet(without)
    with pytest.raises(InputError, match="no risk-coverage curve"):
        risk_sheet(report())
    with pytest.raises(UsageError, match="width_inches is 1, but it must lie between 2 and 40"):
        risk_sheet(report(measured()), 1.0)
    with pytest.raises(UsageError, match='of "riks" is unknown'):
        report(measured()).figure(of="riks")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_the_file(name):
    plain = [one.tag for one in drawn(report(measured(name="plain"))).iter()]
    assert [one.tag for one in drawn(report(measured(name=name))).iter()] == plain


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_every_format_is_written(tmp_path, kind):
    report(measured()).figure(of="risk").savefig(tmp_path / f"risk.{kind}")
    assert (tmp_path / f"risk.{kind}").stat().st_size > 2_000


def test_folders_have_the_curve_where_it_was_measured(tmp_path):
    names = [
        {
            path.name
            for path in evaluate(confidence=[0.9, 0.8], correct=[1, 0], metrics=metric)
            .save(tmp_path / metric)
            .iterdir()
        }
        for metric in ("aurc", "auroc")
    ]
    usual = {"report.json", "report.html", "bins.csv", "reliability.svg"}
    assert names == [usual | {"risk.svg"}, usual]
