"""Rows that wait for a full chunk: none is lost, and their arrays are not those of the batches."""

import numpy as np
import pytest

from calibeval.core.evaluation.rechunked import Rechunked
from calibeval.core.evaluation.running_facts import Chunk


def rows(start, stop, dtype=np.float32):
    numbers = np.arange(start, stop)
    return Chunk(np.stack([numbers, -numbers], axis=1).astype(dtype), numbers, numbers % 3 > 0, numbers / 2.0, numbers)


@pytest.mark.parametrize("sizes", [[1] * 23, [5] * 4 + [3], [23], [4, 1, 18], [2, 20, 1]])
def test_every_row_comes_once_and_in_order(sizes):
    waiting, seen = Rechunked(5), []
    start = 0
    for size in sizes:
        waiting.feed(rows(start, start + size), lambda chunk: seen.append([one.copy() for one in chunk]))
        start += size
    assert [len(one[1]) for one in seen] == [5] * 4
    assert len(waiting) == 3
    for got, wanted in zip(zip(*seen, waiting.rest(), strict=True), rows(0, 23), strict=True):
        assert np.array_equal(np.concatenate(got), wanted)


def test_what_waits_is_a_copy():
    waiting, batch = Rechunked(5), rows(0, 3)
    waiting.feed(batch, print)
    other = waiting.copy()
    batch.scores[:] = 9.0
    waiting.feed(rows(3, 4), print)
    assert len(other) == 3
    assert other.rest().scores[:, 0].tolist() == [0.0, 1.0, 2.0]


def test_a_wider_type_widens_what_waits():
    waiting = Rechunked(5)
    waiting.feed(rows(0, 2, np.float16), print)
    waiting.feed(rows(2, 4, np.float64), print)
    assert waiting.rest().scores.dtype == np.float64
    assert waiting.rest().scores[:, 1].tolist() == [0.0, -1.0, -2.0, -3.0]
