"""Above 30 bins every interval from bins is marked as approximate: in reports, slices, differences and verdicts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval import Predictions, Report, Rule, compare, evaluate, gate
from calibeval.core.metrics.table import METRICS
from tests.data import logits_and_labels

BINNED = {name for name, metric in METRICS.items() if metric.binned and name != "mce_all_bins"}
TOLD = "the interval is approximate: 31 bins, more than 30"


def dump(k=2, n=3000, seed=0, **more):
    logits, labels = logits_and_labels(n, k, seed=seed)
    return Predictions(logits=logits, labels=labels, **more)


def marked(metrics):
    return {name for name, found in metrics.items() if getattr(found.reason, "code", None) == "many_bins"}


@pytest.mark.parametrize(("bins", "names"), [(30, set()), (31, BINNED), (1000, BINNED)])
def test_thirty_bins_are_supported_and_no_more(bins, names):
    found = evaluate(dump(n=20_000), bins=bins).dumps[0].metrics
    assert marked(found) == names
    assert all(found[name].low is not None for name in BINNED)


def test_the_mark_is_a_sentence_with_a_code():
    report = evaluate(dump(), bins=31)
    told = json.loads(report.to_json())["dumps"][0]["metrics"]
    assert told["ece"]["reason"] == {"code": "many_bins", "message": TOLD}
    assert told["nll"]["reason"] is None
    assert Report.from_json(report.to_json()) == report


def test_nothing_is_marked_that_has_no_interval():
    assert not marked(evaluate(dump(), bins=31, level=None).dumps[0].metrics)
    assert not marked(evaluate(dump(n=100), bins=1000).dumps[0].metrics)  # bins are too thin


def test_the_bins_of_another_convention_count():
    assert "aece" in marked(evaluate(dump(), bins=31, convention="netcal").dumps[0].metrics)
    assert not marked(evaluate(dump(), convention="netcal").dumps[0].metrics)


def test_few_rows_per_class_are_told_first():
    found = evaluate(dump(k=40, n=400), bins=31).dumps[0].metrics
    assert found["cwce"].reason.code == "few_rows_per_class"


def test_slices_are_marked_and_those_by_label_still_have_no_test():
    parts = evaluate(dump(columns={"half": np.arange(3000) % 2}), bins=31, slices=["half", "class"])
    for one in parts.dumps[0].slices:
        assert marked(one.metrics) >= {"ece", "aece"}
    assert "2 slices by true label, not tested" in " ".join(str(parts).split())


def test_differences_are_marked_from_rows_and_from_a_saved_report():
    base, candidate = dump(), dump(seed=1)
    candidate = Predictions(logits=0.5 * candidate.scores, labels=base.labels)
    saved = evaluate(base, bins=31)
    for bins, names in ((31, BINNED), (30, set())):
        assert marked(compare(base, [candidate], bins=bins).candidates[0].differences) == names
    verdict = gate(candidate, rules=[Rule("ece", "max_increase", 0.5)], baseline=saved, bins=31)
    assert verdict.rules[0].reason == f"interval within the limit; {TOLD}"
    same = compare(base, [base], bins=31).candidates[0].differences
    assert not marked(same)  # they are equal in any sample


def test_a_verdict_says_that_its_interval_is_approximate():
    for bins, doubt in ((30, ""), (31, f"; {TOLD}")):
        verdict = gate(dump(), rules=[Rule("ece", "max", 0.9), Rule("nll", "max", 9.0)], bins=bins)
        within = "interval within the limit"
        assert [one.reason for one in verdict.rules] == [f"{within}{doubt}", within]
