"""Files that grow: what is there stays, and nothing but a regular file of one name is written to."""

from __future__ import annotations

import os

import pytest

from calibeval.core.errors import FileProblem
from calibeval.writers import append
from calibeval.writers.append import appending, check_own
from tests.odd_files import ODD, pipe


def test_lines_are_added(tmp_path):
    path = tmp_path / "x"
    for line in (b"a\n", b"b\n"):
        with appending(path) as file:
            file.write(line)
    assert path.read_bytes() == b"a\nb\n"


@pytest.mark.parametrize("make", ODD)
def test_what_is_no_regular_file(tmp_path, make):
    path = tmp_path / "x"
    make(path)
    said = "is a link" if path.is_symlink() else "is not a regular file"
    with pytest.raises(FileProblem) as error, appending(path):
        pass
    assert str(error.value) == f"{path}: {said}, so it is not written to; remove it"


def test_what_is_put_there_after_the_first_look(tmp_path, monkeypatch):
    monkeypatch.setattr(append, "check_own", lambda _: None)
    pipe(tmp_path / "pipe")
    with (
        pytest.raises(FileProblem, match="is not a regular file, so it is not written to"),
        appending(tmp_path / "pipe"),
    ):
        pass
    (tmp_path / "link").symlink_to("nothing")
    with pytest.raises(FileProblem, match="cannot be written"), appending(tmp_path / "link"):
        pass
    assert not (tmp_path / "nothing").exists()


def test_a_folder_that_is_none(tmp_path):
    check_own(tmp_path / "missing" / "x")
    with pytest.raises(FileProblem) as error, appending(tmp_path / "missing" / "x"):
        pass
    assert str(error.value) == f"{tmp_path / 'missing' / 'x'}: cannot be written (No such file or directory)"
    with pytest.raises(FileProblem, match="File name too long"):
        check_own(tmp_path / ("x" * 1000))


def test_an_error_while_writing(tmp_path):
    with pytest.raises(FileProblem, match="cannot be written"), appending(tmp_path / "x"):
        raise OSError(28, os.strerror(28))
