"""`.npz`: the same numbers however stored, damage found, lies refused, no pickle run."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy_format

from calibeval import evaluate
from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.open import read
from calibeval.readers.stored import rows
from calibeval.readers.stored.rows import FileRows
from tests.data import logits_and_labels
from tests.readers.dumps import LABELS, LOGITS, npz, refused


def npy_bytes(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def archive(path, members, *, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


GOOD = [("logits.npy", npy_bytes(LOGITS)), ("labels.npy", npy_bytes(LABELS))]


def metrics(path, **options):
    return evaluate(read(path, **options)).dumps[0].metrics


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", ">f8", "f2", "i2", ">i4"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_way_to_store_gives_the_numbers_in_memory(save, order, dtype, tmp_path):
    logits, labels = logits_and_labels(50, 4)
    stored = np.asarray(np.round(logits * 8) / 8 if dtype[-2] == "f" else np.round(logits)).astype(dtype, order=order)
    save(tmp_path / "d.npz", logits=stored, labels=labels.astype(">i2"))
    exact = np.array(stored, np.float64, order="C")
    np.savez(tmp_path / "e.npz", logits=exact, labels=labels)
    assert metrics(tmp_path / "d.npz") == metrics(tmp_path / "e.npz")


def test_only_what_is_asked_for_is_loaded(tmp_path):
    # The features are compressed rubbish: reading the dump must not touch them.
    path = archive(tmp_path / "d.npz", [*GOOD, ("features.npy", npy_bytes(np.zeros((2000, 50))))], compression=8)
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        info = file.getinfo("features.npy")
    middle = info.header_offset + 40 + info.compress_size // 2
    raw[middle] ^= 0xFF
    path.write_bytes(raw)
    assert read(path).n == 20


def test_the_hash_is_that_of_the_file(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS)
    source = evaluate(read(path)).dumps[0].source
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source.path, source.format) == (str(path), "npz")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("member", ["logits.npy", "labels.npy"])
def test_a_flipped_bit_is_found(member, compression, tmp_path):
    logits, labels = logits_and_labels(3000, 3)
    labels[-5] = 0  # the flipped bit makes it 1, which is a label, too
    path = archive(
        tmp_path / "d.npz",
        [("logits.npy", npy_bytes(logits)), ("labels.npy", npy_bytes(labels))],
        compression=compression,
    )
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        info = file.getinfo(member)
    raw[info.header_offset + 30 + len(member) + info.compress_size - 40] ^= 1
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"^d\.npz: .*" + member):
        evaluate(read(path))


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_truncated_files(keep, tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])
    with pytest.raises(InputError, match=r"^d\.npz: .*damaged"):
        read(path)


def test_an_empty_file(tmp_path):
    (tmp_path / "d.npz").touch()
    refused(tmp_path / "d.npz", "d.npz: the file is empty")


def test_an_empty_archive(tmp_path):
    refused(archive(tmp_path / "d.npz", []), "d.npz: the archive holds no arrays")


def test_no_archive(tmp_path):
    (tmp_path / "d.npz").write_text("logits")
    with pytest.raises(InputError, match=r"^d\.npz: not a zip archive"):
        read(tmp_path / "d.npz")


def test_a_single_array_under_the_wrong_suffix(tmp_path):
    (tmp_path / "d.npz").write_bytes(npy_bytes(LOGITS))
    with pytest.raises(InputError, match=r"^d\.npz: not a zip archive"):
        read(tmp_path / "d.npz")


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_objects_are_refused_and_their_payload_does_not_run(tmp_path):
    trace = tmp_path / "executed"
    path = npz(tmp_path, logits=LOGITS, labels=np.array([Payload(trace)] * 20, dtype=object))
    refused(
        path,
        "d.npz: labels holds Python objects. Reading them would run a pickle, which calibeval never does. "
        "Save plain numbers or text.",
    )
    assert not trace.exists()
    np.load(path, allow_pickle=True)["labels"]
    assert trace.exists()  # the payload would have worked


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name(tmp_path):
    path = archive(tmp_path / "d.npz", [*GOOD, GOOD[0]])
    refused(path, "d.npz: two members are called 'logits.npy'")


@pytest.mark.parametrize("name", ["readme.txt", "logits", "folder/", "logits.npy/"])
def test_members_that_are_no_arrays(name, tmp_path):
    path = archive(tmp_path / "d.npz", [*GOOD, (name, b"x" if not name.endswith("/") else b"")])
    refused(path, f"d.npz: member {name!r} is not a .npy array")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression(method, tmp_path):
    path = archive(tmp_path / "d.npz", GOOD, compression=method)
    refused(path, "d.npz: member 'logits.npy' is encrypted or compressed in an unknown way")


def lying(shape, array=LOGITS, *, descr="<f4"):
    stream = io.BytesIO()
    npy_format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + array.tobytes()


@pytest.mark.parametrize("shape", [(21, 3), (19, 3), (20, 4), (20,), (2**40, 3)])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_headers_that_lie_about_the_shape(shape, compression, tmp_path):
    path = archive(tmp_path / "d.npz", [("logits.npy", lying(shape)), GOOD[1]], compression=compression)
    size = int(np.prod(shape, dtype=object)) * 4
    refused(path, f"d.npz: logits: the header describes {size} bytes of values, but the member holds {LOGITS.nbytes}")


@pytest.mark.parametrize("shape", [(-20, -3), (2**62, 3), (2**31, 2**31)])
def test_impossible_shapes(shape, tmp_path):
    path = archive(tmp_path / "d.npz", [("logits.npy", lying(shape)), GOOD[1]])
    size = "sizes must be whole numbers from 0" if min(shape) < 0 else None
    said = f"gives shape {shape}, but {size}" if size else f"gives the impossible shape {shape}"
    refused(path, f"d.npz: logits: the header {said}")


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16]
)
def test_broken_headers(content, tmp_path):
    path = archive(tmp_path / "d.npz", [("logits.npy", content), GOOD[1]])
    with pytest.raises(InputError, match=r"^d\.npz: logits: not a \.npy array, or its header is damaged \("):
        read(path)


def test_a_header_that_runs_code_when_evaluated(tmp_path):
    header = b"{'descr': __import__('os').getcwd(), 'fortran_order': False, 'shape': (1,)}\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\x00" * 8
    with pytest.raises(InputError, match=r"^d\.npz: logits: not a \.npy array, or its header is damaged"):
        read(archive(tmp_path / "d.npz", [("logits.npy", content), GOOD[1]]))


def test_a_bomb_is_refused_before_memory_is_taken(tmp_path):
    # 2 GiB of zeros would deflate to 2 MB; the header alone says so. The limit is asked before anything is unpacked.
    path = archive(tmp_path / "d.npz", [("logits.npy", npy_bytes(np.zeros((10_000, 50)))), GOOD[1]], compression=8)
    with zipfile.ZipFile(path) as file:
        total = sum(info.file_size for info in file.infolist())
    message = f"d.npz: expands to {total} bytes, over the limit of 1000. If you trust the file, raise --max-bytes."
    refused(path, message, max_bytes=1000)
    refused(path, message.replace("1000.", f"{total - 1}."), max_bytes=total - 1)
    with pytest.raises(InputError, match="10000 rows of scores, but 20 labels"):
        read(path, max_bytes=total)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileProblem) as error:
        read(tmp_path / "no.npz")
    assert str(error.value) == f"{tmp_path / 'no.npz'}: there is no such file"


@pytest.mark.parametrize(
    ("name", "hint"), [("d.npx", ' (did you mean ".npz"?)'), ("d.cvs", ' (did you mean ".csv"?)'), ("d.xyzzy", "")]
)
def test_unknown_suffixes(name, hint, tmp_path):
    (tmp_path / name).write_text("x")
    suffix = name[1:]
    with pytest.raises(InputError) as error:
        read(tmp_path / name)
    assert str(error.value).startswith(f'{name}: the suffix "{suffix}" is unknown{hint}; formats are .npz, ')


def test_suffixes_in_capitals(tmp_path):
    (tmp_path / "D.NPZ").write_bytes(npz(tmp_path, logits=LOGITS, labels=LABELS).read_bytes())
    assert read(tmp_path / "D.NPZ").n == 20


def test_a_pipe_is_no_dump(tmp_path):
    os.mkfifo(tmp_path / "d.npz")
    with pytest.raises(FileProblem, match="a pipe, but a regular file is needed"):
        read(tmp_path / "d.npz")


def test_random_damage_is_an_error_or_changes_nothing(tmp_path):
    path = archive(tmp_path / "d.npz", GOOD, compression=zipfile.ZIP_DEFLATED)
    raw, right = path.read_bytes(), metrics(path)
    rng = np.random.default_rng(0)
    refusals = 0
    for place in rng.choice(len(raw), 150, replace=False):
        broken = bytearray(raw)
        broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        try:
            assert metrics(path) == right, place
        except (InputError, FileProblem) as error:
            refusals += 1
            assert "d.npz" in str(error)  # noqa: PT017 - an error is fine, and so is none
    assert refusals > 100


@pytest.mark.parametrize("memory", [None, 2**18])
@pytest.mark.parametrize("order", ["C", "F", "every second row"])
@pytest.mark.parametrize("dtype", ["f2", ">f4", "f8", ">f8", "g", "i1"])
def test_large_arrays_give_the_numbers_of_their_float64_copy(dtype, order, memory, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "AT_ONCE", 2**19)  # of 4 MiB: what is larger is read alike
    columns = 2 * 2**19 // (5000 * np.dtype(dtype).itemsize)  # more than is read at once
    rng = np.random.default_rng(4)
    exact, labels = np.round(rng.normal(size=(10_000, columns)) * 4), rng.integers(0, columns, 5000)
    stored = np.asarray(exact.astype(dtype), order="F" if order == "F" else "C")
    stored = stored[::2] if order == "every second row" else stored[:5000]
    np.savez(tmp_path / "d.npz", logits=stored, labels=labels)
    np.save(tmp_path / "d.npy", stored)
    np.save(tmp_path / "y.npy", labels)
    expected = exact[::2] if order == "every second row" else exact[:5000]
    for predictions in (
        read(tmp_path / "d.npz", max_memory=memory),
        read(tmp_path / "d.npy", labels=tmp_path / "y.npy", kind="logits", max_memory=memory),
    ):
        assert isinstance(predictions.scores, FileRows)
        assert np.array_equal(np.concatenate([predictions.scores[i : i + 999] for i in range(0, 5000, 999)]), expected)


def test_text_beyond_what_is_read_at_once_is_checked(tmp_path):
    site = np.array(["a" * 60_000] * 20)
    site.view(np.uint32)[-1] = 0x110000
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, site=site)
    with pytest.raises(InputError, match=r"^d\.npz: site: entry 19 holds 0x110000, which is not a character$"):
        read(path).columns["site"]
