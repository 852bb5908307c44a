"""`calibeval conventions`: the errors of one dump as each tool computes them."""

from __future__ import annotations

import pytest

from calibeval.core.conventions.metrics import explain_conventions
from calibeval.readers.open import read
from tests.cli.invoking import run


@pytest.fixture
def digits(sample_data):
    return sample_data / "digits_test.npz"


def test_explained(digits, capsys):
    result = run(capsys, "conventions", digits)
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.out.splitlines()]
    values = {line[0]: line[2] for line in lines[3:13]}
    assert values == {
        one.convention.name: f"{100 * one.metrics['ece'].value:.3f}" for one in explain_conventions(read(digits))
    }


def test_explained_as_json(digits, capsys):
    result = run(capsys, "conventions", digits, "--json", "--bins", "20")
    assert (result.code, result.err) == (0, "")
    assert result.json["schema"] == "calibeval.conventions/1"
    assert result.json["source"]["format"] == "npz"
    bins = {row["name"]: row["bins"] for row in result.json["conventions"]}
    assert bins == {**dict.fromkeys(bins, 20), "hle": 9}  # of 997 rows, chunks of 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["DUMP"], "Got unexpected extra argument"),
        (["--out", "DIR"], "No such option: --out"),
        (["--slice", "color"], "No such option: --slice"),
        (["--bins", "0"], "bins is 0, but it must lie between 1 and 10000"),
    ],
)
def test_it_is_for_one_dump_and_the_screen(words, message, digits, tmp_path, capsys):
    words = [{"DUMP": digits, "DIR": tmp_path / "out"}.get(word, word) for word in words]
    result = run(capsys, "conventions", digits, *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_report_has_no_such_option_any_more(digits, capsys):
    assert "No such option: --explain-conventions" in run(capsys, "report", digits, "--explain-conventions").err
