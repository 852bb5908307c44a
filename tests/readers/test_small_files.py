"""Small documents are regular files of bounded size; whatever else stands under their name is answered at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers import small_files
from calibeval.readers.small_files import MOST_BYTES, check_regular, is_there, read_small
from tests.odd_files import ODD, pipe

DESCRIPTORS = Path("/proc/self/fd")


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("look", [read_small, check_regular])
def test_what_is_no_regular_file(make, look, tmp_path):
    path = tmp_path / "x.json"
    make(path)
    assert is_there(path)
    with pytest.raises(FileProblem) as error:
        look(path)
    assert str(error.value) == f"{path}: {ODD[make]}"


def test_a_file_that_is_not_there(tmp_path):
    assert not is_there(tmp_path / "x")
    with pytest.raises(FileProblem, match="there is no such file"):
        read_small(tmp_path / "x")
    with pytest.raises(FileProblem, match="no file can have such a name"):
        read_small(tmp_path / "x\0y")
    with pytest.raises(FileProblem, match="File name too long"):
        read_small(tmp_path / ("x" * 1000))


def test_a_pipe_that_is_put_there_after_the_first_look(tmp_path, monkeypatch):
    path = tmp_path / "x"
    pipe(path)
    monkeypatch.setattr(small_files, "check_regular", lambda _: None)
    descriptors = len([*DESCRIPTORS.iterdir()])
    with pytest.raises(FileProblem, match="a pipe, but a regular file is needed"):
        read_small(path)
    assert len([*DESCRIPTORS.iterdir()]) == descriptors


def test_files_are_read_up_to_a_size(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"")
    assert read_small(path) == b""
    (tmp_path / "link").symlink_to(path)
    with path.open("wb") as file:
        file.truncate(MOST_BYTES)
    assert len(read_small(tmp_path / "link")) == MOST_BYTES
    with path.open("ab") as file:
        file.truncate(2**40)  # a hole, which takes no place
    with pytest.raises(InputError) as error:
        read_small(path)
    assert str(error.value) == f"{path}: has more than 16 MiB, which no such file needs"


def test_files_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileProblem) as error:
        read_small(path)
    assert str(error.value) == f"{path}: cannot be read (Permission denied)"
