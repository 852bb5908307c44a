"""Features on their way to training: standardised, in batches, from memory or from where they are stored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibeval.core.data.picked_rows import PickedRows
from calibeval.training.split import no_standard, resident, staged, standard_of

RNG = np.random.default_rng(0)
ROWS = RNG.normal(3.0, 2.0, (50, 4))
LABELS = RNG.integers(0, 3, 50)


def test_mean_and_deviation():
    found = standard_of(ROWS)
    np.testing.assert_allclose(found.mean, ROWS.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.scale, ROWS.std(axis=0), rtol=1e-12)


def test_many_blocks_are_one(monkeypatch):
    monkeypatch.setattr("calibeval.core.heads.layers.BLOCK_NUMBERS", 12)
    np.testing.assert_allclose(standard_of(ROWS).scale, ROWS.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e6])
def test_a_large_mean_does_not_hide_the_deviation(offset):
    np.testing.assert_allclose(standard_of(ROWS + offset).scale, ROWS.std(axis=0), rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30, -7.0])
def test_a_constant_feature_is_divided_by_one(value):
    rows = ROWS.copy()
    rows[:, 2] = value
    found = standard_of(rows)
    assert found.scale[2] == 1.0
    assert found.mean[2] == pytest.approx(value)
    assert found.scale[1] != 1.0


@pytest.mark.parametrize("make", [resident, staged])
def test_batches(make):
    standard = standard_of(ROWS)
    split = make(ROWS, LABELS, standard, "cpu", torch.float64)
    expected = (ROWS - ROWS.mean(axis=0)) / ROWS.std(axis=0)
    x, labels = (torch.cat(parts) for parts in zip(*(batch[:2] for batch in split.batches(None, 8)), strict=True))
    np.testing.assert_allclose(x, expected)
    assert labels.tolist() == LABELS.tolist()
    order = torch.from_numpy(np.random.default_rng(1).permutation(50))
    batches = list(split.batches(order, 8))
    assert [len(one.labels) for one in batches] == [8] * 6 + [2]
    np.testing.assert_allclose(torch.cat([one.x for one in batches]), expected[order.numpy()])
    assert torch.cat([one.labels for one in batches]).tolist() == LABELS[order.numpy()].tolist()


def test_rows_that_are_read_like_an_array():
    picked = PickedRows(ROWS, np.arange(49, -1, -1))
    split = staged(picked, LABELS[::-1].copy(), no_standard(4), "cpu", torch.float64)
    x, labels, weights, _ = next(split.batches(torch.tensor([0, 7]), 2))
    assert x.tolist() == ROWS[[49, 42]].tolist()
    assert labels.tolist() == LABELS[[49, 42]].tolist()
    assert weights is None


def _stored(dtype):
    """7 rows, of which some numbers do not fit fewer bits; and as arrays that are only read, or have strides."""
    rows = (ROWS[:7] * 10.1).astype(dtype)
    fixed = rows.copy()
    fixed.flags.writeable = False
    return rows, fixed, np.repeat(rows, 2, axis=1)[:, ::2], rows[::-1][::-1]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f2", ">f4", "i1", "u1", "i8", "u2", "?"])
def test_every_stored_type_is_standardised_in_float64(monkeypatch, dtype):
    monkeypatch.setattr("calibeval.training.split.CACHED_NUMBERS", 12)
    for rows in _stored(dtype):
        before, wide = rows.copy(), rows.astype(np.float64)
        standard = standard_of(rows)
        expected = ((wide - standard.mean) / standard.scale).astype(np.float32)
        for make in (resident, staged):
            split = make(rows, LABELS[:7], standard, "cpu", torch.float32)
            np.testing.assert_array_equal(split.span(0, 7).numpy(), expected, strict=True)
            np.testing.assert_array_equal(split.fetch(torch.tensor([6, 2])).numpy(), expected[[6, 2]], strict=True)
        np.testing.assert_array_equal(rows, before, strict=True)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_sums_of_a_block_are_those_of_its_rows_in_float64(monkeypatch, dtype):
    monkeypatch.setattr("calibeval.core.heads.layers.BLOCK_NUMBERS", 80)
    rows = (ROWS * 10.1).astype(dtype)
    shifted = rows.astype(np.float64) - rows[0].astype(np.float64)
    parts = [shifted[start : start + 20] for start in (0, 20, 40)]
    mean = sum(part.sum(axis=0) for part in parts) / 50
    squares = sum(np.einsum("ij,ij->j", part, part) for part in parts) / 50
    found = standard_of(rows)
    np.testing.assert_array_equal(found.mean, mean + rows[0].astype(np.float64), strict=True)
    np.testing.assert_array_equal(found.scale, np.sqrt(squares - mean * mean), strict=True)
