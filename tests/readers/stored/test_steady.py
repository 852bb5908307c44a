"""A file is read by position, and any change of it is found: at once, by name, with exit code 3 or 4 and no signal."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.stored.steady import SteadyFile, fill_from

CHANGED = "d.bin: the file changed while it was read. Run again once nothing writes to it."


@pytest.fixture
def path(tmp_path):
    (tmp_path / "d.bin").write_bytes(bytes(range(200)))
    return tmp_path / "d.bin"


def descriptors():
    return len([*Path("/proc/self/fd").iterdir()])


def filled(file, *places):
    """Pieces of the file, by their beginnings and lengths."""
    buffers = [bytearray(length) for _, length in places]
    file.fill([memoryview(buffer) for buffer in buffers], [start for start, _ in places])
    return [bytes(buffer) for buffer in buffers]


def test_pieces_are_read_from_where_they_lie(path):
    file = SteadyFile.of(path)
    assert (file.name, file.size) == ("d.bin", 200)
    assert filled(file, (3, 2), (199, 1), (0, 3), (50, 0)) == [b"\3\4", b"\xc7", b"\0\1\2", b""]
    with file.open() as stream:
        assert stream.read() == bytes(range(200))
    file.check()


def test_a_link_is_followed(path, tmp_path):
    (tmp_path / "link.bin").symlink_to(path)
    assert filled(SteadyFile.of(tmp_path / "link.bin"), (1, 1)) == [b"\1"]


def cut(path):
    os.truncate(path, 100)


def grown(path):
    with path.open("ab") as stream:
        stream.write(b"more")


def overwritten(path):
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"X" * 200)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def replaced(path):
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(bytes(200))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))  # only the inode tells
    other.rename(path)


@pytest.mark.parametrize("change", [cut, grown, overwritten, replaced])
def test_a_change_is_found_by_every_way_to_read(change, path):
    file = SteadyFile.of(path)
    change(path)
    for read in (lambda: filled(file, (0, 10)), file.check, lambda: file.open().__enter__()):
        with pytest.raises(InputError) as error:
            read()
        assert str(error.value) == CHANGED


@pytest.mark.parametrize("change", [cut, grown, overwritten])
def test_a_change_beneath_an_open_stream_is_found_when_it_closes(change, path):
    opened = SteadyFile.of(path).open()
    opened.__enter__().read(10)
    change(path)
    with pytest.raises(InputError) as error:
        opened.__exit__(None, None, None)
    assert str(error.value) == CHANGED


def test_a_file_that_vanished_is_a_problem_of_files(path):
    file = SteadyFile.of(path)
    path.unlink()
    with pytest.raises(FileProblem, match=r"d\.bin: there is no such file"):
        filled(file, (0, 1))


def test_a_file_cut_between_the_check_and_the_reading_is_changed(path):
    with path.open("rb") as stream, pytest.raises(InputError) as error:
        fill_from(stream.fileno(), memoryview(bytearray(10)), 195, "d.bin")
    assert str(error.value) == CHANGED


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), "socket"])
def test_what_is_no_regular_file_is_refused_without_waiting(make, tmp_path, monkeypatch):
    place = tmp_path / "odd"
    if make == "socket":
        monkeypatch.chdir(tmp_path)  # a socket's name may have 107 letters
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("odd")
    else:
        make(place)
    with pytest.raises(FileProblem, match=r"a (pipe|device|socket), but a regular file is needed"):
        SteadyFile.of(place)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "there is no such file"),
        (".", "a folder, but a regular file is needed"),
        ("a\0b", "no file can have such a name"),
    ],
)
def test_what_cannot_be_opened(name, message, tmp_path):
    with pytest.raises(FileProblem, match=message):
        SteadyFile.of(tmp_path / name)


def test_no_descriptor_stays_open(path):
    before = descriptors()
    files = [SteadyFile.of(path) for _ in range(50)]
    for file in files:
        filled(file, (0, 1))
    assert descriptors() == before
