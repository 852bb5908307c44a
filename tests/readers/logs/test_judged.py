"""Judged answers, and the confidences that are stated in them."""

from __future__ import annotations

import json

import pytest

import calibeval
from calibeval.core.errors import InputError, UsageError
from tests.cli.invoking import run


def judged(confidence, correct="yes", **more):
    """One answer, as the scripts of Humanity's Last Exam write it."""
    found = {"correct_answer": "x", "model_answer": "y", "reasoning": "", "correct": correct, "confidence": confidence}
    return {"model": "m", "response": "...", "judge_response": found, **more}


def write(path, rows, **layout):
    path.write_text(json.dumps({f"q{i}": row for i, row in enumerate(rows)}, **layout), encoding="utf-8")
    return path


@pytest.mark.parametrize("layout", [{"indent": 4}, {}])
def test_an_object_of_judged_answers_by_id(tmp_path, layout):
    rows = [judged(85, "yes", category="Math"), judged("90 %", "no", category="Law"), judged("70", True), judged(0, 0)]
    found = calibeval.read(write(tmp_path / "judged.json", rows, **layout))
    assert (found.kind, found.source.format) == ("confidence", "judged")
    assert found.scores[0:4].tolist() == [0.85, 0.9, 0.7, 0]
    assert found.labels.tolist() == [1, 0, 1, 0]
    assert found.ids.tolist() == ["q0", "q1", "q2", "q3"]
    assert found.columns["category"].tolist() == ["Math", "Law", "", ""]
    assert "stated confidence in percent" in found.source.log.recognised


def test_lines_of_judged_answers(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(judged(value, id=f"a{value}")) for value in (50, 60)), encoding="utf-8")
    assert calibeval.read(path).ids.tolist() == ["a50", "a60"]


@pytest.mark.parametrize(
    ("values", "unit", "confidences"),
    [
        ([0.85, 0.2, "0.5"], None, [0.85, 0.2, 0.5]),
        ([85, 20, 0.5], "percent", [0.85, 0.2, 0.005]),
        ([".5%", 0.25], None, [0.005, 0.25]),
        ([".5%", 85], None, [0.005, 0.85]),
        ([".5%", 0.25], "fraction", [0.005, 0.25]),
        ([1, 0.5], "fraction", [1, 0.5]),
        ([1, 0.5], "percent", [0.01, 0.005]),
        ([0, 0], None, [0, 0]),
    ],
)
def test_the_unit_of_stated_confidences(tmp_path, values, unit, confidences):
    path = write(tmp_path / "a.json", [judged(value, "no") for value in values])
    assert calibeval.read(path, confidence_unit=unit).scores[0 : len(values)].tolist() == pytest.approx(confidences)


def test_a_unit_that_could_be_either_is_asked_for(tmp_path):
    path = write(tmp_path / "a.json", [judged(1), judged(0.5)])
    with pytest.raises(InputError, match=r'may be 100 % or 1 %; say confidence_unit="fraction" or'):
        calibeval.read(path)


@pytest.mark.parametrize(("value", "bound"), [(101, 100), (-1, 100)])
def test_confidences_out_of_range_are_refused(tmp_path, value, bound):
    path = write(tmp_path / "a.json", [judged(50), judged(value)])
    with pytest.raises(InputError, match=f'"q1": the confidence is {value}, but it must lie between 0 and {bound}'):
        calibeval.read(path)


def test_missing_confidences_are_an_error_until_the_user_says_what_they_are(tmp_path):
    rows = [judged(50), judged(None), judged("high"), judged("N/A"), judged(80, "no"), {"judge_response": None}]
    path = write(tmp_path / "a.json", [*rows, judged(9, "unsure")])
    with pytest.raises(InputError, match=r'"q1": 3 of 5 answers state no confidence .*missing_confidence="drop"'):
        calibeval.read(path)
    dropped = calibeval.read(path, missing_confidence="drop")
    assert dropped.scores[0:2].tolist() == [0.5, 0.8]
    assert {one.what: one.answers for one in dropped.source.log.counts} == {
        "with a confidence that is no number": 1,
        "with a verdict that is neither yes nor no": 1,
        "without a confidence": 2,
        "without a verdict": 1,
    }
    assert dropped.source.log.answers == 7
    certain = calibeval.read(path, missing_confidence="100")
    assert certain.scores[0:5].tolist() == [0.5, 1, 1, 1, 0.8]
    taken = {one.what: (one.answers, one.left_out) for one in certain.source.log.counts}
    assert taken["without a confidence, taken as 100 %"] == (2, False)
    assert certain.source.log.answers == 7


def test_the_screen_and_json_say_what_was_left_out(tmp_path, capsys):
    path = write(tmp_path / "a.json", [*(judged(80, "no" if i % 3 else "yes") for i in range(60)), judged(None)])
    asked = run(capsys, "report", path)
    assert (asked.code, "--missing-confidence drop" in asked.err) == (3, True)
    found = run(capsys, "report", path, "--missing-confidence", "drop")
    assert "\nleft out: 1 without a confidence\n" in found.out
    assert "60 of 61 answers measured" in found.out.replace("\n", " ")
    read = run(capsys, "report", path, "--missing-confidence", "drop", "--json").json
    assert read["dumps"][0]["source"]["log"]["counts"] == [
        {"what": "without a confidence", "answers": 1, "left_out": True}
    ]
    seen = run(capsys, "inspect", path, "--missing-confidence", "drop").out.replace("\n    ", " ")
    assert "judged answers · right or wrong by the judge" in seen
    assert "left out: 1 without a confidence" in seen
    run(capsys, "report", path, "--missing-confidence", "drop", "-o", tmp_path / "out")
    assert "left out: 1 without a confidence" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_options_about_logs_need_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("prob_0,prob_1,label\n.2,.8,1\n.7,.3,0\n", encoding="utf-8")
    with pytest.raises(UsageError, match="missing_confidence is for logs"):
        calibeval.read(path, missing_confidence="drop")
    with pytest.raises(UsageError, match="there are error, drop, 100"):
        calibeval.read(path, missing_confidence="dropp")
