"""Plain heads in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.heads.layers import HeadLogits, ImageLogits, PlainLayer, blocks_of, logits_of
from tests.core.streams import Forward


def test_two_layers_by_hand():
    first = PlainLayer(np.array([[1.0, 0.0], [0.0, -1.0]]), np.array([0.0, 1.0]))
    last = PlainLayer(np.array([[1.0, 2.0]]), np.array([0.5]))
    # hidden: max(0, 3), max(0, 1 - 4); logit: 3 + 2 * 0 + 0.5
    assert logits_of([first, last], np.array([[3.0, 4.0]])).tolist() == [[3.5]]
    # hidden: max(0, -1), max(0, 1 + 2); logit: 0 + 2 * 3 + 0.5
    assert logits_of([first, last], np.array([[-1.0, -2.0]])).tolist() == [[6.5]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ">f4", np.int8])
def test_sums_are_of_float64(dtype):
    rows = np.arange(8).reshape(4, 2).astype(dtype)
    weight = np.array([[1.0, 1e-9]], np.float32)
    expected = rows.astype(float) @ weight.astype(float).T
    found = logits_of([PlainLayer(weight, np.zeros(1, np.float32))], rows)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_blocks_cover_all_rows(monkeypatch):
    monkeypatch.setattr("calibeval.core.heads.layers.BLOCK_NUMBERS", 6)
    rows = np.arange(20.0).reshape(10, 2)
    assert [len(block) for block in blocks_of(Forward(rows))] == [3, 3, 3, 1]
    layer = PlainLayer(np.eye(2), np.ones(2))
    np.testing.assert_array_equal(logits_of([layer], rows), rows + 1.0)


def test_rows_wider_than_a_block(monkeypatch):
    monkeypatch.setattr("calibeval.core.heads.layers.BLOCK_NUMBERS", 1)
    assert [len(block) for block in blocks_of(np.ones((3, 5)))] == [1, 1, 1]


def test_logits_are_the_same_however_they_are_read(monkeypatch):
    monkeypatch.setattr("calibeval.core.heads.layers.BLOCK_NUMBERS", 35)  # blocks of 7 rows
    rng = np.random.default_rng(5)
    rows, layers = rng.normal(size=(40, 5)), [PlainLayer(rng.normal(size=(4, 5)), rng.normal(size=4))]
    layers.append(PlainLayer(rng.normal(size=(3, 4)), rng.normal(size=3)))
    whole, source = logits_of(layers, rows), HeadLogits(layers, rows)
    np.testing.assert_allclose(
        whole, np.maximum(rows @ layers[0].weight.T + layers[0].bias, 0) @ layers[1].weight.T + layers[1].bias
    )
    for start, stop in ((0, 3), (2, 15), (14, 21), (39, 40), (6, 6), (0, 40), (38, 99)):
        assert np.array_equal(source[start:stop], whole[start:stop])
    images = ImageLogits(layers, rows, (4, 2, 5))
    assert images.shape == (4, 2, 5, 3)
    assert np.array_equal(images[1:3], whole[10:30].reshape(2, 2, 5, 3))
    assert images[2:2].shape == (0, 2, 5, 3)
