"""`--positive` and `--class` of report, compare and gate, and `positive` in the file of a gate."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cli.invoking import run

DIGITS = "sample_data/digits_test.npz"


@pytest.fixture
def risk(tmp_path):
    rng = np.random.default_rng(0)
    s = rng.normal(-2.5, 1.0, 1000)
    labels = (rng.random(1000) < 1 / (1 + np.exp(-s))).astype(int)
    p = 1 / (1 + np.exp(-s - 0.5))
    lines = [f"{a},{1 - a},{'default' if y else 'ok'}" for a, y in zip(p.tolist(), labels, strict=True)]
    path = tmp_path / "risk.csv"
    path.write_text("\n".join(["prob_default,prob_ok,label", *lines]) + "\n", encoding="utf-8")
    return path, float((p - labels).mean())


def test_a_report_of_the_chosen_class(risk, capsys):
    path, gap = risk
    for name, sign in (("default", 1), ("ok", -1)):
        found = run(capsys, "report", path, "--positive", name, "--json", "-q").json
        (dump,) = found["dumps"]
        assert found["settings"]["positive"] == dump["positive"]["name"] == name
        assert dump["metrics"]["gap_positive"]["value"] == pytest.approx(sign * gap, abs=1e-9)


def test_a_comparison_of_the_chosen_class(risk, capsys):
    path, gap = risk
    found = run(capsys, "compare", path, path, "--positive", "ok", "--json", "-q").json
    assert found["settings"]["positive"] == "ok"
    assert found["candidates"][0]["differences"]["gap_positive"]["base"] == pytest.approx(-gap, abs=1e-9)


def test_a_gate_of_the_chosen_class(risk, capsys, tmp_path, monkeypatch):
    path, gap = risk
    words = ["gate", path, "--max", "ece_positive=0.5", "--json", "-q"]
    assert run(capsys, *words, "--positive", "ok").json["settings"]["positive"] == "ok"
    monkeypatch.chdir(tmp_path)
    text = '[gate]\npositive = "ok"\n[[gate.rule]]\nmetric = "gap P(pos)"\nmax = 0.5\n'
    (tmp_path / "calibeval.toml").write_text(text, encoding="utf-8")
    found = run(capsys, "gate", path, "--json", "-q").json
    assert (found["settings"]["positive"], found["rules"][0]["metric"]) == ("ok", "gap_positive")
    assert found["rules"][0]["value"] == pytest.approx(gap, abs=1e-9)  # its size
    over = run(capsys, "gate", path, "--positive", "default", "--json", "-q").json
    assert over["settings"]["positive"] == "default"


def test_a_first_configuration_names_the_chosen_class(risk, capsys, tmp_path, monkeypatch):
    path, gap = risk
    monkeypatch.chdir(tmp_path)
    result = run(capsys, "gate", path, "--positive", "ok", "--init", "-q")
    assert result.code == 0
    assert 'positive = "ok"' in (tmp_path / "calibeval.toml").read_text(encoding="utf-8")
    found = run(capsys, "gate", path, "--max", "gap_positive=0.5", "--json", "-q").json
    assert found["settings"]["positive"] == "ok"
    (rule,) = [one for one in found["rules"] if one["metric"] == "gap_positive"]
    assert rule["value"] == pytest.approx(gap, abs=1e-9)


def test_chosen_classes_of_ten(capsys):
    (dump,) = run(capsys, "report", DIGITS, "--class", "3,8", "--class", "1", "--json", "-q").json["dumps"]
    assert [view["index"] for view in dump["class_views"]] == [3, 8, 1]


@pytest.mark.parametrize("words", [("--positive", "1"), ("--class", "12")])
def test_what_cannot_be_chosen(words, capsys):
    result = run(capsys, "report", DIGITS, *words)
    assert (result.code, result.out) == (2, "")
    assert f"{words[0]} is " in result.err
