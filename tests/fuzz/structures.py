"""Complete files that say odd or impossible things, made by chance from the grammar of each format.

`mutate.py` spoils bytes, and most of what it makes ends at the first check. These files pass it.
"""

import gzip
import io
import json
import math
import re
import struct
import zipfile

import numpy as np

from tests.fuzz.hdf5 import hdf5_file
from tests.fuzz.odd import STRANGE, chance, names, pick, rows_and_classes, values_of
from tests.fuzz.opcodes import torch_archive
from tests.fuzz.tables import arrow_file, csv_text, json_document, json_lines, parquet_file

SIZES = (
    "0",
    "1",
    "2",
    "3",
    "20",
    "-1",
    "True",
    "1.5",
    "None",
    "'3'",
    "2**3",
    "4611686018427387904",
    "9" * 30,
    "()",
    "[]",
)
DESCRS = (
    "'<f4'", "'>f8'", "'|O'", "'<U0'", "'|S0'", "'|V0'", "'|V7'", "'<U3'", "'<M8'", "'<m8[s]'", "'<c16'", "'<f16'",
    "[]", "[('a', '<f4')]", "[('a', '<f4', (2, 2)), ('b', 'O')]", "('<f4', (2,))", "'f4,f4'", "5", "None", "'<q'",
    "'|b1'", "'<U99999999'", "'|S2147483647'", "{'names': ['a'], 'formats': ['f4']}", "[('a', [('b', [])])]", "''",
)  # fmt: skip


def header_text(rng):
    """The literal in the header of a .npy file."""
    sizes = [pick(rng, SIZES[:5]) if chance(rng, 0.8) else pick(rng, SIZES) for _ in range(int(rng.integers(4)))]
    if chance(rng, 0.03):
        sizes = ["1"] * int(rng.integers(30, 70))
    shape = f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})" if chance(rng, 0.95) else pick(rng, SIZES)
    descr = pick(rng, DESCRS[:2]) if chance(rng, 0.6) else pick(rng, DESCRS)
    fortran = pick(rng, ("True", "False", "False", "0", "None", "'no'")) if chance(rng, 0.3) else "False"
    parts = [f"'descr': {descr}", f"'fortran_order': {fortran}", f"'shape': {shape}"]
    if chance(rng, 0.05):
        parts.append(pick(rng, ("'more': 1", "'shape': (3,)", "5: 5")))
    if chance(rng, 0.03):
        parts.pop(int(rng.integers(len(parts))))
    return "{" + ", ".join(parts) + ", }"


def npy_stream(rng):
    """A .npy stream whose header is odd, with some bytes after it."""
    text = header_text(rng).encode("latin1")
    text += b" " * ((-len(text) - 11) % 64) + b"\n"
    version = pick(rng, ((1, 0), (1, 0), (2, 0), (3, 0), (0, 0), (9, 9)))
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text) + (chance(rng, 0.02) and 7))
    counts = [int(size) for size in re.findall(r"\d+", text.decode().partition("'shape'")[2]) if len(size) < 4]
    right = math.prod(counts) * (8 if b"f8" in text else 4)
    values = bytes(right) if rng.random() < 0.7 else bytes(pick(rng, (0, 8, 12, 24, 80, 240, 480)))
    return b"\x93NUMPY" + bytes(version) + length + text + values


def npy_of(array, rng):
    """An array as a .npy stream."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=pick(rng, ((1, 0), (2, 0), (3, 0))), allow_pickle=False)
    return stream.getvalue()


def npy(rng):
    """A .npy file."""
    n, k = rows_and_classes(rng)
    return npy_of(values_of("logits", n, k, rng), rng) if chance(rng, 0.4) else npy_stream(rng)


def npz(rng):
    """An archive of arrays, some of them odd; names may occur twice, and the index may lie."""
    n, k = rows_and_classes(rng)
    keys = names(rng)
    if chance(rng, 0.05):
        keys.append(keys[0])
    members = []
    for key in keys:
        content = npy_of(values_of(key, n, k, rng), rng) if chance(rng, 0.9) else npy_stream(rng)
        members.append((key + (".npy" if chance(rng, 0.98) else pick(rng, ("", ".npz", ".npy.npy", ".NPY"))), content))
    return zip_of(members, rng)


def zip_of(members, rng, methods=(0, 0, 8, 8, 12, 14)):
    """An archive, in which sizes and places of the index may be lies."""
    stream = io.BytesIO()
    method = pick(rng, methods) if chance(rng, 0.9) else 0
    with zipfile.ZipFile(stream, "w", method if method in (0, 8) or chance(rng, 0.1) else 0) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name or "x")
            info.compress_type = archive.compression
            if chance(rng, 0.03):
                info.extra = struct.pack("<HH", pick(rng, (1, 7, 0x5455)), 4) + rng.bytes(4)
            archive.writestr(info, content)
        if chance(rng, 0.05):
            archive.comment = b"PK\x05\x06" * 3
    data = bytearray(stream.getvalue())
    if chance(rng, 0.15):
        entries = [i for i in range(len(data) - 46) if data[i : i + 4] == b"PK\x01\x02"]
        at = pick(rng, entries) + pick(
            rng, (8, 10, 16, 20, 24, 28, 30, 42)
        )  # flags, method, CRC, sizes, lengths, place
        struct.pack_into("<I", data, at, pick(rng, (0, 1, 40, 100, 2**16, 2**31, 2**32 - 1)))
    return bytes(data)


def safetensors(rng):
    """A header in JSON, and as many bytes as it says, or not."""
    n, k = rows_and_classes(rng)
    header, position = {}, 0
    if chance(rng, 0.3):
        header["__metadata__"] = pick(
            rng, ({"class_names": '["a","b"]'}, {"class_names": "["}, {"a": 1}, [], None, {"class_names": "[" * 10**5})
        )
    for key in names(rng):
        array = values_of(key, n, k, rng)
        kinds = {"f2": "F16", "f4": "F32", "f8": "F64", "i8": "I64", "i4": "I32", "u1": "U8", "b1": "BOOL", "u8": "U64"}
        kind = kinds.get(array.dtype.str[1:], pick(rng, ("BF16", "F8_E4M3", "F32", "f32", 5, None)))
        sizes = list(array.shape)
        if chance(rng, 0.1):
            sizes.append(pick(rng, (-1, 0, 2**61, True, 1.5, "3", None, [1], 10**400)))
        end = position + (array.nbytes if chance(rng, 0.95) else pick(rng, (-1, 2**63, 0, 1.5, True)))
        entry = {"dtype": kind, "shape": sizes, "data_offsets": [position, end]}
        if chance(rng, 0.04):
            entry[pick(rng, ("shape", "dtype", "data_offsets", "more"))] = pick(
                rng, (None, [], {}, 5, "F32", [0], [[]])
            )
        header[key] = entry if chance(rng, 0.97) else pick(rng, (None, [], 5, "x", {}))
        position = end if isinstance(end, int) and 0 <= end < 10**6 else position
    text = json.dumps(header).encode()
    if chance(rng, 0.05):
        text = pick(
            rng, (b"[]", b"{", b"5", b"[" * 10**5, b'{"a":NaN}', text + b" " * 9, text.replace(b"}", b"}}", 1), b"")
        )
    return (
        struct.pack("<Q", len(text)) + text + bytes(int(position) + (int(rng.integers(9)) if chance(rng, 0.05) else 0))
    )


def packed(make):
    """The same text, gzipped, perhaps in two members, or with a trailer that lies."""

    def gzipped(rng):
        text = make(rng)
        data = gzip.compress(text, mtime=0)
        if chance(rng, 0.1):
            return data[:-4] + struct.pack("<I", pick(rng, (0, 2**31, 2**32 - 1)))
        return data + (gzip.compress(text[: len(text) // 2], mtime=0) if chance(rng, 0.1) else b"")

    return gzipped


STRUCTURES = {
    ".npy": npy,
    ".npz": npz,
    ".pt": lambda rng: torch_archive(rng, zip_of),
    ".safetensors": safetensors,
    ".parquet": parquet_file,
    ".feather": arrow_file,
    ".h5": hdf5_file,
    ".csv": lambda rng: csv_text(rng, ","),
    ".tsv": lambda rng: csv_text(rng, "\t"),
    ".csv.gz": packed(lambda rng: csv_text(rng, ",")),
    ".jsonl": json_lines,
    ".json": json_document,
}
NAMED = STRANGE[3:]  # options that name columns take some of these


def options(suffix, rng, folder):
    """A command with options, such as people combine them; {} stands for the file."""
    command = pick(rng, ("report", "report", "report", "inspect", "compare"))
    split = pick(rng, ("#val", "#all", "#val+test", "#test", "#logits", "#", "#nothing")) if chance(rng, 0.15) else ""
    words = [command, "{}" + split, *(["{}"] if command == "compare" else [])]
    if suffix == ".npy" or chance(rng, 0.2):
        words += ["--labels", str(folder / pick(rng, ("labels.npy", "texts.npy", "short.npy")))]
    if suffix == ".npy" or chance(rng, 0.25):
        words += ["--kind", pick(rng, ("logits", "probs", "log_probs", "confidence"))]
    if chance(rng, 0.2):
        words += ["--ignore-index", pick(rng, ("0", "-1", "255", "-100", str(2**63 - 1)))]
    if chance(rng, 0.1):
        words += ["--max-memory", pick(rng, ("1", "100", "4096"))]
    if chance(rng, 0.1):
        role = pick(rng, ("ids", "labels", "prediction", "correct", "confidence", "logits"))
        words += ["--key", f"{role}={pick(rng, (*names(rng), *NAMED))}"]
    if chance(rng, 0.05):
        words += ["--score-columns", pick(rng, ("a,b", "logit_0,logit_1", "p,y", "site,id", "label,label"))]
    if command == "report" and chance(rng, 0.2):
        words += ["--slice", pick(rng, ("site", "class", "predicted", "ids", *NAMED))]
    return words
