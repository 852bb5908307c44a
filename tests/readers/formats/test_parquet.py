"""`.parquet`: columns of scores, columns of lists, texts, empty cells, and damage."""

from __future__ import annotations

import datetime as dt
import decimal
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calibeval.core.errors import InputError, UsageError
from calibeval.readers.describe import inspect_dump
from calibeval.readers.formats import parquet as parquet_module
from calibeval.readers.meaning.keys import Keys
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump, read
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.spool import SpooledRows
from tests.readers.dumps import LABELS, LOGITS, PROBS, refused


def written(folder, columns, **options):
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), folder / "d.parquet", **options)
    return folder / "d.parquet"


def numbered(scores, prefix="logit_"):
    return {f"{prefix}{i}": scores[:, i] for i in range(scores.shape[1])}


def lists(scores, kind=None):
    return pa.array(scores.tolist(), kind or pa.list_(pa.from_numpy_dtype(scores.dtype)))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize(
    "columns",
    [
        numbered,
        lambda x: {"logits": lists(x)},
        lambda x: {"scores": lists(x, pa.list_(pa.from_numpy_dtype(x.dtype), 3))},
        lambda x: {"outputs": lists(x, pa.large_list(pa.from_numpy_dtype(x.dtype)))},
    ],
    ids=["numbered", "list", "fixed", "large"],
)
def test_scores(columns, dtype, tmp_path):
    scores = LOGITS.astype(dtype)
    predictions = read(written(tmp_path, {**columns(scores), "label": LABELS}))
    assert (predictions.kind, predictions.source.format) == ("logits", "parquet")
    assert predictions.scores.dtype == dtype
    assert (predictions.scores[0:20] == scores).all()
    assert predictions.labels.tolist() == LABELS.tolist()


def test_whole_numbers_are_scores(tmp_path):
    scores = np.arange(60).reshape(20, 3)
    assert (read(written(tmp_path, {**numbered(scores), "label": LABELS})).scores[0:20] == scores).all()
    assert (read(written(tmp_path, {"logits": lists(scores), "label": LABELS})).scores[0:20] == scores).all()


def test_class_names_texts_and_dictionaries(tmp_path):
    names = np.array(["cat", "dog", "eel"])
    columns = {f"prob_{name}": PROBS[:, i] for i, name in enumerate(names)}
    site = pa.array([None if i == 4 else f"s{i % 4}" for i in range(20)])
    path = written(
        tmp_path,
        {
            **columns,
            "label": pa.array(names[LABELS]).dictionary_encode(),
            "site": site,
            "id": pa.array([f"é{i}" for i in range(20)], pa.large_string()),
            "level": pa.array(np.arange(20) % 3).dictionary_encode(),
            "day": [dt.date(2026, 1, i + 1) for i in range(20)],
            "nothing": pa.nulls(20),
            "hour": pa.array([None if i == 4 else i for i in range(20)]),
        },
    )
    predictions = read(path)
    assert predictions.class_names == ("cat", "dog", "eel")
    assert predictions.labels.tolist() == LABELS.tolist()
    assert predictions.ids[3] == "é3"
    assert predictions.columns["site"].tolist() == ["" if i == 4 else f"s{i % 4}" for i in range(20)]
    assert predictions.columns["level"].tolist() == [i % 3 for i in range(20)]
    assert predictions.columns["day"][9] == "2026-01-10"
    assert np.isnan(predictions.columns["nothing"]).all()
    assert np.isnan(predictions.columns["hour"][4])


def test_other_outcomes(tmp_path):
    path = written(tmp_path, {"confidence": [0.5, 0.75], "correct": [True, False]})
    assert read(path).labels.tolist() == [1, 0]
    path = written(tmp_path, {"prob": [0.5, 0.75], "y": [1, 0]})
    assert read(path).k == 2
    path = written(tmp_path, {"predictions": lists(PROBS), "ground_truth": lists(np.eye(3)[LABELS])})
    assert (read(path).kind, read(path).labels.tolist()) == ("probs", LABELS.tolist())


@pytest.mark.parametrize("options", [{}, {"row_group_size": 7}, {"compression": "zstd", "use_dictionary": False}])
def test_batches_and_spools_change_nothing(options, monkeypatch, tmp_path):
    monkeypatch.setattr(parquet_module, "MOST_ROWS", 3)
    sites = [f"s{i % 7}" for i in range(20)]
    for columns in (numbered(LOGITS), {"logits": lists(LOGITS)}):
        path = written(tmp_path, {**columns, "label": LABELS, "site": sites}, **options)
        predictions = open_dump(str(path), ReadOptions(limits=Limits(max_memory=100)))
        assert isinstance(predictions.scores, SpooledRows)
        assert (predictions.scores[0:20] == LOGITS).all()
        assert predictions.columns["site"].tolist() == sites


def test_one_text_of_many_rows_is_held_once(tmp_path):
    note = pa.DictionaryArray.from_arrays(pa.array(np.zeros(50_000, "i4")), ["x" * 100_000])
    path = written(tmp_path, {"prob": [0.5] * 50_000, "label": [0] * 50_000, "note": note}, store_schema=False)
    assert pq.read_schema(path).field("note").type == pa.string()
    notes = read(path).columns["note"]
    assert len(notes[49_999]) == 100_000
    assert notes[0] is notes[49_999]


def test_announced_sizes_are_checked_first(tmp_path):
    path = written(tmp_path, {"prob": np.full(1_000_000, 0.5), "label": np.zeros(1_000_000, "i8")})
    assert path.stat().st_size < 20_000
    message = (
        "d.parquet: expands to 8000000 bytes, over the limit of 1000000. If you trust the file, raise --max-bytes."
    )
    refused(path, message, max_bytes=10**6)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"logit_0": [1.0, None], "logit_1": [1.0, 2.0]},
            'd.parquet row 1, column "logit_0": the cell is empty (null)',
        ),
        ({"logits": [[1.0, 2.0], None]}, 'd.parquet row 1, column "logits": the cell is empty (null)'),
        ({"logits": [[1.0, 2.0], [1.0, None]]}, 'd.parquet row 1, column "logits": number 1 is empty (null)'),
        (
            {"logits": [[1.0, 2.0], [1.0]]},
            'd.parquet row 1, column "logits": the list has 1 numbers, but the first row has 2',
        ),
        ({"logits": [[], [1.0]]}, 'd.parquet row 0, column "logits": the list is empty'),
        (
            {"logits": [[[1.0]], [[2.0]]]},
            (
                'd.parquet: column "logits" holds list<element: list<element: double>>, but numbers, texts or flat '
                "lists of numbers are needed"
            ),
        ),
        (
            {"logit_0": [decimal.Decimal("1.5")] * 2, "logit_1": [1.0, 2.0]},
            'd.parquet: column "logit_0" holds decimal128(2, 1), but a score is needed. Write it as double.',
        ),
        (
            {"logit_0": ["a", "b"], "logit_1": [1.0, 2.0]},
            'd.parquet: column "logit_0" holds string, but a score is needed',
        ),
        (
            {"logit_0": [1.0, 1.0], "logit_2": [1.0, 1.0]},
            "d.parquet: there are 2 columns of logits, but number 1 is missing",
        ),
        (
            {"index": [[4, 1], [3, 0]], "prob": [[0.5, 0.25]] * 2},
            'd.parquet: the lists in "index" say that "prob" is the score of the best class, not of class 0. ',
        ),
    ],
)
def test_columns_that_cannot_be(columns, message, tmp_path):
    with pytest.raises(InputError) as error:
        read(written(tmp_path, {**columns, "label": [0, 1]}))
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("values", "columns"),
    [([{"a": 1}, {"a": 2}], []), ([b"1", b"2"], []), ([[1.0], [2.0, 3.0]], []), ([True, None], ["extra"])],
)
def test_a_column_without_a_role_is_left_alone(values, columns, tmp_path):
    predictions = read(written(tmp_path, {"logits": [[1.0], [2.0]], "label": [0, 1], "extra": values}))
    assert [*predictions.columns] == columns
    assert predictions.labels.tolist() == [0, 1]


def test_a_column_is_read_where_it_is_used(tmp_path):
    path = written(tmp_path, {"logits": [[1.0], [2.0]], "label": [0, 1], "seen": [[True], None], "p": [[0.5], None]})
    assert read(path).n == 2
    with pytest.raises(InputError, match=r'^d\.parquet row 1, column "p": the cell is empty \(null\)$'):
        read(path, probs_key="p")


def test_tables_that_cannot_be(tmp_path):
    table = pa.table([[1.0], [2.0], [0]], names=["prob", "prob", "label"])
    refused(written(tmp_path, table), 'd.parquet: two columns are called "prob"')
    refused(
        written(tmp_path, {"prob": pa.array([], "f8"), "label": pa.array([], "i8")}), "d.parquet: there are no rows"
    )


def damaged(path, change):
    raw = bytearray(path.read_bytes())
    path.write_bytes(change(raw) or raw)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-20],
        lambda raw: raw[:4] + raw[200:],
        lambda raw: raw[:0] + b"text, not parquet\n",
        lambda raw: raw[:-8] + b"\xff\xff\xff\x7f" + raw[-4:],
        lambda raw: raw[:-60] + b"\0" * 40 + raw[-20:],
    ],
    ids=["cut", "spliced", "text", "length", "footer"],
)
def test_damage(change, tmp_path):
    path = damaged(written(tmp_path, {**numbered(LOGITS), "label": LABELS}), change)
    with pytest.raises(InputError, match=r"^d\.parquet: not a \.parquet file, or damaged \("):
        read(path)


def test_page_checksums_are_verified(tmp_path):
    path = written(tmp_path, {**numbered(LOGITS), "label": LABELS}, write_page_checksum=True, compression="none")
    place = path.read_bytes().find(LOGITS[3, 0].tobytes())
    damaged(path, lambda raw: raw.__setitem__(place, raw[place] ^ 1))
    with pytest.raises(InputError, match=r"^d\.parquet: not a \.parquet file, or damaged \(.*CRC"):
        read(path)


def test_without_pyarrow(monkeypatch, tmp_path):
    path = written(tmp_path, {"prob": [0.5], "label": [0]})
    monkeypatch.delitem(sys.modules, "calibeval.readers.formats.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError) as error:
        read(path)
    assert str(error.value) == "reading .parquet needs pyarrow: pip install 'calibeval[parquet]'"


def test_the_metadata_may_say_what_is_true_of_all_rows(tmp_path):
    columns = {**numbered(LOGITS), "label": LABELS}
    path = tmp_path / "d.parquet"

    def stored(**facts):
        pq.write_table(pa.table(columns).replace_schema_metadata(facts), path)
        return path

    predictions = read(stored(class_names='["x", "y", "z"]', ignore_index="2", other="?"))
    assert (predictions.class_names, predictions.ignored) == (("x", "y", "z"), int((LABELS == 2).sum()))
    refused(stored(class_names="x, y"), 'd.parquet: "class_names" in the metadata must be a JSON list of texts')
    refused(stored(ignore_label="none"), 'd.parquet: "ignore_label" in the metadata must be an integer')


def test_what_has_no_role_stops_no_file(tmp_path):
    n = 12
    some = [i if i % 4 else None for i in range(n)]
    table = pa.table(
        {
            "probs": [[0.25, 0.75]] * n,
            "label": pa.array([i % 2 for i in range(n)], pa.int8()),
            "meta": [{"a": 1}] * n,
            "tags": [["a"]] * n,
            "uneven": [[1.0] * (i % 3 + 1) for i in range(n)],
            "number": pa.array(some),
            "truth": pa.array([None if one is None else one > 5 for one in some]),
            "text": pa.array([None if one is None else str(one) for one in some]),
            "lists": pa.array([None if one is None else [1.0, 2.0] for one in some]),
            "logit_0": ["a"] * n,
        }
    )
    pq.write_table(table, tmp_path / "d.parquet")
    predictions = read(tmp_path / "d.parquet", probs_key="probs")
    assert (predictions.n, predictions.labels.tolist()) == (n, [i % 2 for i in range(n)])
    assert predictions.columns["text"].tolist()[:2] == ["", "1"]
    assert np.isnan(predictions.columns["truth"]).sum() == np.isnan(predictions.columns["number"]).sum() == 3
    assert predictions.columns["truth"].tolist()[1:4] == [0, 0, 0]
    found = inspect_dump(str(tmp_path / "d.parquet"), ReadOptions(keys=Keys(probs="probs")))
    assert dict(found.readings[0].columns) == {"number": 10, "truth": 3, "text": 10}
    roles = {note.key: note.role for note in found.arrays}
    assert (roles["meta"], roles["logits"]) == ("not used: struct<a: int64>", "not used: mixed values")
    with pytest.raises(InputError, match=r'^d\.parquet: column "logit_0" holds string, but a score is needed'):
        read(tmp_path / "d.parquet")


def test_cells_of_a_role_must_not_be_empty(tmp_path):
    path = tmp_path / "d.parquet"
    pq.write_table(pa.table({"probs": [[0.25, 0.75]] * 9, "label": pa.array([1, None, 0] * 3)}), path)
    why = "row 1: label nan, but labels must be whole numbers (3 rows are not)"
    refused(path, f"d.parquet: {why}. Leave out the rows without a label before saving.")
    pq.write_table(pa.table({"prob_0": pa.array([0.5, None]), "prob_1": [0.5, 0.5], "label": [0, 1]}), path)
    refused(path, 'd.parquet row 1, column "prob_0": the cell is empty (null)')
