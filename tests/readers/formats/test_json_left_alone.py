"""`.jsonl`: keys that not every row has, or that no array can hold, are left alone until somebody uses them."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from calibeval.cli.main import main
from calibeval.core.errors import InputError
from calibeval.readers.describe import inspect_dump
from calibeval.readers.formats import json_rows as rows_module
from calibeval.readers.formats.json_rows import Rows
from calibeval.readers.formats.json_values import Parser
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import read
from calibeval.readers.stored.limits import Limits
from tests.readers.dumps import LABELS, PROBS, refused

ODD = {
    "meta": ([{"site": "A"}] * 20, "object"),
    "tags": ([["a", "b"]] * 20, "list of text"),
    "boxes": ([[[1, 2], [3, 4]]] * 20, "list of lists"),
    "turns": ([[{"role": "user"}]] * 20, "list of objects"),
    "empty": ([[]] * 20, "empty list"),
    "steps": ([[1.0] * (i % 3 + 1) for i in range(20)], "lists of differing lengths"),
    "mixed": ([i if i % 5 else "a" for i in range(20)], "mixed values"),
    "flag": ([None if i == 7 else True for i in range(20)], "mixed values"),
    "loss": ([float("nan")] * 20, "NaN is neither a score nor a label"),
    "text": (["\ud83d" for _ in range(20)], "half of a surrogate pair, which is not a character"),
    "large": ([2**64] * 20, "large integers"),
    "sparse": ([{"type": 0, "size": 3, "indices": [0], "values": [1.0]}] * 20, "object"),
}


def rows(**columns):
    """The rows of a good dump, with more keys; Ellipsis stands for a key that a row lacks."""
    found = [{"probs": p, "label": y} for p, y in zip(PROBS.tolist(), LABELS.tolist(), strict=True)]
    for key, values in columns.items():
        for row, value in zip(found, values, strict=True):
            row.update({} if value is ... else {key: value})
    return found


def written(folder, objects, name="d.jsonl"):
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in objects))
    return folder / name


def roles(path):
    return {note.key: note.role for note in inspect_dump(str(path), ReadOptions()).arrays}


@pytest.mark.parametrize("batch", [2**19, 7])
@pytest.mark.parametrize("key", ODD)
def test_what_no_array_can_hold_stops_no_file(key, batch, monkeypatch, tmp_path):
    monkeypatch.setattr(rows_module, "BATCH_VALUES", batch)
    values, what = ODD[key]
    path = written(tmp_path, rows(**{key: values}, site=["a", "b"] * 10))
    predictions = read(path)
    assert np.array_equal(predictions.scores[0:20], PROBS)
    assert [*predictions.columns] == ["site"]
    assert roles(path) == {
        "probs": "probs",
        "label": "labels",
        key: f"not used: {what}",
        "site": "possible slice column",
    }
    with pytest.raises(InputError, match=r"^d\.jsonl line [1-9][0-9]*: "):
        read(path, probs_key=key)


@pytest.mark.parametrize("batch", [2**19, 7])
def test_keys_that_only_some_rows_have(batch, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(rows_module, "BATCH_VALUES", batch)
    late = [... if i < 9 else f"n{i}" for i in range(20)]
    early = [i if i < 3 else ... for i in range(20)]
    path = written(tmp_path, rows(note=late, first=early, nested=[... if i % 2 else {"a": 1} for i in range(20)]))
    assert read(path).n == 20
    found = roles(path)
    assert (found["note"], found["first"]) == ("not used: in 11 of 20 rows", "not used: in 3 of 20 rows")
    assert found["nested"] == "not used: object"
    for option in (["--slice", "note"], ["--group", "note"], ["--ids-key", "note"], ["--labels-key", "note"]):
        assert main(["report", str(path), *option]) == 3
        said = 'd.jsonl line 1: "note" is missing, but line 10 has it (it is in 11 of 20 rows)'
        assert said in capsys.readouterr().err
    assert main(["report", str(path), "--slice", "first"]) == 3
    said = 'd.jsonl line 4: "first" is missing, but the first line has it (it is in 3 of 20 rows)'
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("role", ["probs", "label", "id"])
def test_what_has_a_role_must_be_there(role, tmp_path):
    objects = rows(id=[f"r{i}" for i in range(20)])
    del objects[6][role]
    said = f'd.jsonl line 7: "{role}" is missing, but the first line has it (it is in 19 of 20 rows)'
    refused(written(tmp_path, objects), said)
    objects = rows(id=[f"r{i}" for i in range(20)])
    objects[6][role] = {"a": {}}
    said = f'd.jsonl line 7: "{role}" holds an object, but a number, text or a flat list of numbers is needed'
    refused(written(tmp_path, objects), said)


def test_an_option_wins_over_a_name_that_is_left_alone(tmp_path):
    path = written(tmp_path, rows(labels=[{"a": 1}] * 20, outputs=["text"] * 19 + [1]))
    predictions = read(path, probs_key="probs", labels_key="label")
    assert predictions.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("value", ["The answer is B", ["B"], {"text": "B"}])
@pytest.mark.parametrize("key", ["outputs", "scores", "softmax"])
def test_texts_and_objects_are_no_scores_beside_numbers(key, value, tmp_path):
    predictions = read(written(tmp_path, rows(**{key: [value] * 20})))
    assert (predictions.kind, predictions.k) == ("probs", 3)
    objects = rows(outputs=[[1, 2, 3]] * 20)
    del objects[4]["outputs"]  # scores that are broken are not replaced by others in silence
    refused(
        written(tmp_path, objects),
        'd.jsonl line 5: "outputs" is missing, but the first line has it (it is in 19 of 20 rows)',
    )


def columns_of(scores):
    return [{f"prob_{i}": value for i, value in enumerate(row)} for row in scores.tolist()]


def test_scores_in_columns(tmp_path):
    objects = [{**row, "label": int(y)} for row, y in zip(columns_of(PROBS), LABELS, strict=True)]
    objects[4]["prob_max"] = 0.5
    path = written(tmp_path, objects)
    assert np.array_equal(read(path).scores[0:20], PROBS)
    assert roles(path)["prob_max"] == "not used: in 1 of 20 rows"
    objects[4]["prob_3"] = 0.5  # a class that the others lack
    said = 'd.jsonl line 1: "prob_3" is missing, but line 5 has it (it is in 1 of 20 rows)'
    refused(written(tmp_path, objects), said)
    del objects[4]["prob_3"], objects[8]["prob_1"]
    path = written(tmp_path, [{**row, "other": [0.5, 0.5]} for row in objects])
    said = 'd.jsonl line 9: "prob_1" is missing, but the first line has it (it is in 19 of 20 rows)'
    refused(path, said)
    objects[8]["prob_1"] = None
    path = written(tmp_path, [{**row, "other": [0.5, 0.5]} for row in objects])
    refused(path, 'd.jsonl line 9: "prob_1" is null, but a score is needed')
    assert read(path, probs_key="other", ignore_index=2).k == 2


def test_vectors_of_spark(tmp_path):
    vectors = [{"type": 1, "values": row} for row in PROBS.tolist()]
    objects = [{"probability": one, "label": int(y)} for one, y in zip(vectors, LABELS, strict=True)]
    assert np.array_equal(read(written(tmp_path, objects), probs_key="probability").scores[0:20], PROBS)
    objects[2]["probability"] = {"type": 0, "size": 3, "indices": [1], "values": [1.0]}
    path = written(tmp_path, objects)
    said = (
        'd.jsonl line 3: "probability" holds a sparse vector of Spark (vector_to_array makes it dense), but a number, '
    )
    refused(path, f"{said}text or a flat list of numbers is needed", probs_key="probability")


def test_objects_that_nobody_uses_are_not_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(rows_module, "BATCH_BYTES", 2**16)
    prompts = [{"turns": ["x" * 20_000]}] * 20
    path = written(tmp_path, rows(meta=prompts, late=[..., *prompts[1:]], answer=[1, *prompts[1:]]) * 5)
    assert path.stat().st_size > 5_000_000
    tracemalloc.start()
    try:
        lines = path.read_text().splitlines()
        first = json.loads(lines[0])
        before = tracemalloc.get_traced_memory()[0]
        found = Rows(first, json.loads(lines[1]).keys(), Limits(), Parser("d.jsonl", "line"))
        for i, line in enumerate(lines):
            found.add(i + 1, json.loads(line), len(line))
        assert tracemalloc.get_traced_memory()[0] - before < 500_000
    finally:
        tracemalloc.stop()


def test_too_many_different_keys(monkeypatch, tmp_path):
    monkeypatch.setattr(rows_module, "MOST_COLUMNS", 30)
    path = written(tmp_path, [{**row, f"k{i}": 1, f"l{i}": 1} for i, row in enumerate(rows())])
    refused(path, "d.jsonl line 15: there are more than 30 different keys")


@pytest.mark.parametrize("change", ["missing", "of another type"])
def test_keys_that_only_some_shards_have(change, tmp_path):
    written(tmp_path, rows(note=["a"] * 20), "a-0.jsonl")
    written(tmp_path, rows() if change == "missing" else rows(note=[1] * 20), "a-1.jsonl")
    pattern = str(tmp_path / "a-*.jsonl")
    predictions = read(pattern)
    assert (predictions.n, [*predictions.columns]) == (40, [])
    what = "in 1 of 2 shards" if change == "missing" else "of differing types or shapes"
    assert roles(pattern)["note"] == f"not used: {what}"
    with pytest.raises(InputError, match=r'^a-1\.jsonl: (has no )?"note"'):
        read(pattern, labels_key="note")
