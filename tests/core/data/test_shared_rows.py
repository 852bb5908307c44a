"""Shared rows: where a coincidence ends and a leak begins, one row on either side."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.data.predictions import Source
from calibeval.core.data.shared_rows import Sample, find_leak, sketch_of, sketched_rows


def sample(hashes, ids=None):
    """Rows that are the same where their hashes are."""
    values = np.array(hashes, np.uint64)
    return Sample(Source(), len(values), 3, "scores", lambda: values, None if ids is None else lambda: np.array(ids))


@pytest.mark.parametrize(("shared", "agree", "certain"), [(10, 5, False), (10, 6, True), (11, 5, False), (11, 6, True)])
def test_most_rows_of_shared_ids_must_agree_to_be_a_leak(shared, agree, certain):
    names = [f"image-{i}" for i in range(shared)]
    one = sample([*range(shared), 900], [*names, "only here"])
    other = sample([*range(agree), *range(100, 100 + shared - agree), 900], [*names, "only there"])
    leak = find_leak(one, other)
    assert (leak.reason, leak.rows, leak.certain) == ("ids", agree, certain)


@pytest.mark.parametrize(("shared", "leaks"), [(5, False), (6, True)])
@pytest.mark.parametrize("turned", [False, True])
def test_more_than_half_of_the_rows_without_ids_are_a_leak(shared, leaks, turned):
    ten, many = sample(range(10)), sample([*range(shared), *range(100, 200)])
    leak = find_leak(many, ten) if turned else find_leak(ten, many)
    assert (leak is not None) == leaks
    if leak is not None:
        assert (leak.reason, leak.rows, leak.certain) == ("rows", shared, True)


@pytest.mark.parametrize(("shared", "leaks"), [(5, False), (6, True)])
def test_all_that_occur_once_are_not_enough_where_they_are_half(shared, leaks):
    leak = find_leak(sample([*range(shared), *[60] * (10 - shared)]), sample([*range(shared), *range(100, 200)]))
    assert (leak is not None) == leaks


@pytest.mark.parametrize(("single", "leaks"), [(2, False), (3, True)])
def test_more_than_half_of_the_rows_that_occur_once_must_be_shared_too(single, leaks):
    # Six saturated rows and four of their own: with two of these, 8 of 10 rows are shared, but no leak is proven.
    ten = sample([50] * 6 + [0, 1, 2, 3])
    many = sample([50, *range(single), *range(100, 200)])
    leak = find_leak(ten, many)
    assert (leak is not None) == leaks
    if leak is not None:
        assert leak.rows == 6 + single


def test_rows_of_which_none_occurs_once_leak_only_where_all_are_alike_in_order():
    assert find_leak(sample([1, 1, 2, 2]), sample([2, 2, 1, 1])) is None
    assert find_leak(sample([1, 1, 2, 2]), sample([1, 1, 2, 2])).rows == 4


@pytest.mark.parametrize("splits", [("val", "val"), (None, "val"), ("val", "val+test")])
def test_of_one_file_the_smaller_sample_is_shared(splits):
    one, other = (
        Sample(Source("a.npz", split, "f00"), n, 3, "scores", lambda: np.zeros(0, np.uint64))
        for split, n in zip(splits, (10, 30), strict=True)
    )
    assert find_leak(one, other).rows == find_leak(other, one).rows == 10


def one_number(hashes):
    values = np.array(hashes, np.uint64)
    return Sample(Source(), len(values), None, "scores", lambda: values)


# 12 equal rows beside 8 or 9 that occur once: by chance 60 or 57 % are found, so that 80 or 79 % are no evidence yet.
@pytest.mark.parametrize(("shared", "rows"), [(8, 0), (9, 9)])
def test_single_numbers_must_coincide_more_often_than_by_chance(shared, rows):
    sketch, tested = sketch_of(np.arange(10, dtype=np.uint64)), np.array([*range(shared), *[50] * 12], np.uint64)
    assert sketched_rows(sketch, 10, tested, one_number=True) == rows
    assert sketched_rows(sketch, 10, tested) == shared


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_rounded_confidences_of_one_source_are_no_leak_and_their_shuffled_copy_is(digits):
    rng = np.random.default_rng(0)
    rows = (np.rint(rng.uniform(size=4000) * 10**digits) * 2 + rng.integers(0, 2, 4000)).astype(np.uint64)
    one, other = one_number(rows[:2000]), one_number(rows[2000:])
    assert find_leak(one, other) is None
    sketch = sketch_of(rows[:2000])
    if sketch is not None:
        assert sketched_rows(sketch, 2000, rows[2000:], one_number=True) == 0
        assert sketched_rows(sketch, 2000, rng.permutation(rows[:2000]), one_number=True) == 2000
        assert find_leak(one, one_number(rng.permutation(rows[:2000]))).rows == 2000
