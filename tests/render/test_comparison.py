"""Comparisons as terminal text, Markdown, CSV, LaTeX and page."""

import csv
import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison, Difference, SliceDifferences
from calibeval.core.data.predictions import Source
from calibeval.core.report.settings import Settings
from calibeval.render.page import comparison as comparison_html
from calibeval.render.tables import comparison as comparison_tables
from calibeval.render.terminal import comparison as comparison_terminal
from calibeval.words import cells
from calibeval.words import comparison as shown
from tests.render.hand_made import HOSTILE, without_breaks

ECE = Difference("ece", 0.1262, 0.0148, -0.1114, -0.1201, -0.1027, 1e-15, 0.0125)
ACCURACY = Difference("accuracy", 0.811, 0.8, -0.011, -0.018, -0.004, 0.002, 0.01)
NLL = Difference("nll", 0.5, 0.502, 0.002, -0.004, 0.008, 0.51, 0.0086)
GAP = Difference("confidence_gap", 0.12, 0.01, -0.11, -0.115, -0.105, 1e-15, 0.007)
BRIER = Difference("brier", None, 0.3, None, reason="base: too large for this test")


def side(name, **more):
    return ComparedDump(name, Source(name, None, "0" * 64, "npz"), "logits", 5000, 10, **more)


def compared(*candidates, base="base.npz"):
    settings = Settings()
    return Comparison("0.1.0", settings, side(base), candidates or (candidate(),))


def candidate(name="cand.npz", slices=(), **more):
    differences = {d.name: d for d in (ACCURACY, GAP, ECE, NLL, BRIER)}
    return Candidate(side(name), "id", differences, tuple(slices), **more)


def part(value, *, holm):
    return SliceDifferences("site", value, 300, {"ece": replace(ECE, p_holm=holm), "nll": replace(NLL, p_holm=1.0)})


def terminal(comparison, width=110, *, color=False, ascii_only=False, full=False):
    return comparison_terminal.render(comparison, width=width, color=color, ascii_only=ascii_only, full=full)


def test_all_that_was_compared():
    assert (
        terminal(compared(), full=True)
        == """\
cand.npz against base.npz
5,000 rows · rows paired by id

cand.npz is certainly better calibrated than base.npz: ECE 12.62 → 1.48, −11.1 points [−12.0, −10.3].
cand.npz is probably right less often than base.npz: accuracy 81.10 → 80.00, −1.1 points [−1.8, −0.4].
Its gap is closer to 0: +12.00 → +1.00 points (certain).

                  base  cand.  difference     95 % interval        p  detectable
accuracy  %      81.10  80.00        −1.1      −1.8 to −0.4    0.002         1.0  worse, likely
gap       %     +12.00  +1.00       −11.0    −11.5 to −10.5  < 0.001         0.7  closer to 0, certain
ECE       %      12.62   1.48       −11.1    −12.0 to −10.3  < 0.001         1.2  better, certain
NLL       nats   0.500  0.502      +0.002  −0.004 to +0.008     0.51       0.009  cannot tell
Brier                –  0.300           –                                         not tested
Brier: base: too large for this test

15 bins; differences are candidate − base, in points for percentages; detectable: the difference that this
sample shows with 80 % power
"""
    )


def test_the_first_view_has_the_main_metrics_and_names_the_others():
    one = candidate()
    more = {"oe": replace(ECE, name="oe"), "aece": replace(NLL, name="aece"), "cwce": replace(ECE, name="cwce")}
    text = terminal(compared(replace(one, differences={**one.differences, **more})))
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[9:14]] == ["accuracy", "gap", "NLL", "Brier", "ECE"]
    assert "OE, CWCE: better, certain · AECE: cannot tell" in lines
    assert "detectable" not in text
    assert lines[-1] == "--full shows every metric, with p and the differences that this sample can show."


def test_several_candidates_have_a_row_each():
    flat = candidate("flat.npz")
    same = {name: replace(one, difference=0.0, low=0.0, high=0.0, p=1.0) for name, one in flat.differences.items()}
    text = terminal(compared(candidate(), replace(flat, differences=same)))
    lines = text.splitlines()
    assert lines[0] == "Calibration of 2 candidates against base.npz, by ECE: 1 better, 1 the same."
    assert lines[2].split() == ["ECE", "%", "accuracy", "%", "gap", "%", "NLL", "nats", "Brier"]
    assert lines[3].split()[:3] == ["base.npz", "(base)", "12.62"]
    assert lines[4].split()[:4] == ["cand.npz", "1.48", "−11.1", "better*"]
    assert lines[4].split()[4:7] == ["80.00", "−1.1", "worse"]
    assert lines[5].split()[:3] == ["flat.npz", "1.48", "0"]
    assert shown.MARKS in lines
    assert "of each candidate (Holm)" not in text  # these have no p after correction


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("count", [2, 6, 20, 100])
def test_many_candidates_keep_to_the_width(width, count):
    text = terminal(compared(*(candidate(f"resnet_severity_{i}.npz") for i in range(count))), width)
    assert max(map(len, text.splitlines())) <= width
    assert f"severity_{count - 1}" in text


def test_what_is_left_out_for_the_width_is_said():
    assert "left out at this width: base, cand.\n" in terminal(compared(), 60)
    assert "left out" not in terminal(compared(), 110)
    assert "left out at this width: detectable\n" in terminal(compared(), 92, full=True)


@pytest.mark.parametrize(
    ("width", "words"),
    [(20, "better*"), (40, "better*"), (60, "better, certain"), (80, "better*"), (100, "better, certain")],
)
def test_narrow_terminals(width, words):
    text = terminal(compared(candidate(slices=[part("day", holm=0.2)])), width)
    assert max(map(len, text.splitlines())) <= max(width, 40)
    assert words in text
    assert f"closer to 0{words.removeprefix('better')}" in text  # the same finding at every width


def test_slices_say_what_is_certain_after_correction():
    parts = [part("day", holm=0.2), part("night", holm=0.01), part("dawn", holm=0.0009)]
    text = terminal(compared(candidate(slices=parts)))
    lines = text[text.index("differences by site") :].splitlines()
    assert lines[2].split() == ["night", "300", "−11.1", "better", "+0.002"]
    assert lines[3].split() == ["dawn", "300", "−11.1", "better*", "+0.002"]
    assert lines[4].split() == ["day", "300", "−11.1", "+0.002"]
    assert shown.MARKS in f"{lines[5]} {lines[6]}"


def test_p_is_that_after_correction_for_the_metrics_and_said_to_be():
    one = candidate()
    corrected = replace(one, differences={**one.differences, "accuracy": replace(ACCURACY, p_holm=0.006)})
    text = terminal(compared(corrected), full=True)
    assert "p: corrected for the number of metrics (Holm)" in text.replace("\n", " ")
    assert "0.006         1.0  worse, likely" in text
    assert "Holm" not in terminal(compared())


def test_many_slices_are_cut():
    text = terminal(compared(candidate(slices=[part(f"s{i}", holm=0.2) for i in range(30)])))
    assert "differences by site, 20 more in --json" in text


def test_colours_repeat_words():
    plain, colored = terminal(compared()), terminal(compared(), color=True)
    assert "\x1b[38;5;35mbetter, certain" in colored
    assert "\x1b[38;5;161mworse, likely" in colored
    assert "\x1b" not in plain


def test_ascii():
    text = terminal(compared(candidate("né.npz", [part("ö", holm=0.01)])), ascii_only=True)
    assert text.isascii()
    assert "ECE 12.62 -> 1.48, -11.1 points [-12.0, -10.3]" in text


def test_unpaired_is_said():
    one = replace(compared(candidate()), base=side("base.npz", report=True))
    one = replace(one, candidates=(replace(one.candidates[0], paired_by=None),))
    assert "5,000 rows · rows not paired" in terminal(one)


def test_names_that_share_a_file_are_shortened_in_sentences():
    text = terminal(compared(candidate("shift.npz#noise"), base="shift.npz#clean"))
    assert "#noise is certainly better calibrated than #clean" in text


def test_values_outside_of_their_interval_are_explained():
    odd = replace(ECE, low=-0.09, high=-0.08)
    assert shown.remarks({"ece": odd}) == [
        "ECE: noise biases the two values differently; the difference and its interval are without that bias"
    ]
    assert shown.remarks({"ece": ECE}) == []


def test_the_number_beside_an_interval_lies_in_it():
    odd = replace(ECE, low=-0.09, high=-0.08)
    (without,), (corrected,) = shown.rows({"ece": odd}), shown.rows({"ece": replace(odd, corrected=-0.0871)})
    assert (without.difference, without.interval) == ("–", "−9.0 to −8.0")
    assert (corrected.difference, corrected.interval) == ("−8.7", "−9.0 to −8.0")


@pytest.mark.parametrize(
    ("p", "text"), [(1.0, "1.00"), (0.1, "0.10"), (0.05, "0.050"), (0.0499999, "0.0500"), (0.0009, "< 0.001")]
)
def test_p_values(p, text):
    assert cells.p_value(p) == text


def test_markdown():
    text = comparison_tables.markdown(compared(candidate(warnings=("labels are sorted",))))
    assert text.startswith("**cand.npz is certainly better calibrated than base.npz: ECE 12.62 → 1.48, −11.1 points ")
    assert "| ECE % | 12.62 | 1.48 | −11.1 | −12.0 to −10.3 | &lt; 0.001 | 1.2 | better, certain |\n" in text
    assert "- cand.npz against base.npz: 5,000 rows, rows paired by id\n" in text
    assert "- warning: labels are sorted\n" in text


def test_csv_round_trips():
    text = comparison_tables.csv_table(compared(candidate(slices=[part("day", holm=0.25)])))
    rows = list(csv.DictReader(io.StringIO(text)))
    whole = next(row for row in rows if row["metric"] == "ece" and not row["column"])
    assert [
        float(whole[key]) for key in ("base", "candidate_value", "difference", "low", "high", "p", "detectable")
    ] == [
        0.1262,
        0.0148,
        -0.1114,
        -0.1201,
        -0.1027,
        1e-15,
        0.0125,
    ]
    sliced = next(row for row in rows if row["column"] == "site" and row["metric"] == "ece")
    assert (sliced["value"], sliced["p_holm"]) == ("day", "0.25")
    assert next(row for row in rows if row["metric"] == "brier")["reason"] == "base: too large for this test"


def test_latex():
    text = comparison_tables.latex(compared(candidate("cand_1.npz")))
    assert r"\begin{tabular}{lrrrr}" in text
    assert r" & accuracy \% & gap \% & ECE \% & NLL nats \\" in text
    assert r"cand\_1.npz & $-$1.1 {[}$-$1.8, $-$0.4{]} & " in text
    assert "Brier" not in text


class Page(HTMLParser):
    """The words and the tags of a page; every tag must be closed."""

    VOID = frozenset({"meta", "link", "line", "rect", "circle", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(without_breaks(text))
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def first(self, tag):
        return next(attrs for name, attrs in self.tags if name == tag)


def test_a_page():
    two = compared(candidate(slices=[part("day", holm=0.01)], warnings=("labels are sorted",)), candidate("other.npz"))
    text = comparison_html.render(two)
    page = Page(text)
    assert [tag for tag, _ in page.tags].count("h1") == 1
    words = " ".join("".join(page.words).split())
    for expected in (
        "cand.npz is certainly better calibrated than base.npz: ECE 12.62 → 1.48, −11.1 points [−12.0, −10.3].",
        "cand.npz is probably right less often than base.npz",
        "other.npz is certainly better calibrated",
        "labels are sorted",
        "Differences by site",
        "rows paired by id",
        "Brier: base: too large for this test",
        "0" * 64,
    ):
        assert expected in words
    assert text == comparison_html.render(two)


def test_dots_stand_at_their_differences():
    """The scale goes from the lowest end, −12.01 points, to 0, with 5 % of room on both sides."""
    page = Page(comparison_html.render(compared()))
    places = [attrs["cx"] for tag, attrs in page.tags if tag == "circle"]
    reach = 12.01 * 1.1
    assert places == [f"{round(100 * (value + 12.01 * 1.05) / reach, 2):.2f}%" for value in (-1.1, -11.0, -11.14)]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_names(name):
    slices = [SliceDifferences(name, name, 300, {"ece": ECE})]
    one = compared(candidate(name, slices, warnings=(name,)), base=name)
    tame = compared(candidate("x", [SliceDifferences("x", "x", 300, {"ece": ECE})], warnings=("x",)), base="x")
    page, other = Page(comparison_html.render(one)), Page(comparison_html.render(tame))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in other.tags]
    for text in (terminal(one), comparison_tables.markdown(one), comparison_tables.latex(one)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert text.count("\n") < 60
    rows = list(csv.reader(io.StringIO(comparison_tables.csv_table(one))))
    assert {len(row) for row in rows} == {len(comparison_tables.COLUMNS)}


def test_a_page_without_any_interval():
    bare = candidate()
    none = {
        name: Difference(name, d.base, d.candidate, d.difference, reason="too few rows")
        for name, d in bare.differences.items()
    }
    page = Page(comparison_html.render(compared(replace(bare, differences=none))))
    assert not [tag for tag, _ in page.tags if tag == "circle"]
