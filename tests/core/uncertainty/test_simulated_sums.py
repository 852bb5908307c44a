"""The sums that simulations draw are those that the engine makes of such rows."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.data.predictions import Predictions
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.engine import summarise
from tests.benchmarks.atoms import Atoms, Drawing, samples, truth_of

FIELDS = ("count", "p", "pp", "y", "yp")
BINARY = Atoms.of(np.array([0.02, 0.2, 0.5, 0.7, 1.0]), np.array([0.0, 0.3, 0.4, 0.9, 1.0]), binary=True)
MANY = Atoms.of(np.array([0.3, 0.45, 0.8, 0.8125, 0.99]), np.array([0.25, 0.5, 0.7, 0.8, 1.0]), 5)


def rows_of(atoms, counts, right):
    """Probabilities and labels of these rows; wrong rows have the last class but the predicted one."""
    probs, labels = [], []
    for p, c, n, hits in zip(atoms.stated, atoms.confidence, counts, right, strict=True):
        row = [1.0 - p, p] if atoms.binary else [c, *[(1.0 - c) / (atoms.k - 1)] * (atoms.k - 1)]
        top = int(np.argmax(row))
        other = 1 - top if atoms.binary else atoms.k - 1
        probs += [row] * n
        labels += [top] * hits + [other] * (n - hits)
    return Predictions(probs=np.array(probs), labels=np.array(labels))


@pytest.mark.parametrize("atoms", [BINARY, MANY])
@pytest.mark.parametrize("bins", [5, 15])
def test_drawn_sums_are_those_of_rows(atoms, bins):
    counts, right = np.array([3, 40, 7, 21, 29]), np.array([3, 31, 2, 20, 29])
    drawn = Drawing.of(atoms, bins).sums(100, counts.astype(float), right.astype(float))
    made = summarise(rows_of(atoms, counts.tolist(), right.tolist()), bins)
    assert (drawn.n, drawn.k) == (made.n, made.k)
    assert drawn.mass_edges == pytest.approx(made.mass_edges, abs=1e-12)
    for name in FIELDS:
        assert getattr(drawn.top, name) == pytest.approx(getattr(made.top, name), abs=1e-9)
        assert getattr(drawn.mass, name) == pytest.approx(getattr(made.mass, name), abs=1e-9)
        if atoms.binary:
            assert getattr(drawn.classes, name) == pytest.approx(getattr(made.classes, name), abs=1e-9)
    assert drawn.nll[:2] == pytest.approx(made.nll[:2], rel=1e-12)
    assert drawn.brier[:2] == pytest.approx(made.brier[:2], rel=1e-12)


@pytest.mark.parametrize("atoms", [BINARY, MANY])
def test_large_samples_have_the_true_values(atoms):
    truth = truth_of(atoms, 15)
    (sums,) = samples(atoms, 1_000_000, 15, 1, np.random.default_rng(0))
    for name, true in truth.values.items():
        assert METRICS[name].value(sums) == pytest.approx(true, abs=4e-3)
    assert truth.of_mass(atoms, sums.mass_edges) == pytest.approx(truth.values["aece"], abs=1e-12)
