"""`gate part*.sums` for rules on changes, `--why` and `--plan`: the verdicts that the rows would give."""

import json

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run

N = 6000
RNG = np.random.default_rng(21)
LOGITS = 2.0 * RNG.normal(size=(N, 3))
LABELS = (LOGITS + RNG.gumbel(size=(N, 3))).argmax(axis=1)
NEW, OLD = 1.3 * LOGITS, LOGITS + 0.4 * RNG.normal(size=(N, 3))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sums")
    for i in range(2):
        part = calibeval.Accumulator()
        part.update(logits=NEW[i::2], labels=LABELS[i::2], base=OLD[i::2])
        part.save(folder / f"part-{i}.sums")
    order = np.concatenate([np.arange(N)[i::2] for i in range(2)])
    for name, logits in (("new", NEW), ("old", OLD)):
        np.savez(folder / f"{name}.npz", logits=logits[order], labels=LABELS[order])
        calibeval.evaluate(folder / f"{name}.npz").save(folder / name)
    plain = calibeval.Accumulator()
    plain.update(logits=OLD, labels=LABELS)
    plain.save(folder / "old.sums")
    return folder


@pytest.fixture
def gate(capsys, monkeypatch, files):
    monkeypatch.chdir(files)
    return lambda *words: run(capsys, "gate", *words)


def alike(found, wanted):
    assert found.code == wanted.code, found.err
    ours, theirs = json.loads(found.out), json.loads(wanted.out)
    assert len(ours["rules"]) == len(theirs["rules"])
    for one, other in zip(ours["rules"], theirs["rules"], strict=True):
        assert (one["metric"], one["verdict"]) == (other["metric"], other["verdict"])
        for name in ("value", "low", "high", "baseline"):
            if one["metric"] != "temperature" and other[name] is not None:
                assert one[name] == pytest.approx(other[name], abs=1e-9)
    return ours, theirs


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (["--max-increase", "ece=0.2", "--max-drop", "accuracy=0.05"], 0),
        (["--max-increase", "ece=0.001"], 1),
        (["--max-increase", "nll=0.5", "--max-increase", "brier=0.5", "--min", "accuracy=0.3"], 0),
        (["--max-increase", "oe=0.2", "--max-increase", "rmsce=0.3", "--decide", "point"], 0),
        (["--max-drop", "accuracy=0.0001", "--on-inconclusive", "pass"], None),
    ],
)
def test_the_verdict_on_changes_is_that_on_the_rows(gate, rules, code):
    found = gate("part-*.sums", *rules, "--json")
    ours, _ = alike(found, gate("new.npz", "--baseline", "old.npz", *rules, "--json"))
    assert code in (None, found.code)
    assert (ours["paired_by"], ours["baseline"]["name"]) == ("position", "base")


def test_a_preset_has_its_rules_on_changes(gate):
    found = json.loads(gate("part-*.sums", "--preset", "recommended", "--json").out)
    plain = json.loads(gate("old.sums", "--preset", "recommended", "--json").out)
    changes = [[one for one in made["rules"] if one["kind"] in ("max_increase", "max_drop")] for made in (found, plain)]
    assert len(changes[0]) > 0
    assert changes[1] == []


def test_a_saved_report_and_other_sums_are_baselines_without_pairs(gate):
    rules = ["--max-increase", "ece=0.2", "--max-drop", "accuracy=0.05"]
    _, wanted = alike(
        gate("part-*.sums", "--baseline", "old/report.json", *rules, "--json"),
        gate("new.npz", "--baseline", "old/report.json", *rules, "--json"),
    )
    assert wanted["paired_by"] is None
    found = gate("part-*.sums", "--baseline", "old.sums", *rules, "--json")
    assert (found.code, json.loads(found.out)["paired_by"]) == (0, None)
    verdict = calibeval.gate("part-*.sums", [{"metric": "ece", "max_increase": 0.2}], baseline="old/report.json")
    assert verdict.paired_by is None


def test_why_names_the_bins_of_the_metric(gate):
    rules = ["--max", "ece=0.001", "--max", "confidence_gap=0.001", "--max", "cwce=0.0001", "--min", "accuracy=0.99"]
    found, wanted = (
        json.loads(gate(name, *rules, "--why", "--json").out)["rules"] for name in ("part-*.sums", "new.npz")
    )
    for one, other in zip(found, wanted, strict=True):
        kind = "class" if one["metric"] == "cwce" else "bin"
        parts = [part for part in other["why"]["parts"] if part["kind"] == kind]
        assert [part["name"] for part in one["why"]["parts"]] == [part["name"] for part in parts]
        for own, theirs in zip(one["why"]["parts"], parts, strict=True):
            assert own["share"] == pytest.approx(theirs["share"])
            assert own["n"] == theirs["n"]
        assert one["why"]["temperature"] is None
    change = json.loads(gate("part-*.sums", "--max-increase", "ece=0.0001", "--why", "--json").out)["rules"][0]
    assert change["why"]["parts"] is None


def test_plans_are_those_of_the_rows(gate):
    rules = ["--max", "ece=0.06", "--max-increase", "nll=0.02"]
    for base, words in (([], ["old.sums", "old.npz"]), (["--baseline", "old.npz"], ["part-*.sums", "new.npz"])):
        found, wanted = gate(words[0], *rules, "--plan", "--json"), gate(words[1], *base, *rules, "--plan", "--json")
        assert (found.code, wanted.code) == (0, 0), found.err
        ours, theirs = json.loads(found.out), json.loads(wanted.out)
        for one, other in zip(ours["rules"], theirs["rules"], strict=True):
            assert one["pass_chance"] == pytest.approx(other["pass_chance"], abs=1e-6)
            assert one["rows_needed"] == other["rows_needed"]
    assert calibeval.plan("old.sums", [{"metric": "ece", "max": 0.06}]).rules[0].pass_chance is not None


def test_what_has_no_interval_is_told(gate):
    done = gate("part-*.sums", "--max-increase", "aece=0.2", "--json")
    (rule,) = json.loads(done.out)["rules"]
    assert rule["verdict"] in ("error", "inconclusive")
    assert "needs every row" in json.dumps(rule)
    assert gate("part-*.sums", "--max-increase", "ece=0.2", "--slice", "site").code == 2
