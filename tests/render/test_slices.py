"""Slices and groups in every view: worst first, small ones named, hostile names harmless, nothing without slices."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from calibeval.core.data.predictions import Source
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import Bin, DumpReport, GroupCount, Report, SliceResult, SmallSlice
from calibeval.core.report.settings import Settings
from calibeval.render.page import page as html
from calibeval.render.page.slices import slice_views
from calibeval.render.tables import csv_table, latex, markdown
from calibeval.render.terminal.report import render_report
from calibeval.words import cells
from calibeval.words.slices import slice_tables

HOSTILE = "<script>alert(1)</script>\x1b[31m|`*\n\u202e"


def metrics(ece, low, high, **more):
    floors = more.pop("floors", {"floor": 0.01, "floor_high": 0.02})
    return {
        "accuracy": MetricResult("accuracy", 0.8, low=0.7, high=0.9),
        "confidence_gap": MetricResult("confidence_gap", ece, low=low, high=high),
        "ece": MetricResult("ece", ece, low=low, high=high, **floors, **more),
    }


def dump(slices=(), small=(), **more):
    table = (Bin(0.5, 1.0, 1000, 0.9, 0.8, 0.1),)
    return DumpReport(
        Source("d.npz"),
        "probs",
        1000,
        2,
        0,
        metrics(0.1, 0.08, 0.12),
        table,
        None,
        (),
        name="d.npz",
        slices=slices,
        small_slices=small,
        **more,
    )


def report(*dumps, **settings):
    return Report("1", Settings(bins=1, **settings), dumps)


def night(value="night", p=1e-9, p_holm=2e-9, column="time", **more):
    return SliceResult(column, value, 640, metrics(0.123, 0.1, 0.15, **more), p, p_holm)


def text(*dumps, width=100, ascii_only=False, **settings):
    return render_report(report(*dumps, **settings), width=width, color=False, ascii_only=ascii_only)


def words(line):
    return line.split()


TWO = dump((night(), night("day", 0.4, 0.4)), (SmallSlice("time", "dusk", 12),))


def test_the_terminal_shows_a_table_for_each_column():
    shown = text(TWO, min_rows=100).splitlines()
    start = shown.index("slices by time: 1 of 2 slices miscalibrated beyond noise")
    assert shown[start + 1].split() == words("rows accuracy % ECE % corrected [95 %] if calibrated gap p beyond noise?")
    assert shown[start + 2].split() == words("night 640 80.00 12.30 [10.0 – 15.0] 1.0 (≤ 2.0) +12.30 < 0.001 certain")
    assert shown[start + 3].split()[0] == "day"
    assert "  0.40  " in shown[start + 3]
    assert shown[start + 4] == "(ECE) not beyond noise"
    assert shown[start + 5] == "p: chance of an ECE this large if calibrated, Holm-corrected over 2 slices"
    assert shown[start + 6] == "smaller than 100 rows: dusk (12)"


@pytest.mark.parametrize("width", [50, 60, 80, 120])
def test_columns_are_left_out_before_names_are_cut(width):
    name = "Nordrhein-Westfalen"
    shown = text(dump((night(name), night("day", 0.4, 0.4)), ()), width=width, ascii_only=True)
    assert any(line.startswith(f"{name} ") for line in shown.splitlines())


def test_nothing_is_shown_without_slices():
    for made in (
        text(dump(None, None)),
        html.render(report(dump(None, None))),
        markdown.render(report(dump(None, None))),
    ):
        assert "slices by" not in made.lower()
    assert csv_table.render(report(dump(None, None))).splitlines()[0] == ",".join(csv_table.COLUMNS)


def test_several_dumps_have_theirs_below_their_names():
    shown = text(dump((night("dark"),), ()), TWO)
    assert shown.index("dark") < shown.index("dusk")
    assert shown.count("slices by time") == 2
    page = html.render(report(dump((night("dark"),), ()), TWO))
    assert page.count("<h3>Slices by <bdi>time</bdi></h3>") == 2


@pytest.mark.parametrize("width", [40, 60, 72, 80, 100, 200])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_every_width_holds_long_names(width, ascii_only):
    long = dump(
        (night("日本" * 60), night("x" * 200)), (SmallSlice("time", "y" * 99, 1),), groups=GroupCount("v" * 99, 20)
    )
    shown = text(long, width=width, ascii_only=ascii_only)
    start = shown.index("slices by")
    assert all(cell_len(line) <= width for line in shown[start:].splitlines())
    assert "640" in shown[start:]
    assert "< 0.001" in shown[start:]
    assert not ascii_only or shown.isascii()


def test_hostile_names_are_harmless_everywhere():
    hostile = dump(
        (night(HOSTILE, column=HOSTILE),), (SmallSlice(HOSTILE, HOSTILE, 3),), groups=GroupCount(HOSTILE, 20)
    )
    made = report(hostile)
    assert Report.from_json(made.to_json()) == made
    for shown in (text(hostile), markdown.render(made), csv_table.render(made), latex.render(made)):
        assert not {"\x1b", "\u202e"} & set(shown)
    page = html.render(made)
    assert page.count("<script>") == 1  # our own
    assert not {"\x1b", "\u202e"} & set(page)
    assert "<script>" not in markdown.render(made)
    rows = list(csv.reader(io.StringIO(csv_table.render(dump_with_formula()))))
    assert rows[-1][-3] == "'=1+1"


def dump_with_formula():
    return report(dump((night("=1+1"),), ()))


def test_many_slices_are_cut_and_folded():
    many = dump(tuple(night(f"s{i}") for i in range(25)), tuple(SmallSlice("time", f"t{i}", 1) for i in range(13)))
    shown = text(many, min_rows=2)
    assert "s19" in shown
    assert "s20" not in shown
    assert "5 better slices not shown: see --full" in shown
    assert " ".join(shown.split()).endswith("t9 (1) and 3 more")
    page = html.render(report(many))
    assert "<summary>5 better slices</summary>" in page
    assert "s24" in page


def test_what_is_said_where_there_is_no_p():
    labels = night(p=None, p_holm=None, floors={})
    assert "1 slice by true label, not tested: no model is calibrated within a label" in text(dump((labels,), ()))
    few = night(p=None, p_holm=None, floors={}, reason="no interval: 3 groups cannot tell")
    few.metrics["ece"] = replace(few.metrics["ece"], low=None, high=None)
    assert "1 slice with too few groups to estimate the noise" in text(dump((few,), ()))
    assert "slices by time: no slice has enough rows" in text(dump((), (SmallSlice("time", "a", 1),)))
    assert "none of 1 slice miscalibrated" in text(dump((night(p=0.2, p_holm=0.2),), ()))


def test_columns_stay_in_the_order_asked_for():
    found = slice_tables(dump((night(column="b"), night(column="a"), night("z", column="b")), ()), 100)
    assert [(table.column, len(table.rows)) for table in found] == [("b", 2), ("a", 1)]


def test_the_page_marks_what_is_beyond_noise():
    page = html.render(report(TWO, min_rows=100))
    assert "<h2>Slices by <bdi>time</bdi></h2>" in page
    assert page.count("<strong>12.30</strong>") == 1
    assert "Smaller than 100 rows: dusk (12)" in page


def test_markdown_has_a_table_below_the_metrics():
    lines = markdown.render(report(TWO, min_rows=100)).splitlines()
    start = lines.index("slices by time: 1 of 2 slices miscalibrated beyond noise")
    assert lines[start + 2] == "| slice | rows | accuracy % | ECE % | corrected \\[95 %\\] | if calibrated | gap | p |"
    assert lines[start + 4] == "| night | 640 | 80.00 | 12.30 | [10.0 – 15.0] | 1.0 (≤ 2.0) | +12.30 | &lt; 0.001 |"
    assert lines[-1] == "- smaller than 100 rows: dusk (12)"


def test_csv_has_every_metric_of_every_slice():
    rows = list(csv.DictReader(io.StringIO(csv_table.render(report(TWO)))))
    assert [(row["slice"], row["metric"], row["rows"]) for row in rows if row["metric"] == "ece"] == [
        ("", "ece", "1000"),
        ("night", "ece", "640"),
        ("day", "ece", "640"),
    ]
    assert float(rows[3]["p_holm"]) == 2e-9


def test_latex_says_where_slices_are():
    assert "% slices are not in this table: see --format md, or --json" in latex.render(report(TWO))


@pytest.mark.parametrize(
    ("groups", "words"), [(GroupCount(None, 11), "11 images"), (GroupCount("video", 1), "1 group by video"), (None, "")]
)
def test_the_units_are_named_beside_the_rows(groups, words):
    one = dump(None, None, groups=groups)
    assert cells.groups(one, str) == words
    assert words in text(one).splitlines()[0]
    assert words in html.render(report(one))


def test_a_reason_beside_a_value_is_told():
    why = night(reason="no interval: 3 groups").metrics["ece"]
    one = dump(None, None)
    shown = text(DumpReport(one.source, "probs", 9, 2, 0, {"ece": why}, one.equal_width, None, (), name="d"))
    assert "ECE: no interval: 3 groups" in shown


CHANCE = night("dusk", 0.02, 0.2, floors={"floor": 0.05, "floor_high": 0.11})
QUIET = night("day", 0.4, 0.6, floors={"floor": 0.1, "floor_high": 0.14})


def one_table(*slices):
    (found,) = slice_tables(dump(slices), 100)
    return found


@pytest.mark.parametrize(
    ("p_holm", "n", "verdict"),
    [(0.00099, 640, "certain"), (0.00099, 29, "likely"), (0.001, 640, "likely"), (0.0499, 640, "likely")],
)
def test_the_verdict_of_a_slice_follows_from_its_corrected_p(p_holm, n, verdict):
    row = replace(night(p=1e-5, p_holm=p_holm), n=n)
    assert one_table(row).verdict(row) == verdict
    assert one_table(row).is_beyond(row)


def test_a_slice_that_only_correction_clears_may_be_chance():
    assert one_table(CHANCE).verdict(CHANCE) == "may be chance"
    assert not one_table(CHANCE).is_beyond(CHANCE)


def test_a_slice_within_wide_noise_cannot_tell():
    row = replace(QUIET, metrics=metrics(0.123, 0.0, 0.15, floors={"floor": 0.1, "floor_high": 0.14}))
    assert one_table(row).verdict(row) == "cannot tell"


def test_slices_that_are_not_tested_have_no_verdict():
    row = night(p=None, p_holm=None)
    assert one_table(row).verdict(row) == ""


def test_the_terminal_brackets_what_is_not_beyond_noise():
    shown = text(dump((night(), CHANCE)), width=130).splitlines()
    lines = [line.split() for line in shown if line.startswith(("night", "dusk"))]
    assert lines[0][3] == "12.30"
    assert lines[0][-1] == "certain"
    assert lines[1][3] == "(12.30)"
    assert " ".join(lines[1][-3:]) == "may be chance"
    assert "(ECE) not beyond noise" in shown
    assert "(ECE) not beyond noise" not in text(dump((night(),)))


def forest(*slices):
    (view,) = slice_views(dump(slices), report())
    return view


def place(text):
    return float(text.removesuffix("%"))


def test_a_mark_beyond_its_noise_is_where_its_number_is():
    view = forest(night(corrected=0.12), CHANCE)
    first, second = view.worst
    zero = place(view.zero)
    scale = (place(first.mark.value) - zero) / 0.123
    assert place(first.mark.dot) == pytest.approx(zero + 0.12 * scale, abs=0.02)
    assert place(first.mark.low) == pytest.approx(zero + 0.1 * scale, abs=0.02)
    assert place(first.mark.high) == pytest.approx(zero + 0.15 * scale, abs=0.02)
    assert place(first.mark.noise) == pytest.approx(0.02 * scale, abs=0.02)
    assert second.mark.value == ""
    assert (first.beyond, second.beyond) == (True, False)


def test_the_line_of_all_rows_is_on_the_same_scale():
    view = forest(night())
    assert view.whole.rows == "1,000"
    assert view.whole.ece == "10.00"
    assert view.overall == view.whole.mark.dot
    assert place(view.zero) < place(view.overall) < place(view.worst[0].mark.dot) < 100


def test_without_intervals_there_are_no_whiskers():
    bare = replace(night(), metrics={"ece": MetricResult("ece", 0.1, floor=0.01, floor_high=0.02)})
    (mark,) = [row.mark for row in forest(bare).worst]
    assert (mark.low, mark.high) == ("", "")


def test_slices_beyond_noise_are_emphasised_and_others_grey():
    page = html.render(report(dump((night(), CHANCE))))
    rows = re.findall(
        r'<tr(?: class="(within)")?><th scope="row"><bdi>(night|dusk|all rows)</bdi></th>(.*?)</tr>', page
    )
    found = {name: (grey, "<strong>" in cells, 'class="beyond"' in cells) for grey, name, cells in rows}
    assert found == {"night": ("", True, True), "dusk": ("within", False, False), "all rows": ("", True, True)}


def test_slices_by_true_label_are_neither():
    rows = dump((night(p=None, p_holm=None),))
    page = html.render(report(rows))
    assert 'class="within"><th scope="row"><bdi>night' not in page
    assert "beyond noise?" not in page
