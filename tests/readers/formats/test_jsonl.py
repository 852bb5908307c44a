"""`.jsonl`: one object per row; the first line says what a row is, and every other line keeps to it."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.describe import inspect_dump
from calibeval.readers.formats import json_rows as rows_module
from calibeval.readers.formats import text as text_module
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump, read
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.spool import SpooledRows
from tests.readers.dumps import LABELS, LOGITS, PROBS, refused

GOOD = '{"logits": [1, 2], "label": 0}\n'


def written(folder, text, name="d.jsonl"):
    data = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder / name


def lines(**columns):
    keys = columns.keys()
    return "".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in zip(*columns.values(), strict=True))


@pytest.mark.parametrize("name", ["d.jsonl", "d.jsonl.gz"])
@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_lists(kind, name, tmp_path):
    scores = {"logits": LOGITS, "probs": PROBS}[kind].tolist()
    text = lines(
        **{kind: scores}, label=LABELS.tolist(), id=[f"r{i}" for i in range(20)], hour=[i / 2 for i in range(20)]
    )
    predictions = read(written(tmp_path, text, name))
    assert (predictions.kind, predictions.source.format) == (kind, name.removeprefix("d."))
    assert predictions.scores[0:20].tolist() == scores
    assert predictions.labels.tolist() == LABELS.tolist()
    assert predictions.ids[3] == "r3"
    assert predictions.columns["hour"].tolist() == [i / 2 for i in range(20)]


def test_one_probability_a_row(tmp_path):
    path = written(tmp_path, '{"p": 0.83, "y": 1}\n{"p": 1, "y": 0}\n')
    predictions = read(path)
    assert (predictions.kind, predictions.k, predictions.labels.tolist()) == ("probs", 2, [1, 0])
    p = np.float32(0.83)
    assert predictions.scores[0:2].tolist() == [[1 - p, p], [0, 1]]
    assert read(path, probs_key="p", labels_key="y").n == 2
    roles = {note.key: note.role for note in inspect_dump(str(path), ReadOptions()).arrays}
    assert roles == {"p": "probs", "y": "labels"}


def test_other_ways_to_write_a_row(tmp_path):
    assert read(written(tmp_path, lines(confidence=[0.5, 0.75], correct=[True, False]))).labels.tolist() == [1, 0]
    text = lines(confidence=[0.5, 0.75], prediction=["a", "b"], label=["a", "a"])
    assert read(written(tmp_path, text)).labels.tolist() == [1, 0]
    text = lines(prob_cat=[0.25, 0.5], prob_dog=[0.75, 0.5], label=["dog", "cat"])
    assert read(written(tmp_path, text)).labels.tolist() == [1, 0]
    text = lines(probs=[[0.25, 0.75]] * 2, label=[[0, 1], [1, 0]], class_names=[["a", "b"]] * 2)
    assert read(written(tmp_path, text)).labels.tolist() == [1, 0]
    assert read(written(tmp_path, text)).class_names == ("a", "b")
    assert read(written(tmp_path, lines(predictions=LOGITS.tolist(), label_ids=LABELS.tolist()))).kind == "logits"
    assert read(written(tmp_path, lines(predictions=PROBS.tolist(), ground_truth=LABELS.tolist()))).kind == "probs"


def test_masked_classes_as_python_writes_them(tmp_path):
    assert read(written(tmp_path, lines(logits=[[-np.inf, 1.0]], label=[1]))).scores[0:1].tolist() == [[-np.inf, 1]]


def test_empty_cells_of_other_columns(tmp_path):
    text = lines(probs=[[0.5, 0.5]] * 4, label=[0] * 4, hour=[1, None, 2.5, 3], site=[None, "a", None, "b"])
    columns = read(written(tmp_path, text)).columns
    assert columns["site"].tolist() == ["", "a", "", "b"]
    assert np.isnan(columns["hour"][1])
    assert columns["hour"][3] == 3


def test_batches_change_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(rows_module, "BATCH_VALUES", 9)
    monkeypatch.setattr(text_module, "READ_BYTES", 100)
    text = lines(logits=LOGITS.tolist(), label=LABELS.tolist(), site=[f"s{i % 7}" for i in range(20)])
    predictions = open_dump(str(written(tmp_path, text)), ReadOptions(limits=Limits(max_memory=300)))
    assert isinstance(predictions.scores, SpooledRows)
    assert predictions.scores[0:20].tolist() == LOGITS.tolist()
    assert predictions.columns["site"].tolist() == [f"s{i % 7}" for i in range(20)]
    text = lines(probs=[[0.5, 0.5]] * 9, label=[0] * 9, site=[None] * 8 + ["a"], hour=[None] * 7 + [1, None])
    columns = read(written(tmp_path, text)).columns
    assert columns["site"].tolist() == [""] * 8 + ["a"]
    assert np.flatnonzero(columns["hour"] == 1).tolist() == [7]
    assert np.isnan(columns["hour"]).sum() == 8


def test_blank_lines_at_the_end_and_marks_at_the_beginning(tmp_path):
    assert read(written(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode() + b"\r\n\n")).n == 1


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('{"logits": [1, 2]}', '"label" is missing, but the first line has it'),
        ('{"logits": [1, 2], "lable": 0}', '"label" is missing, but the first line has it'),
        ('{"logits": [1, 2, 3], "label": 0}', '"logits" has 3 numbers, but the first line has 2'),
        ('{"logits": [1, NaN], "label": 0}', "NaN is neither a score nor a label"),
        ('{"logits": [1, Infinity], "label": 0}', "Infinity is neither a score nor a label"),
        ('{"logits": [1, null], "label": 0}', '"logits" holds a list that holds null, but'),
        ('{"logits": [1, "2"], "label": 0}', '"logits" holds a list that holds text ("2"), but'),
        ('{"logits": [1, true], "label": 0}', '"logits" holds a list that holds true, but'),
        ('{"logits": [[1, 2]], "label": 0}', '"logits" holds a list that holds a list that holds null, but'),
        ('{"logits": [], "label": 0}', '"logits" holds an empty list, but a number, text or a flat list of numbers is'),
        ('{"logits": {"a": "b"}, "label": 0}', '"logits" holds an object, but'),
        ('{"logits": 1, "label": 0}', '"logits" is a number, but was a list of numbers before'),
        ('{"logits": null, "label": 0}', '"logits" is null, but was a list of numbers before'),
        ('{"logits": [1, 2], "label": "0"}', '"label" is text, but was a number before'),
        ('{"logits": [1, 2], "label": 0, "label": 1}', 'the key "label" occurs twice'),
        ('{"logits": [1, 2], "label": 0', "not valid JSON (Expecting ',' delimiter, column 30)"),
        ('{"logits": [1, 2], "label": 0} {}', "not valid JSON (Extra data, column 32)"),
        ("[1, 2, 0]", "this is a list that holds null, but every line must be a JSON object"),
        ("{}", "the object has no keys"),
        ("", "not valid JSON (Expecting value, column 1)"),
        ("[" * 200_000, "the object is nested too deeply"),
        ('{"logits": [1, 2], "label": ' + "9" * 5000 + "}", "a number of thousands of digits"),
        ('{"logits": [1, 2], "label": "\\ud800"}', "half of a surrogate pair, which is not a character"),
    ],
)
def test_lines_that_differ_from_the_first(second, message, tmp_path):
    path = written(tmp_path, GOOD + second + "\n" + GOOD)
    with pytest.raises(InputError) as error:
        read(path)
    place, _, rest = str(error.value).partition(": ")
    assert place == "d.jsonl line 2"
    assert rest.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "d.jsonl: the file is empty"),
        ("\n\n", "d.jsonl: the file is empty"),
        ("logits,label\n", "d.jsonl line 1: not valid JSON (Expecting value, column 1)"),
        (
            '{"logits": [1, 2], "label": 99999999999999999999}',
            'd.jsonl line 1: "label" holds an integer of more than 64 bits; write it as text',
        ),
        ('{"prob_0": "a", "prob_1": 1, "label": 0}', 'd.jsonl line 1: "prob_0" is text, but a score is needed'),
        ('{"prob_0": null, "prob_1": 1, "label": 0}', 'd.jsonl line 1: "prob_0" is null, but a score is needed'),
        (
            '{"probs": null, "label": 0}\n{"probs": [0, 1], "label": 0}',
            'd.jsonl line 2: "probs" is a list of numbers, but was null before',
        ),
        (
            '{"p": 1, "y": 0, "classes": ["a", "b"]}\n{"p": 1, "y": 0, "classes": ["b", "a"]}',
            'd.jsonl line 2: "classes" differs from the first line',
        ),
    ],
)
def test_files_that_are_no_dumps(text, message, tmp_path):
    refused(written(tmp_path, text), message)


def test_endless_lines_and_other_encodings(monkeypatch, tmp_path):
    refused(
        written(tmp_path, GOOD.encode() + b'{"a": "\xe9"}'),
        "d.jsonl line 2: byte 0xe9 is not UTF-8: save the file as UTF-8",
    )
    monkeypatch.setattr(text_module, "LONGEST_LINE", 1000)
    refused(written(tmp_path, GOOD + "[" * 2000), "d.jsonl line 2: the line is longer than 1000 bytes")


def test_what_is_true_of_all_rows_may_stand_in_the_first_line_alone(tmp_path):
    rows: list[dict[str, object]] = [{"logits": [1, 2, 3], "label": label} for label in ("a", "b", "7", "c")]
    rows[0] |= {"class_names": ["c", "b", "a"], "ignore_index": 7}
    predictions = read(written(tmp_path, "".join(json.dumps(row) + "\n" for row in rows)))
    assert (predictions.class_names, predictions.ignored) == (("c", "b", "a"), 1)
    assert predictions.labels.tolist() == [2, 1, 7, 0]
    rows[2]["class_names"] = ["a", "b", "c"]
    refused(
        written(tmp_path, "".join(json.dumps(row) + "\n" for row in rows)),
        'd.jsonl line 3: "class_names" differs from the first line',
    )


def test_an_ignored_label_on_every_line_is_a_column(tmp_path):
    predictions = read(written(tmp_path, lines(logits=[[1, 2]] * 3, label=[0, 1, 0], ignore_index=[0, 0, 0])))
    assert (predictions.ignored, predictions.columns["ignore_index"].tolist()) == (0, [0, 0, 0])


def test_whole_numbers_of_64_bits(tmp_path):
    large = [2**64 - 1, 0, 2**63]
    assert read(written(tmp_path, lines(logits=[[1, 2]] * 3, label=[0, 1, 0], id=large))).ids.tolist() == large
    refused(
        written(tmp_path, lines(logits=[[1, 2]] * 2, label=[0, 1], id=[2**63, -1])),
        'd.jsonl line 1: "id" holds an integer of more than 64 bits; write it as text',
    )
    refused(
        written(tmp_path, lines(logits=[[1, 2]] * 2, label=[0, 1], id=[2**63, 2**64])),
        'd.jsonl line 2: "id" holds an integer of more than 64 bits; write it as text',
    )


@pytest.mark.parametrize("batch", [2**19, 4])
@pytest.mark.parametrize(
    ("ids", "dtype"),
    [
        ([2**64 - 1, 5, 0, 2**63, 7, 8], "uint64"),
        ([1, 2, 2**64 - 1, 4, 2**63, 6], "uint64"),
        ([5, 6, 7, 2**63, 0.5, 9], "float64"),
    ],
)
def test_large_whole_numbers_are_the_same_in_batches_of_any_size(ids, dtype, batch, monkeypatch, tmp_path):
    monkeypatch.setattr(rows_module, "BATCH_VALUES", batch)
    column = read(written(tmp_path, lines(logits=[[1, 2]] * 6, label=[0, 1] * 3, site=ids))).columns["site"]
    assert (column.dtype, column.tolist()) == (np.dtype(dtype), ids)
    negative = written(tmp_path, lines(logits=[[1, 2]] * 6, label=[0, 1] * 3, site=[-1, 2, 3, 2**63, 5, 6]))
    assert [*read(negative).columns] == []
