"""`.arrow` and `.feather`: files and streams, compressed or not, unused columns, and damage."""

from __future__ import annotations

import struct

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, ipc

from calibeval.cli.main import main
from calibeval.core.errors import InputError
from calibeval.readers.formats import parquet as parquet_module
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump, read
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.spool import SpooledRows
from tests.readers.dumps import LABELS, LOGITS, refused

SITES = [f"s{i % 7}" for i in range(20)]
NUMBERED = {f"logit_{i}": LOGITS[:, i] for i in range(3)}
LISTS = {"logits": pa.FixedSizeListArray.from_arrays(pa.array(LOGITS.ravel()), 3)}
COLUMNS = {"label": LABELS, "site": pa.array(SITES).dictionary_encode()}


def written(folder, columns, *, way="feather", compression="uncompressed", rows=7, name=None):
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    path = folder / (name or f"d.{'feather' if way == 'feather' else 'arrow'}")
    if way == "feather":
        feather.write_feather(table, path, compression=compression, chunksize=rows)
        return path
    options = ipc.IpcWriteOptions(compression=None if compression == "uncompressed" else compression)
    with (ipc.new_stream if way == "stream" else ipc.new_file)(path, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


def right(predictions):
    assert (predictions.scores[0:20] == LOGITS).all()
    assert predictions.labels.tolist() == LABELS.tolist()
    assert predictions.columns["site"].tolist() == SITES


@pytest.mark.parametrize("way", ["feather", "file", "stream"])
@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("scores", [NUMBERED, LISTS])
def test_batches_and_spools_change_nothing(way, compression, scores, monkeypatch, tmp_path):
    path = written(tmp_path, {**scores, **COLUMNS}, way=way, compression=compression)
    predictions = read(path)
    assert predictions.source.format == path.suffix[1:]
    right(predictions)
    monkeypatch.setattr(parquet_module, "MOST_ROWS", 3)
    streamed = open_dump(str(path), ReadOptions(limits=Limits(max_memory=100)))
    assert isinstance(streamed.scores, SpooledRows)
    right(streamed)


def test_tables_of_pandas_and_facts(tmp_path):
    frame = pd.DataFrame({**NUMBERED, "label": LABELS, "site": SITES})
    frame.to_feather(tmp_path / "d.feather")
    right(read(tmp_path / "d.feather"))
    right(read(written(tmp_path, {**NUMBERED, **COLUMNS}, name="d.any"), read_as="feather"))
    about = {"class_names": '["cat", "dog", "eel"]', "ignore_index": "2"}
    table = pa.table({**LISTS, **COLUMNS}).replace_schema_metadata(about)
    predictions = read(written(tmp_path, table))
    assert predictions.class_names == ("cat", "dog", "eel")
    assert predictions.ignored == 6


def test_unused_columns_are_not_decoded(tmp_path):
    unused = {
        "deep": pa.array([{"a": [1]}] * 20),
        "note": pa.array(["x" * 1000] * 20),
        "image": pa.array([b"\0" * 999] * 20),
    }
    path = written(tmp_path, {**LISTS, **COLUMNS, **unused}, compression="zstd", rows=20)
    content = bytearray(path.read_bytes())
    right(read(path))
    at = content.rfind(b"\x28\xb5\x2f\xfd")  # where the last compressed column begins
    content[at : at + 4] = b"\0\0\0\0"
    path.write_bytes(content)
    right(read(path))
    refused(
        path,
        'd.feather: column "image" holds binary, but numbers, texts or flat lists of numbers are needed',
        key={"ids": "image"},
    )


def test_values_in_dictionaries(tmp_path):
    columns = {f"logit_{i}": pa.array(LOGITS[:, i].astype("f8")).dictionary_encode() for i in range(3)}
    right(read(written(tmp_path, {**columns, **COLUMNS})))


@pytest.mark.parametrize("compression", ["uncompressed", "zstd"])
@pytest.mark.parametrize("way", ["file", "stream"])
def test_texts_as_polars_writes_them(way, compression, tmp_path):
    names = ("short", "a name of many letters", "third")
    columns = {f"logit_{name}": LOGITS[:, i] for i, name in enumerate(names)}
    labels = pa.array([names[label] for label in LABELS]).cast(pa.string_view())
    table = pa.table({**columns, "label": labels, "site": pa.array(SITES).cast(pa.string_view())})
    right(read(written(tmp_path, table, way=way, compression=compression)))
    pq.write_table(table, tmp_path / "d.parquet")
    right(read(tmp_path / "d.parquet"))


@pytest.mark.parametrize("way", ["feather", "stream"])
def test_sizes_are_checked_first(way, tmp_path):
    zeros = pa.table({"prob": np.full(10**6, 0.5), "label": np.zeros(10**6, "i8")})
    path = written(tmp_path, zeros, way=way, compression="zstd", rows=10**6)
    assert path.stat().st_size < 10_000
    message = (
        f"{path.name}: expands to 16000000 bytes, over the limit of 1000000. If you trust the file, raise --max-bytes."
    )
    refused(path, message, max_bytes=10**6)
    content = bytearray(path.read_bytes())
    for place in (content.find(struct.pack("<q", 8 * 10**6)),):
        content[place : place + 8] = struct.pack("<q", 2**50)
    path.write_bytes(content)
    with pytest.raises(InputError, match="over the limit of 1073741824"):
        read(path)
    content[place : place + 8] = struct.pack("<q", -5)
    path.write_bytes(content)
    with pytest.raises(InputError, match="a buffer of impossible size"):
        read(path)


def test_rows_without_values(tmp_path):
    table = pa.table({"logits": pa.array([[1.0, 2.0]]), "label": [0], "nothing": pa.nulls(1)})
    path = written(tmp_path, table, way="stream")
    assert read(path).n == 1
    content = path.read_bytes()
    for old, new in ((1, 2**40), (1, -1)):
        changed = content.replace(struct.pack("<q", old), struct.pack("<q", new))
        path.write_bytes(changed)
        with pytest.raises(InputError):
            read(path)


@pytest.mark.parametrize(
    "content", [b"ARROW1", b"ARROW1\0\0" * 9, b"no arrow at all", b"\xff" * 40, b"\xff\xff\xff\xff\0\0\0\0"]
)
def test_other_files(content, tmp_path):
    (tmp_path / "d.arrow").write_bytes(content)
    with pytest.raises(InputError, match="or damaged"):
        read(tmp_path / "d.arrow")


@pytest.mark.parametrize("way", ["feather", "stream"])
def test_cut_files(way, tmp_path):
    content = written(tmp_path, {**LISTS, **COLUMNS}, way=way).read_bytes()
    for length in range(1, len(content), 97):
        path = tmp_path / "c.arrow"
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="damaged"):
            read(path)


def test_the_first_feather(tmp_path):
    (tmp_path / "d.feather").write_bytes(b"FEA1" + bytes(100) + b"FEA1")
    refused(
        tmp_path / "d.feather",
        "d.feather: this is Feather of version 1, which is not read: write it again as version 2",
    )


def test_commands(tmp_path, capsys):
    dump = str(written(tmp_path, {**LISTS, **COLUMNS}))
    assert main(["report", dump, "--json"]) == 0
    assert main(["inspect", dump]) == 0
    assert main(["fit", dump, "--method", "temperature", "-o", str(tmp_path / "t.json")]) == 0
    assert main(["apply", str(tmp_path / "t.json"), dump, "-o", str(tmp_path / "e.npz")]) == 0
    assert "site" in capsys.readouterr().out


def test_texts_as_polars_writes_categories(tmp_path):
    table = pa.table(
        {
            "prob_a": [0.25, 0.75],
            "prob_b": [0.75, 0.25],
            "label": pa.DictionaryArray.from_arrays(
                pa.array([1, 0], pa.uint32()), pa.array(["a", "b"], pa.string_view())
            ),
        }
    )
    with ipc.new_file(tmp_path / "d.ipc", table.schema) as file:
        file.write_table(table)
    assert read(tmp_path / "d.ipc").labels.tolist() == [1, 0]
