"""`.safetensors` files, as the format's own package and our reader see them."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from calibeval.core.errors import FileProblem
from calibeval.readers.formats.safetensors import read_with_texts
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.writers.tensors import CODES, write_tensors

ARRAYS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "0.bias": np.array([np.pi, -0.0, 1e-300]),
    "scalar": np.array(7),
    "empty": np.zeros((0, 4), np.int32),
    "mask": np.array([True, False]),
    "bytes": np.frombuffer(b"abc", np.uint8),
}


def test_the_formats_own_package_reads_it(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, ARRAYS, {"state": '{"a": "ü\\n"}', "sha256": "0"})
    found = load_file(path)
    assert found.keys() == ARRAYS.keys()
    for name, values in ARRAYS.items():
        assert found[name].dtype == values.dtype
        assert found[name].shape == values.shape
        assert found[name].tobytes() == values.tobytes()
    with safe_open(path, "np") as file:
        assert file.metadata() == {"state": '{"a": "ü\\n"}', "sha256": "0"}


def test_our_reader_reads_it(tmp_path):
    path = tmp_path / "a.safetensors"
    write_tensors(path, ARRAYS, {"text": "x"})
    arrays, texts = read_with_texts(SteadyFile.of(path), Limits())
    assert texts == {"text": "x"}
    assert {name: values.tolist() for name, values in arrays.items() if name != "mask"} == {
        name: values.tolist() for name, values in ARRAYS.items() if name != "mask"
    }


@pytest.mark.parametrize("dtype", CODES)
def test_order_and_layout_do_not_matter(tmp_path, dtype):
    values = (np.arange(12).reshape(3, 4) % 2).astype(dtype)
    expected = tmp_path / "expected.safetensors"
    write_tensors(expected, {"x": values})
    for i, other in enumerate(
        (np.asfortranarray(values), values.astype(values.dtype.newbyteorder(">")), values[::-1][::-1])
    ):
        path = tmp_path / f"{i}.safetensors"
        write_tensors(path, {"x": other})
        assert path.read_bytes() == expected.read_bytes()


def test_values_begin_at_a_multiple_of_eight(tmp_path):
    for n in range(9):
        path = tmp_path / f"{n}.safetensors"
        write_tensors(path, {"x" * (n + 1): np.ones(1)})
        assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileProblem, match="cannot be written"):
        write_tensors(tmp_path / "no" / "a.safetensors", ARRAYS)
