"""Metrics that were chosen are shown, also those that tables leave out by default."""

from __future__ import annotations

import numpy as np
import pytest

import calibeval
from calibeval.core.comparison.comparison import Comparison
from calibeval.render.tables import comparison as tables
from calibeval.words import cells
from calibeval.words.comparison import convention, first_rows, rows
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


def test_a_comparison_of_two_classes_shows_the_brier_score_that_reports_lead_with():
    rng = np.random.default_rng(0)
    p = rng.uniform(size=2000)
    labels = (rng.random(2000) < p).astype(int)
    base = calibeval.Predictions(probs=p, labels=labels)
    found = calibeval.compare(base, {"b": calibeval.Predictions(probs=p**2, labels=labels)})
    (candidate,) = found.candidates
    first, _ = first_rows(candidate.differences)
    there = {row.label: row for row in rows(candidate.differences)}
    reported = calibeval.evaluate(base).dumps[0]
    assert "Brier P(pos)" in [row.label for row in first]
    assert "Brier" not in [row.label for row in first]
    assert there["Brier P(pos)"].base == cells.value(reported["brier_positive"])
    assert there["Brier"].base == cells.value(reported["brier"])
    assert there["Brier"].finding == there["Brier P(pos)"].finding  # the same test
    text = str(found)
    assert "Brier P(pos): of one column (0 to 1)" in text
    assert "Brier summed" not in text
    assert "Brier summed over classes (0 to 2); Brier P(pos): of one column" in convention(found)
