"""Report: exact JSON both ways, no NaN, access by name, refusal of anything else."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval import Predictions, Report, evaluate
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError, UnknownMetric, UsageError
from calibeval.core.evaluation.evaluate import evaluate_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import SCHEMA
from tests.data import logits_and_labels


def report_of(k=4, **settings):
    logits, labels = logits_and_labels(60, k)
    return evaluate(
        Predictions(logits=logits, labels=labels, source=Source("ä.npz", "val", "0" * 64, "npz")), **settings
    )


@pytest.mark.parametrize("k", [2, 4, 20])
@pytest.mark.parametrize("level", [0.95, None])
def test_json_round_trip_is_exact(k, level):
    report = report_of(k, level=level)
    again = Report.from_json(report.to_json())
    assert again == report
    assert again.to_json() == report.to_json()


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), k=st.integers(2, 5))
def test_json_round_trip_of_small_dumps(seed, n, k):
    logits, labels = logits_and_labels(n, k, seed=seed)
    report = evaluate(Predictions(logits=np.round(logits), labels=labels))
    assert Report.from_json(report.to_json()) == report


def test_json_round_trip_of_nulls():
    for predictions in (
        Predictions(confidence=[0.5], correct=[0]),
        Predictions(probs=[[1.0, 0.0]], labels=[1]),
        Predictions(logits=[[0.0, 0.0, 0.0]], labels=[0]),
    ):
        report = evaluate(predictions)
        assert Report.from_json(report.to_json()) == report


VIEWS = ["positive", "class_views"]
ABSENT = ("groups", "weights", "slices", "small_slices")


def test_the_schema_of_the_contract():
    document = json.loads(report_of(bins=5).to_json())
    assert list(document) == ["schema", "version", "environment", "settings", "dumps"]
    assert document["schema"] == "calibeval.report/1"
    assert document["environment"] is None
    assert document["settings"] == {
        "bins": 5,
        "convention": "calibeval",
        "level": 0.95,
        "slices": None,
        "min_rows": None,
        "group": None,
        "positive": None,
        "classes": None,
    }
    (dump,) = document["dumps"]
    assert list(dump) == [
        "name",
        "source",
        "metrics",
        "bins",
        "curve",
        *VIEWS,
        "per_class",
        "recalibrated",
        "warnings",
        *ABSENT,
    ]
    assert dump["source"] == {
        "path": "ä.npz",
        "split": "val",
        "sha256": "0" * 64,
        "format": "npz",
        "labels_path": None,
        "labels_sha256": None,
        "kind": "logits",
        "n": 60,
        "k": 4,
        "ignored": 0,
    }
    assert set(dump["metrics"]["ece"]) >= {"value", "low", "high", "floor", "floor_high"}
    assert list(dump["bins"]) == ["equal_width", "equal_mass"]
    assert len(dump["bins"]["equal_width"]) == 5
    assert list(dump["bins"]["equal_width"][0]) == ["lower", "upper", "count", "confidence", "accuracy", "gap"]
    assert list(dump["per_class"][0]) == [
        "name",
        "support",
        "calibration_error",
        "gap",
        "floor",
        "floor_high",
    ]
    assert dump["recalibrated"] is None
    assert list(dump["curve"]) == ["confidence", "accuracy", "low", "high"]
    assert [dump[name] for name in ABSENT] == [None] * 4


def test_without_intervals_their_facts_are_null():
    document = json.loads(report_of(level=None).to_json())
    assert document["settings"]["level"] is None
    for metric in document["dumps"][0]["metrics"].values():
        assert [metric[key] for key in ("low", "high", "corrected")] == [None, None, None]


def test_access_by_name():
    report = report_of()
    assert report["ece"] is report.dumps[0].metrics["ece"]
    with pytest.raises(UnknownMetric, match=r'^metric "eec" is unknown \(did you mean "ece"\?\); there are accuracy, '):
        report["eec"]


def test_several_dumps_need_a_number():
    settings = checked(bins=15, convention="calibeval", level=None)
    dumps = tuple(evaluate_dump(Predictions(probs=[[0.5, 0.5]], labels=[0]), settings) for _ in range(2))
    report = Report("1", settings, dumps)
    for kind in (UsageError, KeyError):
        with pytest.raises(kind, match=r'^the report has 2 dumps: use report\.dumps\[i\]\["ece"\]$'):
            report["ece"]
    assert "ece" not in report
    assert (len(report), list(report), dict(report), report.get("ece"), bool(report)) == (0, [], {}, None, True)


def test_absent_facts_are_null_but_those_of_one_metric_are_left_out():
    absent = dict.fromkeys(("low", "high", "corrected", "floor", "floor_high", "floor_certain"))
    assert MetricResult("ece", 0.5).to_dict() == {"value": 0.5, "reason": None, **absent}
    found = MetricResult("nll", None, reason="why", count=0).to_dict()
    assert found == {"value": None, "reason": "why", **absent, "count": 0}


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"x"', "{}", '{"schema": 3}', "[" * 100_000])
def test_text_that_is_no_report(text):
    with pytest.raises(InputError, match=SCHEMA):
        Report.from_json(text)


def test_another_schema_is_named():
    with pytest.raises(InputError, match=r'^schema is "calibeval.report/9", but "calibeval.report/1" is needed$'):
        Report.from_json('{"schema": "calibeval.report/9"}')


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def test_a_report_with_a_part_missing_or_replaced_is_refused_or_read():
    document = json.loads(report_of(bins=2).to_json())
    for path in list(places(document))[1:]:
        for change in ("drop", [], 7, "text", None):
            broken = copy.deepcopy(document)
            parent = broken
            for key in path[:-1]:
                parent = parent[key]
            if change == "drop":
                del parent[path[-1]]
            else:
                parent[path[-1]] = change
            try:
                Report.from_json(json.dumps(broken))
            except InputError as error:
                assert SCHEMA in str(error)  # noqa: PT017 - either outcome is right, but no other exception


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(number):
    text = report_of().to_json()
    value = json.loads(text)["dumps"][0]["metrics"]["ece"]["value"]
    with pytest.raises(InputError, match=SCHEMA):
        Report.from_json(text.replace(repr(value), number, 1))
