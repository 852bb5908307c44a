"""What a header may say: every size, type and stride that no array has is refused before a byte is read."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.stored.header import Header, checked_shape

F4 = np.dtype("<f4")


def header(shape, dtype="<f4", **options):
    return Header.checked(shape, np.dtype(dtype), "d.npz: logits", **options)


def test_strides_of_both_orders():
    assert header((4, 3, 2)).strides == (24, 8, 4)
    assert header((4, 3, 2), fortran=True).strides == (4, 16, 48)
    assert header(()).strides == ()
    assert header((0, 3)).strides == (12, 4)
    assert (header((4, 3)).count, header((4, 3)).nbytes, header(()).count) == (12, 48, 1)


@pytest.mark.parametrize(
    ("shape", "strides", "layout"),
    [
        ((4, 3), (12, 4), (True, True, False)),
        ((4, 3), (4, 16), (False, False, True)),
        ((4, 3), (24, 4), (False, True, False)),  # every second row
        ((4, 3), (12, 8), (False, False, False)),
        ((4, 3), (0, 4), (False, False, False)),  # one row, again and again
        ((4, 3), (8, 4), (False, False, False)),  # rows that overlap
        ((4, 1), (4, 4), (True, True, True)),
        ((1, 3), (12, 4), (True, True, True)),
        ((), (), (True, False, True)),
        ((0, 3), (12, 4), (True, True, True)),
        ((4, 2, 3), (24, 12, 4), (True, True, False)),
        ((4, 2, 3), (24, 4, 8), (False, False, False)),
    ],
)
def test_layouts(shape, strides, layout):
    one = Header(shape, F4, strides)
    assert (one.in_rows, one.rows_apart, one.in_columns) == layout


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((True, 60), "<i8", "the header gives shape (True, 60), but sizes must be whole numbers from 0"),
        ((-5, 3), "<f4", "the header gives shape (-5, 3), but sizes must be whole numbers from 0"),
        ((2.0,), "<f4", "the header gives shape (2.0), but sizes must be whole numbers from 0"),
        ("33", "<f4", "the header gives shape (33), but sizes must be whole numbers from 0"),
        (None, "<f4", "the header gives shape (None), but sizes must be whole numbers from 0"),
        (("x" * 999,), "<f4", f"the header gives shape ({'x' * 20}), but sizes must be whole numbers from 0"),
        ((1,) * 33, "<f4", "the header gives 33 axes, but at most 32 are read"),
        ((1,) * 10_000, "<f4", "the header gives 10000 axes, but at most 32 are read"),
        ((3,), "<U0", "the header gives entries of type <U0, which have no bytes"),
        ((3,), "|S0", "the header gives entries of type |S0, which have no bytes"),
        ((3,), "|V0", "the header gives entries of type |V0, which have no bytes"),
        ((0, 2**62), "<i8", "the header gives the impossible shape (0, 4611686018427387904)"),
        ((2**31, 2**31), "<i8", "the header gives the impossible shape (2147483648, 2147483648)"),
        ((2**60,), "<i4", "the header gives the impossible shape (1152921504606846976)"),
        ((1, 2, 3, 4, 5, 6, 7, 2**61), "<i4", "the header gives the impossible shape (1, 2, 3, 4, 5, 6, ...)"),
    ],
)
def test_impossible_arrays(shape, dtype, message):
    with pytest.raises(InputError) as error:
        header(shape, dtype)
    assert str(error.value) == f"d.npz: logits: {message}"


def test_the_boundaries_are_possible():
    assert header((1,) * 32).count == 1
    assert header((2**60 - 1,)).nbytes == 2**62 - 4
    assert checked_shape([4, 3], F4, "d") == (4, 3)
    assert checked_shape((0, 0), F4, "d") == (0, 0)


@pytest.mark.parametrize(
    ("dtype", "why"),
    [
        ("O", "Python objects. Reading them would run a pickle, which calibeval never does"),
        ([("a", "O")], "Python objects"),
        ("V7", "entries of type |V7, but numbers or text are needed"),
        ([("a", "f4"), ("b", "f4")], "but numbers or text are needed"),
        ("M8", "dates without a unit. Save them with one, as datetime64[s], or as text."),
        ("m8", "dates without a unit"),
    ],
)
def test_types_that_are_never_read(dtype, why):
    assert why in header((3,), dtype).refusal


@pytest.mark.parametrize("dtype", ["?", "i1", ">u8", "f2", "g", "c8", "S3", "<U2", "M8[s]", "m8[D]"])
def test_types_that_are_read(dtype):
    assert header((3,), dtype).refusal is None
