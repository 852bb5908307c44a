"""Cells that hold lists: any column or array of text can be the scores, if it is named."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calibeval.cli.main import main
from calibeval.core.errors import InputError
from calibeval.readers.describe import inspect_dump
from calibeval.readers.features.features import read_features
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import read
from tests.readers.dumps import LABELS, PROBS, refused

WAYS = {
    "python": lambda row: str(row.tolist()),
    "numpy": str,
    "scalars": lambda row: f"[{', '.join(map(repr, row))}]",
    "array": repr,
    "spark": lambda row: f"[{','.join(map(repr, row.tolist()))}]",
    "dense vector": lambda row: f"DenseVector({row.tolist()})",
    "tensor": lambda row: f"tensor({row.tolist()}, dtype=torch.float64)",
    "tuple": lambda row: str(tuple(row.tolist())),
    "postgres": lambda row: "{" + ",".join(map(repr, row.tolist())) + "}",
    "commas": lambda row: ",".join(map(repr, row.tolist())),
    "semicolons": lambda row: "; ".join(map(repr, row.tolist())),
    "blanks": lambda row: " ".join(map(repr, row.tolist())),
}


def csv(folder, cells, rows=range(20)):
    lines = [f'{LABELS[i]},"{cell}"' for i, cell in zip(rows, cells, strict=True)]
    path = folder / "d.csv"
    path.write_text("\n".join(["label,probability", *lines]) + "\n")
    return path


def jsonl(folder, cells):
    path = folder / "d.jsonl"
    rows = [{"label": int(y), "probability": cell} for y, cell in zip(LABELS, cells, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(folder, cells):
    path = folder / "d.parquet"
    pq.write_table(pa.table({"label": LABELS, "probability": cells}), path)
    return path


def npz(folder, cells):
    path = folder / "d.npz"
    np.savez(path, label=LABELS, probability=np.array(cells))
    return path


@pytest.mark.parametrize("writer", [csv, jsonl, parquet, npz])
@pytest.mark.parametrize("way", WAYS)
def test_lists_under_a_named_key(way, writer, tmp_path):
    path = writer(tmp_path, [WAYS[way](row) for row in PROBS])
    predictions = read(path, probs_key="probability")
    assert (predictions.kind, predictions.k) == ("probs", 3)
    assert np.asarray(predictions.scores[0:20], float) == pytest.approx(PROBS, abs=1e-8)
    assert 'probs from lists in "probability"' in predictions.recognised
    assert predictions.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("way", ["python", "spark", "numpy"])
def test_a_message_proposes_the_option(way, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    csv(tmp_path, [WAYS[way](row) for row in PROBS])
    assert main(["report", "d.csv"]) == 3
    said = capsys.readouterr().err
    assert said.rstrip().endswith(
        'The cells of "probability" are lists that add up to 1: calibeval report d.csv --probs-key probability'
    )
    assert main(["report", "d.csv", "--probs-key", "probability"]) == 0
    (reading,) = inspect_dump("d.csv", ReadOptions()).readings
    assert "--probs-key probability" in str(reading.error)


def test_lists_that_do_not_add_up_to_1_are_not_proposed(tmp_path):
    with pytest.raises(InputError) as error:
        read(csv(tmp_path, ["[1, 2, 3]"] * 20))
    assert "--probs-key probability" not in str(error.value)
    with pytest.raises(InputError) as error:
        read(csv(tmp_path, ["[0.5, 0.5]", "[0.5, oops]"] * 10))
    assert "add up to 1" not in str(error.value)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("[0.5, 0.25]", "the list has 2 numbers, but the first row has 3"),
        ("[0.5, x, 0.25]", '"[0.5, x, 0.25]" is not a list of numbers ("x")'),
        ("", "the cell is empty, but a list of numbers is needed"),
        (
            "(3,[0,2],[0.5,0.5])",
            (
                '"(3,[0,2],[0.5,0.5])" is a sparse vector of Spark, but all numbers are needed: '
                "vector_to_array writes them"
            ),
        ),
    ],
)
def test_a_cell_that_is_no_such_list(cell, why, tmp_path):
    cells = [WAYS["python"](row) for row in PROBS]
    cells[7] = cell
    refused(csv(tmp_path, cells), f'd.csv: row 7, column "probability": {why}', probs_key="probability")


@pytest.mark.parametrize("cell", ["0,5", "1,234.5", "0,5 0,25"])
def test_commas_that_could_be_decimals_separate_nothing(cell, tmp_path):
    with pytest.raises(InputError):
        read(csv(tmp_path, [cell] * 20), logits_key="probability")


def test_lists_of_numbers_with_decimal_commas(tmp_path):
    cells = [";".join(map(repr, row.tolist())).replace(".", ",") for row in PROBS]
    path = csv(tmp_path, cells)
    predictions = read(path, probs_key="probability", decimal=",")
    assert predictions.scores[0:20] == pytest.approx(PROBS)


def test_features_in_cells(tmp_path):
    path = csv(tmp_path, [WAYS["spark"](row) for row in PROBS])
    assert read_features(path, features_key="probability").matrix() == pytest.approx(PROBS)


def test_text_that_is_no_list_is_refused_as_before(tmp_path):
    with pytest.raises(InputError, match=r"probs have dtype .*, but numbers are needed"):
        read(csv(tmp_path, ["a cat"] * 20), probs_key="probability")
    with pytest.raises(InputError, match=r"probs have dtype .*, but numbers are needed"):
        read(csv(tmp_path, ["(0.1, 0.9] a"] * 20), probs_key="probability")


def test_intervals_stay_labels(tmp_path):
    (tmp_path / "d.csv").write_text('confidence,prediction,label\n0.9,"(0.1, 0.5]","(0.1, 0.5]"\n0.8,"(0.5, 1.0]",x\n')
    assert read(tmp_path / "d.csv").labels.tolist() == [1, 0]
