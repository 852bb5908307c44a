"""The papers' table in all its forms: marks, ties, nulls, hostile names."""

from __future__ import annotations

import csv
import io

import pytest

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


def table(*losses, chosen=0, warnings=(), shown="test"):
    return Finetuned("1", SETTINGS, {}, shown, losses, chosen, warnings)


ONE = table(
    LossResult("ce", {"lr": 0.001}, (head(0, 0.9, 0.0612, 0.4567),)),
    LossResult("mbls(margin=6)", {"margin": 6, "lr": 0.01}, (head(0, 0.91, 0.02, 0.3),)),
    LossResult("ls", {"alpha": 0.05, "spread": "all"}, (SeedResult(0, 0, None, None, NOTHING, NOTHING, REASON),)),
    chosen=1,
    warnings=(f"ls: {REASON}",),
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
        "ce                 90.00+  6.12+  5.00*  1.23*  0.457+",
        "ce                 1.25   3.06+  5.00*  1.23*  0.457+",
    ]
    assert lines(text, "mbls(margin=6)  ")[0] == "mbls(margin=6)     91.00*  2.00*  5.00*  1.23*  0.300*"
    assert lines(text, "ls  ")[0].split() == ["ls"] + ["–"] * 5
    assert lines(text, "best ") == ["best *, second +"]
    assert f"ls: {REASON}" in text


def test_a_terminal_with_colour_has_none():
    text = terminal(ONE, width=100, color=True, ascii_only=False)
    assert "\x1b[1m91.00\x1b[0m" in text
    assert "\x1b[4m90.00\x1b[0m" in text
    assert "*" not in text.replace("–", "")
    plain = text.replace("\x1b[1m", "").replace("\x1b[4m", "").replace("\x1b[0m", "")
    signs = terminal(ONE, width=100, color=False, ascii_only=False)
    assert plain.replace("best bold, second underlined", "best *, second +").split() == (
        signs.replace("*", "").replace("+", "").replace("best , second ", "best *, second +").split()
    )


def test_the_sentence_names_the_choice_beside_cross_entropy():
    assert words.sentence(ONE) == (
        "Best on VAL is mbls(margin=6): accuracy 91.00 %, ECE 1.00 %, NLL 0.300 after temperature scaling "
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
    assert marks[:4] == ["*", "*", "+", "0"]


def test_markdown():
    rows = tables.as_markdown(ONE).splitlines()
    assert rows[0] == (
        "| loss | accuracy | ECE | AECE | CWCE | NLL "
        "| T, after T | ECE, after T | AECE, after T | CWCE, after T | NLL, after T |"
    )
    assert rows[2].startswith("| ce | <u>90.00</u> | <u>6.12</u> | **5.00** | **1.23** | <u>0.457</u> | 1.25 |")
    assert rows[3].startswith("| mbls(margin=6) | **91.00** | **2.00** |")
    assert {row.count("|") for row in rows if row.startswith("|")} == {12}
    assert rows[4] == f"| ls |{' – |' * 10}"
    assert f"- ls: {REASON}" in rows


def test_latex():
    text = tables.as_latex(ONE)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert rows[2].startswith(r"ce & \underline{90.00} & \underline{6.12} & \textbf{5.00} & \textbf{1.23} &")
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
    assert words.notes(ONE)[0] == "metrics of TEST; accuracy, ECE, AECE and CWCE in %, NLL in nats"
