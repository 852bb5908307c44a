"""Reports written by strangers: every wrong field is named by its path, and nothing wrong gets through."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from calibeval import Comparison, Predictions, Report, evaluate
from calibeval.core.comparison.compare import compare
from calibeval.core.errors import InputError
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.report import SCHEMA
from tests.data import logits_and_labels


def whole_report():
    """A report with everything that a report can have."""
    logits, labels = logits_and_labels(300, 3)
    predictions = Predictions(
        logits=logits,
        labels=labels,
        columns={"g": np.arange(300) % 15, "s": np.repeat(["a", "b", "c"], [150, 140, 10])},
    )
    report = evaluate(predictions, group="g", slices=["s"], bins=3, classes=["2"])
    document = report.to_dict()
    fitted_on = {"path": "val.npz", "split": None, "sha256": "0" * 64, "n": 100, "leak": None}
    again = {"method": "temperature", "parameters": {"temperature": 2.0}, "fitted_on": fitted_on}
    document["dumps"][0]["curve"] = {name: [0.25, 0.5] for name in ("confidence", "accuracy", "low", "high")}
    results = {key: document["dumps"][0][key] for key in ("metrics", "bins", "curve", "positive", "class_views")}
    document["dumps"][0]["recalibrated"] = {**again, **results}
    return json.loads(json.dumps(document))


DOCUMENT = whole_report()


def changed(path, value):
    document = copy.deepcopy(DOCUMENT)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return json.dumps(document)


def test_the_mce_of_earlier_reports_was_of_all_bins():
    document = copy.deepcopy(DOCUMENT)
    dump = document["dumps"][0]
    for metrics in (dump["metrics"], dump["recalibrated"]["metrics"], *(one["metrics"] for one in dump["slices"])):
        del metrics["mce_all_bins"], metrics["mce"]["floor_certain"]
        metrics["mce"]["value"] = 0.5
    report = Report.from_json(json.dumps(document)).dumps[0]
    for found in (report.metrics, report.recalibrated.metrics, *(one.metrics for one in report.slices)):
        assert "mce" not in found
        assert (found["mce_all_bins"].name, found["mce_all_bins"].value) == ("mce_all_bins", 0.5)


def test_the_largest_gap_of_an_earlier_report_is_compared_with_its_like():
    document = copy.deepcopy(DOCUMENT)
    dump = document["dumps"][0]
    dump["metrics"]["mce"] = dict(dump["metrics"].pop("mce_all_bins"), value=0.5)
    del dump["metrics"]["mce"]["floor_certain"]
    logits, labels = logits_and_labels(300, 3)
    found = compare(Report.from_json(json.dumps(document)), [Predictions(logits=logits, labels=labels)])
    assert found["mce_all_bins"].base == 0.5
    assert (found["mce"].base, found["mce"].reason) == (None, "base: not in the report")


def test_the_mce_of_a_report_of_chosen_metrics_stays_what_it_is():
    logits, labels = logits_and_labels(300, 3)
    report = evaluate(logits=logits, labels=labels, metrics="mce")
    assert Report.from_json(report.to_json()) == report
    found = compare(Report.from_json(report.to_json()), [Predictions(logits=logits, labels=labels)], only=["mce"])
    assert (found["mce"].base, found["mce"].candidate) == (report["mce"].value, report["mce"].value)


def error_of(text):
    with pytest.raises(InputError) as error:
        Report.from_json(text)
    return str(error.value)


def test_the_whole_report_is_read():
    text = json.dumps(DOCUMENT, indent=1) + "\n"
    report = Report.from_json(text)
    assert report.to_json() == text
    dump = report.dumps[0]
    assert (len(dump.slices), len(dump.small_slices), dump.groups.count) == (2, 1, 15)
    assert dump.recalibrated.name == "T = 2"
    assert dump.after().slices is None
    assert dump.after().groups == dump.groups


FIRST = ("dumps", 0)
NOTICE = "a string, or an object with a code and a message, is needed"
WRONG = [
    (("version",), 3, "version is 3, but a string is needed"),
    (("settings",), [], "settings is a list, but an object is needed"),
    (("settings", "bins"), "15", 'settings.bins is "15", but a count is needed'),
    (("settings", "bins"), True, "settings.bins is a boolean, but a count is needed"),
    (("settings", "level"), 7, "settings.level is 7, but a level above 0, at most 0.999999999 is needed"),
    (("settings", "level"), 0, "settings.level is 0, but a level above 0, at most 0.999999999 is needed"),
    (("settings", "bins"), 0, "settings.bins is 0, but a number of bins from 1 to 10,000 is needed"),
    (("settings", "bins"), 10_001, "settings.bins is 10001, but a number of bins from 1 to 10,000 is needed"),
    (("settings", "level"), "high", 'settings.level is "high", but a finite number is needed'),
    (("settings", "slices"), "s", 'settings.slices is "s", but a list is needed'),
    (("settings", "slices"), [1], "settings.slices[0] is 1, but a string is needed"),
    (("settings", "min_rows"), -1, "settings.min_rows is -1, but a count is needed"),
    (("settings", "group"), 1, "settings.group is 1, but a string is needed"),
    (("dumps",), {}, "dumps is an object, but a list is needed"),
    (("dumps",), ..., 'the report has no "dumps"'),
    (FIRST, 1, "dumps[0] is 1, but an object is needed"),
    ((*FIRST, "name"), None, "dumps[0].name is null, but a string is needed"),
    ((*FIRST, "source", "n"), 1.5, "dumps[0].source.n is 1.5, but a count is needed"),
    ((*FIRST, "source", "n"), 2**70, f"dumps[0].source.n is {2**70}, but a count is needed"),
    ((*FIRST, "source", "k"), "3", 'dumps[0].source.k is "3", but a count is needed'),
    ((*FIRST, "source", "path"), 1, "dumps[0].source.path is 1, but a string is needed"),
    ((*FIRST, "source", "kind"), ..., 'dumps[0].source has no "kind"'),
    ((*FIRST, "source", "labels_path"), [], "dumps[0].source.labels_path is a list, but a string is needed"),
    ((*FIRST, "metrics"), [], "dumps[0].metrics is a list, but an object is needed"),
    ((*FIRST, "metrics", "ece"), 0.5, "dumps[0].metrics.ece is 0.5, but an object is needed"),
    ((*FIRST, "metrics", "ece", "value"), "0", 'dumps[0].metrics.ece.value is "0", but a finite number is needed'),
    ((*FIRST, "metrics", "ece", "value"), ..., 'dumps[0].metrics.ece has no "value"'),
    ((*FIRST, "metrics", "ece", "low"), [], "dumps[0].metrics.ece.low is a list, but a finite number is needed"),
    (
        (*FIRST, "metrics", "ece", "low"),
        True,
        "dumps[0].metrics.ece.low is a boolean, but a finite number is needed",
    ),
    ((*FIRST, "metrics", "ece", "reason"), 1, f"dumps[0].metrics.ece.reason is 1, but {NOTICE}"),
    ((*FIRST, "metrics", "mce", "bin"), 0.5, "dumps[0].metrics.mce.bin is 0.5, but a count is needed"),
    ((*FIRST, "metrics", "ece", "q"), 1, 'dumps[0].metrics.ece has an unknown field "q"'),
    ((*FIRST, "metrics", "ece", "name"), "x", 'dumps[0].metrics.ece has an unknown field "name"'),
    ((*FIRST, "bins", "equal_width"), None, "dumps[0].bins.equal_width is null, but a list is needed"),
    ((*FIRST, "bins", "equal_mass"), 3, "dumps[0].bins.equal_mass is 3, but a list is needed"),
    (
        (*FIRST, "bins", "equal_width", 2, "gap"),
        "x" * 99,
        f'dumps[0].bins.equal_width[2].gap is "{"x" * 56}..., but a finite number is needed',
    ),
    ((*FIRST, "per_class", 1, "support"), -3, "dumps[0].per_class[1].support is -3, but a count is needed"),
    ((*FIRST, "per_class", 1, "name"), 3, "dumps[0].per_class[1].name is 3, but a string is needed"),
    ((*FIRST, "warnings"), "none", 'dumps[0].warnings is "none", but a list is needed'),
    ((*FIRST, "warnings"), [None], f"dumps[0].warnings[0] is null, but {NOTICE}"),
    (
        (*FIRST, "recalibrated", "parameters", "temperature"),
        "hot",
        'dumps[0].recalibrated.parameters.temperature is "hot", but a finite number is needed',
    ),
    ((*FIRST, "recalibrated", "method"), ..., 'dumps[0].recalibrated has no "method"'),
    ((*FIRST, "slices", 0, "value"), 1, "dumps[0].slices[0].value is 1, but a string is needed"),
    ((*FIRST, "slices", 0, "p"), "0", 'dumps[0].slices[0].p is "0", but a finite number is needed'),
    ((*FIRST, "slices", 0, "p_holm"), ..., 'dumps[0].slices[0] has no "p_holm"'),
    (
        (*FIRST, "slices", 0, "metrics", "ece", "high"),
        [],
        "dumps[0].slices[0].metrics.ece.high is a list, but a finite",
    ),
    ((*FIRST, "small_slices", 0, "n"), None, "dumps[0].small_slices[0].n is null, but a count is needed"),
    ((*FIRST, "groups", "count"), "15", 'dumps[0].groups.count is "15", but a count is needed'),
    ((*FIRST, "groups", "x"), 1, 'dumps[0].groups has an unknown field "x"'),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_wrong_fields_are_named(path, value, message):
    assert error_of(changed(path, value)).startswith(f"this is not a report of schema {SCHEMA}: {message}")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400])
def test_numbers_beyond_float64(number):
    text = changed((*FIRST, "metrics", "ece", "value"), "PLACE").replace('"PLACE"', number)
    assert "dumps[0].metrics.ece.value is " in error_of(text)


def test_whole_numbers_are_numbers():
    report = Report.from_json(changed((*FIRST, "metrics", "ece", "value"), 1))
    assert report["ece"].value == 1.0
    assert isinstance(report["ece"].value, float)


@pytest.mark.parametrize("key", ["note", "schema2"])
def test_fields_of_later_versions_are_passed_over(key):
    assert Report.from_json(changed((key,), 1)) == Report.from_json(json.dumps(DOCUMENT))
    assert Report.from_json(changed((*FIRST, key), 1)) == Report.from_json(json.dumps(DOCUMENT))


def test_settings_of_later_versions_are_passed_over_and_the_level_has_its_earlier_name():
    report = Report.from_json(json.dumps(DOCUMENT))
    assert Report.from_json(changed(("settings", "more"), [1, "x"])) == report
    settings = {"confidence" if key == "level" else key: value for key, value in DOCUMENT["settings"].items()}
    assert "confidence" in settings
    assert Report.from_json(changed(("settings",), settings)) == report


AGAIN = (*FIRST, "recalibrated", "fitted_on")
SOURCES: list[tuple[dict[str, Any], FittedOn | OutOfFold]] = [
    ({"path": "val.npz", "split": "val", "sha256": None, "n": 9, "leak": None}, FittedOn("val.npz", "val", None, 9)),
    ({"path": None, "split": None, "sha256": None, "n": 9, "leak": "9 rows"}, FittedOn(None, None, None, 9, "9 rows")),
    ({"folds": 5, "seed": 3, "n": 9}, OutOfFold(5, 3, 9)),
]


@pytest.mark.parametrize(("facts", "record"), SOURCES)
def test_what_a_map_was_fitted_on_is_a_record(facts, record):
    text = changed(AGAIN, facts)
    report = Report.from_json(text)
    assert report.dumps[0].recalibrated.fitted_on == record
    assert json.loads(report.to_json()) == json.loads(text)


def test_a_map_says_what_it_was_fitted_on():
    said = [record.words() for _, record in SOURCES]
    assert said == ["fitted on val.npz#val", "fitted on predictions", "fitted out of fold"]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"path": 1, "split": None, "sha256": None, "n": 9}, "path is 1, but a string is needed"),
        ({"path": None, "split": None, "sha256": None, "n": 0.5}, "n is 0.5, but a count is needed"),
        ({"path": None, "split": None, "sha256": None, "n": 9, "leak": 1}, "leak is 1, but a string is needed"),
        ({"folds": "5", "seed": 0, "n": 9}, 'folds is "5", but a count is needed'),
    ],
)
def test_wrong_facts_of_a_map_are_named(facts, message):
    assert error_of(changed(AGAIN, facts)).endswith(f"dumps[0].recalibrated.fitted_on.{message}")


def test_unknown_facts_of_a_map_are_refused():
    facts = {"folds": 5, "seed": 0, "n": 9, "leak": "x"}
    problem = 'dumps[0].recalibrated.fitted_on has an unknown field "leak"; known fields are folds, seed, n'
    assert error_of(changed(AGAIN, facts)).endswith(problem)


BINS = ("dumps", 0, "bins", "equal_width")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            (*BINS, 2, "confidence"),
            1e300,
            r"dumps\[0\]\.bins\.equal_width\[2\]\.confidence is 1e\+300, but a number from",
        ),
        (
            (*BINS, 2, "accuracy"),
            -0.5,
            r"equal_width\[2\]\.accuracy is -0\.5, but a number from -0\.0625 to 1\.0625 is",
        ),
        ((*BINS, 2, "gap"), 2.5, r"equal_width\[2\]\.gap is 2\.5"),
        ((*BINS, 2, "count"), 7_000, r"dumps\[0\]\.bins\.equal_width holds \d+ rows, but the dump has 300"),
        ((*BINS, 0, "lower"), 0.9, r"equal_width\[0\]\.lower is 0\.9, above upper, which is 0\.333333"),
        (("dumps", 0, "recalibrated", "bins", "equal_mass", 0, "count"), 0, r"recalibrated\.bins\.equal_mass holds"),
        (("dumps", 0, "metrics", "ece", "value"), 1.5, r"metrics\.ece\.value is 1\.5, but a number from -0\.0625 to"),
        (("dumps", 0, "metrics", "nll", "value"), -1.0, r"metrics\.nll\.value is -1\.0, but a number at least"),
        (("dumps", 0, "metrics", "accuracy", "low"), 0.99, r"metrics\.accuracy\.low is 0\.99, above (corrected|high)"),
        (("dumps", 0, "metrics", "ece", "floor"), 1.0, r"metrics\.ece\.floor is 1, above floor_high"),
        (("dumps", 0, "slices", 0, "metrics", "ece", "value"), 9.0, r"slices\[0\]\.metrics\.ece\.value is 9"),
        (("dumps", 0, "slices", 0, "p"), 1.5, r"slices\[0\]\.p is 1\.5, but a number from 0 to 1 is needed"),
        (("dumps", 0, "slices", 0, "n"), 301, r"slices\[0\]\.n is 301, but a count of at most 300"),
        (("dumps", 0, "per_class", 0, "support"), 301, r"dumps\[0\] has 300 rows, but \d+ in per_class"),
        (("dumps", 0, "per_class", 0, "calibration_error"), 3.0, r"per_class\[0\]\.calibration_error is 3"),
    ],
)
def test_numbers_that_cannot_be(path, value, message):
    with pytest.raises(InputError, match=message):
        Report.from_json(changed(path, value))


@pytest.mark.parametrize("convention", ["torchmetrics", "netcal", "mbls", "guo"])
def test_reports_of_tools_that_leave_rows_out_are_read_back(convention):
    probs = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.25, 0.75]])
    report = evaluate(Predictions(probs=probs, labels=[0, 1, 0, 1]), convention=convention)
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("p", 1.5, r"differences\.nll\.p is 1\.5, but a number from 0 to 1 is needed"),
        ("p", -0.1, r"differences\.nll\.p is -0\.1"),
        ("p_holm", 2.0, r"differences\.nll\.p_holm is 2"),
        ("low", 10.0, r"differences\.nll\.low is 10, above high"),
        ("base", -3.0, r"differences\.nll\.base is -3"),
        ("detectable", -1.0, r"differences\.nll\.detectable is -1"),
    ],
)
def test_differences_that_cannot_be(field, value, message):
    logits, labels = logits_and_labels(300, 3)
    base = Predictions(logits=logits, labels=labels)
    document = compare(base, [Predictions(logits=logits / 2, labels=labels)]).to_dict()
    document["candidates"][0]["differences"]["nll"][field] = value
    with pytest.raises(InputError, match=message):
        Comparison.from_json(json.dumps(document))
