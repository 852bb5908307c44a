"""A gate of a dump with two classes: a preset limits P(positive class), rules of one's own what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import calibeval
from tests.data import logits_and_labels


@pytest.fixture(scope="module")
def two():
    logits, labels = logits_and_labels(3000, 2)
    light = np.where(np.arange(3000) % 4 == 3, "night", "day")
    return calibeval.Predictions(logits=logits, labels=labels, columns={"light": light})


def metrics(verdict):
    return [one.rule.metric for one in verdict.rules]


def test_a_preset_limits_the_positive_class(two):
    verdict = calibeval.gate(two, preset="strict", baseline=two, slices=["light"])
    assert metrics(verdict) == ["ece_positive", "nll", "brier", "gap_positive", "accuracy", "ece_positive"]
    assert all(one.verdict != "error" for one in verdict.rules)
    assert metrics(calibeval.plan(two, preset="recommended"))[0] == "ece_positive"


def test_of_more_classes_it_limits_the_confidence():
    logits, labels = logits_and_labels(3000, 3)
    three = calibeval.Predictions(logits=logits, labels=labels)
    assert metrics(calibeval.gate(three, preset="recommended", baseline=three))[::3] == ["ece", "confidence_gap"]


def notes(verdict):
    return [str(one) for one in verdict.warnings if one.code == "top_label_limited"]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([("ece", "max", 0.3)], "ece is about the more likely class of each row; {}: limit ece_positive"),
        ([("aece", "max", 0.3)], "aece is about the more likely class of each row; {}: limit ece_positive"),
        (
            [("confidence_gap", "max", 0.3)],
            "confidence_gap is about the more likely class of each row; {}: limit gap_positive",
        ),
        (
            [("ece", "max", 0.3), ("aece", "max", 0.3), ("confidence_gap", "max", 0.3)],
            (
                "ece, aece and confidence_gap are about the more likely class of each row; {}: limit ece_positive and "
                "gap_positive"
            ),
        ),
        ([("ece", "max", 0.3), ("ece_positive", "max", 0.3)], None),
        ([("ece_positive", "max", 0.3), ("nll", "max", 2)], None),
    ],
)
def test_a_rule_about_the_top_label_is_noted(two, rules, said):
    tables = [{"metric": metric, kind: limit} for metric, kind, limit in rules]
    about = 'the report is about P("0")'
    expected = [] if said is None else [said.format(about)]
    assert notes(calibeval.gate(two, tables, positive=0)) == expected
    assert notes(calibeval.plan(two, tables, positive=0)) == expected


def test_a_rule_that_is_off_or_of_more_classes_needs_no_note(two):
    logits, labels = logits_and_labels(3000, 3)
    three = calibeval.Predictions(logits=logits, labels=labels)
    assert notes(calibeval.gate(three, {"metric": "ece", "max": 0.3})) == []
    off = [{"metric": "ece", "max": 0.3, "severity": "off"}, {"metric": "nll", "max": 2}]
    assert notes(calibeval.gate(two, off)) == []
    assert notes(calibeval.gate(two, preset="strict", baseline=two, slices=["light"])) == []


def test_rules_of_ones_own_stay(two):
    same = {"metric": "ece", "max": 0.05}  # as the preset's
    assert metrics(calibeval.gate(two, same, preset="recommended")) == ["ece"]
    assert metrics(calibeval.gate(two, same)) == ["ece"]
    verdict = calibeval.gate(two, {"metric": "ece_positive", "max": 0.5})
    assert metrics(verdict) == ["ece_positive"]


def test_other_conventions_and_earlier_reports_have_no_positive_class(two):
    assert metrics(calibeval.gate(two, preset="recommended", convention="torchmetrics")) == ["ece"]
    saved = calibeval.evaluate(two)
    assert "gap_positive" in metrics(calibeval.gate(two, preset="recommended", baseline=saved))
    (dump,) = saved.dumps
    bare = {name: one for name, one in dump.metrics.items() if not name.endswith("_positive")}
    earlier = replace(saved, dumps=(replace(dump, metrics=bare),))
    assert "confidence_gap" in metrics(calibeval.gate(two, preset="recommended", baseline=earlier))


def test_why_names_bins_of_the_positive_class(two):
    night = np.asarray(two.columns["light"]) == "night"
    shifted = np.asarray(two.scores) + 2.0 * np.outer(night, [0.0, 1.0])  # class 1 is too probable at night
    dump = calibeval.Predictions(logits=shifted, labels=two.labels, columns=dict(two.columns))
    for metric in ("ece_positive", "gap_positive"):
        verdict = calibeval.gate(dump, {"metric": metric, "max": 0.001}, why=True)
        parts = verdict[metric].why.parts
        assert {part.kind for part in parts} <= {"bin", "light"}
        (found,) = [part for part in parts if part.kind == "light"]
        assert (found.name, found.n, found.rows) == ("night", 750, 0.25)
        assert 0.3 <= found.share <= 1.0  # 1.2 times its rows, or it would not be named
        assert found.gap == pytest.approx(verdict.report.dumps[0].metrics["gap_positive"].value * 4, rel=0.3)
