"""A temporary copy lasts as long as somebody may read it: a thread may do so until the process has ended."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import calibeval
from calibeval.core.errors import FileProblem
from calibeval.readers.remote import copied as module
from calibeval.readers.remote.copied import Copy
from calibeval.readers.remote.find import steady_file
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import place_of

AT_THE_END = """
import atexit
from pathlib import Path
atexit.register(lambda: print(Path(copy.path).read_text()))  # the handler that is registered first runs last
from calibeval.readers.remote.copied import Copy
copy = Copy()
copy.file.write(b"still there")
copy.file.flush()
"""


def test_a_copy_can_be_read_until_the_process_ends():
    done = subprocess.run([sys.executable, "-X", "dev", "-c", AT_THE_END], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("still there\n", "")


def test_a_copy_that_nobody_has_is_closed():
    copy = Copy()
    descriptor = copy.file.fileno()
    os.fstat(descriptor)
    del copy
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_where_a_descriptor_cannot_be_opened_anew_the_copy_has_a_name_until_nobody_has_it(monkeypatch, tmp_path, shelf):
    monkeypatch.setattr(module, "REOPENED", False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shelf.files["/a.csv"] = b"p0,p1,label\n" + b"0.25,0.75,1\n" * 5000
    file = steady_file(place_of(f"{shelf.address}/a.csv"), Limits(), whole=True)
    (own,) = tmp_path.iterdir()
    assert file.for_library() == str(own)
    with file.open() as one, file.open() as other:  # each has a position of its own
        assert one.read(40) == other.read(40) == shelf.files["/a.csv"][:40]
    with file.open() as again:
        assert again.read() == shelf.files["/a.csv"]
    del file
    gc.collect()
    assert [*tmp_path.iterdir()] == []
    shelf.files["/b.csv"] = shelf.files["/a.csv"].replace(b"p0,p1", b"prob_0,prob_1")
    assert calibeval.evaluate(f"{shelf.address}/b.csv").dumps[0].n == 5000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_an_error_and_nothing_more_is_said(monkeypatch, shelf, capfd):
    def full(**words):
        return open("/dev/full", "wb")  # noqa: PTH123 - as `TemporaryFile` does

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    shelf.files["/a.csv"] = b"p0,p1,label\n0.25,0.75,1\n"
    with pytest.raises(FileProblem, match="cannot write a temporary file \\(No space left on device\\); set TMPDIR"):
        steady_file(place_of(f"{shelf.address}/a.csv"), Limits(), whole=True)
    gc.collect()
    assert capfd.readouterr().err == ""
