"""Samples of lm-evaluation-harness are read as the harness wrote them, or refused with the row."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError, UsageError
from tests.cli.invoking import run
from tests.readers.logs.lm_eval_writer import NAME, sample, samples, write


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_options_of_every_row_are_padded_with_masked_ones(tmp_path, rng):
    rows = list(samples(rng, 40))
    found = calibeval.read(write(tmp_path / NAME.format(task="arc_easy"), rows))
    assert found.kind == "logits"
    assert found.k == max(len(row["filtered_resps"]) for row in rows)
    scores = np.asarray(found.scores[0 : found.n])
    for i, row in enumerate(rows):
        k = len(row["filtered_resps"])
        assert scores[i, :k].tolist() == [float(score) for score, _ in row["filtered_resps"]]
        assert (scores[i, k:] == -math.inf).all()
    assert found.labels.tolist() == [int(row["target"]) for row in rows]
    assert found.ids.tolist()[:2] == ["arc_easy/0", "arc_easy/1"]
    assert set(found.columns["task"].tolist()) == {"arc_easy"}
    log = found.source.log
    assert (log.answers, log.counts, log.group, log.by) == (40, (), None, None)
    assert 'the same right or wrong in every row as "acc"' in log.recognised


def test_the_accuracy_is_that_of_the_harness_whatever_likelihoods_are_divided_by(tmp_path, rng):
    rows = list(samples(rng, 200))
    path = write(tmp_path / "renamed.log", rows)
    for normalize, key in {"none": "acc", "chars": "acc_norm", "bytes": "acc_bytes"}.items():
        report = calibeval.evaluate(path, normalize=normalize, level=None)
        assert report["accuracy"].value == pytest.approx(np.mean([row[key] for row in rows]))
    assert len({np.mean([row[key] for row in rows]) for key in ("acc", "acc_norm", "acc_bytes")}) > 1


@pytest.mark.parametrize("change", [lambda one: one, lambda one: [one], lambda one: one[0], lambda one: str(one[0])])
def test_likelihoods_may_be_numbers_or_texts_flat_or_nested(tmp_path, change):
    row = sample(0, [-1.5, -0.5, -3.0], ["a", "b", "c"], 1, right=[1], plain=True)
    row["filtered_resps"] = [change(one) for one in row["filtered_resps"]]
    found = calibeval.read(write(tmp_path / "a.jsonl", [row, row | {"doc_id": 1}]))
    assert found.scores[0:1].tolist() == [[-1.5, -0.5, -3.0]]
    assert found.labels.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("target", "right"), [(1, 1), ("1", 1), ("b b", 1), ("[1]", 1), ([1], 1), ("['c']", 2), ([2, -100], 2)]
)
def test_a_target_is_the_number_or_the_text_of_an_option(tmp_path, target, right):
    row = sample(0, [-2.0, -1.0, -3.0], ["a", "b b", "c"], target, right=[right], plain=True)
    assert calibeval.read(write(tmp_path / "a.jsonl", [row])).labels.tolist() == [right]


def test_where_options_are_numbers_the_reading_that_agrees_with_the_accuracy_counts(tmp_path):
    rows = [
        sample(i, [-2.0, -1.0, -3.0], ["2", "0", "1"], text, right=[right])
        for i, (text, right) in enumerate([("0", 1), ("2", 0), ("1", 2)])
    ]
    assert calibeval.read(write(tmp_path / "a.jsonl", rows)).labels.tolist() == [1, 0, 2]


def test_several_right_options_leave_the_chosen_one(tmp_path):
    rows = [
        sample(0, [math.log(0.5), math.log(0.3), math.log(0.2)], ["a", "b", "c"], [0, 2], right=[0, 2]),
        sample(1, [math.log(0.1), math.log(0.3), math.log(0.6)], ["a", "b", "c"], [1], right=[1]),
    ]
    report = calibeval.evaluate(write(tmp_path / "a.jsonl", rows), level=None)
    assert report.dumps[0].k is None
    assert report["accuracy"].value == 0.5
    assert report["confidence_gap"].value == pytest.approx((0.5 + 0.6) / 2 - 0.5)
    assert report["cwce"].value is None
    assert "1 answers with several right options" in report.dumps[0].source.log.recognised


def test_mutual_information_doubles_the_likelihoods_and_the_first_half_counts(tmp_path):
    rows = [sample(i, [-2.0, -1.0], ["no", "yes"], 1, right=[1], unconditional=[-9.0, -0.1]) for i in range(3)]
    found = calibeval.read(write(tmp_path / "a.jsonl", rows))
    assert (found.k, found.scores[0:1].tolist()) == (2, [[-2.0, -1.0]])
    assert "the first half of the likelihoods" in found.source.log.recognised


def test_rows_without_a_right_option_are_counted(tmp_path, rng):
    rows = [*samples(rng, 9), sample(9, [-1.0, -2.0], ["a", "b"], -100, right=[])]
    found = calibeval.evaluate(write(tmp_path / "a.jsonl", rows), level=None).dumps[0]
    (count,) = found.source.log.counts
    assert (count.what, count.answers, count.left_out) == ("without a right option", 1, True)
    assert (found.n, found.source.log.answers) == (9, 10)


def test_several_filters_are_asked_for(tmp_path, rng):
    rows = [row for one in samples(rng, 30) for row in (one, one | {"filter": "take_first"})]
    path = write(tmp_path / "a.jsonl", rows)
    with pytest.raises(InputError, match=r"2 filters, none, take_first; .*key={\"filter\": \"none\"}"):
        calibeval.read(path)
    assert calibeval.read(path, key={"filter": "take_first"}).n == 30
    with pytest.raises(UsageError, match=r'no row has this filter.* "take_first"'):
        calibeval.read(path, key={"filter": "take_firs"})


def test_tasks_of_several_files_are_slices_and_documents_do_not_collide(tmp_path, rng):
    for task, most in (("arc", 5), ("boolq", 2)):
        write(tmp_path / NAME.format(task=task), samples(rng, 120, least=2, most=most))
    report = calibeval.evaluate(str(tmp_path / "samples_*.jsonl"))
    dump = report.dumps[0]
    assert (dump.n, dump.source.shards, dump.source.log.by, dump.source.format) == (240, 2, "task", "lm-eval")
    assert {one.value for one in dump.slices} == {"arc", "boolq"}
    assert not dump.warnings


def test_documents_with_several_answers_are_groups(tmp_path, rng):
    rows = [one for row in samples(rng, 60) for one in (row, row)]
    dump = calibeval.evaluate(write(tmp_path / "a.jsonl", rows)).dumps[0]
    assert (dump.groups.column, dump.groups.count) == ("document", 60)


def test_a_row_that_the_harness_counts_otherwise_is_refused(tmp_path, rng):
    rows = list(samples(rng, 5))
    rows[3]["acc"] = 1 - rows[3]["acc"]
    with pytest.raises(InputError, match=r'line 4: "acc" is [01], but the likeliest option is \d and the right'):
        calibeval.read(write(tmp_path / "a.jsonl", rows))


def _without(row, key):
    return {name: value for name, value in row.items() if name != key}


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda row: row | {"filtered_resps": ["The answer is B"]}, {}, "a number is needed.*only multiple choice"),
        (lambda row: row | {"filtered_resps": [["-3.1", "False"]]}, {}, "1 options, but 2 to 4,096 are needed"),
        (lambda row: row | {"filtered_resps": [["-1"]] * 5000}, {}, "5,000 options"),
        (lambda row: row | {"filtered_resps": [["nan", "False"], ["-1", "True"]]}, {}, "NaN or \\+inf"),
        (lambda row: row | {"filtered_resps": [[-math.inf, False], ["-inf", "True"]]}, {}, "every option"),
        (lambda row: row | {"filtered_resps": []}, {}, "must be a list with a likelihood"),
        (lambda row: row | {"target": {"a": 1}}, {}, '"target" must be the number or the text'),
        (lambda row: _without(row, "target"), {}, 'there is no "target"'),
        (lambda row: _without(row, "filtered_resps"), {}, 'line 2: there is no "filtered_resps"'),
        (lambda row: _without(row, "doc_id"), {}, '"doc_id" must be text or a whole number'),
        (lambda row: _without(row, "arguments"), {"normalize": "chars"}, "do not hold the texts of all"),
        (lambda row: row | {"filter": ["x"]}, {}, '"filter" must be text'),
        (lambda row: row | {"acc": "yes"}, {}, "a number is needed"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_row(tmp_path, rng, change, options, message):
    first, second = samples(rng, 2)
    with pytest.raises(InputError, match=message):
        calibeval.read(write(tmp_path / "a.jsonl", [first, change(second)]), **options)


def test_other_json_is_read_as_ever(tmp_path):
    rows = [{"probs": [0.2, 0.8], "labels": 1, "note": '"filtered_resps"'}] * 3
    found = calibeval.read(write(tmp_path / "a.jsonl", rows))
    assert (found.source.format, found.source.log) == ("jsonl", None)


def test_a_named_format_goes_before_what_is_recognised(tmp_path, rng):
    path = write(tmp_path / "a.jsonl", samples(rng, 3))
    with pytest.raises(InputError, match="scores"):
        calibeval.read(path, read_as="jsonl")
    other = tmp_path / "array.json"
    other.write_text(json.dumps(list(samples(rng, 3))), encoding="utf-8")
    assert calibeval.read(other, read_as="lm-eval").n == 3
    with pytest.raises(UsageError, match="normalize"):
        calibeval.read(path, normalize="words")


def test_options_that_differ_in_their_question_are_right_by_the_accuracy(tmp_path):
    rows = []
    for i, right in enumerate((0, 1, 1)):
        row = sample(i, [-1.0, -2.0], ["ab", "ab"], "ab", right=[right])
        row["arguments"]["gen_args_1"]["arg_0"] = "another question"
        rows.append(row)
    path = write(tmp_path / "a.jsonl", rows)
    assert calibeval.read(path).labels.tolist() == [0, 1, 1]
    with pytest.raises(InputError, match="options differ in their question only"):
        calibeval.read(path, normalize="chars")


def test_the_title_speaks_of_options(tmp_path, rng, capsys):
    shown = run(capsys, "report", write(tmp_path / "a.jsonl", samples(rng, 60)))
    assert shown.out.startswith("a.jsonl · 60 rows · up to 5 options · logits\nlm-evaluation-harness samples · ")


def test_options_with_the_same_texts_in_all_rows_are_classes_by_name(tmp_path):
    rows = [sample(i, [-2.0, -1.0], ["no", "yes"], i % 2, right=[i % 2]) for i in range(4)]
    assert calibeval.read(write(tmp_path / "a.jsonl", rows)).class_names == ("no", "yes")
    turned = [sample(i, [-2.0, -1.0], ["1", "0"], i % 2, right=[i % 2]) for i in range(4)]
    found = calibeval.read(write(tmp_path / "b.jsonl", turned))
    assert (found.class_names, found.labels.tolist()) == (("1", "0"), [0, 1, 0, 1])
    mixed = [*rows, sample(4, [-2.0, -1.0], ["yes", "no"], 0, right=[0])]
    found = calibeval.read(write(tmp_path / "c.jsonl", mixed))
    assert (found.class_names, found.labels.tolist()) == (("no", "yes"), [0, 1, 0, 1, 1])
    assert found.scores[3:5].tolist() == [[-2.0, -1.0], [-1.0, -2.0]]
