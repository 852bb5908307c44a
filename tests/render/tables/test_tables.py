"""Markdown, LaTeX and CSV as whole strings, and names that try to break out of them."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from calibeval.core.metrics.result import MetricResult
from calibeval.render.tables import csv_table, latex, markdown
from tests.render.hand_made import HOSTILE, over_confident, report, with_metric, without_intervals


def pair():
    """Two dumps, of which the first is certainly better in accuracy, and the second has a finite NLL."""
    first = over_confident(
        metrics={
            "accuracy": MetricResult("accuracy", 0.912, low=0.906, high=0.918),
            "confidence_gap": MetricResult("confidence_gap", -0.02, low=-0.03, high=-0.01),
            "nll": MetricResult("nll", None, reason="infinite"),
        },
        name="a_1.npz",
    )
    second = over_confident(
        metrics={
            "accuracy": MetricResult("accuracy", 0.811, low=0.8, high=0.82),
            "confidence_gap": MetricResult("confidence_gap", 0.03, low=0.02, high=0.04),
            "nll": MetricResult("nll", 1.1419),
        },
        name="b.npz",
        n=2000,
    )
    return report(*(replace(one, rows_sha256="1") for one in (first, second)))


def test_markdown():
    assert markdown.render(pair()) == (
        "| dump | rows | accuracy % | gap % | NLL nats |\n"
        "| :-- | --: | --: | --: | --: |\n"
        "| a\\_1.npz | 1,000 | **91.20** | −2.00 | – |\n"
        "| 95 % interval |  | [90.6 – 91.8] | [−3.0 to −1.0] |  |\n"
        "| miscalibrated? |  |  | likely |  |\n"
        "| b.npz | 2,000 | 81.10 | +3.00 | 1.142 |\n"
        "| 95 % interval |  | [80.0 – 82.0] | [+2.0 to +4.0] |  |\n"
        "| miscalibrated? |  |  | likely |  |\n"
        "\n"
        "- 4 bins; convention calibeval; accuracy, gap in %; NLL in nats\n"
        "- bold: certainly best among the dumps of the same rows: the interval overlaps no other\n"
        "- a\\_1.npz: Probably under-confident: says 89.2 % on average, is right 91.2 % of the time (gap −2.0 points, "
        "likely).\n"
        "- b.npz: Probably over-confident: says 84.1 % on average, is right 81.1 % of the time (gap +3.0 points, "
        "likely).\n"
        "- a\\_1.npz: NLL: infinite\n"
    )


def test_corrected_values_stand_with_their_intervals_below_the_published_ones():
    lines = markdown.render(report(over_confident())).splitlines()
    assert lines[2].split(" | ")[4:7] == ["11.00", "15.00", "0.567"]
    assert lines[3].split(" | ")[0] == "| corrected \\[95 %\\]"
    assert lines[3].split(" | ")[4:7] == ["10.9 [8.5 – 13.4]", "[8 – 22]", "0.27 [0 – 0.41]"]
    bare = markdown.render(report(without_intervals(over_confident()), level=None))
    assert "corrected" not in bare
    assert "interval" not in bare.split("\n\n")[0]


def test_latex():
    assert latex.render(pair()) == (
        "% calibeval 0.1.0: 4 bins; convention calibeval; accuracy, gap in %; NLL in nats\n"
        "% bold: certainly best among the dumps of the same rows: the interval overlaps no other\n"
        "% a_1.npz: Probably under-confident: says 89.2 % on average, is right 91.2 % of the time (gap −2.0 points, "
        "likely).\n"
        "% b.npz: Probably over-confident: says 84.1 % on average, is right 81.1 % of the time (gap +3.0 points, "
        "likely).\n"
        "% a_1.npz: NLL: infinite\n"
        "\\begin{tabular}{lrrrr}\n"
        "\\toprule\n"
        " & rows & accuracy (\\%) & gap (\\%) & NLL (nats) \\\\\n"
        "\\midrule\n"
        "a\\_1.npz & 1,000 & \\textbf{91.20} & $-$2.00 & -- \\\\\n"
        "\\quad 95 \\% interval &  & {[}90.6 -- 91.8] & {[}$-$3.0 to $-$1.0] &  \\\\\n"
        "\\quad miscalibrated? &  &  & likely &  \\\\\n"
        "b.npz & 2,000 & 81.10 & +3.00 & 1.142 \\\\\n"
        "\\quad 95 \\% interval &  & {[}80.0 -- 82.0] & {[}+2.0 to +4.0] &  \\\\\n"
        "\\quad miscalibrated? &  &  & likely &  \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
    )


def test_csv():
    text = csv_table.render(report(with_metric(pair().dumps[0], "ece", value=0.1, floor=1 / 3, floor_high=0.5)))
    assert text == (
        "dump,metric,value,low,high,corrected,floor,floor_high,reason,standing,best\n"
        "a_1.npz,accuracy,0.912,0.906,0.918,,,,,,\n"
        "a_1.npz,confidence_gap,-0.02,-0.03,-0.01,,,,,likely,\n"
        "a_1.npz,nll,,,,,,,infinite,,\n"
        "a_1.npz,ece,0.1,,,,0.3333333333333333,0.5,,cannot tell,\n"
    )


@pytest.mark.parametrize("render", [markdown.render, latex.render, csv_table.render])
def test_a_report_without_dumps_is_a_heading_only(render):
    assert "dump" in render(report()) or "rows" in render(report())


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_adds_a_cell_or_a_line_to_markdown(name):
    plain = markdown.render(report(over_confident())).splitlines()
    lines = markdown.render(report(over_confident(name=name))).splitlines()
    assert len(lines) == len(plain)
    assert len(re.findall(r"(?<!\\)\|", lines[2].replace("\\\\", ""))) == plain[2].count("|")
    assert not re.search(r"(?<!\\)[`*_\[]|<", lines[2].replace("\\\\", ""))


def test_right_to_left_names_do_not_drag_numbers_along():
    assert markdown.escape("\u05d0|") == "\u2068\u05d0\\|\u2069"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_adds_a_line_or_a_command_to_latex(name):
    plain = latex.render(report(over_confident())).splitlines()
    lines = latex.render(report(over_confident(name=name))).splitlines()
    assert len(lines) == len(plain)
    assert [line[0] == "%" for line in lines] == [line[0] == "%" for line in plain]
    row = next(line for line in lines if line.endswith(" \\\\") and "1,000" in line)
    commands = r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|textasciigrave)\{\}"
    rest = re.sub(r"\\[{}$&#_%]", "", re.sub(commands, "", row.split(" & ")[0]))
    assert not re.search(r"[\\$&#_%~^]", rest)
    assert rest.count("{") == rest.count("}")


def test_latex_specials_one_by_one():
    assert latex.escape(r"\{}$&#_%~^") == (r"\textbackslash{}\{\}\$\&\#\_\%\textasciitilde{}\textasciicircum{}")
    assert latex.escape("[a]--*") == "{[}a]{-}{-}{*}"


@pytest.mark.parametrize("name", [*HOSTILE, "+1", "-1", "@x", "  =1", "\t=1", "＝1", 'a,"b'])
def test_csv_names_read_back_as_one_harmless_field(name):
    rows = list(csv.reader(io.StringIO(csv_table.render(report(over_confident(name=name))))))
    assert {len(row) for row in rows} == {11}
    shown = rows[1][0]
    assert shown == csv_table.no_formula(name)
    assert not shown.lstrip().startswith(("=", "+", "-", "@", "＝"))
    assert not re.search(r"[\x00-\x1f]", shown)


def test_csv_numbers_round_trip():
    rows = list(csv.DictReader(io.StringIO(csv_table.render(report(over_confident())))))
    for row in rows:
        metric = over_confident()[row["metric"]]
        for field in ("value", "low", "high", "corrected", "floor", "floor_high"):
            assert (float(row[field]) if row[field] else None) == getattr(metric, field)


def test_none_of_them_imports_rich():
    code = (
        "import sys, calibeval.words.report, calibeval.render.tables.markdown, calibeval.render.tables.latex, "
        "calibeval.render.tables.csv_table; sys.exit(any(name.split('.')[0] == 'rich' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
