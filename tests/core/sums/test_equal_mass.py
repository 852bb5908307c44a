"""Equal-mass bins from keys: the definition in every way of getting there, however the confidences crowd."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibeval.core.errors import InputError
from calibeval.core.sums import equal_mass
from calibeval.core.sums.equal_mass import confidence_keys, from_keys
from tests import definitions

CROWDS = {
    "like a network's": lambda rng, n: 1 / (1 + np.exp(-np.abs(rng.normal(3, 3, n)))),
    "even": lambda rng, n: rng.random(n),
    "all 1": lambda _, n: np.ones(n),
    "all 0": lambda _, n: np.zeros(n),
    "mostly 1": lambda rng, n: np.where(rng.random(n) < 0.7, 1.0, rng.random(n)),
    "a hair below 1": lambda rng, n: 1 - rng.random(n) * 1e-14,
    "close to 1": lambda rng, n: 1 - rng.random(n) * 1e-12,
    "close together": lambda rng, n: 0.9 + 1e-9 * rng.random(n),
    "two decimals": lambda rng, n: np.round(rng.random(n), 2),
    "around a half": lambda rng, n: 0.5 + rng.integers(-3, 4, n) * 2.0**-54,
    "powers of a half": lambda rng, n: 2.0 ** -rng.integers(0, 1075, n).astype(float),
    "nearly 0": lambda rng, n: rng.random(n) * 1e-300,
}


def assert_defined(confidence, correct, bins):
    sums, edges = from_keys(confidence_keys(confidence, correct), bins)
    assert edges.tolist() == definitions.mass_edges(confidence, bins)
    inside = (confidence[:, None] > edges[None, 1:-1]).sum(axis=1)
    m = len(edges) - 1
    assert sums.count.tolist() == np.bincount(inside, minlength=m).tolist()
    assert sums.y.tolist() == np.bincount(inside, correct, m).tolist()
    for found, weights in ((sums.p, confidence), (sums.pp, confidence**2), (sums.yp, confidence * correct)):
        np.testing.assert_allclose(found, np.bincount(inside, weights, m), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("crowd", CROWDS)
@pytest.mark.parametrize("few", [0, 2**15])
@pytest.mark.parametrize("collected", [2**20, 100, 5])
def test_sums_and_edges_are_those_of_the_definition(crowd, few, collected, monkeypatch):
    monkeypatch.setattr(equal_mass, "FEW_ROWS", few)
    monkeypatch.setattr(equal_mass, "COLLECTED", collected)
    monkeypatch.setattr(equal_mass, "PART", 700)
    rng = np.random.default_rng(0)
    for n in (1, 5, 2000):
        confidence = CROWDS[crowd](rng, n)
        for bins in (1, 2, 15, 100):
            assert_defined(confidence, rng.random(n) < confidence, bins)


def test_more_rows_than_are_sorted():
    rng = np.random.default_rng(0)
    confidence = CROWDS["like a network's"](rng, equal_mass.FEW_ROWS + 1)
    assert_defined(confidence, rng.random(len(confidence)) < confidence, 15)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.integers(1, 20))
def test_any_confidences(confidence, bins):
    values = np.abs(np.array(confidence))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(equal_mass, "FEW_ROWS", 0)
        assert_defined(values, np.arange(len(values)) % 2 == 0, bins)


def test_keys_stay_as_they_are():
    keys = confidence_keys(np.array([0.9, 0.1, 0.5]), np.array([True, False, True]))
    before = keys.tolist()
    from_keys(keys, 2)
    assert keys.tolist() == before


def test_without_rows_there_are_no_bins():
    with pytest.raises(InputError, match=r"^there are no rows to bin$"):
        from_keys(np.empty(0, np.uint64), 3)


@pytest.mark.parametrize("jobs", [2, 3])
def test_threads_change_nothing(jobs, monkeypatch):
    monkeypatch.setattr(equal_mass, "FEW_ROWS", 0)
    monkeypatch.setattr(equal_mass, "PART", 700)
    rng = np.random.default_rng(0)
    confidence = CROWDS["like a network's"](rng, 9000)
    keys = confidence_keys(confidence, rng.random(9000) < confidence)
    (one, edges), (other, same) = from_keys(keys, 15), from_keys(keys, 15, jobs)
    assert edges.tolist() == same.tolist()
    for part in ("count", "p", "pp", "y", "yp"):
        assert getattr(one, part).tolist() == getattr(other, part).tolist()
