"""Temporary files: those of killed processes are removed, those of running ones never."""

import fcntl
import os
import subprocess
import sys

import pytest

from calibeval.core.errors import FileProblem
from calibeval.writers import temporary
from calibeval.writers.atomic import replacing, write_file


def ended():
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left(path, owner, machine=None):
    """A file as a process of that number would have left it."""
    machine = temporary._machine() if machine is None else machine
    made = path.with_name(f".{path.name}.calibeval-{machine}-{owner}-0123abcd.tmp")
    made.write_bytes(b"half")
    return made


def test_what_a_killed_process_left_is_removed(tmp_path):
    path, other = tmp_path / "a.json", tmp_path / "ab.json"
    mine, kept = left(path, ended()), left(other, ended())
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert (mine.exists(), kept.exists()) == (False, True)


def test_what_this_process_left_in_an_earlier_life_is_removed(tmp_path):
    mine = left(tmp_path / "a.json", os.getpid())  # in containers, numbers come again
    write_file(tmp_path / "a.json", b"new")
    assert not mine.exists()


def test_what_may_belong_to_somebody_stays(tmp_path):
    path = tmp_path / "a.json"
    kept = [left(path, os.getppid()), left(path, ended(), "00000000")]
    kept += [tmp_path / ".a.json.abcd1234.tmp", tmp_path / ".a.json.tmp", tmp_path / ".a.json.calibeval.tmp"]
    for one in kept[2:]:
        one.write_bytes(b"")
    folder = path.with_name(f".a.json.calibeval-{temporary._machine()}-{ended()}-00000000.tmp")
    folder.mkdir()
    write_file(path, b"new")
    assert all(one.exists() for one in (*kept, folder))


def test_a_locked_file_stays(tmp_path):
    locked = left(tmp_path / "a.json", ended())
    with locked.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_file(tmp_path / "a.json", b"new")
        assert locked.exists()
    write_file(tmp_path / "a.json", b"new")
    assert not locked.exists()


def test_two_writers_of_one_name(tmp_path):
    path = tmp_path / "a.json"
    with replacing(path) as first:
        first.write(b"first")
        with replacing(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]
    assert not temporary.PENDING


def test_what_is_pending_can_be_removed(tmp_path):
    with pytest.raises(FileProblem), replacing(tmp_path / "a.json") as file:  # noqa: PT012
        file.write(b"half")
        temporary.remove_pending()
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "a[1]*?.json", "-"])
def test_names_that_are_long_or_odd(name, tmp_path):
    path = tmp_path / name
    mine = temporary._start(path)
    (tmp_path / f"{mine}calibeval-{temporary._machine()}-{ended()}-00000000.tmp").write_bytes(b"")
    write_file(path, b"new")
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {name: b"new"}
