"""Numbers in float16 as float32: every one of them, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.data import halves
from calibeval.core.data.halves import halves_finite, is_half, widened
from calibeval.core.sums.row_hashes import row_hashes

ALL = np.arange(2**16, dtype=np.uint16).view(np.float16)
FINITE = ALL[np.isfinite(ALL)]


def test_every_finite_number_has_the_bits_that_numpy_gives_it():
    assert len(FINITE) == 63488
    found = widened(FINITE.reshape(-1, 31))
    assert found.dtype == np.float32
    assert found.tobytes() == FINITE.astype(np.float32).tobytes()


def test_infinity_and_nan_are_converted_too():
    assert widened(ALL.reshape(-1, 64)).tobytes() == ALL.astype(np.float32).tobytes()


@pytest.mark.parametrize("chunk", [1, 7, 31, 2**16])
def test_rows_of_any_layout(monkeypatch, chunk):
    monkeypatch.setattr(halves, "CHUNK", chunk)
    rows = FINITE.reshape(31, -1)
    for one in (rows.T, rows[:, ::-1], rows[::3, ::2]):
        np.testing.assert_array_equal(widened(one), one.astype(np.float32), strict=True)
    assert widened(rows[:0]).shape == rows[:0].shape


def test_other_types_stay_as_they_are():
    for dtype in ("f4", "f8", "i1", ">f2"):
        rows = np.ones((2, 3), dtype)
        assert widened(rows) is rows
        assert not is_half(rows)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_the_largest_number_is_finite_and_the_next_is_not(value):
    rows = np.full((2, 3), 65504.0, np.float16)
    assert halves_finite(rows)
    assert halves_finite(-rows[:, ::2])
    rows[1, 2] = value
    assert not halves_finite(rows)


def test_a_row_has_one_hash_in_float16_and_float32():
    rows, labels = FINITE.reshape(-1, 31), np.arange(2048)
    assert row_hashes([(rows, labels)], 31).tolist() == row_hashes([(rows.astype(np.float32), labels)], 31).tolist()


def test_hashing_leaves_the_features_alone():
    for dtype in (np.float16, np.float32):
        rows = np.array([[-0.0, 1.0]], dtype)
        row_hashes([(rows, np.array([0]))], 2)
        assert np.signbit(rows[0, 0])
