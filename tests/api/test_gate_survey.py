"""A gate over many dumps: cells, their means, baselines, cells that cannot be read, and every way to ask for it."""

import json

import numpy as np
import pytest

import calibeval
from calibeval import Rule
from calibeval.core.errors import UsageError
from calibeval.core.gating.verdict import Verdict
from tests.cli.invoking import run
from tests.conftest import ROOT
from tests.data import logits_and_labels

PATTERN = "{corruption}_{severity}.npz"
WORST = {"metric": "ece", "max": 0.5, "over": "corruption", "where": "severity=2"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two corruptions under two severities on the same rows; fog is worse, and severity 2 is."""
    logits, labels = logits_and_labels(600, 3)
    for factor, corruption in ((1.0, "blur"), (3.0, "fog")):
        for severity in (1, 2):
            scores = logits * factor + np.random.default_rng(severity).normal(size=logits.shape) * severity
            np.savez(tmp_path / f"{corruption}_{severity}.npz", logits=scores, labels=labels)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_cell_is_judged_as_the_dump_alone(folder):
    (rule,) = calibeval.gate(PATTERN, {"metric": "ece", "max": 0.9}).rules
    assert [one.slice for one in rule.slices] == [
        f"corruption={corruption}, severity={severity}" for corruption in ("blur", "fog") for severity in (1, 2)
    ]
    for one, name in zip(rule.slices, ("blur_1", "blur_2", "fog_1", "fog_2"), strict=True):
        alone = calibeval.gate(f"{name}.npz", {"metric": "ece", "max": 0.9})["ece"].decisive
        assert (one.value, one.plain_low, one.plain_high) == (alone.value, alone.plain_low, alone.plain_high)
    assert rule.decisive == max(rule.slices, key=lambda one: one.value)
    assert rule.verdict == "pass"


def test_an_axis_that_is_not_named_makes_a_rule_for_each_value(folder):
    verdict = calibeval.gate(PATTERN, {"metric": "nll", "max": 9.0, "over": "corruption"})
    assert list(verdict) == [
        "nll max worst over corruption at severity=1",
        "nll max worst over corruption at severity=2",
    ]
    assert [len(rule.slices) for rule in verdict.rules] == [2, 2]


def test_holm_is_over_the_cells(folder):
    ece = calibeval.gate("fog_2.npz", {"metric": "ece", "max": 0.01})["ece"]
    (rule,) = calibeval.gate(PATTERN, {"metric": "ece", "max": 0.01, "where": "severity=2"}).rules
    assert rule.verdict == ece.verdict == "fail"
    assert (ece.decisive.interval_level, rule.decisive.interval_level) == (0.95, 0.975)
    assert "worst of 2 cells" in rule.reason


@pytest.mark.parametrize(("metric", "conservative"), [("nll", False), ("accuracy", False), ("ece", True)])
def test_the_mean_is_that_of_the_survey(folder, metric, conservative):
    kind = "min" if metric == "accuracy" else "max"
    limit = 0.01 if kind == "min" else 9.0 if metric == "nll" else 0.9
    (rule,) = calibeval.gate(PATTERN, {"metric": metric, kind: limit, "cells": "mean"}).rules
    own = calibeval.survey(PATTERN).mean()[metric]
    part = rule.decisive
    assert (part.value, part.plain_low, part.plain_high) == (own.value, own.low, own.high)
    assert ("conservative" in rule.reason) == conservative
    assert part.n == 2400


def test_a_cell_that_cannot_be_read_is_an_error_and_never_a_pass(folder):
    (folder / "fog_1.npz").write_bytes(b"PK")
    for cells in ("worst", "mean"):
        verdict = calibeval.gate(PATTERN, {"metric": "ece", "max": 0.99, "cells": cells})
        assert (verdict.verdict, verdict.exit_code) == ("error", 3)
        assert "fog_1.npz" in verdict.rules[0].reason
    (rule,) = calibeval.gate(PATTERN, {"metric": "ece", "max": 0.99}).rules
    assert rule.decisive.slice == "corruption=fog, severity=1"
    assert calibeval.gate(PATTERN, {"metric": "ece", "max": 0.99, "where": "severity=2"}).verdict == "pass"


def test_a_cell_that_fails_outweighs_one_that_cannot_be_read(folder):
    (folder / "blur_1.npz").write_bytes(b"PK")
    assert calibeval.gate(PATTERN, {"metric": "ece", "max": 0.001}).verdict == "fail"


def test_too_few_rows_in_a_cell_are_an_error(folder):
    small = {name: array[:50] for name, array in np.load("fog_1.npz").items()}
    np.savez("fog_1.npz", **small)
    (rule,) = calibeval.gate(PATTERN, {"metric": "accuracy", "min": 0.01}, min_rows=100).rules
    assert rule.verdict == "error"
    assert "too few rows: 50 of at least 100" in rule.reason


def test_the_baseline_is_paired_by_the_axes(folder):
    (folder / "main").mkdir()
    for name in ("blur_1", "blur_2", "fog_1", "fog_2"):
        data = np.load(f"{name}.npz")
        np.savez(f"main/{name}.npz", logits=data["logits"] * 0.7, labels=data["labels"])
    asked = {"metric": "nll", "max_increase": 9.0, "where": "severity=2"}
    verdict = calibeval.gate(PATTERN, asked, baseline=f"main/{PATTERN}")
    alone = calibeval.gate("fog_2.npz", {"metric": "nll", "max_increase": 9.0}, baseline="main/fog_2.npz")["nll"]
    assert verdict.paired_by == "position"
    assert verdict.rules[0].slices[1].value == alone.decisive.value
    assert verdict.rules[0].slices[1].plain_high == alone.decisive.plain_high
    (folder / "main" / "fog_2.npz").unlink()
    lost = calibeval.gate(PATTERN, [asked, {"metric": "nll", "max": 9.0}], baseline=f"main/{PATTERN}")
    assert [rule.verdict for rule in lost.rules] == ["error", "pass"]
    assert "the baseline cannot be read" in lost.rules[0].reason


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"over": "corupption"}, 'there is no axis "corupption" (did you mean "corruption"?)'),
        ({"where": "severity=7"}, 'axis severity has no value "7"'),
        ({"over": "severity", "where": "severity=2"}, "axis severity is under over and under where"),
        ({"slice": "worst"}, "judges all rows of each"),
    ],
)
def test_rules_that_cannot_work_are_refused(folder, asked, text):
    with pytest.raises(UsageError) as caught:
        calibeval.gate(PATTERN, {"metric": "ece", "max": 0.1, **asked})
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"cells": "meen"}, 'cells "meen" is unknown (did you mean "mean"?)'),
        ({"over": "a,,b"}, "it must name axes"),
        ({"where": "severity"}, 'it must be "axis=value"'),
        ({"over": "a", "slice": "worst"}, "a rule over cells is about all rows"),
    ],
)
def test_what_a_rule_says_of_cells_is_checked(asked, text):
    with pytest.raises(UsageError) as caught:
        Rule("ece", "max", 0.1, **asked)
    assert text in str(caught.value)


def test_one_dump_has_no_cells(folder):
    with pytest.raises(UsageError, match="one dump came"):
        calibeval.gate("fog_1.npz", WORST)


def test_the_command_the_file_and_python_say_the_same(capsys, folder):
    (folder / "calibeval.toml").write_text(
        '[[gate.rule]]\nmetric = "ece"\nmax = 0.5\nover = "corruption"\nwhere = "severity=2"\n'
    )
    by_file = run(capsys, "gate", PATTERN, "--json")
    (folder / "calibeval.toml").unlink()
    flags = ["--max", "ece=0.5", "--over", "corruption", "--where", "severity=2"]
    by_flags = run(capsys, "gate", PATTERN, *flags, "--json")
    python = calibeval.gate(PATTERN, WORST)
    assert by_file.code == by_flags.code == python.exit_code
    rules = json.loads(python.to_json())["rules"]
    assert by_file.json["rules"] == by_flags.json["rules"] == rules
    assert (rules[0]["over"], rules[0]["cells"], rules[0]["where"]) == ("corruption", "worst", "severity=2")
    assert by_flags.json["dump"]["name"] == "{corruption}_{severity}.npz (2 cells)"
    assert Verdict.from_json(python.to_json()).to_json() == python.to_json()


def test_every_view_names_the_deciding_cell(capsys, folder):
    flags = ["--max", "ece=0.01", "--where", "severity=2", "--export", "markdown=v.md", "--export", "junit=v.xml"]
    found = run(capsys, "gate", PATTERN, *flags, "--export", "flat=v.json", "-o", "out")
    assert found.code == 1
    assert "ECE ≤ 1.00 % in worst cell over corruption at severity=2" in found.out
    for text in (found.out, (folder / "v.md").read_text(), (folder / "v.xml").read_text()):
        assert "corruption=fog, severity=2" in text
    assert json.loads((folder / "v.json").read_text())["ece_max_worst over corruption at severity=2_verdict"] == "fail"
    verdict = json.loads((folder / "out" / "verdict.json").read_text())
    assert verdict["rules"][0]["worst_slice"] == "corruption=fog, severity=2"


@pytest.mark.parametrize("flag", ["--why", "--plan"])
def test_what_is_about_one_dump_is_refused(capsys, folder, flag):
    found = run(capsys, "gate", PATTERN, "--max", "ece=0.5", flag)
    assert found.code == 2
    assert f"{flag} is about one dump" in found.err


def test_no_cell_is_an_output(capsys, folder):
    found = run(capsys, "gate", PATTERN, "--max", "ece=0.5", "--export", "flat=fog_1.npz")
    assert found.code == 2
    assert "fog_1.npz" in found.err


def test_two_classes_are_judged_by_the_positive_one(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        p = rng.random(4000)
        np.savez(tmp_path / f"{name}.npz", probs=np.stack([1 - p, p], 1), labels=(rng.random(4000) < p).astype(int))
    monkeypatch.chdir(tmp_path)
    assert [rule.rule.metric for rule in calibeval.gate("{model}.npz", preset="recommended").rules] == ["ece_positive"]


@pytest.mark.skipif(not (ROOT.parent / "shared" / "data").is_dir(), reason="no shared data")
def test_real_corruptions():
    shift = f"{ROOT.parent}/shared/data/cifar10jpeg_resnet20_shift.npz#{{corruption}}_{{severity:int}}"
    verdict = calibeval.gate(shift, {"metric": "ece", "max": 0.1, "where": "severity=3"}, kind="logits")
    assert verdict.rules[0].decisive.slice == "corruption=gaussian_noise, severity=3"
    assert len(verdict.rules[0].slices) == 4
    assert verdict.verdict == "fail"
