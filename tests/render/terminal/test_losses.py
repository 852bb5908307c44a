"""The papers' table in all its forms: marks, ties, nulls, hostile names."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from calibeval.core.comparison.comparison import Difference
from calibeval.core.heads.pairs import LossPair
from calibeval.core.heads.results import SHOWN, Finetuned, LossResult, SeedResult
from calibeval.core.heads.settings import RunSettings
from calibeval.render.tables import losses as tables
from calibeval.render.terminal.losses import terminal
from calibeval.words import losses as words
from tests.records import Filling

NOTHING = dict.fromkeys(SHOWN)
SETTINGS = Filling().record(RunSettings)
REASON = "training diverged in every epoch, so there is no head; lower --lr"


def head(number, accuracy, ece, nll, *, after=None, temperature=1.25):
    before = {"accuracy": accuracy, "ece": ece, "aece": 0.05, "cwce": 0.01234, "nll": nll}
    return SeedResult(number, 3, nll, temperature, before, {**before, "ece": ece / 2, "nll": after or nll})


def table(*losses, chosen=0, warnings=(), shown="test", pairs=()):
    return Finetuned("1", SETTINGS, {"test": {"n": 5000}}, shown, losses, chosen, warnings, pairs)


def pair(candidate, base, *, after, **p):
    """The candidate is worse by 0.01 in every metric, with these p-values; in accuracy, lower by as much."""
    found = {}
    for name in SHOWN:
        size = -0.01 if name == "accuracy" else 0.01
        low, high = sorted((0.5 * size, 1.5 * size)) if p.get(name, 1e-9) < 0.05 else (-0.03, 0.03)
        found[name] = Difference(name, 0.1, 0.1 + size, size, low, high, p.get(name, 1e-9), 0.01)
    return LossPair(candidate, base, after, found)


ONE = table(
    LossResult("ce", {"lr": 0.001}, (head(0, 0.9, 0.0612, 0.4567),)),
    LossResult("mbls(margin=6)", {"margin": 6, "lr": 0.01}, (head(0, 0.91, 0.02, 0.3),)),
    LossResult("ls", {"alpha": 0.05, "spread": "all"}, (SeedResult(0, 0, None, None, NOTHING, NOTHING, REASON),)),
    chosen=1,
    warnings=(f"ls: {REASON}",),
    pairs=(
        pair("mbls(margin=6)", "ce", after=SETTINGS.fold, nll=0.02, ece=0.6, aece=0.6, cwce=0.6),
        pair("ce", "mbls(margin=6)", after=False, ece=0.0011),
    ),
)
SEEDS = table(
    LossResult(
        "ce",
        {},
        (head(0, 0.9, 0.05, 0.4), head(1, 0.8, 0.07, 0.6), SeedResult(2, 0, None, None, NOTHING, NOTHING, REASON)),
    )
)


def lines(text, start):
    return [line for line in text.splitlines() if line.startswith(start)]


def test_a_terminal_without_colour_has_signs():
    text = terminal(ONE, width=100, color=False, ascii_only=False)
    assert lines(text, "ce  ") == [
        "ce                 90.00   6.12   5.00+  1.23+  0.457",
        "ce                 1.25   3.06   5.00+  1.23+  0.457",
    ]
    assert lines(text, "mbls(margin=6)  ")[0] == "mbls(margin=6)     91.00*  2.00+  5.00+  1.23+  0.300*"
    assert lines(text, "ls  ")[0].split() == ["ls"] + ["–"] * 5
    assert lines(text, "*:") == [
        "*: certainly better than every other head, by paired tests; +: best or tied, but not certainly"
    ]
    assert f"ls: {REASON}" in text


def test_a_terminal_with_colour_has_none():
    text = terminal(ONE, width=100, color=True, ascii_only=False)
    assert "\x1b[1m91.00\x1b[0m" in text
    assert "\x1b[4m2.00\x1b[0m" in text
    assert "*" not in text
    plain = text.replace("\x1b[1m", "").replace("\x1b[4m", "").replace("\x1b[0m", "")
    signs = terminal(ONE, width=100, color=False, ascii_only=False).replace("*: cert", "bold: cert")
    assert plain.split() == re.sub(r"(?<=\d)[*+]", "", signs.replace("; +: best", "; underlined: best")).split()


@pytest.mark.parametrize(
    ("pairs", "mark"),
    [
        ((), "+"),
        ((pair("b", "a", after=False),), "+"),
        ((pair("b", "a", after=False), pair("c", "a", after=True)), "+"),
        ((pair("b", "a", after=False), pair("c", "a", after=False, ece=0.002)), "+"),
        ((pair("b", "a", after=False), pair("a", "c", after=False)), "+"),
        ((pair("b", "a", after=False), pair("c", "a", after=False)), "*"),
    ],
)
def test_the_best_is_certain_only_where_every_other_is_certainly_worse(pairs, mark):
    losses = [LossResult(name, {}, (head(0, 0.9, ece, 0.3),)) for name, ece in (("a", 0.05), ("b", 0.06), ("c", 0.07))]
    found = words.halves(table(*losses, pairs=pairs))[0].rows
    marks = {words.Mark.CERTAIN: "*", words.Mark.BEST: "+", words.Mark.NONE: ""}
    assert [marks[line[1].mark] for _, line in found] == [mark, "", ""]


def test_a_loss_without_a_head_is_not_in_the_way():
    marks = [line[1].mark for _, line in words.halves(ONE)[0].rows]
    assert marks == [words.Mark.NONE, words.Mark.BEST, words.Mark.NONE]
    surer = table(*ONE.losses, chosen=1, pairs=(pair("ce", "mbls(margin=6)", after=False),))
    assert words.halves(surer)[0].rows[1][1][1].mark is words.Mark.CERTAIN


def test_means_over_seeds_are_not_called_certain():
    other = LossResult("ls", {}, (head(0, 0.7, 0.09, 0.9), head(1, 0.7, 0.09, 0.9)))
    found = table(SEEDS.losses[0], other, pairs=(pair("ls", "ce", after=False),))
    assert [line[1].mark for _, line in words.halves(found)[0].rows] == [words.Mark.BEST, words.Mark.NONE]
    assert words.legend(found, "bold", "underlined") == ["underlined: best or tied (means over seeds are not tested)"]


def test_one_loss_has_no_marks_and_an_earlier_run_no_tests():
    assert words.legend(table(ONE.losses[0]), "bold", "underlined") == []
    assert words.legend(table(*ONE.losses), "bold", "underlined") == ["underlined: best or tied (not tested)"]
    assert words.paired(table(*ONE.losses, chosen=1)) == ""


def test_the_chosen_loss_is_compared_with_cross_entropy_in_one_sentence():
    assert words.paired(ONE) == (
        "mbls(margin=6) against ce on the same 5,000 rows of TEST, with their temperatures: "
        "NLL +0.010 nats [+0.005, +0.015]: worse, likely; "
        "ECE +1.0 points [−3.0, +3.0]: this sample cannot tell; "
        "accuracy −1.0 points [−1.5, −0.5]: worse, certain."
    )


def test_the_sentence_names_the_choice_beside_cross_entropy():
    assert words.sentence(ONE) == (
        "Chosen on VAL: mbls(margin=6). On TEST: accuracy 91.00 %, ECE 1.00 %, NLL 0.300 after temperature scaling "
        "(cross entropy: 90.00 %, 3.06 %, 0.457)."
    )
    assert words.sentence(SEEDS).endswith("NLL 0.500 after temperature scaling.")


def test_means_and_deviations_have_the_same_digits():
    text = terminal(SEEDS, width=200, color=False, ascii_only=False)
    assert "85.00 ± 7.07" in text
    assert "6.00 ± 1.41" in text
    assert "mean ± standard deviation of 3 seeds" in text
    assert "±" not in terminal(SEEDS, width=200, color=False, ascii_only=True)


def test_what_looks_equal_shares_a_mark():
    losses = [LossResult(str(i), {}, (head(0, 0.9, ece, 0.3),)) for i, ece in enumerate((0.050001, 0.05, 0.06, 0.07))]
    marks = [
        line.split()[2][-1]
        for line in lines(terminal(table(*losses), width=90, color=False, ascii_only=False), tuple("0123"))
    ]
    assert marks[:4] == ["+", "+", "0", "0"]


def test_markdown():
    rows = tables.as_markdown(ONE).splitlines()
    assert rows[0] == (
        "| loss | accuracy | ECE | AECE | CWCE | NLL "
        "| T, after T | ECE, after T | AECE, after T | CWCE, after T | NLL, after T |"
    )
    assert rows[2].startswith("| ce | 90.00 | 6.12 | <u>5.00</u> | <u>1.23</u> | 0.457 | 1.25 |")
    assert rows[3].startswith("| mbls(margin=6) | **91.00** | <u>2.00</u> | <u>5.00</u> |")
    assert {row.count("|") for row in rows if row.startswith("|")} == {12}
    assert rows[4] == f"| ls |{' – |' * 10}"
    assert f"- ls: {REASON}" in rows


def test_latex():
    text = tables.as_latex(ONE)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert rows[2].startswith(r"ce & 90.00 & 6.12 & \underline{5.00} & \underline{1.23} & 0.457 &")
    assert {row.count("&") for row in rows[1:]} == {10}
    assert rows[0] == r" & \multicolumn{5}{c}{before} & \multicolumn{5}{c}{after temperature scaling} \\"
    assert r"\begin{tabular}{lrrrrrrrrrr}" in text
    assert r"$\pm$" in tables.as_latex(SEEDS)


def test_csv_has_every_digit_of_every_seed():
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(SEEDS))))
    assert [row["seed"] for row in rows] == ["0", "1", "2"]
    assert float(rows[0]["cwce"]) == 0.01234
    assert float(rows[1]["ece_after"]) == 0.07 / 2
    assert {value for key, value in rows[2].items() if key not in ("loss", "seed")} == {""}


@pytest.mark.parametrize("style", ["md", "latex", "terminal"])
def test_hostile_warnings_are_harmless(style):
    found = table(*ONE.losses, warnings=("a|b\x1b[31m<script>\n\\end{tabular}: few rows",))
    text = (
        terminal(found, width=80, color=False, ascii_only=False)
        if style == "terminal"
        else tables.LOSS_TABLES[style](found)
    )
    assert "\x1b" not in text
    if style == "md":
        assert "<script>" not in text
        assert text.splitlines()[-1].startswith("- ")
    if style == "latex":
        assert all(line.startswith("% ") for line in text.splitlines() if "script" in line)


def test_parameters_are_in_the_notes():
    assert "mbls(margin=6): trained with margin 6, lr 0.01" in words.notes(ONE)
    first = "metrics of TEST; accuracy, ECE and AECE of the top label, and CWCE, in %; NLL in nats"
    assert words.notes(ONE)[0] == first


def test_a_loss_that_trained_the_head_of_cross_entropy_says_so():
    seeds = (head(0, 0.9, 0.06, 0.4),)
    mbls = LossResult("mbls", {"margin": 10.0, "alpha": 0.1}, seeds)
    found = table(LossResult("ce", {}, seeds), mbls, LossResult("ls", {"alpha": 0.05}, (head(0, 0.9, 0.05, 0.4),)))
    said = [line for line in words.notes(found) if "same head" in line]
    assert said == [
        "mbls trained the same head as ce: no logit distance exceeded its margin 10; try a smaller margin or --tune"
    ]


def test_the_legend_has_only_the_marks_that_are_there():
    open_ = table(*ONE.losses, pairs=(pair("mbls(margin=6)", "ce", after=False, **dict.fromkeys(SHOWN, 0.5)),))
    assert "*" not in "".join(cell.text for half in words.halves(open_) for _, line in half.rows for cell in line)
    assert words.legend(open_, "*", "+") == ["+: best or tied, but not certainly, by paired tests"]


@pytest.mark.parametrize(
    ("name", "nll", "ece", "accuracy", "said"),
    [
        ("acls", 0.4, 0.06, 0.9, "the same head as ce: no logit or logit distance exceeded its margin 10"),
        ("acls", 0.40049, 0.06, 0.9, "nearly the same head as ce: hardly any logit or logit distance exceeded"),
        ("mbls", 0.4, 0.060049, 0.9, "nearly the same head as ce: hardly any logit distance exceeded its margin 10;"),
        ("focal", 0.4, 0.060049, 0.9, "nearly the same head as ce"),
        ("acls", 0.40051, 0.06, 0.9, ""),
        ("acls", 0.4, 0.060051, 0.9, ""),
        ("acls", 0.4, 0.06, 0.90001, ""),
    ],
)
def test_a_head_that_no_digit_of_the_table_tells_from_that_of_cross_entropy_says_so(name, nll, ece, accuracy, said):
    loss = LossResult(name, {"margin": 10.0, "alpha": 0.1}, (head(0, accuracy, ece, nll),))
    found = table(LossResult("ce", {}, (head(0, 0.9, 0.06, 0.4),)), loss)
    lines = [line for line in words.notes(found) if "same head" in line]
    assert len(lines) == bool(said)
    assert all(line.startswith(f"{name} trained {said}") for line in lines)


def test_a_tuned_table_says_among_how_many_candidates_and_for_how_long():
    line = "tuned: the best of {} candidates per loss on VAL, with {} epochs, as here"
    cases = {
        (24, 10, 7): "; the worse half stopped after 7",
        (24, 10, 6): "; the worse half stopped after 7 at the latest",  # patience may have stopped all of them
        (24, 10, None): "; the worse half stopped after 7",
        (24, 4, 1): "",
        (4, 10, 1): "",
        (5, 5, 10): "; the worse half stopped after 4",
    }
    for (trials, epochs, patience), early in cases.items():
        found = replace(ONE, settings=replace(SETTINGS, trials=trials, epochs=epochs, patience=patience))
        assert line.format(trials, epochs) + early in words.notes(found)
    assert not any("tuned" in note for note in words.notes(replace(ONE, settings=replace(SETTINGS, trials=0))))
