"""`--convention` on the command line."""

from __future__ import annotations

import pytest

from calibeval import Report, evaluate, read
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
    told = "mbls leaves 1 of 997 rows, those with the lowest confidence, out of AECE"
    assert result.err == f"warning: {result.json['dumps'][0]['name']}: {told}\n"
