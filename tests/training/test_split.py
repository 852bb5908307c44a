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
    x, labels, weights = next(split.batches(torch.tensor([0, 7]), 2))
    assert x.tolist() == ROWS[[49, 42]].tolist()
    assert labels.tolist() == LABELS[[49, 42]].tolist()
    assert weights is None
