"""Options that would change nothing are refused, or a note says so."""

from __future__ import annotations

import pytest

from tests.cli.invoking import run

DIGITS, VAL, DIAMONDS = "sample_data/digits_test.npz", "sample_data/digits_val.npz", "sample_data/diamonds.npz#test"

REFUSED = [
    (["report", DIGITS, "--method", "vector"], "--method belongs to --fit-on or --cross-fit"),
    (["report", DIGITS, "--method", "temperature", "--map", "m.json"], "--method belongs to --fit-on or --cross-fit"),
    (["report", DIGITS, "--objective", "ece"], "--objective belongs to --fit-on or --cross-fit"),
    (["report", DIGITS, "--clip", "1e-9"], "--clip belongs to --fit-on or --cross-fit"),
    (["report", DIGITS, "--seed", "0"], "--seed belongs to --fit-on or --cross-fit"),
    (["report", DIGITS, "--allow-leak"], "--allow-leak belongs to --fit-on or --map"),
    (["report", DIGITS, "--cross-fit", "5", "--allow-leak"], "--allow-leak belongs to --fit-on or --map"),
    (["report", DIGITS, "--level", "0.9", "--no-intervals"], "--level and --no-intervals exclude each other"),
    (["report", DIGITS, "--width", "3"], "--width belongs to --figure, or to --export of a figure"),
    (["report", DIGITS, "--min-rows", "3"], "--min-rows applies to slices only, but there are no slices"),
    (["fit", DIGITS, "--group", "x"], "--group belongs to --method auto"),
    *(
        (
            ["gate", DIGITS, "--init", *words],
            "--init can be combined with --config, --slice, --group and --positive, but with no other option",
        )
        for words in (["--bins", "10"], ["--convention", "guo"], ["--level", "0.9"], ["--why"])
    ),
]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_an_option_that_belongs_to_another_is_refused(words, message, capsys):
    assert run(capsys, *words) == (2, "", f"{message}\n")


NOTED = [
    (["fit", DIGITS, "--seed", "3"], "note: --seed 3 changes nothing: only --cross-fit and --method auto assign rows"),
    (["report", DIGITS, "--fit-on", VAL, "--seed", "3"], "note: --seed 3 changes nothing: only --cross-fit and "),
    (
        ["gate", DIAMONDS, "--max", "ece=1", "--slice", "color"],
        "note: --slice color decides nothing: no rule is about ",
    ),
    (["gate", DIGITS, "--max", "ece=1", "--baseline", DIGITS], "note: the baseline decides nothing: no rule limits a "),
]


@pytest.mark.parametrize(("words", "note"), NOTED, ids=[" ".join(words) for words, _ in NOTED])
def test_what_decides_nothing_is_noted(words, note, capsys):
    result = run(capsys, *words)
    assert (result.code, result.err.startswith(note)) == (0, True)
    assert run(capsys, *words, "-q").err == ""


def test_nothing_is_noted_where_an_option_counts(capsys, tmp_path):
    for words in (
        ["report", DIGITS, "--cross-fit", "5", "--seed", "3"],
        ["gate", DIAMONDS, "--preset", "recommended", "--baseline", DIAMONDS],
        ["gate", DIAMONDS, "--max", "ece=1", "--slice", "color", "-o", tmp_path / "out"],
    ):
        assert "note: " not in run(capsys, *words).err
