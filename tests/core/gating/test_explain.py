"""Why a rule did not pass: the repair is judged as the rule is, and parts have their own numbers."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.gating.explain import explained
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judged import judged
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.words.why import why_lines
from tests.data import logits_and_labels

RULES = (
    Rule("ece", "max", 0.001),
    Rule("nll", "max", 0.2),
    Rule("brier", "max", 0.001),
    Rule("cwce", "max", 0.001),
    Rule("ece", "max", 0.02, severity="warn"),
    Rule("nll", "max_increase", 0.0),
    Rule("ece", "max", 0.001, slice="worst:light"),
)


def dump(n=2000, sharper=2.0):
    logits, labels = logits_and_labels(n, 4)
    light = np.where(np.arange(n) % 4 == 3, "night", "day")
    return Predictions(logits=sharper * logits, labels=labels, columns={"light": light})


def told(rules, one, tempered, **settings):
    """The verdict with its reasons, where a temperature makes this of the dump."""
    how = GateSettings(**settings)
    more = {"bins": None, "convention": "calibeval", "slices": (), "group": None}
    subject = Subject.of(one, dump(sharper=1.0), rules, how, **more, keep_rows=True)
    return judged(subject, rules, how, explain=lambda rule: explained(rule, subject, tempered))


def test_a_repair_that_changes_nothing_is_judged_as_the_rule_was():
    same = told(RULES, dump(), lambda one, _: (one, 1.0))
    tried = 0
    for rule in same.rules:
        if rule.why is None:
            continue
        trial, part = rule.why.temperature, rule.decisive
        assert (trial.verdict, trial.low, trial.high) == (rule.verdict, part.low, part.high)
        assert trial.interval_level == part.interval_level
        assert trial.change == (part.value if rule.rule.is_change else None)
        tried += 1
    assert tried == len(RULES)
    assert len({rule.why.temperature.interval_level for rule in same.rules}) > 2  # Holm's, and that of the warning


def test_a_repair_passes_by_the_one_sided_bound_of_a_change():
    rules = [Rule("nll", "max_increase", 0.0), Rule("brier", "max", 0.001)]
    found = told(rules, dump(), lambda *_: (dump(sharper=1.0), 2.0))  # as the baseline
    trial = found.rules[0].why.temperature
    assert (found.rules[0].verdict, trial.verdict, trial.repairs) == ("fail", "pass", True)
    assert (trial.change, trial.low, trial.high, trial.interval_level, trial.temperature) == (0.0, 0.0, 0.0, 0.9, 2.0)


def test_too_few_rows_try_no_temperature():
    def never(*_):
        raise AssertionError("a temperature was fitted")

    logits, labels = logits_and_labels(60, 4)
    few = Predictions(logits=logits, labels=labels)
    how, more = GateSettings(), {"bins": None, "convention": "calibeval", "slices": (), "group": None}
    subject = Subject.of(few, None, [RULES[0]], how, **more, keep_rows=True)
    (rule,) = judged(subject, [RULES[0]], how, explain=lambda rule: explained(rule, subject, never)).rules
    assert (rule.verdict, rule.why.temperature) == ("inconclusive", None)


@pytest.mark.parametrize("metric", ["ece", "confidence_gap"])
def test_parts_have_their_rows_and_gap(metric):
    plain = dump(sharper=1.0)
    night = np.asarray(plain.columns["light"]) == "night"
    logits = np.where(night[:, None], 5.0, 1.0) * np.asarray(plain.scores)
    one = Predictions(logits=logits, labels=plain.labels, columns=dict(plain.columns))
    found = told([Rule(metric, "max", 0.001)], one, lambda same, _: (same, 1.0))
    (part,) = [part for part in found.rules[0].why.parts if part.kind == "light"]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gaps = chances.max(axis=1) - (chances.argmax(axis=1) == np.asarray(plain.labels))
    assert (part.name, part.n, part.rows) == ("night", 500, 0.25)
    assert part.gap == pytest.approx(gaps[night].mean())
    if metric == "confidence_gap":
        assert part.share == pytest.approx(gaps[night].sum() / gaps.sum())


def test_the_gain_of_a_map_is_not_repaired_by_a_map():
    def refused(*_):
        raise AssertionError("a temperature was fitted")

    (found,) = told([Rule("phi_nll", "max", 0.01)], dump(), refused).rules
    assert (found.verdict, found.why.temperature) == ("fail", None)
    (line,) = why_lines(found)
    assert line.startswith("this is what a map fitted out of fold takes away, so a map passes this rule")
