"""A row of a known kind, over whichever bins: everything is done with its own bins, or there is a reason."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate, gate
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.gating.explain import explained
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judged import judged
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.metrics.folded import Folded
from calibeval.core.metrics.largest import Largest
from calibeval.core.metrics.overconfidence import Overconfidence
from calibeval.core.metrics.squared import RootMeanSquare
from calibeval.core.metrics.table import METRICS
from tests import definitions

N = 1500
FACTS = {"name": "new", "title": "new error, for a test", "least": 0.0, "most": 1.0, "better": "lower", "unit": "%"}
KINDS = {
    "folded": (Folded, lambda bins: definitions.weighted_gap(bins, N)),
    "overconfidence": (
        Overconfidence,
        lambda bins: sum(b.rows / N * b.mean * max(b.mean - b.share, 0.0) for b in bins.values()),
    ),
    "squared": (
        RootMeanSquare,
        lambda bins: math.sqrt(sum(b.rows / N * (b.share - b.mean) ** 2 for b in bins.values())),
    ),
    "largest": (Largest, lambda bins: max(abs(b.share - b.mean) for b in bins.values() if b.rows >= 30)),
}

# Of the positive class there is nothing new in another tool's bins, but what it calls by the name of the top label.
NAMES = {"positive": {Overconfidence: "overconfidence error", RootMeanSquare: "root mean square calibration error"}}


def binary(seed=0, sharpness=1.0):
    """Two classes, over-confident, in 75 groups of 20 rows. sharpness: of what is said, not of what comes."""
    rng = np.random.default_rng(seed)
    logits = 2.0 * rng.normal(size=N)
    labels = (rng.random(N) < 1 / (1 + np.exp(-0.7 * logits - 0.3))).astype(int)
    stated = np.column_stack([np.zeros(N), sharpness * logits])
    columns = {"video": np.arange(N) // 20, "half": np.arange(N) % 2}
    return Predictions(logits=stated, labels=labels, columns=columns), definitions.softmax(stated), labels


def bins_of(over, probs, labels):
    if over == "positive":
        return definitions.binned(probs[:, 1], (labels == 1).astype(float), definitions.edges_for(15))
    confidence, correct = probs.max(axis=1), (probs.argmax(axis=1) == labels).astype(float)
    edges = definitions.mass_edges(confidence, 15) if over == "mass" else definitions.edges_for(15)
    return definitions.binned(confidence, correct, edges)


@pytest.fixture(params=[(kind, over) for kind in KINDS for over in ("top", "mass", "positive")], ids=" ".join)
def row(request, monkeypatch):
    """A new row in the table, its bins, and its plain definition."""
    name, over = request.param
    kind, definition = KINDS[name]
    more = {"least_rows": 30} if kind is Largest else {}
    metric = kind(**FACTS, source="nobody", over=over, binary=over == "positive", **more)
    monkeypatch.setitem(METRICS, "new", metric)
    return metric, over, definition


def test_a_report_has_value_floor_and_interval(row):
    metric, over, definition = row
    predictions, probs, labels = binary()
    for group in (None, "video"):
        found = evaluate(predictions, group=group)["new"]
        assert found.value == pytest.approx(definition(bins_of(over, probs, labels)), abs=1e-12)
        if found.low is None:
            assert (type(metric), group, found.reason is None) == (Largest, "video", False)
        else:
            assert 0 <= found.low <= found.high <= 1
            assert 0 < found.floor < found.floor_high


@pytest.mark.usefixtures("row")
def test_slices_are_measured():
    predictions, *_ = binary()
    found = evaluate(predictions, slices=["half"]).dumps[0].slices
    assert [one.metrics["new"].value is not None for one in found] == [True, True]


@pytest.mark.usefixtures("row")
def test_a_difference_is_around_that_of_the_values_or_has_a_reason():
    (base, *_), (candidate, *_) = binary(), binary(sharpness=2.0)
    for group in (None, "video"):
        found = compare(base, [candidate], group=group)["new"]
        assert found.difference == evaluate(candidate)["new"].value - evaluate(base)["new"].value
        if found.low is None:
            assert found.reason == "differences of this metric are not tested if only groups are independent"
            assert group == "video"
        else:
            assert found.low <= found.difference <= found.high


def test_a_saved_report_tells_of_its_own_bins(row):
    metric, over, _ = row
    (base, *_), (candidate, *_) = binary(), binary(1, sharpness=2.0)
    saved = evaluate(base)
    found = compare(saved, [candidate])["new"]
    assert found.low <= found.difference <= found.high
    for other in {"top", "mass", "positive"} - {over}:
        METRICS["new"] = type(metric)(**{**facts(metric), "over": other})
        assert compare(evaluate(base), [candidate])["new"].low != found.low


def facts(metric):
    return {name: getattr(metric, name) for kind in type(metric).__mro__ for name in getattr(kind, "__slots__", ())}


def test_another_tool_has_it_by_the_same_kind_or_not_at_all(row):
    metric, over, _ = row
    predictions, *_ = binary()
    found = evaluate_dump(predictions, checked(bins=None, convention="netcal", level=0.95)).metrics
    same = {Folded: "ece", Largest: "mce"}.get(type(metric))
    if over == "positive" and same:
        assert found["new"].value == found[same].value
    else:
        assert (found["new"].value, found["new"].reason) == (
            None,
            f"netcal has no {NAMES.get(over, {}).get(type(metric), 'new error')}",
        )


def test_a_gate_judges_and_explains_it(row):
    _, over, _ = row
    (base, *_), (dump, *_) = binary(), binary(sharpness=2.0)
    rules = [Rule("new", "max", 0.001), Rule("new", "max_increase", 0.0), Rule("new", "max", 0.001, slice="worst:half")]
    verdict = gate(dump, rules, baseline=base)
    assert verdict.rules[0].verdict == "fail"
    how = GateSettings()
    more = {"bins": None, "convention": "calibeval", "slices": (), "group": None}
    subject = Subject.of(dump, base, rules, how, **more, keep_rows=True)
    told = judged(subject, rules, how, explain=lambda rule: explained(rule, subject, lambda dump, _: (dump, 1.0)))
    for before, rule in zip(verdict.rules, told.rules, strict=True):
        assert rule.verdict == before.verdict
        if rule.verdict != "pass":
            of_positive = over == "positive" and not isinstance(METRICS["new"], Folded)
            assert (rule.why.parts is None) == of_positive
