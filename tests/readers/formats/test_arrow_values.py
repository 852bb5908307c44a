"""Values of Arrow arrays: those that pyarrow itself converts them to, from slices as well."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calibeval.readers.formats.arrow_values import lengths, numbers, texts
from tests.cli.invoking import ENVIRONMENT

NUMBERS = [np.float16, np.float32, np.float64, np.int8, np.int16, np.int64, np.uint8, np.uint64]


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("part", [slice(0, 40), slice(3, 11), slice(39, 40)])
def test_numbers_keep_type_and_value(dtype, part):
    values = np.arange(40, dtype=dtype)
    found = numbers(pa.array(values)[part])
    assert found.dtype == dtype
    assert found.tolist() == values[part].tolist()


def test_missing_numbers_are_nan_and_truths_stay_truths():
    assert np.isnan(numbers(pa.array([1, None]))).tolist() == [False, True]
    assert numbers(pa.array([True, False, True])[1:]).tolist() == [False, True]


def test_lengths_of_lists():
    assert lengths(pa.array([[1.0], [2.0, 3.0], []])).tolist() == [1, 2, 0]
    assert lengths(pa.array([None, [2.0, 3.0]])).tolist() == [0, 2]
    assert lengths(pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float64(), 2))).tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    "array", [pa.array(["a", None, "b", "a"]), pa.array(["a", None, "b", "a"]).dictionary_encode()]
)
def test_texts_are_shared(array):
    found = texts(array)
    assert found.tolist() == ["a", None, "b", "a"]
    assert found[0] is found[3]


def test_a_table_of_numbers_imports_no_pandas(tmp_path):
    pq.write_table(pa.table({"prob_0": [0.25, 0.5], "prob_1": [0.75, 0.5], "label": [1, 0]}), tmp_path / "d.parquet")
    code = "import sys, calibeval; print(calibeval.evaluate(sys.argv[1])['nll'].value, 'pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "d.parquet"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=True,
    )
    value, loaded = done.stdout.split()
    assert float(value) == pytest.approx(-np.log(0.75 * 0.5) / 2)
    assert loaded == "False"
