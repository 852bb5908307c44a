"""Files for trackers: OpenMetrics text and flat JSON, of reports and of verdicts."""

from __future__ import annotations

import json
import math
import re

import pytest

import calibeval
from calibeval.core.gating.rules import Rule
from calibeval.core.report.report import SliceResult
from calibeval.render.ci import flat, openmetrics
from tests.cli.invoking import run
from tests.conftest import ROOT
from tests.render.hand_made import HOSTILE, over_confident, report
from tests.render.test_verdict import ALL, ruled, verdict

SAMPLE = re.compile(r'(calibeval_[a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (\S+)')


def samples(text):
    """Every sample by name and labels; the rest of the text must be the comments that the format allows."""
    found, family = {}, None
    lines = text.splitlines()
    assert lines.pop() == "# EOF"
    for line in lines:
        if line.startswith("# TYPE "):
            family = line.split()[2]
            assert line == f"# TYPE {family} gauge"
            assert not any(name == family for name, _ in found)  # a family stands together
        elif line.startswith("# HELP "):
            assert line.split()[2] == family
        else:
            name, labels, number = SAMPLE.fullmatch(line).groups()
            assert name == family
            assert math.isfinite(float(number))
            assert (name, labels) not in found
            found[name, labels] = float(number)
    return found


def test_gauges_of_a_report():
    assert samples(openmetrics.of_report(report(over_confident()))) == {
        ("calibeval_rows", 'dump="a.npz"'): 1000,
        ("calibeval_accuracy", 'dump="a.npz"'): 0.77,
        ("calibeval_accuracy_low", 'dump="a.npz"'): 0.743,
        ("calibeval_accuracy_high", 'dump="a.npz"'): 0.795,
        ("calibeval_confidence_gap", 'dump="a.npz"'): 0.11,
        ("calibeval_confidence_gap_low", 'dump="a.npz"'): 0.085,
        ("calibeval_confidence_gap_high", 'dump="a.npz"'): 0.135,
        ("calibeval_ece", 'dump="a.npz"'): 0.11,
        ("calibeval_ece_low", 'dump="a.npz"'): 0.085,
        ("calibeval_ece_high", 'dump="a.npz"'): 0.134,
        ("calibeval_mce", 'dump="a.npz"'): 0.15,
        ("calibeval_mce_low", 'dump="a.npz"'): 0.08,
        ("calibeval_mce_high", 'dump="a.npz"'): 0.22,
        ("calibeval_cwce", 'dump="a.npz"'): 0.00567,
        ("calibeval_cwce_low", 'dump="a.npz"'): 0.0,
        ("calibeval_cwce_high", 'dump="a.npz"'): 0.0041,
        ("calibeval_brier", 'dump="a.npz"'): 0.3211,
        ("calibeval_brier_low", 'dump="a.npz"'): 0.301,
        ("calibeval_brier_high", 'dump="a.npz"'): 0.342,
    }


def test_slices_have_a_label():
    one = over_confident()
    part = SliceResult("light", "night", 300, {"ece": one.metrics["ece"]}, None, None)
    found = samples(openmetrics.of_report(report(over_confident(slices=(part,)))))
    assert found["calibeval_ece_high", 'dump="a.npz",slice="light=night"'] == 0.134


def test_names_cannot_break_the_text():
    dumps = [over_confident(name=f"{name}{i}") for i, name in enumerate(HOSTILE)]
    text = openmetrics.of_report(report(*dumps))
    found = samples(text.encode("utf-8", "backslashreplace").decode())
    assert len([name for name, _ in found if name == "calibeval_ece"]) == len(HOSTILE)


def test_numbers_of_a_report():
    found = json.loads(flat.of_report(report(over_confident())))
    assert list(found)[:4] == ["n", "accuracy", "accuracy_low", "accuracy_high"]
    assert found["n"] == 1000
    assert found["ece_high"] == 0.134
    assert "nll" not in found  # it has no value
    both = json.loads(flat.of_report(report(over_confident(), over_confident(name="b.npz"))))
    assert both == {"a.npz": found, "b.npz": found}


def test_a_verdict():
    judged = verdict(*ALL)
    text = openmetrics.of_verdict(judged)
    found = samples(text)
    assert found["calibeval_gate_exit_code", 'dump="cand.npz"'] == 1
    rule = 'dump="cand.npz",metric="nll",rule="max_increase"'
    assert [found[f"calibeval_rule_{name}", rule] for name in ("limit", "value", "low", "high", "passed")] == [
        0.01,
        0.031,
        0.022,
        0.04,
        0,
    ]
    worst = 'dump="cand.npz",metric="ece",rule="max",slice="worst"'
    assert found["calibeval_rule_value", worst] == 0.028
    off = 'dump="cand.npz",metric="brier",rule="max"'
    assert found["calibeval_rule_limit", off] == 0.5
    assert ("calibeval_rule_passed", off) not in found
    numbers = json.loads(flat.of_verdict(judged))
    assert list(numbers)[:2] == ["verdict", "exit_code"]
    assert numbers["nll_max_increase_verdict"] == "fail"
    assert numbers["nll_max_increase_high"] == 0.04
    assert numbers["ece_max_worst"] == 0.028
    assert "brier_max" not in numbers


def test_a_rule_without_a_value():
    judged = verdict(ruled(Rule("nll", "max", 0.5), "error", None, None, None, "there is no value"))
    assert "calibeval_rule_value" not in openmetrics.of_verdict(judged)
    assert (
        samples(openmetrics.of_verdict(judged))["calibeval_rule_passed", 'dump="cand.npz",metric="nll",rule="max"'] == 0
    )
    assert "nll_max" not in json.loads(flat.of_verdict(judged))


@pytest.mark.parametrize("kind", ["openmetrics", "flat"])
def test_commands_write_them(capsys, tmp_path, kind):
    dump = ROOT / "sample_data/digits_test.npz"
    value = calibeval.evaluate(calibeval.read(dump))["ece"].value
    for words, name in ((["report", dump], "ece"), (["gate", dump, "--max", "ece=0.5"], "rule_value")):
        path = tmp_path / f"{words[0]}.txt"
        assert run(capsys, *map(str, words), "--export", f"{kind}={path}", "-q")[0] == 0
        text = path.read_text(encoding="utf-8")
        if kind == "flat":
            key = "ece" if words[0] == "report" else "ece_max"
            assert json.loads(text)[key] == value
        else:
            rule = "" if words[0] == "report" else ',metric="ece",rule="max"'
            assert samples(text)[f"calibeval_{name}", f'dump="digits_test.npz"{rule}'] == value
