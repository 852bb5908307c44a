"""One dump in every format, whole and in seven shards, gives the same report but for the source's name and hash."""

from __future__ import annotations

import gzip
import json

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from pyarrow import feather
from safetensors.numpy import save_file

from calibeval import Predictions, evaluate
from calibeval.readers.open import read
from tests.data import logits_and_labels
from tests.definitions import softmax

SHARDS = 7


def table(columns):
    """Two-dimensional arrays as numbered columns."""
    names = {"logits": "logit", "probs": "prob"}
    frame = {}
    for key, values in columns.items():
        if values.ndim == 2:
            frame |= {f"{names[key]}_{i}": values[:, i] for i in range(values.shape[1])}
        else:
            frame[key] = values
    return pd.DataFrame(frame)


def json_lines(columns):
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)


def rows(columns):
    return "[" + json_lines(columns).replace("\n", ",\n")[:-2] + "]"


def lists(columns):
    return json.dumps({key: values.tolist() for key, values in columns.items()})


def fixed_lists(columns):
    found = dict(columns)
    for key, values in columns.items():
        if values.ndim == 2:
            found[key] = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    return pa.table(found)


def stream(path, columns):
    with pa.ipc.new_stream(path, columns.schema) as writer:
        writer.write_table(columns, max_chunksize=100)


def hdf5(path, columns, **options):
    with h5py.File(path, "w") as file:
        for key, values in columns.items():
            file.create_dataset(key, data=values, **options)


def cells(columns):
    return pd.DataFrame(
        {key: [str(v) if values.ndim == 2 else v for v in values.tolist()] for key, values in columns.items()}
    )


def separated(path, columns, separator=","):
    """Text of all digits: that of a float32, as pandas writes it, is a shorter number nearby."""
    table({k: v.astype("f8") if v.dtype == "f4" else v for k, v in columns.items()}).to_csv(
        path, index=False, sep=separator
    )


# Every way to write a dump, with the suffix of the file.
WRITERS = {
    "npz": (".npz", lambda path, c: np.savez(path, **c)),
    "compressed npz": (".npz", lambda path, c: np.savez_compressed(path, **c)),
    "pt": (
        ".pt",
        lambda path, c: torch.save({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in c.items()}, path),
    ),
    "safetensors": (
        ".safetensors",
        lambda path, c: save_file({k: np.ascontiguousarray(v) for k, v in c.items()}, path),
    ),
    "csv": (".csv", separated),
    "csv.gz": (".csv.gz", separated),
    "csv of lists": (".csv", lambda path, c: cells(c).to_csv(path, index=False)),
    "tsv": (".tsv", lambda path, c: separated(path, c, "\t")),
    "tsv.gz": (".tsv.gz", lambda path, c: separated(path, c, "\t")),
    "jsonl": (".jsonl", lambda path, c: path.write_text(json_lines(c))),
    "jsonl.gz": (".jsonl.gz", lambda path, c: path.write_bytes(gzip.compress(json_lines(c).encode()))),
    "json": (".json", lambda path, c: path.write_text(rows(c))),
    "json of columns": (".json", lambda path, c: path.write_text(lists(c))),
    "json.gz": (".json.gz", lambda path, c: path.write_bytes(gzip.compress(lists(c).encode()))),
    "parquet": (".parquet", lambda path, c: table(c).to_parquet(path)),
    "parquet of lists": (".parquet", lambda path, c: pq.write_table(fixed_lists(c), path)),
    "feather": (".feather", lambda path, c: table(c).to_feather(path)),
    "feather of lists": (".feather", lambda path, c: feather.write_feather(fixed_lists(c), path, compression="zstd")),
    "h5": (".h5", hdf5),
    "compressed h5": (".hdf5", lambda path, c: hdf5(path, c, compression="gzip", chunks=True)),
    "arrow": (".arrow", lambda path, c: stream(path, pa.Table.from_pandas(table(c)))),
    "arrow of lists": (".arrow", lambda path, c: stream(path, fixed_lists(c))),
}

LOGITS, LABELS = logits_and_labels(700, 5)
SITES = LABELS * 3 % 4


def columns(kind, dtype):
    scores = LOGITS if kind == "logits" else softmax(LOGITS)
    return {kind: scores.astype(dtype), "labels": LABELS, "site": SITES}


def bare(predictions):
    """The JSON of their report, without what tells of files, and without intervals, which follow from sums in it."""
    found = json.loads(evaluate(predictions, level=None).to_json())
    for dump in found["dumps"]:
        for key in ("path", "sha256", "format"):
            del dump["source"][key]
        dump["source"].pop("shards", None)
        del dump["name"]
    return json.dumps(found)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize("way", WRITERS)
def test_whole_and_in_shards(way, kind, dtype, tmp_path):
    suffix, write = WRITERS[way]
    held = columns(kind, dtype)
    expected = bare(Predictions(**{kind: as_read(held[kind], way)}, labels=LABELS))
    write(tmp_path / f"whole{suffix}", held)
    whole = read(tmp_path / f"whole{suffix}")
    assert whole.columns["site"].tolist() == SITES.tolist()
    assert bare(whole) == expected
    folder = tmp_path / "shards"
    folder.mkdir()
    for i, rows in enumerate(np.array_split(np.arange(len(LABELS)), SHARDS), start=1):
        write(folder / f"d-{i:05d}-of-{SHARDS:05d}{suffix}", {key: values[rows] for key, values in held.items()})
    cut = read(folder)
    assert cut.columns["site"].tolist() == SITES.tolist()
    assert bare(cut) == expected
    assert (whole.source.shards, cut.source.shards) == (None, SHARDS)


def as_read(scores, way):
    """Numbers in text are float64."""
    return scores.astype("f8") if way.startswith(("csv", "tsv", "json")) else scores


@pytest.mark.parametrize("way", WRITERS)
def test_top_label_dumps(way, tmp_path):
    suffix, write = WRITERS[way]
    confidence = softmax(LOGITS).max(axis=1)
    prediction = LOGITS.argmax(axis=1)
    expected = bare(Predictions(confidence=confidence, correct=prediction == LABELS))
    for held in ({"correct": prediction == LABELS}, {"prediction": prediction, "label": LABELS}):
        path = tmp_path / f"d{suffix}"
        write(path, {"confidence": confidence, **held})
        predictions = read(path)
        assert predictions.kind == "confidence"
        assert bare(predictions) == expected


@pytest.mark.parametrize("way", WRITERS)
@pytest.mark.parametrize(("outcome", "kind"), [("label_ids", "logits"), ("ground_truth", "probs")])
def test_keys_of_known_tools(way, outcome, kind, tmp_path):
    suffix, write = WRITERS[way]
    if way in {"csv", "csv.gz", "tsv", "tsv.gz", "parquet", "feather", "arrow"}:
        write = {s: WRITERS[f"{s[1:]} of lists"][1] for s in (".parquet", ".feather", ".arrow")}.get(
            suffix, lambda path, c: cells(c).to_csv(path, index=False, sep="\t" if "tsv" in suffix else ",")
        )
    scores = columns(kind, "f8")[kind]
    write(tmp_path / f"d{suffix}", {"predictions": scores, outcome: LABELS})
    predictions = read(tmp_path / f"d{suffix}")
    assert predictions.kind == kind
    assert np.asarray(predictions.scores[0:700]).tolist() == scores.tolist()


@pytest.mark.parametrize("way", ["npz", "safetensors", "jsonl", "json of columns", "csv of lists", "parquet of lists"])
def test_one_hot_labels(way, tmp_path):
    suffix, write = WRITERS[way]
    write(tmp_path / f"d{suffix}", {"logits": LOGITS, "labels": np.eye(5)[LABELS]})
    assert read(tmp_path / f"d{suffix}").labels.tolist() == LABELS.tolist()
