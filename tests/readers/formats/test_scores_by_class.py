"""Scores that are objects: `{"no": 0.2, "yes": 0.8}`, as in ONNX Runtime, and vectors of Spark."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.formats import parquet as parquet_module
from calibeval.readers.open import read
from tests.readers.dumps import refused

YES = [0.9, 0.4, 0.7]
ANSWERS = ["yes", "no", "no"]


def rows(key="probabilities", **more):
    names = [("no", "yes"), ("yes", "no"), ("no", "yes")]  # the order of keys does not matter
    return [
        {key: {name: p if name == "yes" else round(1 - p, 1) for name in order}, "y": y, **more}
        for p, y, order in zip(YES, ANSWERS, names, strict=True)
    ]


def written(folder, name, objects):
    path = folder / name
    path.write_text(json.dumps(objects) if name.endswith(".json") else "\n".join(map(json.dumps, objects)), "utf-8")
    return path


@pytest.mark.parametrize("name", ["d.jsonl", "d.json"])
@pytest.mark.parametrize(("key", "kind"), [("probabilities", "probs"), ("probs", "probs"), ("logits", "logits")])
def test_an_object_gives_scores_and_names(key, kind, name, tmp_path):
    predictions = read(written(tmp_path, name, rows(key)), kind=kind)
    assert (predictions.kind, predictions.class_names) == (kind, ("no", "yes"))
    assert predictions.labels.tolist() == [1, 0, 0]
    assert np.asarray(predictions.scores[0:3])[:, 1].tolist() == pytest.approx(YES, abs=1e-7)


@pytest.mark.parametrize(
    "more",
    [{"logits": [0.0, 2.0]}, {"class_names": ["yes", "no"], "scores": [0.0, 2.0]}, {"logit_a": 0.0, "logit_b": 2.0}],
)
def test_an_object_beside_other_scores_is_left_alone(more, tmp_path):
    predictions = read(written(tmp_path, "d.jsonl", [{**row, "y": 1} for row in rows(**more)]))
    assert predictions.kind == "logits"
    assert np.asarray(predictions.scores[0:3]).tolist() == [[0.0, 2.0]] * 3


@pytest.mark.parametrize("scores", [{}, {"no": 0.1, "yes": "0.9"}, {"no": 0.1, "yes": [0.9]}])
def test_an_object_of_other_things_is_no_score(scores, tmp_path):
    path = written(tmp_path, "d.jsonl", [{"probs": scores, "y": "no"}] * 3)
    with pytest.raises(InputError, match='"probs" holds an object'):
        read(path)


def test_a_row_without_a_class_is_named(tmp_path):
    objects = rows()
    del objects[2]["probabilities"]["yes"]
    with pytest.raises(InputError, match='line 3: "prob_yes" is missing'):
        read(written(tmp_path, "d.jsonl", objects))


def labelled(best_first, y):
    return {"text": "good", "output": [{"label": name, "score": score} for name, score in best_first], "label": y}


def test_what_a_pipeline_returns_is_probabilities_by_class(tmp_path):
    objects = [labelled([("POS", 0.9), ("NEG", 0.1)], "POS"), labelled([("NEG", 0.8), ("POS", 0.2)], "POS")]
    predictions = read(written(tmp_path, "d.jsonl", objects))
    assert (predictions.kind, predictions.class_names, predictions.labels.tolist()) == ("probs", ("NEG", "POS"), [1, 1])
    assert np.asarray(predictions.scores[0:2])[:, 1].tolist() == pytest.approx([0.9, 0.2], abs=1e-7)


def test_classes_of_a_pipeline_are_in_natural_order(tmp_path):
    best_first = [(f"LABEL_{i}", 0.5 if i == 10 else 0.05) for i in (10, 3, 0, 1, 2, 9, 8, 7, 6, 5, 4)]
    predictions = read(written(tmp_path, "d.jsonl", [labelled(best_first, 10), labelled(best_first[::-1], 3)]))
    assert predictions.class_names == tuple(f"LABEL_{i}" for i in range(11))
    assert np.asarray(predictions.scores[0:2])[:, 10].tolist() == pytest.approx([0.5, 0.5], abs=1e-7)
    assert predictions.labels.tolist() == [10, 3]


def test_what_only_some_rows_have_is_said_once(tmp_path):
    objects = [{"probabilities": {"a": 0.5, "b": 0.25, "c": 0.25}, "y": "a"}, {"probabilities": {"a": 1}, "y": "a"}]
    with pytest.raises(InputError) as error:
        read(written(tmp_path, "d.jsonl", objects))
    assert str(error.value).count("(it is in") == 1


def test_the_best_of_many_classes_alone_are_no_scores(tmp_path):
    objects = [labelled([("a", 0.6), ("b", 0.3)], "a"), labelled([("c", 0.5), ("a", 0.4)], "a")]
    with pytest.raises(InputError, match=r'"prob_[bc]" is missing'):
        read(written(tmp_path, "d.jsonl", objects))


def test_other_lists_of_objects_are_left_alone(tmp_path):
    for inner in (
        [{"label": "a", "score": 0.5}, {"label": "a", "score": 0.5}],
        [{"label": "a"}],
        [{"label": 1, "score": 1}],
    ):
        objects = [{"logits": [0.0, 2.0], "y": 1, "output": inner}] * 2
        assert read(written(tmp_path, "d.jsonl", objects)).kind == "logits"


VECTOR = parquet_module.VECTORS[0]
PROBS = [[0.1, 0.9], [0.6, 0.4], [0.3, 0.7]]


def dense(values):
    return {"type": 1, "size": None, "indices": None, "values": values}


def vectors(folder, cells):
    columns = {
        "probability": pa.array(cells, VECTOR),
        "features": pa.array(cells[::-1], VECTOR),
        "label": [1.0, 0.0, 0.0],
    }
    pq.write_table(pa.table(columns), folder / "d.parquet")
    return folder / "d.parquet"


@pytest.mark.parametrize("batch", [2**16, 2])
def test_a_dense_vector_is_a_list(batch, monkeypatch, tmp_path):
    monkeypatch.setattr(parquet_module, "MOST_ROWS", batch)
    predictions = read(vectors(tmp_path, [dense(row) for row in PROBS]), probs_key="probability")
    assert predictions.scores[0:3].tolist() == PROBS
    assert predictions.labels.tolist() == [1, 0, 0]


def test_a_sparse_vector_is_refused_where_it_is_used(tmp_path):
    sparse = {"type": 0, "size": 2, "indices": [1], "values": [1.0]}
    path = vectors(tmp_path, [dense(PROBS[0]), dense(PROBS[1]), sparse])
    why = 'column "probability": a sparse vector of Spark; vector_to_array makes it dense'
    refused(path, f"d.parquet row 2, {why}", probs_key="probability")


def test_vectors_differ_in_length_or_are_missing(tmp_path):
    with pytest.raises(InputError, match='row 1, column "probability": the list has 1 numbers'):
        read(vectors(tmp_path, [dense(PROBS[0]), dense([1.0]), dense(PROBS[2])]), probs_key="probability")
    with pytest.raises(InputError, match='row 1, column "probability": the cell is empty'):
        read(vectors(tmp_path, [dense(PROBS[0]), None, dense(PROBS[2])]), probs_key="probability")
