"""Some rows of a sample, recognised in another file: from more than half of either on, and not by chance."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.data.shared_rows import LEAST_HITS, SKETCH, sketch_of, sketched_rows


def hashes(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, n, np.uint64)


@pytest.mark.parametrize(("kept", "found"), [(SKETCH // 2, 0), (SKETCH // 2 + 1, SKETCH // 2 + 1), (SKETCH, SKETCH)])
def test_more_than_half_of_the_rows(kept, found):
    rows = np.sort(hashes(SKETCH))
    tested = np.concatenate((rows[:kept], hashes(SKETCH - kept, seed=1)))
    assert sketched_rows(sketch_of(rows), SKETCH, tested) == found


def test_a_small_part_of_many_rows_is_found_from_three_hits_on():
    rows = np.sort(hashes(10_000))
    for hits in (LEAST_HITS - 1, LEAST_HITS):
        part = np.concatenate((rows[:hits], rows[-(300 - hits) :]))
        assert (sketched_rows(sketch_of(rows), 10_000, part) > 0) == (hits == LEAST_HITS)


def test_rows_that_occur_twice_are_no_sign():
    rows = np.repeat(hashes(100), 2)
    assert sketch_of(rows) is None
    assert sketch_of(np.concatenate((rows, [np.uint64(5)]))) == f"{5:016x}"


def test_the_order_of_rows_makes_no_difference():
    rows = hashes(500)
    assert sketch_of(rows) == sketch_of(rows[::-1])
    assert len(sketch_of(rows)) == 16 * SKETCH
