"""Files that are cut, overwritten or replaced while they are read: exit code 3, never other numbers, never a signal.

The second dump of `compare` comes slowly through `-`, so that the first is open, and not yet read, when it changes.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
import torch

from calibeval import evaluate
from calibeval.core.errors import InputError
from calibeval.readers.formats import arrow as of_arrow
from calibeval.readers.formats import parquet as of_parquet
from calibeval.readers.open import read
from calibeval.readers.stored.rows import AT_ONCE
from tests.conftest import ROOT

ROWS, CLASSES = 150_000, 4
CHANGED = ": the file changed while it was read. Run again once nothing writes to it."


def arrays(seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(ROWS, CLASSES))
    assert logits.nbytes > AT_ONCE
    return logits, logits.argmax(axis=1) if seed else rng.integers(0, CLASSES, ROWS)


def npz(path, logits, labels):
    np.savez(path, logits=logits, labels=labels)


def npy(path, logits, labels):
    np.save(path, logits)
    np.save(path.with_name("l.npy"), labels)


def pt(path, logits, labels):
    torch.save({"logits": torch.from_numpy(logits), "labels": torch.from_numpy(labels)}, path)


def of_safetensors(path, logits, labels):
    safetensors.numpy.save_file({"logits": logits, "labels": labels}, path)


def parquet(path, logits, labels):
    pq.write_table(columns(logits, labels), path)


def arrow(path, logits, labels):
    pyarrow.feather.write_feather(columns(logits, labels), path, compression="uncompressed")


def columns(logits, labels):
    return pa.table({**{f"logit_{k}": logits[:, k] for k in range(CLASSES)}, "label": labels})


BY_BLOCKS = (".npy", ".npz", ".pt", ".safetensors")  # the others are read whole when they are opened
WRITERS = {".npz": npz, ".npy": npy, ".pt": pt, ".safetensors": of_safetensors}


def cut(path, write):
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path, write):
    """In place, with other numbers, which are as valid."""
    other = path.with_name(f"other{path.suffix}")
    labels = path.with_name("l.npy").read_bytes() if path.suffix == ".npy" else None
    write(other, *arrays(1))
    with path.open("r+b") as stream:
        stream.write(other.read_bytes())
    if labels is not None:
        path.with_name("l.npy").write_bytes(labels)


def replaced(path, write):
    other = path.with_name(f"other{path.suffix}")
    write(other, *arrays(1))
    other.rename(path)


def started(path, *more):
    """A comparison that waits for its second dump."""
    words = ["compare", str(path), "-", *more]
    return subprocess.Popen(
        [sys.executable, "-m", "calibeval", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=path.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.slow
@pytest.mark.parametrize("change", [cut, overwritten, replaced])
@pytest.mark.parametrize("suffix", BY_BLOCKS[1:])
def test_a_change_between_opening_and_reading(suffix, change, tmp_path):
    path = tmp_path / f"d{suffix}"
    WRITERS[suffix](path, *arrays(0))
    process = started(path)
    process.stdin.write("logit_0,logit_1,logit_2,logit_3,label\n")
    rows = [f"1,0,2,0,{label}\n" for label in arrays(0)[1].tolist()]
    process.stdin.write("".join(rows[:-1]))  # many times what a pipe holds: once it is gone, the first dump is open
    process.stdin.flush()
    change(path, WRITERS[suffix])
    out, err = process.communicate(rows[-1], timeout=100)
    assert (process.returncode, out) == (3, ""), err
    assert err.strip().splitlines()[-1].endswith(CHANGED)


@pytest.mark.parametrize("change", [cut, overwritten, replaced])
@pytest.mark.parametrize("suffix", BY_BLOCKS)
@pytest.mark.parametrize("memory", [None, 2**20])
def test_a_change_between_reading_and_measuring(suffix, change, memory, tmp_path):
    path = tmp_path / f"d{suffix}"
    WRITERS[suffix](path, *arrays(0))
    labels = tmp_path / "l.npy" if suffix == ".npy" else None
    predictions = read(path, kind="logits", labels=labels, max_memory=memory)
    change(path, WRITERS[suffix])
    with pytest.raises(InputError) as error:
        evaluate(predictions, level=None)
    assert str(error.value).endswith(CHANGED)


@pytest.mark.parametrize("change", [cut, overwritten, replaced])
def test_what_was_read_whole_stays_as_it_was(change, tmp_path):
    path = tmp_path / "d.parquet"
    parquet(path, *arrays(0))
    expected = evaluate(read(path), level=None).dumps[0]
    predictions = read(path)
    predictions.settled_source()
    change(path, parquet)
    assert evaluate(predictions, level=None).dumps[0] == expected


@pytest.mark.parametrize(
    ("reader", "write"), [(of_parquet._ParquetFile, parquet), (of_arrow._ArrowFile, arrow)], ids=["parquet", "arrow"]
)
@pytest.mark.parametrize("change", [cut, overwritten, replaced])
def test_columns_that_change_while_they_are_read(reader, write, change, tmp_path, monkeypatch):
    path = tmp_path / f"d.{write.__name__}"
    write(path, *arrays(0))
    batches = reader._batches

    def interrupted(*arguments):
        for batch in batches(*arguments):
            change(path, write)
            yield batch

    monkeypatch.setattr(reader, "_batches", interrupted)
    with pytest.raises(InputError, match=r"the file changed while it was read|damaged"):
        read(path)


@pytest.mark.parametrize("suffix", BY_BLOCKS)
def test_a_change_between_two_blocks(suffix, tmp_path, monkeypatch):
    """Valid other numbers in the second half: nothing but the times of the file could tell."""
    path = tmp_path / f"d{suffix}"
    WRITERS[suffix](path, *arrays(0))
    labels = tmp_path / "l.npy" if suffix == ".npy" else None
    predictions = read(path, kind="logits", labels=labels, max_memory=2**20)
    predictions.scores[0:100]
    before = path.stat()
    with path.open("r+b") as stream:
        stream.seek(before.st_size - 10_000)
        stream.write(np.zeros(100).tobytes())
    with pytest.raises(InputError, match="the file changed while it was read"):
        predictions.scores[100:200]
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # who sets the time back, deceives
    assert predictions.scores[100:200].shape == (100, CLASSES)


def test_a_file_that_does_not_change(tmp_path):
    npz(tmp_path / "d.npz", *arrays(0))
    blocks = evaluate(read(tmp_path / "d.npz", max_memory=2**20), level=None)
    assert blocks.dumps[0].metrics == evaluate(read(tmp_path / "d.npz"), level=None).dumps[0].metrics
