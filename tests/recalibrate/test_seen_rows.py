"""A map that is applied to the rows it was fitted on says so, wherever these rows come from."""

import json

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run
from tests.data import logits_and_labels

LOGITS, LABELS = logits_and_labels(400, 3, seed=7)


def dump(rows=slice(None), **more):
    return calibeval.Predictions(logits=LOGITS[rows], labels=LABELS[rows], **more)


def codes(warnings):
    return [one.code for one in warnings]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "dump.npz"
    np.savez(path, logits=LOGITS, labels=LABELS, val_index=np.arange(200), test_index=np.arange(200, 400))
    return path


def test_arrays_with_the_fitted_rows():
    mapping = calibeval.fit(dump())
    assert codes(mapping(dump()).warnings) == ["leak"]
    assert codes(mapping(dump(slice(0, 100))).warnings) == ["leak"]
    assert str(mapping(dump()).warnings[0]) == (
        "the map was fitted on about 400 of these rows, so the results are too optimistic"
    )
    assert codes(calibeval.fit(dump(slice(0, 200)))(dump(slice(200, 400))).warnings) == []


def test_the_split_of_a_file(file):
    mapping = calibeval.fit(f"{file}#val")
    (warning,) = mapping(calibeval.read(f"{file}#val")).warnings
    assert warning.code == "leak"
    assert warning == f"the map was fitted on 200 rows of this file, {file}#val, so the results are too optimistic"
    assert codes(mapping(calibeval.read(f"{file}#val+test")).warnings) == ["leak"]
    assert codes(mapping(calibeval.read(f"{file}#test")).warnings) == []


def test_two_halves_of_one_file_are_no_leak(file):
    whole = calibeval.read(f"{file}#val+test")
    half = np.arange(400) < 200
    mapping = calibeval.fit(whole.select(half))
    assert codes(mapping(whole.select(~half)).warnings) == []
    assert codes(mapping(whole.select(half)).warnings) == ["leak"]


def test_arrays_of_a_fitted_file(file):
    assert codes(calibeval.fit(f"{file}#val")(dump(slice(0, 200))).warnings) == ["leak"]


def test_a_path_is_read(file):
    mapping = calibeval.fit(f"{file}#val")
    mapped = mapping(f"{file}#test")
    assert mapped.source.name == "dump.npz#test"
    assert np.array_equal(mapped.scores[:], mapping(LOGITS[200:]))
    with pytest.raises(calibeval.FileProblem, match="there is no such file"):
        mapping(file.with_name("other.npz"))


def test_reports_comparisons_and_gates_repeat_it():
    repaired = calibeval.fit(dump())(dump())
    assert "leak" in codes(calibeval.evaluate(repaired).dumps[0].warnings)
    assert "leak" in codes(calibeval.compare(dump(), repaired).candidates[0].warnings)
    assert "leak" in codes(calibeval.gate(repaired, {"metric": "ece", "max": 0.5}).warnings)


def test_what_report_has_allowed_is_said_once():
    allowed = calibeval.evaluate(dump(), fit_on=dump(), allow_leak=True)
    assert codes(allowed.dumps[0].warnings) == ["leak"]
    assert codes(calibeval.cross_fit(dump()).predictions.warnings) == []


def test_apply_says_it(file, capsys, tmp_path):
    calibeval.fit(f"{file}#val").save(tmp_path / "map.json")
    apply = ("apply", str(tmp_path / "map.json"))
    out = str(tmp_path / "out.npz")
    code, _, said = run(capsys, *apply, f"{file}#val", "-o", out)
    assert code == 0
    assert f"warning: {file}#val: the map was fitted on 200 rows of this file" in said
    _, shown, _ = run(capsys, *apply, f"{file}#val", "-o", out, "--json")
    assert [one["code"] for one in json.loads(shown)["warnings"]] == ["leak"]
    _, _, said = run(capsys, *apply, f"{file}#test", "-o", out)
    assert "warning" not in said
