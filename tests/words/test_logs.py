"""What the first screen of a log says of thresholds, and nothing of other dumps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import calibeval
from calibeval.core.uncertainty.certified import certified
from calibeval.words.logs import automated
from tests.cli.invoking import run


def judged(path, confidence, correct, name="q"):
    verdicts = [
        {"judge_response": {"correct": "yes" if right else "no", "confidence": f"{stated} %"}}
        for stated, right in zip(confidence, correct, strict=True)
    ]
    path.write_text(json.dumps({f"{name}{i}": one for i, one in enumerate(verdicts)}))
    return path


@pytest.fixture
def log(tmp_path):
    stated = np.repeat([99, 90, 60], [160, 140, 200])
    right = np.arange(500) % 100 != 50  # 5 of 500 are wrong, the first at place 50
    right[300:] = np.arange(200) % 2 == 0
    return judged(tmp_path / "judged.json", stated.tolist(), right.tolist())


def test_the_first_screen_says_what_may_be_automated(log, capsys):
    found = run(capsys, "report", log)
    first = "may be automated (certified with 95 %): 60.0 % at an error of 5 %, from confidence 0.9 on; "
    assert f"{first}nothing at 1 % and 2 %" in " ".join(found.out.split())
    assert "certified thresholds" not in found.out


def test_the_numbers_are_those_of_the_metric_and_in_json(log, capsys):
    report = calibeval.evaluate(log)
    dump = report.dumps[0]
    assert [one.limit for one in dump.certified] == [0.01, 0.02, 0.05]
    predictions = calibeval.read(log)
    confidence, correct = np.asarray(predictions.scores[0:500]), np.asarray(predictions.labels) == 1
    for one in dump.certified:
        own = certified(confidence, correct, one.limit)
        assert (one.threshold, one.rows, one.errors, one.bound) == (own.threshold, own.rows, own.errors, own.bound)
        assert (one.coverage, one.needed, one.units, one.delta) == (own.coverage, own.needed, "rows", 0.05)
        assert (one.reason is None) == (one.threshold is not None)
    assert [name for name in report if name.startswith("coverage")] == []
    assert run(capsys, "report", log, "--json").json["dumps"][0]["certified"] == dump.to_dict()["certified"]
    assert calibeval.Report.from_json(report.to_json()).dumps[0].certified == dump.certified


def test_documents_with_several_answers_are_the_units(tmp_path):
    rows = [
        {
            "doc_id": i // 2,
            "target": "0",
            "filtered_resps": [["-0.01", "True"], ["-9.0", "False"]],
            "acc": 1.0,
        }
        for i in range(140)
    ]
    path = tmp_path / "samples_a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    dump = calibeval.evaluate(path).dumps[0]
    assert {one.units for one in dump.certified} == {"groups"}
    assert [one.threshold is None for one in dump.certified] == [True, True, False]  # 70 documents, 59 needed at 5 %
    assert automated(dump)[0].endswith("nothing at 1 % and 2 %")


def test_why_nothing_is_certified(tmp_path):
    few = calibeval.evaluate(judged(tmp_path / "few.json", [99] * 58, [True] * 58)).dumps[0]
    assert automated(few) == [
        "may be automated: nothing at an error of 1 %, 2 % and 5 %: at least 59 rows would be needed"
    ]
    wrong = calibeval.evaluate(judged(tmp_path / "wrong.json", [99] * 100, [False] * 100)).dumps[0]
    assert automated(wrong)[0].endswith("100 of the 100 most confident rows are wrong")


def test_nothing_is_said_of_other_dumps_of_chosen_metrics_and_after_a_map(log, tmp_path, capsys):
    calibeval.read(log).save(tmp_path / "a.npz")
    assert calibeval.evaluate(tmp_path / "a.npz").dumps[0].certified is None
    assert calibeval.evaluate(log, metrics=["ece"]).dumps[0].certified is None
    assert "may be automated" not in run(capsys, "report", tmp_path / "a.npz").out
    assert "may be automated" not in run(capsys, "report", log, "--cross-fit", "5").out
    assert "may be automated" in run(capsys, "report", log, "--full").out


def test_the_next_step_works_where_certain_answers_are_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stated, right = [100, 90, 60] * 100, [True, False, True, False, True, False] * 50
    path = judged(Path("certain.json"), stated, right)
    shown = run(capsys, "report", path).out
    (line,) = (line for line in shown.splitlines() if "calibeval report" in line)
    words = line.split("calibeval ")[1].split()
    assert words[2:] == ["--cross-fit", "5", "--clip", "1e-12", "--method", "top-platt"]
    assert run(capsys, "report", path, *words[2:]).code == 0
