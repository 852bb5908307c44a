"""Zip archives: members with their places, and every lie of an index refused."""

from __future__ import annotations

import struct
import warnings
import zipfile

import pytest

from calibeval.core.errors import InputError
from calibeval.readers.formats.archive import MOST_MEMBERS, read_members
from calibeval.readers.stored.steady import SteadyFile

ENTRY = b"PK\x01\x02"  # of the index
FLAGS, METHOD, PACKED, SIZE, PLACE = 8, 10, 20, 24, 42  # within an entry


def archive(folder, members, method=zipfile.ZIP_STORED):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about names that occur twice
        with zipfile.ZipFile(folder / "d.npz", "w", method) as file:
            for name, content in members:
                file.writestr(name, content)
    return folder / "d.npz"


def members_of(path):
    return read_members(SteadyFile.of(path))


def test_members_lie_where_they_are_said_to(tmp_path):
    path = archive(tmp_path, [("a.npy", b"first"), ("b/ü.npy", b""), ("c", b"third")])
    raw, found = path.read_bytes(), members_of(path)
    assert [one.info.filename for one in found] == ["a.npy", "b/ü.npy", "c"]
    assert [raw[one.start :][: one.info.file_size] for one in found] == [b"first", b"", b"third"]
    assert all(one.stored for one in found)
    assert found[0].extent("why").hint == "why"
    assert not members_of(archive(tmp_path, [("a", b"x" * 99)], zipfile.ZIP_DEFLATED))[0].stored


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (FLAGS, 1, "member 'a' is encrypted or compressed in an unknown way"),
        (METHOD, 12, "member 'a' is encrypted or compressed in an unknown way"),
        (METHOD, 99, "member 'a' is encrypted or compressed in an unknown way"),
        (PACKED, 10**6, "a has a size that does not fit the file"),
        (SIZE, 1, "a has a size that does not fit the file"),
        (SIZE, 2**31, "a has a size that does not fit the file"),
        (PLACE, 10**6, "a has a damaged local header"),
        (PLACE, 3, "a has a damaged local header"),
    ],
)
def test_an_index_that_lies(place, value, message, tmp_path):
    path = archive(tmp_path, [("a", b"first"), ("b", b"second")])
    raw = bytearray(path.read_bytes())
    struct.pack_into("<H" if place in (FLAGS, METHOD) else "<I", raw, raw.index(ENTRY) + place, value)
    path.write_bytes(raw)
    with pytest.raises(InputError) as error:
        members_of(path)
    assert str(error.value) == f"d.npz: {message}"


def test_two_members_of_one_name(tmp_path):
    with pytest.raises(InputError, match=r"^d\.npz: two members are called 'a'$"):
        members_of(archive(tmp_path, [("a", b"1"), ("b", b""), ("a", b"2")]))


def test_too_many_and_none(tmp_path):
    assert len(members_of(archive(tmp_path, [(str(i), b"") for i in range(MOST_MEMBERS)]))) == MOST_MEMBERS
    with pytest.raises(InputError, match=r"^d\.npz: there are 10001 members, but at most 10000 are read$"):
        members_of(archive(tmp_path, [(str(i), b"") for i in range(MOST_MEMBERS + 1)]))
    with pytest.raises(InputError, match=r"^d\.npz: the archive holds no arrays$"):
        members_of(archive(tmp_path, []))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"x" * 100, b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_archive(content, tmp_path):
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"^d\.npz: not a zip archive, as a \.npz file must be, or damaged"):
        members_of(tmp_path / "d.npz")
