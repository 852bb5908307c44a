"""Whatever is no regular file is answered at once, in the same words whoever opens it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from calibeval.core.errors import FileProblem
from calibeval.readers.small_files import read_small
from calibeval.readers.stored.regular import opened
from calibeval.readers.stored.steady import SteadyFile
from tests.odd_files import ODD, pipe

DESCRIPTORS = Path("/proc/self/fd")


def look(path):
    with opened(path):
        pass


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("look", [look, read_small, SteadyFile.of])
def test_what_is_no_regular_file(make, look, tmp_path):
    path = tmp_path / "x.json"
    make(path)
    with pytest.raises(FileProblem) as error:
        look(path)
    assert str(error.value) == f"{path}: {ODD[make]}"


@pytest.mark.parametrize("look", [look, read_small, SteadyFile.of])
def test_a_name_that_no_file_can_have(look):
    with pytest.raises(FileProblem) as error:
        look(Path("x\0y"))
    assert str(error.value) == r"'x\x00y': no file can have such a name"


def test_a_pipe_that_is_put_there_after_the_first_look(tmp_path, monkeypatch):
    path = tmp_path / "x"
    pipe(path)
    seen = Path(__file__).stat()
    monkeypatch.setattr(Path, "stat", lambda _: seen)
    descriptors = len([*DESCRIPTORS.iterdir()])
    with pytest.raises(FileProblem, match="a pipe, but a regular file is needed"):
        look(path)
    assert len([*DESCRIPTORS.iterdir()]) == descriptors


def test_files_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileProblem) as error:
        look(path)
    assert str(error.value) == f"{path}: cannot be read (Permission denied)"
