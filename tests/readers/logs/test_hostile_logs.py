"""Logs that are damaged, hostile or unlucky end in one clear sentence, and perfect ones in no alarm."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

import calibeval
from calibeval.core.data.folds import group_column
from calibeval.core.errors import InputError
from calibeval.readers.logs.options import LogOptions
from calibeval.readers.open import open_input
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import place_of
from tests.cli.invoking import run
from tests.readers.logs.lm_eval_writer import sample, samples, write

DECISION = {"answers": {"q": {"type": "choice", "probabilities": {"a": 0.5, "b": 0.5}}}, "labels": {"q": "a"}}


def raw(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def lines(*rows):
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines(DECISION, '{"answers": '), "line 2: not valid JSON"),
        (lines(DECISION, "[1]"), "line 2: an object is needed"),
        (lines(DECISION, json.dumps(DECISION)[:-1] + ', "labels": {}}'), 'line 2: the key "labels" occurs twice'),
        (lines(DECISION, '{"answers": ' + "[" * 100_000), "line 2: the object is nested too deeply"),
        (lines(DECISION, '{"answers": "' + "x" * 2**25 + '"}'), "line 2: the line is longer than"),
        (lines(DECISION) + '{"answers": "\x00"}\n', "line 2: found a NUL byte"),
        (lines(DECISION).encode() + b'{"answers": "\xff"}\n', "line 2: byte 0xff is not UTF-8"),
        (lines(DECISION, {**DECISION, "id": "\ud800"}), "line 2: the id holds half of a surrogate pair"),
        (lines(DECISION, {**DECISION, "id": 1.5}), "line 2: the id must be text or a whole number"),
    ],
)
def test_lines_that_are_no_records(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as found:
        calibeval.read(raw(tmp_path / "a.jsonl", text))
    assert len(str(found.value)) < 500


def test_options_that_take_too_much_memory_are_refused_before_they_do(tmp_path):
    rows = [
        sample(0, [-1.0] * 4000, ["a"] * 4000, 0, right=[0]),
        *(sample(i, [-1.0, -2.0], "ab", 0, right=[0]) for i in range(99)),
    ]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(InputError, match="line 1: 4,000 options, so that the scores of 100 answers take more memory"):
        calibeval.read(path, max_memory=1_000_000)
    assert calibeval.read(path).k == 4000


def test_names_that_are_commands_or_very_long_stay_harmless(tmp_path, capsys):
    bad = "::error::\x1b[31m" + "x" * 5000
    rows = [{"answers": {bad: {"type": "noul", "noul": 0.4}}, "labels": {bad: i % 2}} for i in range(20)]
    shown = run(capsys, "report", raw(tmp_path / "a.jsonl", lines(*rows)))
    assert shown.code == 0
    assert "\x1b[31m" not in shown.out
    assert not any(line.startswith("::") for line in shown.out.splitlines())


def test_a_log_on_standard_input():
    found = open_input(place_of("-"), Limits(), io.BytesIO(lines(DECISION, DECISION).encode()), logs=LogOptions())
    assert (found.format, found.contents.arrays["probs"].shape) == ("stdin-decisions", (2, 2))


def test_a_perfect_model_of_three_options_is_at_its_noise_floor(tmp_path):
    rng = np.random.default_rng(5)
    rows = []
    for p in rng.dirichlet([1, 1, 1], 1500).round(3):
        probs = dict(zip("abc", (p / p.sum()).tolist(), strict=True))
        answer = {"type": "choice", "confidence": (max(probs.values()) - 1 / 3) / (2 / 3), "probabilities": probs}
        rows.append({"answers": {"q": answer}, "labels": {"q": str(rng.choice(list("abc"), p=[*probs.values()]))}})
    report = calibeval.evaluate(raw(tmp_path / "a.jsonl", lines(*rows)))
    assert report["ece"].value < report["ece"].floor_high
    assert report["ece"].low == 0


def test_gates_and_comparisons_say_what_was_left_out(tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = [*samples(rng, 80), sample(80, [-1.0, -2.0], "ab", -100, right=[])]
    base, other = write(tmp_path / "base.jsonl", rows), write(tmp_path / "new.jsonl", rows)
    gated = run(capsys, "gate", base, "--max", "ece=1")
    assert "base.jsonl: left out: 1 without a right option" in gated.out
    compared = run(capsys, "compare", base, other)
    assert compared.out.count("left out: 1 without a right option") == 2
    assert "left out: 1 without a right option" in run(capsys, "report", base, "--full").out


def test_folds_keep_the_answers_to_one_document_together(tmp_path):
    rows = [one for row in samples(np.random.default_rng(0), 30) for one in (row, row)]
    found = calibeval.read(write(tmp_path / "a.jsonl", rows))
    column = group_column(found, None)
    assert column is not None
    assert column.tolist() == found.columns["document"].tolist()


def test_saved_sums_of_a_log_keep_its_groups_and_what_was_left_out(tmp_path, capsys):
    rows = [one for row in samples(np.random.default_rng(0), 60) for one in (row, row)]
    path = write(tmp_path / "a.jsonl", [*rows, sample(99, [-1.0, -2.0], "ab", -100, right=[])])
    summed = run(capsys, "sums", path, "-o", tmp_path / "a.sums")
    assert (summed.code, "60 groups" in summed.out) == (0, True)
    report = run(capsys, "report", tmp_path / "a.sums", "--json").json["dumps"][0]
    assert report["groups"]["count"] == 60
    assert {"code": "answers_left_out", "message": "answers were left out: 1 without a right option"} in report[
        "warnings"
    ]
