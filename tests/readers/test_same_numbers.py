"""The same table gives the same bins from every format: values on the edges of bins, as their type prints them."""

from __future__ import annotations

import gzip
import io
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.numpy import save_file

from calibeval import Predictions, evaluate, read

N = 1500
METRICS = ("accuracy", "ece", "mce", "aece", "cwce", "oe", "nll", "brier", "ece_positive", "confidence_gap")


def votes(of, dtype, seed=0):
    """Shares of the votes of trees, (n, 2), and labels drawn by them."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, of + 1, N)
    probs = np.stack([(of - counts) / of, counts / of], axis=1).astype(dtype)
    return probs, (rng.random(N) < counts / of).astype(int)


def thirds(dtype):
    """Rows of three thirds, and of other multiples of 1/15."""
    rng = np.random.default_rng(5)
    probs = np.where(np.arange(N)[:, None] % 2 == 0, 1 / 3, rng.permuted([[2 / 15, 4 / 15, 9 / 15]] * N, axis=1))
    return probs.astype(dtype), rng.integers(0, 3, N)


def decimals(dtype):
    """Rows of two decimals: 0.29 and 0.58 are not what float64 makes of 100 times them."""
    rng = np.random.default_rng(6)
    counts = rng.integers(0, 101, N)
    return np.stack([(100 - counts) / 100, counts / 100], axis=1).astype(dtype), rng.integers(0, 2, N)


TABLES = {
    "fifteenths": lambda dtype: votes(15, dtype),
    "tenths": lambda dtype: votes(10, dtype),
    "votes of 30": lambda dtype: votes(30, dtype),
    "votes of 100": lambda dtype: votes(100, dtype),
    "thirds": thirds,
    "two decimals": decimals,
}


def as_csv(probs, labels, separator=","):
    """A table with the shortest digits of the type of its numbers."""
    head = separator.join([*(f"prob_{i}" for i in range(probs.shape[1])), "label"])
    rows = (separator.join([*map(str, row), str(y)]) for row, y in zip(probs, labels, strict=True))
    return "\n".join([head, *rows, ""])


def as_jsonl(probs, labels):
    return "".join(
        f'{{"probs": [{", ".join(map(str, row))}], "label": {y}}}\n' for row, y in zip(probs, labels, strict=True)
    )


def as_list_cells(probs, labels):
    rows = (f'"[{", ".join(map(str, row))}]",{y}' for row, y in zip(probs, labels, strict=True))
    return "\n".join(["probs,label", *rows, ""])


def as_parquet(path, probs, labels):
    frame = {f"prob_{i}": probs[:, i] for i in range(probs.shape[1])}
    pq.write_table(pa.table({**frame, "label": labels}), path)


WRITERS = {
    "pt": lambda path, p, y: torch.save({"probs": torch.from_numpy(p), "labels": torch.from_numpy(y)}, path),
    "safetensors": lambda path, p, y: save_file({"probs": np.ascontiguousarray(p), "labels": y}, path),
    "parquet": as_parquet,
    "csv": lambda path, p, y: path.write_text(as_csv(p, y)),
    "csv.gz": lambda path, p, y: path.write_bytes(gzip.compress(as_csv(p, y).encode())),
    "tsv": lambda path, p, y: path.write_text(as_csv(p, y, "\t")),
    "jsonl": lambda path, p, y: path.write_text(as_jsonl(p, y)),
    "list.csv": lambda path, p, y: path.write_text(as_list_cells(p, y)),
}


def values(dump, **options):
    """Every metric that has a value."""
    report = evaluate(dump if not options else read(dump, **options), level=None)
    return {name: report[name].value for name in METRICS if name in report and report[name].value is not None}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("suffix", WRITERS)
def test_float32_from_every_format_gives_the_same_bytes(tmp_path, table, suffix):
    probs, labels = TABLES[table](np.float32)
    np.savez(tmp_path / "dump.npz", probs=probs, labels=labels)
    WRITERS[suffix](tmp_path / f"dump.{suffix}", probs, labels)
    again = read(tmp_path / f"dump.{suffix}")
    assert again.scores.dtype == np.float32
    assert values(again) == values(read(tmp_path / "dump.npz"))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("suffix", WRITERS)
def test_float64_from_every_format_falls_into_the_same_bins(tmp_path, table, suffix):
    probs, labels = TABLES[table](np.float64)
    np.savez(tmp_path / "dump.npz", probs=probs, labels=labels)
    WRITERS[suffix](tmp_path / f"dump.{suffix}", probs, labels)
    text = suffix not in ("pt", "safetensors", "parquet")
    again = values(read(tmp_path / f"dump.{suffix}"))
    # Text whose cells are all short, such as 0.29, is float32, so its numbers differ in the eighth digit.
    assert again == pytest.approx(values(read(tmp_path / "dump.npz")), abs=3e-8 if text else 0, rel=0)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_every_type_falls_into_the_bins_of_the_fractions(table, dtype):
    (narrow, labels), (exact, _) = TABLES[table](dtype), TABLES[table](np.float64)
    reports = [evaluate(Predictions(probs=p, labels=labels), level=None) for p in (narrow, exact)]
    one, other = ([bin_.count for bin_ in report.dumps[0].equal_width] for report in reports)
    assert one == other


@pytest.mark.parametrize("value", [0.2, 1 / 3, 0.4, 0.6, 2 / 3, 0.8, 14 / 15, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_confidence_on_an_edge_lies_in_the_bin_below_it(tmp_path, value, dtype):
    text = str(dtype(value))
    (tmp_path / "dump.csv").write_text("confidence,correct\n" + f"{text},1\n" * 3)
    (tmp_path / "dump.jsonl").write_text(f'{{"confidence": {text}, "correct": 1}}\n' * 3)
    np.savez(tmp_path / "dump.npz", confidence=np.full(3, value, dtype), correct=np.ones(3, int))
    for name in ("dump.csv", "dump.jsonl", "dump.npz"):
        counts = [one.count for one in evaluate(tmp_path / name, level=None).dumps[0].equal_width]
        assert counts.index(3) == round(value * 15) - 1, name


def test_one_column_and_chosen_columns(tmp_path):
    probs, labels = votes(15, np.float32)
    np.savez(tmp_path / "one.npz", probs=probs[:, 1], labels=labels)
    rows = "".join(f"{p!s},{q!s},{y}\n" for (q, p), y in zip(probs, labels, strict=True))
    (tmp_path / "one.csv").write_text("yes,no,label\n" + rows)
    (tmp_path / "one.jsonl").write_text(
        "".join(f'{{"p": {p!s}, "y": {y}}}\n' for p, y in zip(probs[:, 1], labels, strict=True))
    )
    one = values(tmp_path / "one.npz")
    assert values(tmp_path / "one.jsonl") == one
    assert values(tmp_path / "one.csv", probs_key="yes") == one
    np.savez(tmp_path / "two.npz", probs=probs, labels=labels)
    chosen = values(tmp_path / "one.csv", score_columns=["no", "yes"], kind="probs")
    assert chosen == values(tmp_path / "two.npz")


def test_standard_input(monkeypatch, tmp_path):
    probs, labels = votes(15, np.float32)
    np.savez(tmp_path / "dump.npz", probs=probs, labels=labels)
    for text in (as_csv(probs, labels), as_jsonl(probs, labels)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert values(read("-")) == values(tmp_path / "dump.npz")


@pytest.mark.parametrize("exact", [False, True])
def test_shards_are_of_one_type(tmp_path, exact):
    """A shard of short numbers beside one of long ones is float64, as if both were one file."""
    narrow, labels = votes(10, np.float64)
    wide, more = votes(15, np.float64 if exact else np.float32, seed=1)
    (tmp_path / "a-1-of-2.csv").write_text(as_csv(narrow, labels))
    (tmp_path / "a-2-of-2.csv").write_text(as_csv(wide, more))
    whole = as_csv(narrow, labels) + as_csv(wide, more).partition("\n")[2]
    (tmp_path / "whole.csv").write_text(whole)
    shards = read(tmp_path / "a-1-of-2.csv")
    assert shards.scores.dtype == (np.float64 if exact else np.float32)
    assert values(shards) == values(tmp_path / "whole.csv")


def test_labels_and_columns_do_not_count(tmp_path):
    probs, labels = votes(15, np.float32)
    frame = pd.read_csv(io.StringIO(as_csv(probs, labels)))
    frame["weight"] = np.random.default_rng(1).random(N)
    frame.to_csv(tmp_path / "dump.csv", index=False)
    found = read(tmp_path / "dump.csv")
    assert found.scores.dtype == np.float32
    assert found.columns["weight"].dtype == np.float64


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".tsv", ".jsonl", ".parquet", ".pt", ".safetensors"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_predictions_keep_their_bins(tmp_path, suffix, dtype):
    probs, labels = votes(15, dtype)
    np.savez(tmp_path / "dump.npz", probs=probs, labels=labels)
    before = read(tmp_path / "dump.npz")
    before.save(tmp_path / f"copy{suffix}")
    after = read(tmp_path / f"copy{suffix}")
    assert after.scores.dtype == dtype
    assert values(after) == values(before)
