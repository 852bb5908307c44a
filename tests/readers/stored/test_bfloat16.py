"""bfloat16 is widened without changing a value, wherever its bits lie."""

from __future__ import annotations

import numpy as np
import torch

from calibeval.readers.stored.bfloat16 import Bfloat16Rows, widened, widened_source

BITS = np.arange(2**16, dtype=np.uint16)


def test_every_value_is_that_of_torch():
    theirs = torch.from_numpy(BITS.view(np.int16).copy()).view(torch.bfloat16).float().numpy()
    assert widened(BITS).tobytes() == theirs.tobytes()
    assert widened(BITS.astype(">u2")).tobytes() == theirs.tobytes()


class Elsewhere:
    """Rows that are no array."""

    def __init__(self, rows):
        self.rows, self.shape, self.dtype = rows, rows.shape, rows.dtype

    def __getitem__(self, rows):
        return self.rows[rows]


def test_rows_elsewhere_are_widened_when_they_are_read():
    rows = widened_source(Elsewhere(BITS[:600].reshape(200, 3)))
    assert isinstance(rows, Bfloat16Rows)
    assert (rows.shape, rows.dtype) == ((200, 3), np.float32)
    assert rows[5:9].tobytes() == widened(BITS[15:27]).tobytes()
    assert rows.take(np.array([7, 2])).tobytes() == widened(BITS[:600].reshape(200, 3)[[7, 2]]).tobytes()
    assert isinstance(widened_source(BITS), np.ndarray)
