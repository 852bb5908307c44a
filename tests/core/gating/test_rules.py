"""Rules and configuration tables: what is refused, with which words, and what stands."""

from __future__ import annotations

import pytest

from calibeval.core.errors import UsageError
from calibeval.core.gating.config import config_from_table, overlaid, rule_from_table
from calibeval.core.gating.presets import PRESETS, preset_rules
from calibeval.core.gating.rules import GateSettings, Rule

REFUSED = [
    ({"metric": "eec", "max": 0.1}, 'metric "eec" is unknown (did you mean "ece"?)'),
    ({"max": 0.1}, "there is no metric"),
    ({"metric": 3, "max": 0.1}, "metric is 3, but it must be a non-empty string"),
    ({"metric": "ece"}, "the rule has no limit, but it must have exactly one of max, min, max_increase, max_drop"),
    (
        {"metric": "ece", "max": 0.1, "max_increase": 0.1},
        "the rule has max and max_increase, but it must have exactly one",
    ),
    ({"metric": "ece", "max": 0.1, "level": "warn"}, 'key "level" is unknown (did you mean "severity"?)'),
    ({"metric": "ece", "maxx": 0.1}, 'key "maxx" is unknown (did you mean "max"?)'),
    ({"metric": "ece", "max": -0.1}, "max of ece is -0.1, but it must not be negative"),
    ({"metric": "ece", "max": float("nan")}, "max is nan, but it must be a finite number"),
    ({"metric": "ece", "max": float("inf")}, "max is inf, but it must be a finite number"),
    ({"metric": "ece", "max": True}, "max is true, but it must be a finite number"),
    ({"metric": "ece", "max": "0.1"}, 'max is "0.1", but it must be a finite number'),
    ({"metric": "ece", "max": [0.1]}, "max is a list, but it must be a finite number"),
    ({"metric": "ece", "max": 3}, "max of ece is 3, but it can be 1 at most; limits are fractions, so 3 % is 0.03"),
    ({"metric": "brier", "max": 2.5}, "max of brier is 2.5, but it can be 2 at most"),
    ({"metric": "ece", "min": 0.1}, "min of ece: lower is better, so use max"),
    ({"metric": "nll", "max_drop": 0.1}, "max_drop of nll: lower is better, so use max_increase"),
    ({"metric": "accuracy", "max": 0.1}, "max of accuracy: higher is better, so use min"),
    ({"metric": "accuracy", "max_increase": 0.1}, "max_increase of accuracy: higher is better, so use max_drop"),
    ({"metric": "confidence_gap", "min": 0.1}, "min of confidence_gap: it is best at 0, so limit its size with max"),
    (
        {"metric": "confidence_gap", "max_drop": 0.1},
        "max_drop of confidence_gap: it is best at 0, so limit its size with max_increase",
    ),
    ({"metric": "ece", "max": 0.1, "relative": True}, "relative applies to max_increase and max_drop, not to max"),
    ({"metric": "nll", "max_increase": 0.1, "relative": 1}, "relative is 1, but it must be true or false"),
    ({"metric": "ece", "max": 0.1, "severity": "eror"}, 'severity "eror" is unknown (did you mean "error"?)'),
    ({"metric": "ece", "max": 0.1, "slice": "wrst"}, 'slice is "wrst" (did you mean "worst"?), but it must be'),
    ({"metric": "ece", "max": 0.1, "slice": "worst:"}, 'slice is "worst:"'),
    ({"metric": "ece", "max": 0.1, "slice": ""}, 'slice is "", but it must be a non-empty string'),
]


@pytest.mark.parametrize(("table", "message"), REFUSED)
def test_a_rule_that_cannot_be_meant_is_refused(table, message):
    with pytest.raises(UsageError) as caught:
        rule_from_table(table)
    assert message in str(caught.value)


CONFIGS = [
    ({"confidence": 0.9}, 'key "confidence" is unknown (did you mean "level"?)'),
    ({"min_samples": 100}, 'key "min_samples" is unknown (did you mean "min_rows"?)'),
    ({"on_inconclusiv": "fail"}, 'key "on_inconclusiv" is unknown (did you mean "on_inconclusive"?)'),
    ({"on_inconclusive": "warm"}, 'on_inconclusive "warm" is unknown (did you mean "warn"?); it must be one of fail'),
    ({"decide": "points"}, 'decide "points" is unknown (did you mean "point"?)'),
    ({"decide": 1}, "decide is 1, but it must be a non-empty string"),
    ({"level": 95}, "level is 95, but it must lie between 0 and 1"),
    ({"level": "0.95"}, 'level is "0.95", but it must be a finite number'),
    ({"min_rows": -1}, "min_rows is -1, but it must be a whole number, at least 0"),
    ({"min_rows": 1.5}, "min_rows is 1.5, but it must be a whole number, at least 0"),
    ({"min_rows": True}, "min_rows is true, but it must be a whole number, at least 0"),
    ({"baseline": 3}, "baseline is 3, but it must be a non-empty string"),
    ({"slices": "night"}, 'slices is "night", but it must be a list of strings'),
    ({"slices": [1]}, "slices is 1, but it must be a non-empty string"),
    ({"rule": []}, "the list of rules is empty"),
    ({"rule": {"metric": "ece"}}, '"rule" must be a list of tables'),
    ({"rule": [{"metric": "ece", "max": 0.1}, {"metric": "eec", "max": 0.1}]}, 'rule 2: metric "eec" is unknown'),
    (
        {"rule": [{"metric": "ece", "max": 0.1}, {"metric": "ece", "max": 0.2}]},
        "rule 2: sets the same limit as rule 1: max of ece",
    ),
]


@pytest.mark.parametrize(("table", "message"), CONFIGS)
def test_a_table_that_cannot_be_meant_is_refused_with_its_file(table, message):
    with pytest.raises(UsageError) as caught:
        config_from_table(table, "calibeval.toml")
    assert str(caught.value).startswith("calibeval.toml: ")
    assert message in str(caught.value)


def test_a_whole_table():
    table = {
        "on_inconclusive": "warn",
        "level": 0.9,
        "min_rows": 50,
        "baseline": "main.npz",
        "slices": ["weather"],
        "rule": [
            {"metric": "ece", "max": 0.03, "slice": "worst", "severity": "warn"},
            {"metric": "nll", "max_increase": 0.5, "relative": True},
        ],
    }
    config = config_from_table(table, "calibeval.toml")
    assert config.settings == {"on_inconclusive": "warn", "level": 0.9, "min_rows": 50}
    assert GateSettings(**config.settings).decide == "interval"
    assert (config.baseline, config.slices) == ("main.npz", ("weather",))
    assert config.rules == (
        Rule("ece", "max", 0.03, "warn", "worst"),
        Rule("nll", "max_increase", 0.5, relative=True),
    )


@pytest.mark.parametrize(
    ("slice_", "column"),
    [(None, None), ("worst", ""), ("worst:weather", "weather"), ("worst=x", None), ("a=b", None), ("a:b=c", None)],
)
def test_what_a_rule_on_the_worst_slice_looks_at(slice_, column):
    assert Rule("ece", "max", 0.03, slice=slice_).worst_of == column


def test_the_limit_itself_may_be_zero_or_the_largest_value():
    assert Rule("nll", "max_increase", 0).limit == 0
    assert Rule("nll", "max", 100.0).limit == 100
    assert Rule("confidence_gap", "max_increase", 2.0).limit == 2


def test_later_layers_replace_the_same_place_only():
    first = [Rule("ece", "max", 0.05), Rule("ece", "max", 0.09, slice="worst")]
    assert overlaid(first, [Rule("ece", "max", 0.01)]) == (Rule("ece", "max", 0.01), first[1])


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("with_baseline", [True, False])
@pytest.mark.parametrize("with_slices", [True, False])
def test_presets_ask_what_can_be_judged(name, with_baseline, with_slices):
    rules = preset_rules(name, with_baseline=with_baseline, with_slices=with_slices)
    assert rules
    assert any(rule.is_change for rule in rules) == with_baseline
    assert any(rule.slice for rule in rules) == (with_slices and name == "strict")


def test_an_unknown_preset_has_a_nearest_one():
    with pytest.raises(UsageError, match='did you mean "strict"'):
        preset_rules("strct", with_baseline=True, with_slices=True)
