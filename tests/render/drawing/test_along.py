"""Metrics along an axis of a survey: boxes over the other axes, before and after a map."""

import pytest

from calibeval.core.errors import InputError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.settings import Settings
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.survey import Cell, Survey
from calibeval.render.drawing.along import along, along_marks, said
from calibeval.render.drawing.along_sheet import along_sheet, ordered_axis
from calibeval.render.drawing.marks import Box, Stroke
from calibeval.render.drawing.svg import sheet_svg
from calibeval.render.figure.figure import figure_bytes, sheet_figure


def survey(values, after=None):
    """ECEs by corruption and severity; values: a row for each corruption, a, b, and so on."""
    cells = []
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            mapped = None if after is None else {"ece": MetricResult("ece", after[i][j])}
            own = {} if value is None else {"ece": MetricResult("ece", value, low=value - 0.01, high=value + 0.02)}
            cells.append(Cell({"corruption": "abcdefgh"[i], "severity": j + 1}, "x", 100, 3, own, mapped))
    axes = (Axis("corruption", tuple("abcdefgh"[: len(values)])), Axis("severity", tuple(range(1, len(values[0]) + 1))))
    return Survey("1", Settings(), axes, tuple(cells), ())


def roles(found):
    return {getattr(mark, "role", "") for mark in along_marks(found)}


def test_boxes_are_quartiles_and_stems_reach_the_ends():
    # ECEs of 10, 20, 30, 40 and 50 % at severity 1: quartiles 20 and 40, median 30; the axis begins at 0.
    found = along(survey([[0.1, 0.5], [0.2, 0.5], [0.3, 0.5], [0.4, 0.5], [0.5, 0.5]]), "ece", AXIS)
    assert found.before[0].quartiles == pytest.approx((20, 30, 40))
    assert (found.low, found.high) == pytest.approx((0, 53))
    marks = along_marks(found)
    box = next(mark for mark in marks if isinstance(mark, Box))
    assert (box.y, box.y + box.height) == pytest.approx((20 / 53, 40 / 53))
    assert box.x + box.width / 2 == pytest.approx(0.25)  # the middle of the first of two places
    upright = [mark for mark in marks if isinstance(mark, Stroke) and mark.start[0] == mark.end[0]]
    assert {round(end[1] * 53) for mark in upright[:2] for end in (mark.start, mark.end)} == {10, 20, 40, 50}
    assert said(found, 0) == "severity 1: median 30 %, half 20 – 40, all 10 – 50"


AXIS = Axis("severity", (1, 2))


def test_a_map_stands_beside_unless_it_changes_nothing():
    values, after = [[0.1, 0.2], [0.3, 0.4]], [[0.05, 0.1], [0.1, 0.2]]
    found = along(survey(values, after), "ece", AXIS)
    assert [one.values for one in found.after] == [pytest.approx((5, 10)), pytest.approx((10, 20))]
    assert {"box before", "box after"} <= roles(found)
    assert "box after" not in roles(along(survey(values, values), "ece", AXIS))


def test_one_cell_is_a_dot_with_its_interval():
    found = along(survey([[0.1, 0.2]]), "ece", AXIS)
    assert not found.boxed
    assert found.before[0].ends == pytest.approx((9, 12))
    assert roles(found) == {"line before", "stem before", "dot before"}


def test_places_without_values_are_empty():
    found = along(survey([[0.1, None], [0.2, None]]), "ece", AXIS)
    assert found.before[1] is None
    assert along(survey([[None, None]]), "ece", AXIS) is None


def test_the_axis_is_one_of_numbers():
    whole = survey([[0.1, 0.2], [0.2, 0.3]])
    assert ordered_axis(whole).name == "severity"
    assert ordered_axis(whole, whole.axes[0]).name == "severity"
    names = Survey("1", Settings(), whole.axes[:1], (), ())
    with pytest.raises(InputError, match="there is no axis of numbers"):
        along_sheet(names, ["ece"])


def test_the_figure_is_svg_and_of_matplotlib():
    sheet = along_sheet(survey([[0.1, 0.2], [0.3, 0.4]], [[0.05, 0.1], [0.1, 0.2]]), ["ece"])
    text = sheet_svg(sheet)
    assert sheet_svg(sheet) == text
    assert "ECE, % along severity" in text
    assert "median 20 at severity 1, 30 at 2; after the map 7.5 and 15" in text
    assert figure_bytes(sheet_figure(sheet), "png")[:4] == b"\x89PNG"
