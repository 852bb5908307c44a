"""Standard input: csv or JSON lines, told apart by the first character; everything else is refused by name."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from calibeval.core.errors import CalibevalError, FileProblem, InputError
from calibeval.readers.formats import text as text_module
from calibeval.readers.open import open_input, read
from calibeval.readers.stdin import read_stdin
from calibeval.readers.stored.limits import Limits

CSV = b"logit_0,logit_1,label\n1.5,2,0\n3,4,1\n"
JSONL = b'{"logits": [1.5, 2], "label": 0}\n{"logits": [3, 4], "label": 1}\n'


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(("data", "name"), [(CSV, "stdin-csv"), (JSONL, "stdin-jsonl")])
def test_both_formats(data, name, mark):
    came = read_stdin(io.BytesIO(mark + data), Limits())
    assert (came.format, came.size) == (name, len(mark + data))
    assert came.sha256 == hashlib.sha256(mark + data).hexdigest()
    assert came.contents.arrays["logits"].array().tolist() == [[1.5, 2], [3, 4]]


def test_a_table_that_must_be_read_twice(monkeypatch):
    monkeypatch.setattr(text_module, "READ_BYTES", 40)
    text = "prob,label,code\n" + "0.5,1,007\n" * 20 + "0.5,1,x\n"
    came = read_stdin(io.BytesIO(text.encode()), Limits())
    assert came.contents.arrays["code"].array().tolist() == ["007"] * 20 + ["x"]


def test_the_process_reads_its_own_standard_input(monkeypatch):
    class Input:
        buffer = io.BytesIO(CSV)

    monkeypatch.setattr(sys, "stdin", Input)
    predictions = read("-")
    assert predictions.labels.tolist() == [0, 1]
    source = predictions.settled_source()
    assert (source.path, source.format, source.sha256) == ("-", "stdin-csv", hashlib.sha256(CSV).hexdigest())


def test_an_injected_stream_is_used():
    opened = open_input(Path("-"), Limits(), io.BytesIO(CSV))
    assert (opened.format, opened.size) == ("stdin-csv", len(CSV))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "standard input: the file is empty"),
        (b"\n\n", "standard input: the file is empty"),
        (b"a,b\n", "standard input: there is a header, but there are no rows"),
        (CSV + b"1,2\n", "standard input line 4: the row has 2 cells, but the header has 3"),
        (
            JSONL + b"{",
            "standard input line 3: not valid JSON (Expecting property name enclosed in double quotes, column 2)",
        ),
        (gzip.compress(CSV, mtime=0), "gzip"),
        (b"PK\x03\x04", "a zip archive"),
        (b"PAR1", "parquet"),
        (b"\x93NUMPY", "a .npy array"),
    ],
)
def test_streams_that_are_no_dumps(data, message):
    with pytest.raises(InputError) as error:
        read_stdin(io.BytesIO(data), Limits())
    binary = (
        f"standard input: this is {message}, but csv, json or jsonl text is needed; save it to a file and name the file"
    )
    assert str(error.value) == (message if message.startswith("standard input") else binary)


def test_a_limit_of_bytes():
    with pytest.raises(InputError, match=r"^standard input: expands to \d+ bytes, over the limit of 10\. "):
        read_stdin(io.BytesIO(CSV), Limits(max_bytes=10))


def test_a_closed_stream(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(FileProblem, match=r"^standard input: the stream is closed$"):
        read("-")


def test_a_stream_that_breaks():
    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, _):
            raise OSError(5, "Input/output error")

    with pytest.raises(CalibevalError, match=r"^standard input: cannot be read .*\(Input/output error\)$"):
        read_stdin(Broken(), Limits())


def test_at_the_command_line():
    command = [sys.executable, "-m", "calibeval"]
    done = subprocess.run([*command, "report", "-", "--json"], input=JSONL, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    source = json.loads(done.stdout)["dumps"][0]["source"]
    assert (source["format"], source["n"], source["sha256"]) == ("stdin-jsonl", 2, hashlib.sha256(JSONL).hexdigest())
    done = subprocess.run([*command, "inspect", "-", "--json"], input=CSV, capture_output=True, check=False)
    assert json.loads(done.stdout)["readings"][0]["n"] == 2
    done = subprocess.run([*command, "report", "-"], input=b"PAR1", capture_output=True, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (3, 1)
