"""A plan in words: the whole gate in one sentence, and what stands where a number is missing."""

from __future__ import annotations

import pytest

from calibeval import GateSettings, Rule
from calibeval.core.gating.planning import plan_by
from calibeval.core.report.settings import Settings
from calibeval.render.terminal.plan import render
from calibeval.words.plan import plan_lines, planned_for, summary
from tests.core.gating.test_whole_gate import measure_of

WARNS = "Of unchanged models, > 99 % get exit code 0, and 64 % pass every rule"
VALUES = {"nll": 0.4, "brier": 0.4}


def plan(*rules, values=VALUES, changes=None, **settings):
    return plan_by(measure_of(values, changes), Settings(), rules, GateSettings(**settings))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([Rule("nll", "max", 0.43)], "Of unchanged models, 85 % get exit code 0; 80 % get it from about 880 rows."),
        (
            [Rule("nll", "max", 0.39)],
            "Of unchanged models, < 1 % get exit code 0; no number of rows brings it to 80 %.",
        ),
        (
            [Rule("cwce", "max", 0.4)],
            "The chance of the whole gate is unknown: a rule that blocks has no interval.",
        ),
        (
            [Rule("nll", "max_increase", 0.02)],
            f"{WARNS}: no rule stops the gate if it is inconclusive.",
        ),
        (
            [Rule("nll", "max_increase", 0.02), Rule("nll", "max", 0.43)],
            "Of unchanged models, 85 % get exit code 0, and 59 % pass every rule; 80 % get it from about 880 rows.",
        ),
    ],
)
def test_the_whole_gate_in_one_sentence(rules, words):
    assert summary(plan(*rules)) == words


def test_rules_that_do_not_block_say_so():
    (line,) = plan_lines(plan(Rule("nll", "max", 0.43, severity="warn")))
    assert line.asked == "NLL ≤ 0.43 nats (does not block)"


def test_what_is_missing_is_a_dash_with_its_reason():
    (line,) = plan_lines(plan(Rule("cwce", "max", 0.4)))
    assert (line.passes, line.rows, line.detects) == ("–", "–", "–")
    assert line.note == "CWCE ≤ 40.00 %: this metric does not exist for this dump"


def test_the_title_names_the_baseline():
    found = planned_for(plan(Rule("nll", "max_increase", 0.02), changes={"nll": 0.0}))
    assert found.endswith("1,000 rows, baseline base.npz (paired by id)")


def test_ascii_only_has_no_other_sign():
    text = render(plan(Rule("accuracy", "min", 0.3), values={"accuracy": 0.4}), width=None, ascii_only=True)
    assert text.isascii()
    assert "accuracy >= 30.00 %" in text
