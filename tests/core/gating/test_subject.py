"""What a gate reads: each dump once, whatever the rules and levels; once more a slice column for class-wise rules."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate, gate
from calibeval.core.conventions.table import OWN
from calibeval.core.gating.config import rule_from_table
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.rules import GateSettings
from tests.data import logits_and_labels

N = 3000
NLL = {"metric": "nll", "max_increase": 0.0}
WORST = {"metric": "ece", "max": 0.001, "slice": "worst"}
CWCE = {"metric": "cwce", "max": 0.05, "slice": "worst:site"}
WORST_CHANGE = {"metric": "nll", "max_increase": 0.0, "slice": "worst"}


class Counted:
    """Scores that count how many rows were read."""

    def __init__(self, scores):
        self.scores, self.shape, self.dtype, self.read = scores, scores.shape, scores.dtype, 0

    @property
    def ndim(self):
        return self.scores.ndim

    def __len__(self):
        return len(self.scores)

    def __getitem__(self, rows):
        found = self.scores[rows]
        self.read += len(found)
        return found


def dump(factor=1.0, seed=0):
    logits, labels = logits_and_labels(N, 4, seed=seed)
    columns = {"site": np.arange(N) % 3, "light": np.arange(N) % 2}
    return Predictions(logits=Counted(logits * factor), labels=labels, columns=columns)


def grouped(predictions):
    """The same with videos of 25 rows."""
    columns = {**predictions.columns, "video": np.arange(N) // 25}
    return Predictions(logits=predictions.scores, labels=predictions.labels, columns=columns)


def readings(predictions, before):
    return (predictions.scores.read - before) / N


@pytest.mark.parametrize(
    ("rules", "slices", "expected"),
    [
        ([{"metric": "ece", "max": 0.1}], [], 1),
        ([{"metric": name, "max": 0.1} for name in ("ece", "mce", "oe", "rmsce", "nll")], [], 1),
        # The interval of the class-wise error reads scores again, those of all rows and of every slice column.
        ([{"metric": "cwce", "max": 0.1}], [], 2),
        ([WORST], ["site"], 1),
        ([WORST, {"metric": "nll", "max": 0.1, "slice": "worst:site"}], ["site"], 1),
        ([WORST], ["site", "light"], 1),
        ([{"metric": "ece", "max": 0.1, "slice": "site=1"}], [], 1),
        ([WORST, {"metric": "cwce", "max": 0.001}], ["site"], 4),
        ([{"metric": "cwce", "max": 0.001, "slice": "worst"}], ["site", "light"], 6),
    ],
)
def test_one_reading_and_for_class_wise_rules_more(rules, slices, expected):
    one = dump()
    before = one.scores.read
    gate(one, rules, slices=slices)
    assert readings(one, before) == expected


@pytest.mark.parametrize(
    ("rules", "slices", "expected"),
    [
        ([NLL], [], (1, 1)),
        ([NLL, WORST, WORST_CHANGE], ["site"], (1, 1)),
        # Only the dump has intervals of its own.
        ([NLL, {**WORST, "metric": "cwce"}], ["site"], (4, 2)),
    ],
)
def test_a_baseline_is_read_as_often_as_the_dump(rules, slices, expected):
    one, base = dump(3.0), dump()
    before = one.scores.read, base.scores.read
    verdict = gate(one, rules, baseline=base, slices=slices)
    assert verdict.verdict == "fail"
    assert (readings(one, before[0]), readings(base, before[1])) == expected


def test_a_saved_baseline_needs_no_reading():
    one = dump(3.0)
    before = one.scores.read
    gate(one, [NLL, WORST], baseline=evaluate(dump()), slices=["site"])
    assert readings(one, before) == 1


def test_holms_levels_take_no_reading_and_give_the_intervals_of_a_report_at_that_level():
    one = dump()
    before = one.scores.read
    (rule,) = gate(one, [{"metric": "ece", "max": 0.12, "slice": "worst"}], slices=["site"]).rules
    assert readings(one, before) == 1
    assert rule.decisive is not None
    plain = evaluate(one, slices=["site"]).dumps[0].slices
    assert {part.slice: (part.plain_low, part.plain_high) for part in rule.slices} == {
        f"site={part.value}": (part.metrics["ece"].low, part.metrics["ece"].high) for part in plain
    }
    levels = {part.slice: part.interval_level for part in rule.slices}
    assert all(level == 0.9 for level in levels.values())  # undecided by the one-sided bound
    narrow = evaluate(one, slices=["site"], level=0.9).dumps[0].slices
    assert {part.slice: (part.low, part.high) for part in rule.slices} == {
        f"site={part.value}": (part.metrics["ece"].low, part.metrics["ece"].high) for part in narrow
    }


def test_numbers_are_those_of_reports_whatever_was_asked():
    one, settings = dump(), GateSettings(level=0.9)
    (ece, accuracy) = gate(
        one, [{"metric": "ece", "max": 0.1}, {"metric": "accuracy", "min": 0.5}], settings=settings
    ).rules
    report = evaluate(one, level=0.9)
    for rule, name in ((ece, "ece"), (accuracy, "accuracy")):
        assert rule.decisive is not None
        assert (rule.decisive.value, rule.decisive.plain_low, rule.decisive.plain_high) == (
            report[name].value,
            report[name].low,
            report[name].high,
        )


@pytest.mark.parametrize(
    ("rules", "slices", "expected"),
    [
        ([{"metric": "ece", "max": 0.1}], [], 1),
        ([WORST], ["site", "light"], 1),
        ([{"metric": "cwce", "max": 0.1}], [], 2),
        # All rows and their groups, and the same of each column.
        ([{"metric": "cwce", "max": 0.05, "slice": "worst"}], ["site", "light"], 6),
    ],
)
def test_groups_take_one_more_reading_where_rules_are_class_wise(rules, slices, expected):
    one = grouped(dump())
    before = one.scores.read
    gate(one, rules, slices=slices, group="video")
    assert readings(one, before) == expected


def class_wise(predictions):
    """The subject of a class-wise rule on the slices of a column, with groups."""
    rules, how = [rule_from_table(CWCE)], GateSettings()
    return Subject.of(predictions, None, rules, how, bins=None, convention=OWN, slices=[], group="video")


def test_groups_of_slices_are_found_once_however_many_levels_are_asked():
    one = grouped(dump())
    subject = class_wise(one)
    first = subject.measure(0.95)
    before = one.scores.read
    again = subject.measure(0.99)
    assert one.scores.read == before
    assert first.report.slices != again.report.slices


def test_what_is_too_much_to_keep_is_found_again_from_one_reading_for_all_slices(monkeypatch):
    one = grouped(dump())
    kept = class_wise(one)
    expected = [kept.measure(level).report.slices for level in (0.95, 0.99)]
    monkeypatch.setattr("calibeval.core.evaluation.slices.MOST_KEPT", 0)
    subject = class_wise(one)
    before = one.scores.read
    assert [subject.measure(level).report.slices for level in (0.95, 0.99)] == expected
    assert readings(one, before) == 2


@pytest.mark.parametrize("rules", [[WORST], [{"metric": "cwce", "max": 0.05, "slice": "worst"}]])
def test_groups_are_read_once_more_where_scores_are_read_block_by_block(rules):
    # Gaps by group and equal-mass bin need the edges; class-wise ones take the passes that a spread takes otherwise.
    one, plain = dump(), grouped(dump())
    before = one.scores.read, plain.scores.read
    gate(one, rules, slices=["site"], max_memory=1000)
    verdict = gate(plain, rules, slices=["site"], group="video", max_memory=1000)
    assert readings(plain, before[1]) == readings(one, before[0]) + 1
    assert verdict.rules == gate(grouped(dump()), rules, slices=["site"], group="video").rules
