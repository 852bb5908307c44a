"""Weights of rows in a gate: the configuration names their column, and rules count rows by their effective number."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run
from tests.records import schema


@pytest.fixture
def dump(tmp_path, monkeypatch):
    """2,000 rows, a third of which count four times as much and are more often wrong; two sites."""
    rng, n = np.random.default_rng(3), 2000
    heavy = np.arange(n) % 3 == 0
    right = rng.random(n) < np.where(heavy, 0.75, 0.95)
    confidence = rng.uniform(0.8, 1.0, n)
    probs = np.where(right[:, None] == [False, True], confidence[:, None], 1 - confidence[:, None])
    columns = {
        "w": np.where(heavy, 4.0, 1.0),
        "other": np.arange(n) % 2 + 1.0,
        "site": np.where(rng.random(n) < 0.5, "a", "b"),
    }
    monkeypatch.chdir(tmp_path)
    np.savez("dump.npz", probs=probs, labels=np.ones(n, int), **columns)
    return "dump.npz", columns["w"], right


def told(weights):
    """The effective number of rows, as text."""
    return f"{round(weights.sum() ** 2 / (weights**2).sum()):,}"


def test_a_first_configuration_names_the_weights_and_the_gate_uses_them(capsys, dump):
    path, weights, right = dump
    written = run(capsys, "gate", path, "--key", "weights=w", "--init", "--slice", "site")
    assert written.code == 0
    assert 'weights = "w"' in written.out.splitlines()
    assert f"# Rows are weighted by w, counts as {told(weights)} rows." in written.out
    assert max(map(len, written.out.splitlines())) <= 120
    shown = run(capsys, "gate", path)
    assert shown.code == 0
    assert shown.out.startswith(f"dump.npz (weighted by w, counts as {told(weights)} rows), baseline dump.npz")
    document = json.loads(run(capsys, "gate", path, "--json").out)
    jsonschema.validate(document, schema("verdict"))
    accuracy = next(rule for rule in document["rules"] if (rule["metric"], rule["kind"]) == ("accuracy", "min"))
    assert accuracy["value"] == pytest.approx(np.average(right, weights=weights), abs=1e-12)
    assert accuracy["n"] == 2000
    assert calibeval.Verdict.from_json(json.dumps(document)).dump["weights"]["column"] == "w"


def test_a_plan_says_the_weights(capsys, dump):
    path, weights, _ = dump
    file = _file("weights = 'w'")
    shown = run(capsys, "gate", path, "--plan")
    assert shown.out.splitlines()[0] == f"dump.npz, 2,000 rows (weighted by w, counts as {told(weights)} rows)"
    document = json.loads(run(capsys, "gate", path, "--plan", "--json").out)
    jsonschema.validate(document, schema("plan"))
    assert document["dump"]["weights"]["zero"] == 0
    assert str(calibeval.plan(path, file)).splitlines()[0] == shown.out.splitlines()[0]


def test_options_replace_the_weights_of_the_file(capsys, dump):
    path, weights, right = dump
    file = _file("weights = 'other'")
    assert "weighted by w, " in run(capsys, "gate", path, "--key", "weights=w").out
    assert "weighted by other, " in run(capsys, "gate", path).out
    for options in ({"weights": "w"}, {"weights": weights}, {"key": {"weights": "w"}}):
        verdict = calibeval.gate(path, file, **options)
        assert value(verdict) == pytest.approx(np.average(right, weights=weights), abs=1e-12)
    own = calibeval.read(path, key={"weights": "w"})
    assert value(calibeval.gate(own, file)) == pytest.approx(np.average(right, weights=weights), abs=1e-12)
    assert calibeval.gate(path, file).dump["weights"]["column"] == "other"


def test_a_column_that_is_missing_is_an_error(capsys, dump):
    _file("weights = 'ww'")
    result = run(capsys, "gate", dump[0])
    assert result.code == 2
    assert 'weights: there is no column "ww"' in result.err


@pytest.mark.parametrize(("more", "passes"), [(-1, True), (1, False)])
def test_the_least_number_of_rows_is_effective(capsys, dump, more, passes):
    path, weights, _ = dump
    effective = weights.sum() ** 2 / (weights**2).sum()
    least = round(effective) + more
    _file(f"weights = 'w'\nmin_rows = {least}")
    result = run(capsys, "gate", path)
    assert (result.code == 0) is passes
    if not passes:
        assert f"too few rows: 2,000, which count as {told(weights)}, of at least {least:,}" in result.out
    _file(f"min_rows = {least}")
    assert run(capsys, "gate", path).code == 0


def value(verdict):
    return verdict["accuracy"].decisive.value


def _file(settings):
    """A configuration with these settings and one rule."""
    rule = '[[gate.rule]]\nmetric = "accuracy"\nmin = 0.6\n'
    Path("calibeval.toml").write_text(f"[gate]\n{settings}\n{rule}", encoding="utf-8")
    return "calibeval.toml"
