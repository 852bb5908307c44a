"""Writing whole files or none, and through pipes and devices."""

import os
import re
import stat
import threading

import pytest

from calibeval.core.errors import FileProblem, InputError
from calibeval.writers.atomic import filling, replacing, write_file
from calibeval.writers.places import descriptor_of, is_stream, wrong_kind


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), replacing(path) as file:  # noqa: PT012
        file.write(b"new")
        raise KeyError
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"old"]


def test_a_check_sees_the_whole_file(tmp_path):
    seen = []
    with replacing(tmp_path / "a", lambda path: seen.append(path.read_bytes())) as file:
        file.write(b"new")
    assert seen == [b"new"]

    def refuse(path):
        raise FileProblem("no")

    with pytest.raises(FileProblem, match=r"^no$"), replacing(tmp_path / "a", refuse) as file:
        file.write(b"newer")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"new"]


def test_permissions(tmp_path):
    path = tmp_path / "a"
    mask = os.umask(0o027)
    try:
        write_file(path, b"")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o600)
    write_file(path, b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_pipe_gets_the_whole_content_or_nothing(tmp_path):
    pipe, found, seen = tmp_path / "pipe", [], []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    with replacing(pipe, lambda path: seen.append(path.read_bytes())) as file:
        file.write(b"new")
        file.seek(0)
        file.write(b"N")  # as archives go back
    reader.join()
    assert (found, seen) == ([b"New"], [b"New"])
    with pytest.raises(KeyError), replacing(pipe) as file:  # nobody reads, and nobody waits
        raise KeyError
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [one.name for one in tmp_path.iterdir()] == ["pipe"]


def test_an_open_descriptor_has_names(tmp_path):
    with (tmp_path / "log").open("w+b") as log:
        log.write(b"before ")
        log.flush()
        (tmp_path / "link").symlink_to(f"/dev/fd/{log.fileno()}")
        (tmp_path / "link2").symlink_to("link")
        for name in (f"/dev/fd/{log.fileno()}", f"/proc/self/fd/{log.fileno()}", tmp_path / "link2"):
            path = tmp_path / name
            assert (descriptor_of(path), is_stream(path), wrong_kind(path)) == (log.fileno(), True, None)
            write_file(path, b"new ")
        assert (tmp_path / "log").read_bytes() == b"before new new new "
    assert (tmp_path / "link").is_symlink()


def test_what_is_no_stream(tmp_path):
    (tmp_path / "1").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("1", "nothing", "loop", "."):
        assert (descriptor_of(tmp_path / name), is_stream(tmp_path / name)) == (None, False)
    assert wrong_kind(tmp_path) == "a folder"


def test_a_name_that_no_file_can_have(tmp_path):
    with pytest.raises(FileProblem, match="no file can have this name"):
        write_file(tmp_path / "a\0b", b"")


def test_an_error_of_whoever_writes_is_not_one_of_the_name(tmp_path):
    with pytest.raises(InputError, match=r"^row 3 is odd$"), replacing(tmp_path / "a.txt"):
        raise InputError("row 3 is odd")
    assert not [*tmp_path.iterdir()]


def test_a_file_that_cannot_be_read_while_a_folder_is_filled_is_named_alone(tmp_path):
    with pytest.raises(FileProblem, match=r"^in: cannot be read$"), filling(tmp_path / "out"):
        raise FileProblem("in: cannot be read")
    assert not [*tmp_path.iterdir()]
    (tmp_path / "x").write_bytes(b"")
    told = re.escape(f"{tmp_path / 'x'}: the folder cannot be created (File exists)")
    with pytest.raises(FileProblem, match=rf"^{told}$"), filling(tmp_path / "x" / "out"):
        pass
