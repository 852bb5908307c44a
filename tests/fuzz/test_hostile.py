"""Files made to run code, to eat memory, or to lie about their size: refused at once, and nothing runs."""

import builtins
import functools
import io
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile
import zlib

import numpy as np
import pytest
import torch

from calibeval.cli.main import main
from calibeval.core.errors import InputError
from calibeval.readers.open import read
from tests.fuzz.seeds import SEEDS, arrays


class Payload:
    """Something whose unpickling calls a function; `witness` tells whether it was called."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def calls(witness):
    """Twelve ways for a pickle to act; each would leave the witness file behind, or end the process."""
    create = f"open({str(witness)!r}, 'w').close()"
    return [
        Payload(os.system, f"touch {witness}"),
        Payload(os.mkdir, str(witness)),
        Payload(builtins.exec, create),
        Payload(builtins.eval, create),
        Payload(open, str(witness), "w"),
        Payload(subprocess.call, ["touch", str(witness)]),
        Payload(subprocess.Popen, ["touch", str(witness)]),
        Payload(functools.partial(open, str(witness), "w")),
        Payload(os.symlink, "/", str(witness)),
        Payload(os._exit, 0),
        Payload(sys.exit, 0),
        Payload(builtins.__import__, "antigravity"),
    ]


def refused_quickly(path, capsys, *options, expected=3):
    began = time.monotonic()
    code = main(["report", str(path), "--json", *options])
    took = time.monotonic() - began
    captured = capsys.readouterr()
    assert code == expected, captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err
    # A guard against doing the work before refusing it: the margin is for a busy machine, the work would take minutes.
    assert took < 5
    return captured.err


@pytest.mark.parametrize("number", range(12))
def test_a_pickle_in_npz_never_runs(number, tmp_path, capsys):
    witness = tmp_path / "witness"
    path = tmp_path / "dump.npz"
    np.savez(path, logits=np.array([calls(witness)[number]], dtype=object), labels=np.array([0]))
    assert "never" in refused_quickly(path, capsys)
    assert not os.path.lexists(witness)


@pytest.mark.parametrize("number", range(12))
def test_a_pickle_in_pt_never_runs(number, tmp_path, capsys):
    witness = tmp_path / "witness"
    path = tmp_path / "dump.pt"
    torch.save({"logits": torch.zeros(2, 2), "labels": torch.zeros(2), "more": calls(witness)[number]}, path)
    assert "no pickle is executed" in refused_quickly(path, capsys)
    assert not os.path.lexists(witness)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".npz", ".npy"])
def test_a_bare_pickle_never_runs(suffix, tmp_path, capsys):
    witness = tmp_path / "witness"
    path = tmp_path / f"dump{suffix}"
    path.write_bytes(pickle.dumps(calls(witness)[0]))
    refused_quickly(path, capsys)
    assert not witness.exists()


def test_the_payloads_do_act_when_they_are_unpickled(tmp_path):
    witness = tmp_path / "witness"
    pickle.loads(pickle.dumps(calls(witness)[2]))  # noqa: S301 - our own
    assert witness.exists()


def npy_header(shape, dtype="<f4"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def zip_of(members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zip_with_declared_size(size):
    """One deflated member whose sizes in the index are lies."""
    content = bytearray(zip_of({"logits.npy": npy_header((10, 3)) + bytes(120)}))
    place = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, place + 24, size)
    return bytes(content)


def overlapping_members():
    """Two entries of the index that share one member's bytes."""
    content = bytearray(zip_of({"a.npy": npy_header((2,)) + bytes(8), "b.npy": npy_header((2,)) + bytes(8)}))
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    struct.pack_into("<I", content, second + 42, 0)
    return bytes(content)


def far_header(offset):
    """A member whose header lies at this place, says the index, in 64 bits."""
    content = bytearray(zip_of({"logits.npy": npy_header((2,)) + bytes(8)}))
    entry, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    extra = struct.pack("<HHQ", 1, 8, offset)
    struct.pack_into("<I", content, entry + 42, 2**32 - 1)
    struct.pack_into("<H", content, entry + 30, len(extra))
    struct.pack_into("<I", content, end + 12, end - entry + len(extra))
    extra_at = entry + 46 + len("logits.npy")
    return bytes(content[:extra_at] + extra + content[extra_at:])


BOMBS = {
    "far.npz": lambda: far_header(2**64 - 1),
    "far.pt": lambda: far_header(2**63),
    "beyond.npz": lambda: far_header(2**40),
    "header_only.npz": lambda: zip_of({"logits.npy": npy_header((10**12, 1000))}),
    "negative.npz": lambda: zip_of({"logits.npy": npy_header((-5, 3))}),
    "declared_4g.npz": lambda: zip_with_declared_size(2**32 - 2),
    "declared_less.npz": lambda: zip_with_declared_size(40),
    "overlap.npz": overlapping_members,
    "wide_items.npz": lambda: zip_of({"logits.npy": npy_header((2, 2), "|V2147483647")}),
    "many_dimensions.npz": lambda: zip_of({"logits.npy": npy_header((1,) * 200)}),
    "deep_header.npy": lambda: b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 8999 + b"\n",
    "tall.npy": lambda: npy_header((2**60, 3)),
    "overflow.npy": lambda: npy_header((2**62, 2**62)),
    "deep.jsonl": lambda: b'{"logits":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}\n",
    "big_header.safetensors": lambda: struct.pack("<Q", 2**62) + b"{}",
    "lying.safetensors": lambda: (
        (header := b'{"logits":{"dtype":"F32","shape":[9999999999,10],"data_offsets":[0,399999999960]}}')
        and struct.pack("<Q", len(header)) + header
    ),
    "shape.safetensors": lambda: (
        (header := b'{"logits":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,8]}}')
        and struct.pack("<Q", len(header)) + header + bytes(8)
    ),
}


def gzip_bomb(pattern, head, declared=None):
    """A gzip file of half a gigabyte of a repeated pattern, made without holding it in memory; its trailer may lie."""
    packer = zlib.compressobj(1, wbits=31)
    content = packer.compress(head)
    piece = pattern * (2**20 // len(pattern))
    for _ in range(5 * 10**8 // len(piece)):
        content += packer.compress(piece)
    content += packer.flush()
    return content if declared is None else content[:-4] + struct.pack("<I", declared)


BOMBS["zeros.csv.gz"] = functools.partial(gzip_bomb, b"0,0,0\n", b"logit_0,logit_1,label\n")
BOMBS["one_line.csv.gz"] = functools.partial(gzip_bomb, b"0", b"logit_0,logit_1,label\n")
BOMBS["lying.csv.gz"] = functools.partial(gzip_bomb, b"0", b"logit_0,logit_1,label\n", 1000)
BOMBS["zeros.jsonl.gz"] = functools.partial(gzip_bomb, b" ", b'{"p":')


def npz_of_zeros():
    """Deflated members that expand a thousandfold, beyond the limit, made piece by piece."""
    buffer = io.BytesIO()
    archive = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("logits.npy", "w", force_zip64=True) as member:
        member.write(npy_header((125_000_000, 1)))
        for _ in range(125):
            member.write(bytes(4_000_000))
    return buffer.getvalue()


BOMBS["zeros.npz"] = npz_of_zeros


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_and_lying_headers_are_refused(name, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(BOMBS[name]())
    np.save(tmp_path / "labels.npy", np.zeros(2, int))
    options = ["--kind", "logits", "--labels", str(tmp_path / "labels.npy")] if name.endswith(".npy") else []
    assert name in refused_quickly(path, capsys, "--max-bytes", str(2**28), *options)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_many_members_are_read_quickly(compression, tmp_path, capsys):
    path = tmp_path / "many.npz"
    content = npy_header((2,)) + bytes(8)
    members = {f"column_{i}.npy": content for i in range(4000)}
    members |= {"logits.npy": npy_header((2, 2)) + bytes(16), "labels.npy": npy_header((2,), "<i4") + bytes(8)}
    path.write_bytes(zip_of(members, compression))
    began = time.monotonic()
    predictions = read(path)
    predictions.settled_source()
    assert len(predictions.columns) == 4000
    assert main(["inspect", str(path)]) == 0
    assert "column_3999" in capsys.readouterr().out
    # Opening the archive once a member took 100 seconds.
    assert time.monotonic() - began < 20


def test_too_many_members_are_refused(tmp_path, capsys):
    path = tmp_path / "more.npz"
    path.write_bytes(zip_of({f"{i}.npy": b"" for i in range(10_001)}, zipfile.ZIP_STORED))
    assert "10001 members, but at most 10000 are read" in refused_quickly(path, capsys)


CHECKED = {
    ".npz": lambda content: content.index(b"NUMPY") + 128,
    ".compressed.npz": lambda content: content.index(b"logits.npy") + 40,
    ".pt": lambda content: content.index(arrays(5)["logits"].tobytes()),
    ".csv.gz": lambda _: 40,
}


@pytest.mark.parametrize("suffix", CHECKED)
def test_a_flipped_value_is_found_where_there_is_a_checksum(suffix, tmp_path):
    content = SEEDS[suffix](5)
    start = CHECKED[suffix](content)
    path = tmp_path / f"dump{suffix}"
    for offset in range(200):
        damaged = bytearray(content)
        damaged[start + offset] ^= 1 << (offset % 8)
        path.write_bytes(damaged)
        with pytest.raises(InputError):
            read(path).settled_source()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_special_files_are_refused(make, tmp_path, capsys):
    path = tmp_path / "dump.npz"
    make(path)
    assert "but a regular file is needed" in refused_quickly(path, capsys, expected=4)


def test_a_pickle_file_is_refused_with_a_way_out(tmp_path, capsys):
    path = tmp_path / "dump.pkl"
    path.write_bytes(pickle.dumps({"logits": [1]}))
    assert "pickle" in refused_quickly(path, capsys)
