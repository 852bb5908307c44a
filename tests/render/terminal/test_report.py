"""The terminal view as whole strings, and its promises at every width: short lines, plain ASCII, no escapes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from calibeval import Predictions, evaluate
from calibeval.core.data.notices import warning
from calibeval.core.report.fitted_on import OutOfFold
from calibeval.core.report.report import ClassResult, Recalibrated
from calibeval.render.terminal.full import render_full
from calibeval.render.terminal.report import render_report
from tests.render.hand_made import CLASSES, HOSTILE, bins, over_confident, report, with_metric, without_intervals

WIDTHS = (40, 57, 80, 120, 200)


def shown(*dumps, width=100, color=False, ascii_only=False, **settings):
    return render_report(report(*dumps, **settings), width=width, color=color, ascii_only=ascii_only)


def full(*dumps, width=100, color=False, ascii_only=False):
    return render_full(report(*dumps), width=width, color=color, ascii_only=ascii_only)


def check(text, width):
    """No line is too long or ends in blanks, nothing controls the terminal, no number is missing."""
    for line in text.split("\n"):
        assert cell_len(line) <= width
        assert line == line.rstrip(" ")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert "nan" not in text.lower()
    assert "None" not in text


def test_one_dump_at_80_columns():
    assert (
        shown(over_confident(), width=80)
        == """\
a.npz · 1,000 rows · 10 classes · log-probs

Over-confident: says 88.0 % on average, is right 77.0 % of the time (gap +11.0
points, certain).

                 value   corrected [95 %]  if calibrated  miscalibrated?
accuracy  %      77.00      [74.3 – 79.5]
gap       %     +11.00    [+8.5 to +13.5]    0.7 (≤ 1.8)  certain
NLL       nats       –
Brier            0.321    [0.301 – 0.342]
ECE       %      11.00  10.9 [8.5 – 13.4]    1.2 (≤ 2.2)  certain
CWCE 0.567 % (cannot tell)
NLL: infinite: the label has probability 0 in 1 row, first in row 7

confidence    rows            accuracy                             100 %     gap
0.75 – 1.00    800  ████████  ███████████████████████████████████▓▓▓▓│    +10.0
0.50 – 0.75    200  ██        ██████████████████▓▓▓▓▓▓▓│                  +15.0
all rows     1,000                                            A   C       +11.0
A accuracy 77.00 % · C mean confidence 88.00 % · ▓ over-confident · │ confidence
"""
    )


def test_one_dump_in_ascii_without_intervals_at_60_columns():
    assert (
        shown(without_intervals(over_confident()), width=60, ascii_only=True, level=None)
        == """\
a.npz, 1,000 rows, 10 classes, log-probs

Over-confident: says 88.0 % on average, is right 77.0 % of
the time (gap +11.0 points, certain).

                 value  if calibrated  miscalibrated?
accuracy  %      77.00
gap       %     +11.00   0.7 (<= 1.8)  certain
NLL       nats       -
Brier            0.321
ECE       %      11.00   1.2 (<= 2.2)  certain
CWCE 0.567 % (cannot tell)
NLL: infinite: the label has probability 0 in 1 row, first
in row 7

confidence     rows  accuracy                  100 %     gap
0.75 to 1.00    800  ##########################+++    +10.0
0.50 to 0.75    200  ##############+++++              +15.0
all rows      1,000                         A  C      +11.0
A accuracy 77.00 %, C mean confidence 88.00 %
+ over-confident
"""
    )


def second_dump():
    return over_confident(name="second/b.npz", n=20, rows_sha256="1")


def test_two_dumps_at_60_columns():
    assert (
        shown(
            over_confident(rows_sha256="1"),
            with_metric(
                over_confident(name="second/b.npz", n=20, rows_sha256="1"), "ece", value=0.3, low=0.2, high=0.4
            ),
            width=60,
        )
        == """\
Of 2 dumps, 1 is over-confident, 1 is miscalibrated; ECE
from 11.00 % (a.npz) to 30.00 % (second/b.npz).

                 gap     ECE  miscalibrated?
                   %       %
a.npz         +11.00  11.00*  over-confident, certain
second/b.npz  +11.00  30.00   in some bins, likely
* certainly best among the dumps of the same rows: the
interval overlaps no other
left out for width: rows, accuracy, accuracy [95 %], gap [95
%], NLL, Brier, Brier [95 %], ECE [95 %], MCE, CWCE

a.npz · 1,000 rows · 10 classes · log-probs
  Over-confident: says 88.0 % on average, is right 77.0 % of
  the time (gap +11.0 points, certain).
  NLL: infinite: the label has probability 0 in 1 row, first
  in row 7

second/b.npz · 20 rows · 10 classes · log-probs
  Probably over-confident in some bins (most in 0.75 – 1.00:
  +10.0 points), only slightly on average: says 88.0 % on
  average, is right 77.0 % of the time (ECE 30.00 %,
  likely).
  NLL: infinite: the label has probability 0 in 1 row, first
  in row 7
"""
    )


def rows_of(text, first):
    """The lines of the block whose first line begins so, that line left out."""
    block = next(part for part in text.rstrip("\n").split("\n\n") if part.startswith(first))
    return block.split("\n")[1:]


def test_under_confidence_has_signs_and_a_colour_of_its_own():
    dump = over_confident(equal_width=bins((0, None, None), (1000, 0.8, 0.9)))
    assert rows_of(shown(dump, width=60), "confidence")[0] == (
        f"0.50 – 1.00  1,000  {'█' * 25}│{'░' * 3}     −10.0"  # 25 and 28 of 31 cells
    )
    assert rows_of(shown(dump, width=60, ascii_only=True), "confidence")[0] == (
        f"0.50 to 1.00  1,000  {'#' * 25}{'-' * 3}     -10.0"
    )
    assert "\x1b[38;5;32m░░" in shown(dump, width=60, color=True)
    assert "\x1b[38;5;172m▓▓" in shown(over_confident(), width=60, color=True)


def test_gaps_of_few_rows_stand_in_brackets():
    few = over_confident(equal_width=bins((0, None, None), (3, 0.97, 2 / 3)))
    many = over_confident(equal_width=bins((0, None, None), (300, 0.97, 2 / 3)))
    assert rows_of(shown(few), "confidence")[0].endswith("(+30.3)")
    assert rows_of(shown(many), "confidence")[0].endswith(" +30.3")
    assert "(gap) within noise" in shown(few)
    assert "(gap) within noise" not in shown(many)


def test_the_histogram_shows_every_bin_and_is_longest_at_the_largest():
    dump = over_confident(equal_width=bins((1, 0.2, 0.2), (500, 0.5, 0.5), (1000, 0.9, 0.9)))
    bars = [line.split()[4] for line in rows_of(shown(dump, width=100), "confidence")[:3]]
    assert bars == ["████████", "████", "▏"]


def test_many_bins_are_merged_without_losing_a_row():
    dump = over_confident(equal_width=bins(*((10, (i + 0.5) / 100, i / 100) for i in range(100))))
    lines = rows_of(shown(dump), "confidence")
    assert lines[0].startswith("0.95 – 1.00     50 ")
    assert lines[0].endswith("(+0.5)")
    assert [line.split()[0] for line in lines[19:21]] == ["0.00", "all"]
    assert lines[20].startswith("all rows     1,000 ")
    assert "5 bins per line" in lines[-1]


def test_accuracy_and_confidence_stay_apart_on_their_line():
    for value in (0.0, 0.5, 1.0):
        dump = over_confident(equal_width=bins((1000, value, value)))
        line = next(line for line in shown(dump).split("\n") if line.startswith("all rows"))
        assert line.count("A") == line.count("C") == 1


def test_columns_that_do_not_fit_are_named_below_the_table():
    wide, middle, narrow = (shown(over_confident(), width=width) for width in (80, 60, 40))
    assert ("corrected [95 %]" in wide, "if calibrated" in wide, "left out" in wide) == (True, True, False)
    assert "\nleft out for width: if calibrated\n" in middle
    assert "[8.5 – 13.4]" in middle
    assert "left out for width: corrected [95 %], if\ncalibrated\n" in narrow
    assert "[8.5 – 13.4]" not in narrow
    assert "certain" in narrow


def test_the_interval_column_names_its_level_and_is_absent_without_intervals():
    assert "corrected [99 %]" in shown(over_confident(), level=0.99)
    assert "corrected" not in shown(without_intervals(over_confident()), level=None)
    only = over_confident(metrics={"accuracy": over_confident().metrics["accuracy"]})
    assert "95 % interval" in shown(only)


def test_metrics_that_were_chosen_are_all_in_the_table():
    chosen = over_confident()
    chosen = replace(chosen, metrics={name: chosen.metrics[name] for name in ("mce", "cwce")})
    text = shown(chosen)
    assert "\nMCE   %  15.00          [8 – 22]    3.0 (≤ 7.0)  certain\n" in text
    assert "\nCWCE  %  0.567   0.27 [0 – 0.41]  0.69 (≤ 0.71)  cannot tell\n" in text


def test_doubts_about_classes_and_labels_come_before_all_numbers():
    doubt = warning("below_chance", "accuracy lies below chance")
    one = over_confident(warnings=(doubt,))
    assert shown(one).split("\n")[1] == "Check first: accuracy lies below chance"
    several = shown(over_confident(name="b.npz"), one)
    assert several.startswith("Check first: a.npz: accuracy lies below chance\n")


def test_after_a_map_the_line_shows_both_values():
    after = {name: replace(m, value=m.value and m.value / 2) for name, m in over_confident().metrics.items()}
    dump = over_confident(recalibrated=Recalibrated("isotonic", {}, OutOfFold(5, 0, 1000), after, (), None))
    assert "\nCWCE 0.567 → 0.283 %\n" in shown(dump)
    assert re.search(r"\nECE .*  5\.50\n", shown(dump))


def test_top_label_only_and_ignored_rows_are_told():
    dump = over_confident(k=None, per_class=(), ignored=1234)
    assert shown(dump).startswith("a.npz · 1,000 rows · top label only · 1,234 ignored\n")


def test_warnings_are_left_to_stderr():
    assert "beware" not in shown(over_confident(warnings=("beware",)))


def test_dumps_stand_in_the_order_given_and_no_best_is_marked_without_intervals():
    dumps = [without_intervals(over_confident(name=name)) for name in ("z", "a", "m")]
    dumps = [replace(dump, rows_sha256="1") for dump in dumps]
    text = shown(*dumps, level=None)
    assert [line[0] for line in text.split("\n")[4:7]] == ["z", "a", "m"]
    assert "*" not in text
    assert "No value is marked as best: that needs intervals\n" in text


def test_names_that_are_equal_once_cut_get_numbers():
    dumps = [over_confident(name=f"{letter}{'/long' * 30}.npz") for letter in "ab"]
    lines = shown(*dumps, width=80).split("\n")
    head = next(i for i, line in enumerate(lines) if "miscalibrated?" in line)
    assert [line.split()[0] for line in lines[head + 2 : head + 4]] == ["1", "2"]


def test_the_end_of_a_long_path_and_the_beginning_of_a_long_class_are_kept():
    first = ClassResult("begin" + "x" * 200, 1, 0.5, 0.1)
    text = full(over_confident(name="x" * 200 + "/model.npz#test", per_class=(first,)), width=60)
    assert text.split("\n")[0].startswith("…xx")
    assert text.split("\n")[0].endswith("/model.npz#test")
    assert any(line.startswith("beginxx") and "…" in line for line in text.split("\n"))


def test_wide_names_are_cut_by_the_cells_they_take():
    name = "\u65e5" * 60
    title = shown(over_confident(name=name), width=40).split("\n")[:2]
    assert title == ["…" + "\u65e5" * 19, "1,000 rows · 10 classes · log-probs"]
    text = full(over_confident(per_class=(ClassResult(name, 1, 0.5, 0.1),)), width=40)
    assert "\n" + "\u65e5" * 6 + "…         50.0   +10.0     1\n" in text


def test_right_to_left_names_do_not_drag_numbers_along():
    assert shown(over_confident(name="\u05d0\u05d1")).startswith("\u2068\u05d0\u05d1\u2069 · 1,000 rows")


def test_a_name_of_nothing_is_told():
    assert shown(over_confident(name="")).startswith("(no name) · ")


def test_a_report_without_dumps():
    assert shown() == "The report holds no dumps.\n"


def test_no_escape_without_colour_and_the_same_text_with_it(monkeypatch):
    plain = shown(over_confident())
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "33")
    monkeypatch.setenv("TERM", "dumb")
    coloured = shown(over_confident(), color=True, width=100)
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.split("\n")] == plain.split("\n")


def test_a_width_below_40_counts_as_40():
    assert shown(over_confident(), width=7) == shown(over_confident(), width=40)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_harmless_at_every_width(name, ascii_only):
    classes = tuple(ClassResult(name, 100, e, g) for _, e, g in CLASSES)
    hostile = over_confident(name=name, per_class=classes)
    for width in WIDTHS:
        for dumps in ((hostile,), (hostile, over_confident(), hostile)):
            for view in (shown, full):
                text = view(*dumps, width=width, ascii_only=ascii_only)
                check(text, width)
                assert text.isascii() or not ascii_only


def test_markup_in_names_is_shown_as_it_is():
    text = full(over_confident(name="[/red]x", per_class=(ClassResult("[bold]y", 9, 0.5, 0.1),)))
    assert text.startswith("[/red]x · ")
    assert "\n[bold]y  " in text


@pytest.mark.parametrize("level", [None, 0.95])
@pytest.mark.parametrize(("n", "k"), [(1, 2), (1, 10), (2, 1000), (50, 2), (3000, 3), (1000, 1000)])
def test_real_reports_fit_every_width(n, k, level):
    rng = np.random.default_rng([n, k])
    predictions = Predictions(probs=rng.dirichlet(np.full(k, 0.3), n), labels=rng.integers(0, k, n))
    one = evaluate(predictions, level=level)
    two = replace(one, dumps=one.dumps * 2)
    for width in WIDTHS:
        for ascii_only in (False, True):
            for rep in (one, two):
                text = render_report(rep, width=width, color=False, ascii_only=ascii_only)
                check(text, width)
                assert text.isascii() or not ascii_only


def test_a_null_shows_its_reason_and_a_dash():
    text = shown(with_metric(over_confident(), "ece", value=None, reason="because"), width=60)
    assert "\nECE       %          –\n" in text
    assert "\nECE: because\n" in text


def test_a_report_without_bins_has_no_diagram():
    assert "confidence " not in shown(over_confident(equal_width=(), per_class=()))
