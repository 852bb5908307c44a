"""Small documents are regular files of bounded size."""

from __future__ import annotations

import pytest

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.small_files import MOST_BYTES, is_there, read_small
from tests.odd_files import ODD


@pytest.mark.parametrize("make", ODD)
def test_what_has_a_name_is_there(make, tmp_path):
    make(tmp_path / "x")
    assert is_there(tmp_path / "x")


def test_a_file_that_is_not_there(tmp_path):
    assert not is_there(tmp_path / "x")
    with pytest.raises(FileProblem, match="there is no such file"):
        read_small(tmp_path / "x")
    with pytest.raises(FileProblem, match="no file can have such a name"):
        read_small(tmp_path / "x\0y")
    with pytest.raises(FileProblem, match="File name too long"):
        read_small(tmp_path / ("x" * 1000))


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
