"""The largest probabilities of every row, and the label's place among them, against sorting."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.sums.best_classes import largest, places_of_labels


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("k", [2, 5, 64])
def test_as_by_sorting(k, axis, tied):
    rng = np.random.default_rng(k)
    p = rng.integers(0, 4, (300, k)) / 4 if tied else rng.random((300, k))
    labels = rng.integers(0, k, 300).astype(np.uint8)
    order = np.argsort(-p, axis=1, kind="stable")
    own = np.ascontiguousarray(p.T) if axis == 0 else p
    before = own.copy()
    for most in {1, 2, min(k, 12), k}:
        expected = np.take_along_axis(p, order[:, :most], axis=1).T
        assert np.array_equal(largest(own, axis, most), expected)
    assert np.array_equal(places_of_labels(own, labels, axis), (order == labels[:, None]).argmax(axis=1))
    assert np.array_equal(own, before)
