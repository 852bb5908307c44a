"""What a log lacks, or holds in a way of its own, is told."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError, UsageError
from tests.cli.invoking import run
from tests.readers.logs import eval_writer, lm_eval_writer


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "header",
    [
        {"status": "error", "results": {"total_samples": 10}},
        {"status": "error", "eval": {"task": "t", "dataset": {"sample_ids": [1, 2, 3, 4, 5]}, "config": {"epochs": 2}}},
    ],
)
def test_samples_that_a_failed_run_lacks_are_counted(tmp_path, header):
    path = eval_writer.write(
        tmp_path / "run.eval", [eval_writer.sample(i, confidence=50) for i in range(3)], header=False
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("header.json", json.dumps(header))
    log = calibeval.read(path).source.log
    assert (log.answers, [(one.what, one.answers, one.left_out) for one in log.counts]) == (
        10, [("whose sample is not in the log", 7, True)],
    )  # fmt: skip
    assert 'the run ended with the status "error"' in log.recognised


def test_a_number_and_a_text_of_the_same_digits_are_two_samples(tmp_path):
    rows = [eval_writer.sample(name, confidence=50) for name in (1, 2)] + [eval_writer.sample("1", 2, confidence=50)]
    found = calibeval.read(eval_writer.write(tmp_path / "run.eval", rows))
    assert (found.ids.tolist(), found.source.log.group) == (["task/1 (number)/1", "task/2/1", "task/1/2"], None)


def test_the_check_against_the_harness_says_how_many_rows_it_saw(tmp_path):
    rows = [*lm_eval_writer.samples(np.random.default_rng(0), 40)]
    for row in rows[1:]:
        row["acc"] = None
    recognised = calibeval.read(write(tmp_path / "a.jsonl", rows)).source.log.recognised
    assert 'the same right or wrong as "acc" in the 1 of 40 rows that have it' in recognised


def test_a_confidence_beside_probabilities_is_never_read_and_a_single_option_is_left_out(tmp_path):
    odd = {"type": "choice", "choice": "a", "confidence": 85, "probabilities": {"a": 0.7, "b": 0.3}}
    rows = [{"answers": {"q": odd}, "labels": {"q": "a"}}] * 2
    rows += [{"answers": {"q": odd | {"probabilities": {"a": 1}}}, "labels": {"q": "a"}}]
    found = calibeval.read(write(tmp_path / "log.jsonl", rows))
    assert (found.n, found.source.log.answers) == (2, 3)
    assert [(one.what, one.left_out) for one in found.source.log.counts] == [
        ("with a single option, which cannot be wrong", True)
    ]


CHOICE = {"type": "choice", "choice": "a", "probabilities": {"a": 0.7, "b": 0.3}}


def test_rows_without_an_id_are_documents_of_their_own(tmp_path):
    row = {"answers": {"q": CHOICE}, "labels": {"q": "a"}}
    found = calibeval.read(write(tmp_path / "log.jsonl", [row | {"id": "1"}, row, row | {"id": "row 3"}, row]))
    assert found.ids.tolist() == ["1/q", "row row 1/q", "row 3/q", "row row 3/q"]
    assert found.source.log.group is None


def test_gold_answers_under_two_keys_must_agree(tmp_path):
    row = {"answers": {"q": CHOICE, "r": CHOICE}, "labels": {"q": "a"}, "gold": {"q": "a", "r": "b"}}
    assert calibeval.read(write(tmp_path / "log.jsonl", [row])).labels.tolist() == [0, 1]
    with pytest.raises(InputError, match='line 1: "labels" and "gold" hold different gold answers to "q"'):
        calibeval.read(write(tmp_path / "log.jsonl", [row | {"gold": {"q": "b"}}]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalize": "bytes"}, "log.jsonl holds decisions, which are read without normalize; there are gold, conf"),
        ({"key": {"filter": "x"}}, "are read without key="),
        ({"key": {"confidence": "x"}}, "are read without key="),
        ({"key": {"ids": "id"}}, "log.jsonl is a log with keys of its own: it is read without"),
        ({"confidence_unit": "percent"}, "are read without confidence_unit;"),
    ],
)
def test_options_without_an_effect_are_refused(tmp_path, options, message):
    path = write(tmp_path / "log.jsonl", [{"answers": {"q": CHOICE}, "labels": {"q": "a"}}])
    with pytest.raises(UsageError, match=message):
        calibeval.read(path, **options)


def test_more_questions_than_slices_are_measured_without_slices(tmp_path):
    rows = [{"answers": {f"q{i}": CHOICE}, "labels": {f"q{i}": "ab"[i % 2]}} for i in range(1001)]
    path = write(tmp_path / "log.jsonl", rows)
    dump = calibeval.evaluate(path, level=None).dumps[0]
    assert (dump.n, dump.slices) == (1001, None)
    assert "no slices by question, of which there are 1,001" in dump.source.log.recognised
    assert calibeval.read(f"{path}#q7").n == 1


def test_a_printed_zero_at_the_right_option_has_a_next_step_that_works(tmp_path, capsys):
    rng, rows = np.random.default_rng(1), []
    for i in range(400):
        p = np.round(rng.dirichlet([0.4, 0.4, 0.4]), 2)
        answer = {"type": "choice", "choice": "abc"[int(p.argmax())], "probabilities": dict(zip("abc", p, strict=True))}
        gold = "abc"[int(rng.choice(3, p=p / p.sum())) if i % 4 else int(rng.integers(3))]
        rows.append({"id": f"r{i}", "answers": {"q": answer}, "labels": {"q": gold}})
    path = write(tmp_path / "log.jsonl", rows)
    out = " ".join(run(capsys, "report", str(path)).out.split())
    assert "once printed zeros are raised" in out
    assert "--cross-fit 5 --clip 0.005" in out
    assert run(capsys, "report", str(path), "--cross-fit", "5", "--clip", "0.005").code == 0


def test_padded_options_are_no_probabilities_of_zero(tmp_path):
    wide = CHOICE | {"probabilities": {"a": 0.5, "b": 0.3, "c": 0.2}}
    rows = [{"answers": {"q": one}, "labels": {"q": "ab"[i % 2]}} for i in range(20) for one in (CHOICE, wide)]
    warnings = calibeval.evaluate(write(tmp_path / "log.jsonl", rows), level=None).dumps[0].warnings
    assert not [one for one in warnings if one.code == "zero_probabilities"]


def test_lines_that_hold_a_verdict_alone_are_judged_answers(tmp_path):
    rows = [{"judge_response": {"correct": "yes", "confidence": 85}}] * 2
    found = calibeval.read(write(tmp_path / "log.jsonl", rows))
    assert (found.source.format, found.ids.tolist()) == ("judged", ["0", "1"])


def test_too_many_options_are_refused_before_they_are_looked_at(tmp_path):
    answer = {"type": "choice", "choice": "a", "probabilities": dict.fromkeys(map(str, range(4097)), "no number")}
    with pytest.raises(InputError, match="4,097 options, but 2 to 4,096"):
        calibeval.read(write(tmp_path / "log.jsonl", [{"answers": {"q": answer}, "labels": {"q": "a"}}]))
