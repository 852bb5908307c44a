"""The isotonic regression in drawn outcomes of a calibrated model."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.sums.pairs import Pairs
from calibeval.core.uncertainty.isotonic_pairs import Drawn, drawn_floor, drawn_gain


def test_what_cells_lose_is_added_again():
    confidence = np.random.default_rng(4).beta(6, 1, 30_000)
    pairs = Pairs.of(confidence, np.zeros(30_000, bool))
    rows, stated, _, _ = pairs.runs
    rng = np.random.default_rng(5)
    samples = (Drawn.of(rows, stated, (rng.random((40, 30_000)) < stated).astype(float)) for _ in range(5))
    gain = np.mean([one.gain for one in samples])  # of single rows
    assert drawn_gain(pairs, lambda one: one.gain).expected == pytest.approx(gain, rel=0.04)
    assert drawn_floor(pairs, lambda one: one.gain).expected < 0.97 * gain  # that of cells alone


def test_quantiles_of_drawn_distances_by_hand():
    # Distances .1 (30 rows), .2 (10 rows), .4 (60 rows).
    drawn = Drawn(
        np.array([10.0, 60.0, 30.0]), np.array([0.2, 0.5, 0.8]), np.zeros((1, 3)), np.array([[0.4, 0.9, 0.9]])
    )
    found = [float(drawn.distance(share)[0]) for share in (0.29, 0.31, 0.39, 0.41, 1.0)]
    assert found == pytest.approx([0.1, 0.2, 0.2, 0.4, 0.4], rel=1e-7)
    assert drawn.distance(None)[0] == pytest.approx(0.03 + 0.02 + 0.24)


def test_confidences_near_the_smallest_number_have_a_floor():
    # Distances of 1e-310 have squares that are 0.
    pairs = Pairs.of(np.linspace(1.0, 3.0, 300) * 1e-310, np.zeros(300, bool))
    floor = drawn_floor(pairs, lambda one: one.distance(None))
    assert 0.0 < floor.expected <= floor.high <= floor.certain < 1e-300
    # The floor scales with the distances otherwise.
    small = drawn_floor(pairs, lambda one: one.distance(None) * 2.0**900)
    assert small.high / small.expected == pytest.approx(floor.high / floor.expected, rel=1e-6)
