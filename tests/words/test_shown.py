"""Metrics that were chosen are shown, also those that tables leave out by default."""

from __future__ import annotations

import pytest

import calibeval
from calibeval.core.comparison.comparison import Comparison
from calibeval.render.tables import comparison as tables
from calibeval.words import cells
from calibeval.words.comparison import rows
from tests.cli.invoking import run

DIGITS = "sample_data/digits_test.npz"


@pytest.mark.parametrize(
    ("chosen", "labels"), [("temperature", ["T"]), ("ece,temperature,mce_all_bins", ["ECE", "MCE (all bins)", "T"])]
)
def test_a_comparison_shows_what_was_chosen(capsys, chosen, labels):
    printed = run(capsys, "compare", DIGITS, DIGITS, "--metrics", chosen).out
    comparison = Comparison.from_json(run(capsys, "compare", DIGITS, DIGITS, "--metrics", chosen, "--json").out)
    (candidate,) = comparison.candidates
    assert [row.label for row in rows(candidate.differences)] == [cells.label(name) for name in candidate.differences]
    for name in candidate.differences:
        for text in (printed, tables.markdown(comparison), tables.latex(comparison)):
            assert cells.label(name) in text
        assert f",{name}," in tables.csv_table(comparison)
    assert len(candidate.differences) == len(labels)


def test_a_report_shows_what_was_chosen_beside_others():
    report = calibeval.evaluate(DIGITS, metrics="ece,temperature")
    assert cells.metric_names(report) == ["ece", "temperature"]


def test_by_default_some_metrics_are_only_in_json():
    report = calibeval.evaluate(DIGITS)
    assert "temperature" in report
    assert not {"temperature", "mce_all_bins"} & {*cells.metric_names(report)}
