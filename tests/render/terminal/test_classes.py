"""The classes under --full: those beyond noise first, the others in brackets and without colour."""

from __future__ import annotations

from dataclasses import replace

from rich.text import Text

from calibeval.core.report.report import ClassResult
from calibeval.render.terminal.classes import class_table
from calibeval.render.terminal.report import sheet_text
from calibeval.render.terminal.sheet import Sheet
from calibeval.words.classes import class_cells, class_finding
from tests.render.hand_made import over_confident

CLASSES = (
    ClassResult("cat", 120, 0.02, 0.015, 0.011, 0.03),
    ClassResult("dog", 110, 0.031, -0.02, 0.01, 0.03),
    ClassResult("owl", 90, 0.025, 0.0, 0.009, 0.02),
    ClassResult("bat", 80, 0.029, 0.001, 0.012, 0.031),
)


def shown(*classes, width=80, color=False):
    sheet = Sheet(width, ascii_only=False)
    return sheet_text(class_table(over_confident(per_class=classes), sheet), sheet, color)


def test_classes_beyond_noise_come_first_and_the_others_are_in_brackets():
    assert shown(*CLASSES) == (
        """\
2 of 4 classes beyond noise, (error) within noise · gap: mean probability − frequency
class  cal. error %  if calibrated    gap  rows
dog           3.10   1.00 (≤ 3.00)  −2.00   110
owl           2.50   0.90 (≤ 2.00)   0.00    90
bat          (2.90)  1.20 (≤ 3.10)  +0.10    80
cat          (2.00)  1.10 (≤ 3.00)  +1.50   120
""".replace(" · gap: mean", "\ngap: mean")
    )


def test_only_classes_beyond_noise_have_colours():
    lines = shown(*CLASSES, color=True).split("\n")
    assert "\x1b[38;5;32m−2.00" in next(line for line in lines if line.startswith("dog"))
    assert all("38;5" not in line for line in lines if line.startswith(("bat", "cat")))


def test_where_the_noise_is_unknown_nothing_is_judged():
    unknown = tuple(replace(one, floor=None, floor_high=None) for one in CLASSES)
    text = shown(*unknown, color=True)
    assert "4 classes, largest error first; their noise is not known" in text
    assert "38;5" not in text
    assert "(3" not in text
    assert [one.result.name for one in class_cells(over_confident(per_class=unknown))] == ["dog", "bat", "owl", "cat"]


def test_no_class_beyond_noise_is_said():
    assert class_finding(over_confident(per_class=CLASSES[:1])) == "none of 1 class beyond noise"
    assert class_table(over_confident(per_class=()), Sheet(80, ascii_only=False)) == []


def test_digits_tell_an_error_from_its_floor():
    close = (ClassResult("a", 9, 0.000_31, 0.0, 0.000_1, 0.000_30), ClassResult("b", 9, 0.2, 0.0, 0.1, 0.3))
    (first, second) = class_cells(over_confident(per_class=close))
    assert (first.error, first.floor) == ("0.031", "0.010 (≤ 0.030)")
    assert (second.error, second.beyond) == ("20.000", False)


def test_narrow_screens_keep_the_error_and_its_mark():
    assert "(2.90)" in shown(*CLASSES, width=40)
    assert "≤" not in shown(*CLASSES, width=40)
    assert isinstance(class_table(over_confident(), Sheet(40, ascii_only=True))[0], Text)
