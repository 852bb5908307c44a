"""Files that polars, DuckDB and Hugging Face datasets write."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tests.tools.made import ANSWERS, FEW, Array, Truth, Writer, bayes, data


def _lists(classes: int, seed: int) -> tuple[Truth, dict[str, Any]]:
    problem = data(classes, seed, FEW)
    probs = bayes(problem)
    return Truth(probs, problem.test_labels), {"probabilities": probs.tolist(), "label": problem.test_labels.tolist()}


def polars_csv(path: Path) -> Truth:
    import polars as pl

    problem = data(2, 21)
    probs = bayes(problem)
    table = pl.DataFrame({f"prob_{name}": probs[:, i] for i, name in enumerate(ANSWERS)})
    table.with_columns(label=pl.Series(ANSWERS[problem.test_labels])).write_csv(path)
    return Truth(probs, problem.test_labels)


def polars_parquet(path: Path) -> Truth:
    import polars as pl

    problem = data(4, 22)
    probs = bayes(problem).astype(np.float32)
    # An array column, and labels of a categorical type that must not be taken for anything else.
    pl.DataFrame({"probs": probs, "label": problem.test_labels}).write_parquet(path)
    return Truth(probs, problem.test_labels)


def polars_ndjson(path: Path) -> Truth:
    import polars as pl

    truth, columns = _lists(3, 23)
    pl.DataFrame(columns).write_ndjson(path)
    return truth


def polars_json(path: Path) -> Truth:
    import polars as pl

    truth, columns = _lists(3, 24)
    pl.DataFrame(columns).write_json(path)
    return truth


def polars_arrow(path: Path) -> Truth:
    import polars as pl

    problem = data(3, 25)
    probs = bayes(problem)
    columns: dict[str, Array] = {f"prob_{i}": probs[:, i] for i in range(3)}
    pl.DataFrame({**columns, "label": problem.test_labels}).write_ipc(path)
    return Truth(probs, problem.test_labels)


def _copied(path: Path, columns: dict[str, Any]) -> None:
    """COPY answers TO the file."""
    import duckdb
    import pandas as pd

    with duckdb.connect() as connection:
        connection.register("answers", pd.DataFrame(columns))
        connection.execute(f"COPY answers TO '{path}'")


def duckdb_json(path: Path) -> Truth:
    truth, columns = _lists(3, 26)
    _copied(path, columns)
    return truth


def duckdb_parquet(path: Path) -> Truth:
    truth, columns = _lists(5, 27)
    _copied(path, {"p": columns["probabilities"], "label": columns["label"]})
    return truth


def datasets_parquet(path: Path) -> Truth:
    from datasets import ClassLabel, Dataset

    truth, columns = _lists(2, 28)
    rows = Dataset.from_dict({"text": [f"review {i}" for i in range(len(truth.labels))], **columns})
    rows.cast_column("label", ClassLabel(names=list(ANSWERS))).to_parquet(path)
    return truth


def datasets_jsonl(path: Path) -> Truth:
    from datasets import Dataset

    truth, columns = _lists(3, 29)
    texts = [{"text": f"review {i}", "tokens": [i, i + 1]} for i in range(len(truth.labels))]
    Dataset.from_dict({"input": texts, **columns}).to_json(path)
    return truth


def datasets_arrow(path: Path) -> Truth:
    from datasets import Dataset

    truth, columns = _lists(3, 30)
    folder = path.with_suffix("")
    Dataset.from_dict(columns).save_to_disk(folder)
    (folder / "data-00000-of-00001.arrow").rename(path)
    shutil.rmtree(folder)
    return truth


WRITERS = (
    Writer(
        "polars.csv",
        "polars",
        "write_csv()",
        "columns `prob_no`, `prob_yes`; labels are names",
        "",
        ("polars", "scikit-learn"),
        polars_csv,
    ),
    Writer(
        "polars.parquet",
        "polars",
        "write_parquet()",
        "a column `probs` of arrays, float32",
        "",
        ("polars", "scikit-learn"),
        polars_parquet,
    ),
    Writer(
        "polars.jsonl",
        "polars",
        "write_ndjson()",
        "a list `probabilities` in each line",
        "",
        ("polars", "scikit-learn"),
        polars_ndjson,
    ),
    Writer(
        "polars.json",
        "polars",
        "write_json()",
        "an array of objects with a list `probabilities`",
        "",
        ("polars", "scikit-learn"),
        polars_json,
    ),
    Writer(
        "polars.arrow",
        "polars",
        "write_ipc()",
        "columns `prob_0`, `prob_1`, ...",
        "",
        ("polars", "scikit-learn"),
        polars_arrow,
    ),
    Writer(
        "duckdb.json",
        "DuckDB",
        "COPY answers TO 'duckdb.json'",
        "an object in each line, although the suffix is .json",
        "",
        ("duckdb", "pandas"),
        duckdb_json,
    ),
    Writer(
        "duckdb.parquet",
        "DuckDB",
        "COPY answers TO 'duckdb.parquet'",
        "a column `p` of lists",
        "--probs-key p",
        ("duckdb", "pandas"),
        duckdb_parquet,
    ),
    Writer(
        "datasets.parquet",
        "Hugging Face datasets",
        "to_parquet()",
        "texts, a column `probabilities` of lists, class labels",
        "",
        ("datasets", "pyarrow"),
        datasets_parquet,
    ),
    Writer(
        "datasets.jsonl",
        "Hugging Face datasets",
        "to_json()",
        "nested objects and a list `probabilities`",
        "",
        ("datasets",),
        datasets_jsonl,
    ),
    Writer(
        "datasets.arrow",
        "Hugging Face datasets",
        "save_to_disk()",
        "a stream, `data-00000-of-00001.arrow`, with a column `probabilities` of lists",
        "",
        ("datasets", "pyarrow"),
        datasets_arrow,
    ),
)
