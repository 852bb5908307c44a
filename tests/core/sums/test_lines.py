"""Reductions over the classes of a block, and numpy's settings around them."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.sums.lines import BUFFERED, quiet_lines, row_maxima, row_sums


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (40, 130)])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reductions_are_those_of_numpy(shape, axis, dtype):
    values = np.random.default_rng(0).normal(size=shape).astype(dtype)
    out = np.empty(shape[1 - axis], dtype)
    assert row_maxima(values, axis).tolist() == values.max(axis=axis).tolist()
    np.testing.assert_allclose(
        row_sums(values, axis), values.sum(axis=axis), rtol=1e-5 if dtype is np.float32 else 1e-13
    )
    assert row_maxima(values, axis, out=out) is out
    assert out.tolist() == values.max(axis=axis).tolist()
    assert row_sums(values, axis, out=out) is out


@pytest.mark.parametrize("axis", [0, 1])
def test_maxima_of_what_is_not_finite(axis):
    values = np.array([[-np.inf, -np.inf, -np.inf], [0.0, np.inf, 1.0], [2.0, np.nan, np.inf]])
    found = row_maxima(values if axis == 1 else np.ascontiguousarray(values.T), axis)
    assert str(found.tolist()) == "[-inf, inf, nan]"


def test_numpy_is_left_as_it_was():
    before = np.getbufsize(), np.geterr()
    with quiet_lines():
        assert np.getbufsize() == BUFFERED
        assert set(np.geterr().values()) == {"ignore"}
    assert (np.getbufsize(), np.geterr()) == before


def test_numpy_is_left_as_it_was_after_an_error():
    def fail():
        with quiet_lines():
            raise ZeroDivisionError

    before = np.getbufsize(), np.geterr()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert (np.getbufsize(), np.geterr()) == before
