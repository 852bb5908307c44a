"""Values are read where they lie, block by block: the numbers are those of numpy, in every order and type."""

from __future__ import annotations

import os

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.stored.header import Header
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.rows import AT_ONCE, GAP, FileRows, in_memory, values_in_file
from calibeval.readers.stored.steady import SteadyFile

BEFORE = 13  # bytes before the values, so that nothing is aligned


def stored(folder, array, strides=None, shape=None):
    """A file with the memory of an array, and the header that describes it."""
    (folder / "d.bin").write_bytes(b"?" * BEFORE + array.tobytes("A"))
    given = array.strides if strides is None else strides
    return SteadyFile.of(folder / "d.bin"), Header(shape or array.shape, array.dtype, given)


def rows_of(folder, array, **options):
    file, header = stored(folder, array, **options)
    return FileRows(file, BEFORE, header)


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", "f8", ">f8", "g", "i1", ">i2", "u8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 7), (50, 3, 4)])
def test_blocks_and_picked_rows_are_those_of_numpy(shape, order, dtype, tmp_path):
    array = np.asarray(np.random.default_rng(1).normal(size=shape) * 40).astype(dtype, order=order)
    rows = rows_of(tmp_path, array)
    assert (rows.shape, rows.dtype) == (array.shape, array.dtype)
    for piece in (slice(0, 50), slice(7, 31), slice(49, 60), slice(10, 10), slice(30, 7), slice(0, 1)):
        assert rows[piece].tobytes() == array[piece].tobytes()
        assert rows[piece].shape == array[piece].shape
    for picked in ([3], [49, 0, 25], [5, 5, 4], [*range(50)], []):
        numbers = np.array(picked, np.intp)
        assert rows.take(numbers).tobytes() == array[numbers].tobytes()


def test_rows_with_gaps_between_them(tmp_path):
    array = np.arange(120.0).reshape(20, 6)
    rows = rows_of(tmp_path, array, shape=(10, 4), strides=(96, 8))  # every second row, four columns of each
    assert (rows[2:5] == array[4:10:2, :4]).all()
    assert (rows.take(np.array([9, 0])) == array[[18, 0], :4]).all()


def test_rows_that_lie_far_apart_are_read_one_by_one(tmp_path, monkeypatch):
    array = np.arange(3 * GAP, dtype=np.float64).reshape(-1, 2)
    rows = rows_of(tmp_path, array)
    read = []
    fill = SteadyFile.fill

    def counted(self, buffers, starts):
        read.extend(len(buffer) for buffer in buffers)
        fill(self, buffers, starts)

    monkeypatch.setattr(SteadyFile, "fill", counted)
    picked = np.array([len(array) - 1, 0, 1, 5])
    assert (rows.take(picked) == array[picked]).all()
    assert sorted(read) == [16, 96]


@pytest.mark.parametrize("entries", [AT_ONCE // 8, AT_ONCE // 8 + 1])
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_arrays_stay_in_the_file(entries, order, tmp_path):
    array = np.asarray(np.arange(2.0 * entries).reshape(-1, 2)[: entries // 2 + entries % 2], order=order)
    file, header = stored(tmp_path, array)
    found = values_in_file(file, BEFORE, header, Limits())
    assert isinstance(found, FileRows) == (array.nbytes > AT_ONCE)
    assert (found[5:9] == array[5:9]).all()


def test_little_memory_leaves_small_arrays_in_the_file(tmp_path):
    array = np.arange(20.0).reshape(10, 2)
    file, header = stored(tmp_path, array)
    assert isinstance(values_in_file(file, BEFORE, header, Limits(max_memory=159)), FileRows)
    assert isinstance(values_in_file(file, BEFORE, header, Limits(max_memory=160)), np.ndarray)


def test_an_odd_order_is_read_whole_or_refused(tmp_path):
    array = np.arange(24.0).reshape(2, 3, 4)
    file, header = stored(tmp_path, array, shape=(2, 4, 3), strides=(96, 8, 32))
    array = array.transpose(0, 2, 1)
    assert np.array_equal(np.asarray(values_in_file(file, BEFORE, header, Limits())), array)
    with pytest.raises(InputError) as error:
        values_in_file(file, BEFORE, header, Limits(max_memory=100))
    assert str(error.value) == (
        "d.bin: 192 bytes in an order that cannot be read in blocks, over the limit of 100 for memory: "
        "save a contiguous copy, or raise --max-memory"
    )


@pytest.mark.parametrize("shape", [(), (0, 3), (3, 0)])
def test_single_numbers_and_nothing(shape, tmp_path):
    file, header = stored(tmp_path, np.full(shape, 2.5))
    found = values_in_file(file, BEFORE, header, Limits())
    assert (found.shape, np.asarray(found).tolist()) == (shape, np.full(shape, 2.5).tolist())


def test_a_change_between_two_blocks_is_found(tmp_path):
    rows = rows_of(tmp_path, np.arange(200.0).reshape(100, 2))
    assert rows[0:2].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    os.truncate(tmp_path / "d.bin", 400)
    with pytest.raises(InputError, match=r"^d\.bin: the file changed while it was read"):
        rows[0:2]
    with pytest.raises(InputError, match="changed"):
        rows.take(np.array([0]))


def test_unpacked_bytes_become_an_array():
    header = Header.checked((2, 3), np.dtype(">i2"), "d", fortran=True)
    assert in_memory(header, np.arange(6, dtype=">i2").tobytes()).tolist() == [[0, 2, 4], [1, 3, 5]]
