"""Equal multisets of logits give equal confidences: the order of columns and of rows changes no metric."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval import Predictions, evaluate
from calibeval.core.sums.binning import GRID, equal_mass_edges, on_grid
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.equal_mass import confidence_keys, first_histogram, from_keys, from_passes
from calibeval.core.sums.resources import Resources

STEPS = {"whole": 1.0, "halves": 0.5, "quarters": 0.25}
# The sums of their exponentials in two orders lie on either side of the middle between two multiples of 2^-45.
SPLIT = (-3.0, -2.5, 2.5)


def coarse(seed, k, n, step):
    """Logits on a grid, with one largest class, and labels that are often that class."""
    rng = np.random.default_rng(seed)
    logits = np.round(rng.normal(0, 2, (n, k)) / step) * step
    top = rng.integers(0, k, n)
    logits[np.arange(n), top] = logits.max(axis=1) + step * rng.integers(1, 4, n)
    return logits, np.where(rng.random(n) < 0.6, top, rng.integers(0, k, n))


def metrics(logits, labels, max_memory=None):
    report = evaluate(Predictions(logits=logits, labels=labels), level=None, max_memory=max_memory)
    return {name: metric.value for name, metric in report.dumps[0].metrics.items() if metric.value is not None}


def turned(logits, labels, seed):
    """The same rows with their columns in another order."""
    order = np.random.default_rng(seed).permutation(logits.shape[1])
    return logits[:, order], np.argsort(order)[labels]


@given(
    seed=st.integers(0, 10**6),
    k=st.integers(3, 12),
    n=st.integers(1, 400),
    step=st.sampled_from(sorted(STEPS.values())),
    max_memory=st.sampled_from([None, 8]),
)
def test_the_order_of_columns_changes_nothing(seed, k, n, step, max_memory):
    logits, labels = coarse(seed, k, n, step)
    one, other = metrics(logits, labels, max_memory), metrics(*turned(logits, labels, seed), max_memory=max_memory)
    assert one == pytest.approx(other, abs=1e-12, rel=0)


@given(seed=st.integers(0, 10**6), k=st.integers(3, 12), n=st.integers(1, 400))
def test_the_order_of_rows_changes_nothing(seed, k, n):
    logits, labels = coarse(seed, k, n, 0.5)
    rows = np.random.default_rng(seed).permutation(n)
    assert metrics(logits, labels) == pytest.approx(metrics(logits[rows], labels[rows]), abs=1e-12, rel=0)


@pytest.mark.parametrize(("k", "n"), [(3, 60_000), (10, 60_000), (100, 20_000), (600, 3000)])
@pytest.mark.parametrize("max_memory", [None, 8])
def test_many_rows(k, n, max_memory):
    logits, labels = coarse(7, k, n, 0.5)
    one, other = metrics(logits, labels, max_memory), metrics(*turned(logits, labels, 1), max_memory=max_memory)
    assert one == pytest.approx(other, abs=1e-12, rel=0)


@pytest.mark.parametrize("n", [1, 40, 20_000])
@pytest.mark.parametrize("max_memory", [None, 8])
def test_confidences_on_either_side_of_a_step_tie(n, max_memory):
    orders = np.array([*itertools.permutations(SPLIT)])
    rows = summarise(Predictions(logits=orders, labels=np.zeros(6, int)), keep_rows=True).rows
    assert np.ptp(rows.confidence) == GRID
    logits = np.concatenate([np.repeat(orders, n, axis=0), [[0.0, 3.0, 0.0]] * n, [[0.0, 9.0, 0.0]] * n])
    labels = np.arange(len(logits)) % 3
    resources = Resources(memory=max_memory)
    counts = summarise(Predictions(logits=logits, labels=labels), 15, resources).mass.count
    assert counts[counts > 0].tolist() == [n, 6 * n, n]
    assert metrics(logits, labels, max_memory) == pytest.approx(
        metrics(np.sort(logits, axis=1)[:, [0, 2, 1]], _moved(logits, labels), max_memory), abs=1e-12, rel=0
    )


def _moved(logits, labels):
    """The labels after the columns of every row were sorted, with the last two exchanged."""
    places = np.argsort(np.argsort(logits, axis=1, kind="stable"), axis=1)
    return np.array([0, 2, 1])[places[np.arange(len(labels)), labels]]


@pytest.mark.parametrize(("k", "bins", "bin_"), [(3, 15, 4), (5, 15, 2), (2, 15, 7), (10, 10, 0), (3, 9, 2), (7, 7, 0)])
@pytest.mark.parametrize("kind", ["logits", "log_probs"])
def test_equal_shares_lie_on_their_edge(k, bins, bin_, kind):
    scores = np.full((4, k), 0.0 if kind == "logits" else np.log(1 / k))
    sums = summarise(Predictions(**{kind: scores}, labels=[0, 0, 1, 1]), bins)
    assert sums.top.count.argmax() == bin_
    assert (sums.classes.count.argmax(axis=1) == bin_).all()


def test_probabilities_are_not_rounded():
    probs = np.array([[1 / 3, 2 / 3], [0.1 + 0.2, 0.7]])
    rows = summarise(Predictions(probs=probs, labels=[0, 0]), keep_rows=True).rows
    assert rows.confidence.tolist() == probs.max(axis=1).tolist()


def test_rounding_keeps_the_range():
    p = np.array([0.0, GRID / 2 - 2e-17, GRID, 0.5, 1 - GRID, 1 - GRID / 4, 1.0])
    assert on_grid(p).tolist() == [0, 0, GRID, 0.5, 1 - GRID, 1, 1]
    assert (on_grid(np.random.default_rng(0).random(1000)) % GRID == 0).all()


def test_edges_with_slack():
    a, g = 0.5, GRID
    assert equal_mass_edges(np.array([a, a + g, 0.75]), g).tolist() == [0, a + g, 0.75 + g, 1]
    assert equal_mass_edges(np.array([a, a + 2 * g]), g).tolist() == [0, a + g, a + 3 * g, 1]
    assert equal_mass_edges(np.array([1 - 2 * g, 1 - g, 1.0]), g).tolist() == [0, 1 - g, 1]
    assert equal_mass_edges(np.array([1 - g, 1.0]), g).tolist() == [0, 1]
    assert equal_mass_edges(np.array([0.0, a, a, 1.0])).tolist() == [0, a, 1]


@given(
    steps=st.lists(st.integers(0, 400), min_size=1, max_size=60),
    top=st.sampled_from([1.0, 0.75, 2.0**-8]),
    bins=st.integers(1, 20),
    collected=st.sampled_from([0, 5, 2**20]),
)
def test_passes_agree_with_sorting(steps, top, bins, collected, monkeypatch_module):
    """Confidences a few steps apart, where rows within the slack may lie in another cell than their edge."""
    monkeypatch_module.setattr("calibeval.core.sums.equal_mass.COLLECTED", collected)
    confidence = top - np.array(steps) * GRID
    keys = confidence_keys(confidence, np.arange(len(steps)) % 2 == 0)
    sums, edges = from_keys(keys, bins, slack=GRID)
    passes, found = from_passes(lambda work: iter([work(keys)]), len(keys), bins, first_histogram(keys), slack=GRID)
    assert found.tolist() == edges.tolist()
    for part in ("count", "p", "pp", "y", "yp"):
        assert getattr(passes, part) == pytest.approx(getattr(sums, part), rel=1e-13)


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch
