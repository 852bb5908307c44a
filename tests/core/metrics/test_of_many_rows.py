"""Metrics of cells of the confidence against those of single rows: never farther apart than they say."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.data.notices import NotComputable
from calibeval.core.metrics.of_pairs import OfPairs
from calibeval.core.metrics.requested import REQUESTED
from calibeval.core.sums import pair_keys
from calibeval.core.sums.equal_mass import confidence_keys
from calibeval.core.sums.pair_cells import PairCells
from calibeval.core.sums.pairs import Pairs
from calibeval.words.cells import from_cells

WITHOUT_BOUND = ("emax",)
OF_PAIRS = {name: metric for name, metric in REQUESTED.items() if isinstance(metric, OfPairs)}
BOUNDED = [name for name in OF_PAIRS if name not in WITHOUT_BOUND]


def samples():
    rng = np.random.default_rng(0)
    n = 6000
    yield "spread", 1 - 0.9 * rng.random(n) ** 3, 0.9
    yield "near 1", 1 - 10 ** (-12 * rng.random(n)), 30.0
    yield "ties", np.round(rng.random(n), 2), 1.2
    yield "one cell", 0.75 + 1e-5 * rng.random(n), 1.0  # all orders within it are possible
    yield "clusters", np.repeat(rng.random(60), 100) + 1e-5 * rng.random(n) * (1 - 1e-5), 0.5


def both(confidence, power, seed):
    confidence = np.clip(confidence, 0.0, 1.0)
    correct = np.random.default_rng(seed).random(len(confidence)) < confidence**power
    cells = PairCells()
    cells.add(confidence_keys(confidence, correct))
    return pair_keys.of_cells(cells.filled()), Pairs.of(confidence, correct)


def value(name, pairs):
    try:
        return OF_PAIRS[name].of_pairs(pairs)
    except NotComputable:
        return None


@pytest.mark.parametrize("name", BOUNDED)
def test_cells_are_as_near_to_rows_as_they_say(name):
    for kind, confidence, power in samples():
        for order in ("drawn", "ascending", "descending"):
            cells, rows = both(confidence, power, seed=1)
            if order != "drawn" and kind in ("one cell", "clusters"):  # the extreme orders within cells
                correct = np.random.default_rng(2).random(len(confidence)) < 0.6
                places = np.lexsort((correct if order == "ascending" else ~correct, np.round(confidence, 3)))
                ranked = np.sort(confidence)
                cells_of = PairCells()
                cells_of.add(confidence_keys(ranked, correct[places]))
                cells, rows = pair_keys.of_cells(cells_of.filled()), Pairs.of(ranked, correct[places])
            found, expected = value(name, cells), value(name, rows)
            assert (found is None) == (expected is None)
            if found is not None and expected is not None:
                bound = OF_PAIRS[name].cell_error(cells)
                assert abs(found - expected) <= bound + 1e-9 * max(1.0, abs(expected)), (kind, order)


@pytest.mark.parametrize("name", [*BOUNDED, *WITHOUT_BOUND])
def test_cells_of_one_confidence_are_exact(name):
    cells, rows = both(np.round(np.random.default_rng(3).random(4000), 2), 0.8, seed=4)
    assert value(name, cells) == pytest.approx(value(name, rows), rel=1e-9, abs=1e-3 if name in ("e50", "e90") else 0.0)
    assert OF_PAIRS[name].cell_error(cells) in (None, pytest.approx(0.0, abs=1e-5))


@pytest.mark.parametrize("name", ["ecce", "ks", "spiegelhalter", "auroc", "aurc", "augrc", "mcb", "mcb_log"])
def test_bounds_are_tight_where_confidences_are_spread(name):
    cells, rows = both(1 - 0.9 * np.random.default_rng(5).random(50_000) ** 3, 0.9, seed=6)
    assert OF_PAIRS[name].cell_error(cells) <= 2e-3 * max(abs(value(name, rows)), 0.1)


def test_floors_tests_and_intervals_are_those_of_as_many_rows(monkeypatch):
    rng = np.random.default_rng(7)
    confidence = 0.5 + 0.5 * rng.random(20_000)
    dump = Predictions(confidence=confidence, correct=rng.random(20_000) < confidence)
    names = [*BOUNDED, *WITHOUT_BOUND]
    rows = evaluate(dump, metrics=names)
    monkeypatch.setattr(pair_keys, "EXACT", 4096)
    cells = evaluate(dump, metrics=names)
    assert evaluate(dump, metrics=names, max_memory=100, jobs=2).dumps[0].metrics == cells.dumps[0].metrics
    for name in names:
        assert (cells[name].cell_error is None) == (name in WITHOUT_BOUND)
        assert rows[name].cell_error is None
        for one in ("floor", "floor_high", "low", "high"):
            # The interval is wider by what cells may be off.
            own, other = getattr(OF_PAIRS[name].narrowed(cells[name]), one), getattr(rows[name], one)
            assert (own is None) == (other is None), (name, one)
            if own is not None and name != "emax":  # single rows at either end decide it, and cells join them
                assert own == pytest.approx(other, rel=0.1, abs=1e-4), (name, one)


def test_the_screen_says_how_far_they_may_be_off(monkeypatch):
    rng = np.random.default_rng(8)
    confidence = 0.7 + 0.01 * rng.random(5000)
    monkeypatch.setattr(pair_keys, "EXACT", 4096)
    found = evaluate(confidence=confidence, correct=rng.random(5000) < confidence, metrics=["ecce", "unc", "emax"])
    error = 100 * found["ecce"].cell_error
    told = "From narrow cells of the confidence; single rows would differ by at most"
    assert from_cells(found.dumps[0].metrics.values()) == [f"{told}: ECCE {error:.1g} %"]
    monkeypatch.setattr(pair_keys, "EXACT", 5000)
    exact = evaluate(confidence=confidence, correct=rng.random(5000) < confidence, metrics=["ecce"])
    assert from_cells(exact.dumps[0].metrics.values()) == []
