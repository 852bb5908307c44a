"""Equal-mass bins of cells: nearly those of exact edges, and never farther than said."""

import numpy as np
import pytest

from calibeval.core.sums.equal_mass import confidence_keys, from_keys
from calibeval.core.sums.equal_weight import from_weighted_keys
from calibeval.core.sums.key_cells import cell_sums_of, mass_of_cells
from calibeval.core.sums.running_keys import RunningKeys


def mean_gap(sums):
    return float(np.abs(sums.surplus).sum() / sums.count.sum())


def rows(seed, n, places=None):
    rng = np.random.default_rng(seed)
    p = rng.beta(*rng.uniform(0.3, 9.0, 2), n) * 0.9 + 0.1
    p = p if places is None else np.round(p, places)
    return confidence_keys(p, rng.random(n) < p**2)


@pytest.mark.parametrize("places", [None, 1, 2])
@pytest.mark.parametrize("bins", [1, 4, 15, 200])
def test_the_value_is_within_the_bound(places, bins):
    for seed in range(30):
        keys = rows(seed, 400, places)
        exact, _ = from_keys(keys, bins)
        found = mass_of_cells(cell_sums_of(keys), bins)
        assert abs(mean_gap(found.sums) - mean_gap(exact)) <= found.bound + 1e-12
        assert found.sums.count.sum() == 400
        assert np.isclose(found.sums.yp.sum(), exact.yp.sum(), rtol=1e-12)


def test_the_value_of_weighted_rows_is_within_the_bound():
    for seed in range(30):
        keys, weights = rows(seed, 300), np.random.default_rng(seed).random(300)
        exact, _ = from_weighted_keys(keys, weights, 10)
        found = mass_of_cells(cell_sums_of(keys, weights), 10)
        assert abs(mean_gap(found.sums) - mean_gap(exact)) <= found.bound + 1e-12
        assert found.sums.rows.sum() == 300


def test_the_sums_of_a_bin_are_those_of_the_rows_within_its_edges():
    keys = rows(3, 1000)
    found = mass_of_cells(cell_sums_of(keys), 12)
    p, y = (keys >> np.uint64(1)).view(np.float64), (keys & np.uint64(1)).astype(bool)
    for i, (low, high) in enumerate(zip(found.edges[:-1], found.edges[1:], strict=True)):
        own = (p > low) & (p <= high)
        assert found.sums.count[i] == own.sum()
        assert found.sums.y[i] == y[own].sum()
        assert found.sums.p[i] == pytest.approx(p[own].sum(), rel=1e-12)


def test_many_rows_lie_closer():
    keys = rows(1, 200_000)
    found = mass_of_cells(cell_sums_of(keys), 15)
    assert found.bound < 0.002
    assert abs(mean_gap(found.sums) - mean_gap(from_keys(keys, 15)[0])) < 1e-3


def test_keys_become_cells_beyond_the_number_that_is_kept(monkeypatch):
    monkeypatch.setattr("calibeval.core.sums.running_keys.MOST_KEPT", 100)
    running = RunningKeys(0.0, exact=None)
    keys = rows(0, 101)
    running.add(keys[:100], None, None)
    assert running.kept
    assert running.equal_mass(5).bound == 0.0
    running.add(keys[100:], None, None)
    assert not running.kept
    assert running.equal_mass(5).sums.count.tolist() == mass_of_cells(cell_sums_of(keys), 5).sums.count.tolist()


@pytest.mark.parametrize("exact", [(True, False), (False, True), (False, False)])
def test_rows_joined_with_cells_are_cells(exact):
    one, two = (RunningKeys(0.0, exact=own) for own in exact)
    keys = rows(0, 300)
    one.add(keys[:200], None, None)
    two.add(keys[200:], None, None)
    one.join(two, None)
    assert not one.kept
    assert np.allclose(one.cells.p, cell_sums_of(keys).p, rtol=1e-12)


def test_rows_wait_until_they_are_many(monkeypatch):
    monkeypatch.setattr("calibeval.core.sums.running_keys.WAITING", 100)
    running, keys = RunningKeys(0.0, exact=False), rows(0, 253)
    wanted = mass_of_cells(cell_sums_of(keys), 7)
    for start in range(0, 253, 23):
        running.add(keys[start : start + 23], None, None)
        assert sum(map(len, running.key_parts)) < 100
    found = running.equal_mass(7)
    assert (found.sums.count.tolist(), found.edges.tolist()) == (wanted.sums.count.tolist(), wanted.edges.tolist())
    assert sum(map(len, running.key_parts)) > 0  # a look changes nothing
