"""Several sources as one."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.readers.stored.joined import JoinedRows

PARTS = [
    np.arange(6).reshape(3, 2),
    np.empty((0, 2), int),
    np.arange(6, 8).reshape(1, 2),
    np.arange(8, 18).reshape(5, 2),
]
WHOLE = np.concatenate(PARTS)


@pytest.mark.parametrize("start", range(10))
def test_any_rows_are_those_of_the_whole(start):
    joined = JoinedRows(PARTS)
    assert (joined.shape, joined.dtype) == ((9, 2), WHOLE.dtype)
    for stop in range(11):
        assert joined[start:stop].tolist() == WHOLE[start:stop].tolist()
        assert joined[start:stop].shape == WHOLE[start:stop].shape
