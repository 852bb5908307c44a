"""`.safetensors`: values where they lie, bfloat16 exactly, and headers that must fit the file."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from calibeval.core.errors import InputError
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump, read
from calibeval.readers.stored.bfloat16 import Bfloat16Rows
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.rows import FileRows
from tests.readers.dumps import LABELS, LOGITS, refused


def written(folder, metadata=None, **tensors):
    save_file(tensors, folder / "d.safetensors", metadata=metadata)
    return folder / "d.safetensors"


def raw(folder, header, data=b""):
    """A file by hand: any header, any bytes behind it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / "d.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    return folder / "d.safetensors"


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4"])
def test_types(dtype, tmp_path):
    scores = np.abs(LOGITS * 10).astype(dtype)
    predictions = read(written(tmp_path, logits=scores, labels=LABELS))
    assert predictions.scores.dtype == dtype
    assert (predictions.scores[0:20] == scores).all()
    assert predictions.source.format == "safetensors"


def test_splits_slices_and_truth_values(tmp_path):
    path = written(tmp_path, val_logits=LOGITS, val_labels=LABELS, val_seen=LABELS == 0)
    assert read(f"{path}#val").columns["seen"].tolist() == (LABELS == 0).tolist()
    path = written(tmp_path, confidence=np.array([0.5, 0.75]), correct=np.array([True, False]))
    assert read(path).labels.tolist() == [1, 0]


@pytest.mark.parametrize("max_memory", [2**30, 10])
def test_bfloat16_is_read_exactly(max_memory, tmp_path):
    logits = torch.from_numpy(LOGITS).to(torch.bfloat16)
    save_tensors({"logits": logits, "labels": torch.from_numpy(LABELS)}, tmp_path / "d.safetensors")
    predictions = open_dump(str(tmp_path / "d.safetensors"), ReadOptions(limits=Limits(max_memory=max_memory)))
    assert isinstance(predictions.scores, Bfloat16Rows if max_memory == 10 else np.ndarray)
    assert (predictions.scores.shape, predictions.scores.dtype) == ((20, 3), np.float32)
    assert predictions.scores[3:7].tolist() == logits[3:7].tolist()


def test_values_beyond_memory_stay_in_the_file(tmp_path):
    predictions = open_dump(
        str(written(tmp_path, logits=LOGITS, labels=LABELS)), ReadOptions(limits=Limits(max_memory=10))
    )
    assert isinstance(predictions.scores, FileRows)
    assert (predictions.scores[0:20] == LOGITS).all()


def test_class_names_in_the_metadata(tmp_path):
    names = json.dumps(["a", "b", "ü"])
    assert read(written(tmp_path, {"class_names": names}, logits=LOGITS, labels=LABELS)).class_names == ("a", "b", "ü")
    assert read(written(tmp_path, {"format": "pt"}, logits=LOGITS, labels=LABELS)).class_names is None
    refused(
        written(tmp_path, {"classes": "a,b,c"}, logits=LOGITS, labels=LABELS),
        'd.safetensors: "classes" in __metadata__ must be a JSON list of strings',
    )


ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
TWO = {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"x": ONE}, "the header describes 8 bytes of values, but the file holds 16"),
        ({"x": ONE, "y": ONE}, 'tensor "y" overlaps another (byte 0, expected 8)'),
        ({"y": TWO}, 'tensor "y" does not begin where the previous one ends (byte 8, expected 0)'),
        (
            {"x": ONE, "y": {**TWO, "shape": [3]}},
            'tensor "y": shape [3] of F32 takes 12 bytes, but the header gives it 8',
        ),
        (
            {"x": {**ONE, "shape": [2**61, 2**61]}},
            (
                'tensor "x": shape [2305843009213693952, 2305843009213693952] of F32 takes 21267647932558653966 bytes, '
                "but the header gives it 8"
            ),
        ),
        (
            {"x": {**ONE, "shape": [1] * 32 + [1]}},
            'tensor "x": 33 axes, but at most 32 are read',
        ),
        ({"x": {**ONE, "shape": [-2]}}, 'tensor "x": shape and data_offsets must be lists of non-negative integers'),
        ({"x": {**ONE, "shape": [True]}}, 'tensor "x": shape and data_offsets must be lists of non-negative integers'),
        (
            {"x": {**ONE, "data_offsets": [0]}},
            'tensor "x": shape and data_offsets must be lists of non-negative integers',
        ),
        (
            {"x": {**ONE, "dtype": "F8_E4M3"}},
            'tensor "x": dtype F8_E4M3 is unknown; the dtypes are F64, F32, F16, BF16, ',
        ),
        (
            {"x": {**ONE, "more": 1}},
            'tensor "x": the header must give its dtype, shape and data_offsets, and nothing else',
        ),
        ({"x": 3}, 'tensor "x": the header must give its dtype, shape and data_offsets, and nothing else'),
        ({}, "holds no tensors"),
        ({"x": ONE, "y": TWO, "__metadata__": {"a": 1}}, "__metadata__ must map names to texts"),
        ([1], "the header is not a JSON object"),
        (b'{"x": 1, "x": 2}', "the header is damaged (a name occurs twice)"),
        (b'{"x": ', "the header is damaged (Expecting value"),
        (b'{"\xff": 1}', "the header is damaged ('utf-8' codec"),
        (b'{"\\ud800": 1}', "the header is damaged ('utf-8' codec"),
        (b"[" * 100_000, "the header is nested too deeply"),
    ],
)
def test_headers_that_do_not_fit(header, message, tmp_path):
    with pytest.raises(InputError) as error:
        read(raw(tmp_path, header, bytes(16)))
    assert str(error.value).startswith(f"d.safetensors: {message}")


@pytest.mark.parametrize(
    "content", [b"abc", b"\xff" * 8, (100).to_bytes(8, "little") + b"{}", (2**25).to_bytes(8, "little") + bytes(2**25)]
)
def test_files_that_are_something_else(content, tmp_path):
    (tmp_path / "d.safetensors").write_bytes(content)
    announced = int.from_bytes(content[:8], "little")
    refused(
        tmp_path / "d.safetensors",
        "d.safetensors: not a .safetensors file, or damaged: "
        f"the file says that its header has {announced} bytes, "
        f"but the file has {len(content)}, and at most 16777216 are read",
    )
