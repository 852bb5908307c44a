"""Columns that are named like the scores of classes, but were computed of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError

RNG = np.random.default_rng(7)
N = 60
NAMES = np.array(["cat", "dog", "emu"])
LABELS = RNG.integers(0, 3, N)
LOGITS = RNG.normal(size=(N, 3)) + 2 * np.eye(3)[LABELS]
OPTION = ["logit_*", "!logit_max"]


def written(folder: Path, suffix: str, last: str, labels: np.ndarray) -> Path:
    path = folder / f"d{suffix}"
    columns = {f"logit_{name}": LOGITS[:, i].tolist() for i, name in enumerate(NAMES)}
    columns |= {f"logit_{last}": LOGITS.max(axis=1).tolist(), "label": labels.tolist()}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if suffix == ".csv":
        lines = [",".join(columns), *(",".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines) + "\n")
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif suffix == ".json":
        path.write_text(json.dumps(columns))
    else:
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table(columns), path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("labels", [NAMES[LABELS], LABELS], ids=["names", "numbers"])
def test_a_maximum_is_no_class(tmp_path, suffix, labels):
    path = written(tmp_path, suffix, "max", labels)
    message = (
        f'd{suffix}: "logit_max" seems to be computed from the other columns, because no label is "max". '
        'Say score_columns=["logit_cat", "logit_dog", "logit_emu"]'
    )
    with pytest.raises(InputError, match=re.escape(message)):
        calibeval.read(path)
    for said in (OPTION, ["logit_cat", "logit_dog", "logit_emu"]):
        predictions = calibeval.read(path, score_columns=said)
        assert predictions.class_names == tuple(NAMES)
        assert predictions.kind == "logits"
        assert predictions.labels.tolist() == LABELS.tolist()
        assert np.array_equal(predictions.scores[0:N], LOGITS)
    every = calibeval.read(path, score_columns=["logit_*"])
    assert every.k == 4


def test_a_class_of_such_a_name(tmp_path):
    labels = np.array(["cat", "dog", "emu", "max"])[(LABELS + np.arange(N) % 2) % 4]
    assert calibeval.read(written(tmp_path, ".csv", "max", labels)).k == 4
    assert calibeval.read(written(tmp_path, ".csv", "gnu", NAMES[LABELS])).k == 4


def test_true_beside_false(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("prob_true,prob_false,label\n" + "0.25,0.75,false\n" * 3)
    assert calibeval.read(path).labels.tolist() == [1, 1, 1]
    path.write_text("prob_FALSE,prob_TRUE,prob_unknown,label\n" + "0.5,0.25,0.25,FALSE\n" * 3)
    assert calibeval.read(path).k == 3  # no label is TRUE, but a class is called so


def test_columns_in_another_order(tmp_path):
    path = written(tmp_path, ".csv", "max", NAMES[LABELS])
    predictions = calibeval.read(path, score_columns=["logit_emu", "logit_cat", "logit_dog"])
    assert predictions.class_names == ("emu", "cat", "dog")
    assert np.array_equal(predictions.scores[0:N], LOGITS[:, [2, 0, 1]])
    assert predictions.columns["logit_max"].tolist() == LOGITS.max(axis=1).tolist()


def test_a_column_of_text_among_them(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("prob_a,prob_b,prob_note,label\n0.5,0.5,x,a\n")
    with pytest.raises(InputError, match=r'line 2, column "prob_note": "x" is not a number'):
        calibeval.read(path, score_columns=["prob_a", "prob_b"])


def test_a_single_column_of_a_class(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("prob_1,label\n0.75,1\n0.25,0\n")
    assert calibeval.read(path).scores[0:2].tolist() == [[0.25, 0.75], [0.75, 0.25]]
    for column in ("logit_1", "logit_yes"):
        path.write_text(f"{column},label\n2.5,1\n-1,0\n")
        stem = column.partition("_")[0]
        message = f'"{column}" is the only column of scores. If it is that of class 1 of two, call it "{stem}"'
        with pytest.raises(InputError, match=re.escape(message)):
            calibeval.read(path)
        path.write_text(f"{stem},label\n2.5,1\n-1,0\n")
        assert calibeval.read(path).k == 2


def test_the_columns_of_one_array_are_read_once(monkeypatch, tmp_path):
    parquet, pandas = pytest.importorskip("calibeval.readers.formats.parquet"), pytest.importorskip("pandas")
    names = [f"logit_class {i}" for i in range(50)]
    logits = np.random.default_rng(1).normal(size=(40, 50))
    frame = pandas.DataFrame(logits, columns=names).assign(label=[names[i][6:] for i in logits.argmax(axis=1)])
    frame.to_parquet(tmp_path / "d.parquet")
    reads = []
    own = parquet.ColumnFile._read
    monkeypatch.setattr(
        parquet.ColumnFile, "_read", lambda self, columns, **how: reads.append(columns) or own(self, columns, **how)
    )
    found = calibeval.read(tmp_path / "d.parquet", score_columns=["logit_*"])
    assert np.array_equal(found.scores[0:40], logits)
    assert found.labels.tolist() == logits.argmax(axis=1).tolist()
    assert reads == [names, ["label"]]
