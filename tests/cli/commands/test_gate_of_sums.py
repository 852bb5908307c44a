"""`gate part*.sums`: rules on the values of all rows of saved sums."""

import json
from typing import Any

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run

RNG = np.random.default_rng(4)
LOGITS = 2.0 * RNG.normal(size=(4000, 3))
LABELS = (LOGITS + RNG.gumbel(size=(4000, 3))).argmax(axis=1)


@pytest.fixture
def gate(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for i in range(2):
        part = calibeval.Accumulator(3)
        part.update(logits=LOGITS[i::2], labels=LABELS[i::2])
        part.save(tmp_path / f"part-{i}.sums")
    order = np.concatenate([np.arange(4000)[i::2] for i in range(2)])
    np.savez("whole.npz", logits=LOGITS[order], labels=LABELS[order])
    return lambda *words: run(capsys, "gate", *words)


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (["--max", "ece=0.1", "--min", "accuracy=0.5"], 0),
        (["--max", "ece=0.001", "--on-inconclusive", "warn"], 0),
        (["--min", "accuracy=0.99"], 1),
        (["--max", "nll=0.1", "--max", "ece=0.1"], 1),
        (["--preset", "recommended"], None),
    ],
)
def test_the_verdict_is_that_on_the_rows(gate, rules, code):
    found, wanted = gate("part-*.sums", *rules, "--json"), gate("whole.npz", *rules, "--json")
    assert found.code == wanted.code
    assert code in (None, found.code)
    ours, theirs = json.loads(found.out), json.loads(wanted.out)
    assert len(ours["rules"]) == len(theirs["rules"])
    for one, other in zip(ours["rules"], theirs["rules"], strict=True):
        assert (one["metric"], one["verdict"]) == (other["metric"], other["verdict"])
        for name in ("value", "low", "high"):
            if one["metric"] != "temperature":
                assert one[name] == pytest.approx(other[name], abs=1e-9)
    assert ours["dump"]["name"] == "2 files of sums"


def test_one_file_with_a_report(gate, tmp_path):
    done = gate("part-0.sums", "--max", "ece=0.1", "-o", "out", "--export", "junit=gate.xml")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "out/report.json").read_text())["dumps"][0]["source"]["n"] == 2000
    assert (tmp_path / "gate.xml").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-increase", "ece=0.1"], "a rule on ece is about changes, but these sums hold no base"),
        (
            ["--max-increase", "ece=0.1", "--baseline", "whole.npz"],
            "a baseline that holds rows cannot be combined with",
        ),
        (["--max", "ece=0.1", "--slice", "site"], "--slice cannot be combined with saved sums"),
        (["--max", "ece=0.1", "--group", "site"], "--group cannot be combined with saved sums"),
        (["--max", "ece=0.1", "--bins", "9"], "--bins is 9, but these sums have 15"),
        (["--max", "ece=0.1", "--kind", "probs"], "--kind cannot be combined with saved sums"),
    ],
)
def test_what_needs_rows_is_refused(gate, words, message):
    done = gate("part-0.sums", *words)
    assert (done.code, message in done.err) == (2, True), done.err


def test_python_judges_a_file_of_sums(gate, tmp_path):
    rules = [{"metric": "ece", "max": 0.1}, {"metric": "accuracy", "min": 0.5}]
    found = calibeval.gate("part-0.sums", rules)
    wanted = calibeval.gate(calibeval.Predictions(logits=LOGITS[::2], labels=LABELS[::2]), rules)
    assert (found.verdict, [one.verdict for one in found.rules]) == ("pass", ["pass", "pass"])
    names = ("value", "low", "high")
    ours, theirs = ([[one[name] for name in names] for one in made.to_dict()["rules"]] for made in (found, wanted))
    assert ours == theirs
    options: list[dict[str, Any]] = [{"group": "site"}, {"kind": "probs"}, {"positive": 1}]
    for more in options:
        with pytest.raises(calibeval.UsageError, match=f"{next(iter(more))} cannot be combined with saved sums"):
            calibeval.gate(tmp_path / "part-0.sums", rules, **more)
    with pytest.raises(calibeval.UsageError, match="bins is 9, but these sums have 15"):
        calibeval.gate("part-0.sums", rules, bins=9)
    with pytest.raises(calibeval.UsageError, match="a baseline that holds rows"):
        calibeval.gate("part-0.sums", rules, baseline="whole.npz")
