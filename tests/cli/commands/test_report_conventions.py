"""`--convention` and `--explain-conventions` on the command line."""

from __future__ import annotations

import pytest

from calibeval import Report, evaluate, read
from calibeval.core.conventions.metrics import explain_conventions
from calibeval.core.report.settings import Settings
from tests.cli.invoking import run


@pytest.fixture
def digits(sample_data):
    return sample_data / "digits_test.npz"


@pytest.mark.parametrize(
    ("name", "plain", "bins"), [("CALS", "mbls", 15), ("gpleiss", "guo", 15), ("netcal",) * 2 + (10,)]
)
def test_json_is_the_report_of_the_api(name, plain, bins, digits, capsys):
    found = Report.from_json(run(capsys, "report", digits, "--json", "--convention", name).out)
    assert found.settings == Settings(bins=bins, convention=plain)
    expected = evaluate(read(digits), convention=name).dumps[0]
    assert (found.dumps[0].metrics, found.dumps[0].equal_mass) == (expected.metrics, expected.equal_mass)


def test_explicit_bins_win(digits, capsys):
    document = run(capsys, "report", digits, "--json", "--convention", "netcal", "--bins", "12").json
    assert document["settings"]["bins"] == 12
    assert len(document["dumps"][0]["bins"]["equal_width"]) == 12


def test_the_name_is_below_the_table(digits, capsys):
    assert "15 bins; convention mbls; " in run(capsys, "report", digits, "--convention", "cals").out
    assert "convention" not in run(capsys, "report", digits).out
    assert "15 bins; convention mbls; " in run(capsys, "report", digits, "--convention", "cals", "--format", "md").out


def test_what_is_left_out_is_told(digits, capsys):
    result = run(capsys, "report", digits, "--convention", "cals", "--json")
    told = "mbls leaves 1 of 997 rows, those of least confidence, out of AECE"
    assert result.err == f"warning: {result.json['dumps'][0]['name']}: {told}\n"


def test_explained(digits, capsys):
    result = run(capsys, "report", digits, "--explain-conventions")
    assert (result.code, result.err) == (0, "")
    lines = [line.split() for line in result.out.splitlines()]
    values = {line[0]: line[2] for line in lines[3:8]}
    assert values == {
        one.convention.name: f"{100 * one.metrics['ece'].value:.3f}" for one in explain_conventions(read(digits))
    }


def test_explained_as_json(digits, capsys):
    result = run(capsys, "report", digits, "--explain-conventions", "--json", "--bins", "20")
    assert (result.code, result.err) == (0, "")
    assert result.json["schema"] == "calibeval.conventions/1"
    assert result.json["source"]["format"] == "npz"
    assert {row["bins"] for row in result.json["conventions"]} == {20}


@pytest.mark.parametrize("more", [["DUMP"], ["--format", "md"], ["--out", "DIR"]])
def test_explaining_is_for_one_dump_and_the_screen(more, digits, tmp_path, capsys):
    more = [{"DUMP": digits, "DIR": tmp_path / "out"}.get(word, word) for word in more]
    result = run(capsys, "report", digits, "--explain-conventions", *more)
    assert (result.code, result.out) == (2, "")
    assert "--explain-conventions takes one dump, and neither --out nor --format" in result.err
