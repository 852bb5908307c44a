"""A gate from Python: what is measured follows from what the rules ask."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate, gate
from calibeval.core.errors import UsageError
from calibeval.core.gating.columns import slice_columns
from calibeval.core.gating.rules import GateSettings, Rule
from tests.data import logits_and_labels

LOOSE = Rule("ece", "max", 0.9)


def dump(n=100, **columns):
    logits, labels = logits_and_labels(n, 3)
    return Predictions(logits=logits, labels=labels, columns=columns)


@pytest.mark.parametrize(("min_rows", "judged"), [(60, ["site=a"]), (61, []), (40, ["site=a", "site=b"]), (0, [])])
def test_slices_have_the_least_rows_of_the_settings_or_a_hundred(min_rows, judged):
    rows = dump(site=["a"] * 60 + ["b"] * 40)
    rule = Rule("ece", "max", 0.9, slice="worst:site")
    (verdict,) = gate(rows, [rule], settings=GateSettings(min_rows=min_rows)).rules
    assert sorted(part.slice for part in verdict.slices) == judged


def test_a_rule_that_is_off_asks_for_no_column():
    off = Rule("ece", "max", 0.9, "off", slice="nowhere=1")
    assert gate(dump(), [LOOSE, off]).verdict == "pass"
    with pytest.raises(UsageError, match=r'there is no column "nowhere"'):
        gate(dump(), [LOOSE, Rule("ece", "max", 0.9, slice="nowhere=1")])


def test_a_slice_belongs_to_the_longest_column_that_fits():
    rows = dump(site=np.arange(100) % 2, **{"site=x": np.arange(100) % 4})
    assert slice_columns([Rule("ece", "max", 0.9, slice="site=x=1")], [], rows) == ("site=x",)
    assert slice_columns([Rule("ece", "max", 0.9, slice="site=1")], [], rows) == ("site",)


def test_predicted_classes_are_sliced_alone_and_not_against_a_baseline():
    logits, labels = logits_and_labels(900, 3)
    better = Predictions(logits=logits * 0.7, labels=labels)
    rules = [Rule("ece", "max", 0.9, slice="predicted=0"), Rule("nll", "max_increase", 0.5)]
    verdict = gate(better, rules, baseline=Predictions(logits=logits, labels=labels))
    assert [rule.verdict for rule in verdict.rules] == ["pass", "pass"]
    change = Rule("nll", "max_increase", 0.5, slice="predicted=0")
    (judged,) = gate(better, [change], baseline=Predictions(logits=logits, labels=labels)).rules
    assert (judged.verdict, judged.reason) == ("error", "the baseline has no such slice")


def test_slices_that_are_judged_by_themselves_need_no_saved_rows():
    logits, labels = logits_and_labels(2000, 3)
    columns = {"site": np.arange(2000) % 2}
    dump = Predictions(logits=logits, labels=labels, columns=columns)
    rules = [{"metric": "ece", "max": 0.9, "slice": "worst:site"}, {"metric": "nll", "max_increase": 0.5}]
    verdict = gate(dump, rules, baseline=evaluate(dump))
    assert [rule.verdict for rule in verdict.rules] == ["pass", "pass"]
    assert [warning for warning in verdict.warnings if "slices" in warning] == []
