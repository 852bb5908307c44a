"""Cells of smooth curves out of sort keys: hand arithmetic, and the compiled kernel against numpy."""

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.data.positive import with_positive
from calibeval.core.sums import kernel
from calibeval.core.sums.cells import CELLS, cell_index, cell_limits, cell_sums
from calibeval.core.sums.curve_cells import curve_cells
from calibeval.core.sums.engine import CHUNK_ROWS, summarise
from calibeval.core.sums.equal_mass import confidence_keys
from calibeval.core.sums.resources import Resources

NATIVE = [f"native:{one.name}" for one in kernel.available()]
KERNELS = ["numpy", *NATIVE]
PARTS = ("count", "p", "y", "squares")


@pytest.fixture
def added(monkeypatch):
    """The cells of rows with these confidences, by this kernel."""

    def use(name, c, right, labels, k=2, positive=1):
        monkeypatch.setenv(kernel.VARIABLE, name)
        dump = Predictions(probs=np.full((len(c), k), 1.0 / k), labels=labels)
        dump = with_positive(dump, str(positive)) if k == 2 else dump
        return curve_cells(dump, dump.block(0, len(c)), confidence_keys(np.array(c), np.array(right)))

    return use


def as_numbers(cells):
    """For each cell that is not empty: its number, how many rows, their sum of p, and how many outcomes."""
    there = np.flatnonzero(cells.count)
    return [(int(at), *(float(part[at]) for part in (cells.count, cells.p, cells.y))) for at in there]


@pytest.mark.parametrize("name", KERNELS)
def test_five_rows_of_two_classes_by_hand(added, name):
    # The stated class is 1 where the row is right and its label is 1, or wrong and its label is 0.
    c, right, labels = [0.75, 0.75, 0.75, 0.5, 1.0], [True, False, True, True, False], [1, 1, 0, 0, 0]
    cells = added(name, c, right, labels)
    high, half, sure = cell_index(np.array([0.75, 0.5, 1.0])).tolist()
    assert as_numbers(cells["top"]) == [(half, 1.0, 0.5, 1.0), (high, 3.0, 2.25, 2.0), (sure, 1.0, 1.0, 0.0)]
    # The probabilities of class 1 are three quarters, a quarter twice, a half, and one.
    low = CELLS - 1 - high
    expected = [(low, 2.0, 0.5, 1.0), (half, 1.0, 0.5, 0.0), (high, 1.0, 0.75, 1.0), (sure, 1.0, 1.0, 0.0)]
    assert as_numbers(cells["positive"]) == expected
    assert (cells["top"].squares == cells["top"].count).all()
    turned = added(name, c, right, labels, positive=0)["positive"]
    assert as_numbers(turned)[0] == (0, 1.0, 0.0, 1.0)  # P(0) is 0 where P(1) is 1


@pytest.mark.parametrize("name", KERNELS)
def test_the_ends_of_every_cell_and_their_neighbours_are_in_the_cells_of_cell_index(added, name):
    ends = np.concatenate(cell_limits())
    c = np.concatenate([ends, np.nextafter(ends, 0.0), np.nextafter(ends, 1.0), [5e-324, 2.0**-20, 1.0 - 2.0**-20]])
    c = np.clip(c, 0.0, 1.0)
    cells = added(name, c, np.zeros(len(c), bool), np.zeros(len(c), int), k=3)
    assert [*cells] == ["top"]
    np.testing.assert_array_equal(cells["top"].count, np.bincount(cell_index(c), minlength=CELLS))
    upper = c[c >= 0.5]
    two = added(name, upper, np.ones(len(upper), bool), np.zeros(len(upper), int))
    np.testing.assert_array_equal(two["top"].count, np.bincount(cell_index(upper), minlength=CELLS))
    np.testing.assert_array_equal(two["positive"].count, np.bincount(cell_index(1.0 - upper), minlength=CELLS))


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1003])
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("name", NATIVE)
def test_the_kernel_adds_up_what_numpy_does(added, name, k, n):
    rng = np.random.default_rng(n * k)
    for low in (0.5, 0.3) if k == 2 else (0.0,):  # probabilities whose sum is below 1 have a largest one below 1/2
        c = np.maximum(1.0 - rng.random(n) ** 4, low)
        c[rng.random(n) < 0.2] = rng.choice([low, 0.5, 1.0])
        right, labels = rng.random(n) < c, rng.integers(0, k, n)
        expected, found = (added(one, c, right, labels, k=k) for one in ("numpy", name))
        assert expected.keys() == found.keys() == ({"top", "positive"} if k == 2 else {"top"})
        for key, cells in expected.items():
            for part in PARTS:
                own, other = getattr(cells, part), getattr(found[key], part)
                np.testing.assert_allclose(other, own, rtol=0.0, atol=1e-12 if part == "p" else 0.0, err_msg=part)


@pytest.mark.skipif(not NATIVE, reason="the compiled kernel was not built")
@pytest.mark.parametrize("k", [2, 4])
def test_every_instruction_set_gives_the_same_bytes(added, k):
    rng = np.random.default_rng(k)
    c = 0.5 + 0.5 * rng.random(4001)
    right, labels = rng.random(4001) < c, rng.integers(0, k, 4001)
    first, *others = (added(name, c, right, labels, k=k) for name in NATIVE)
    for other in others:
        for key, cells in first.items():
            assert all(getattr(cells, part).tobytes() == getattr(other[key], part).tobytes() for part in PARTS)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [None, 2, 3])
def test_cells_of_a_dump_are_those_of_its_rows_without_keeping_them(k, weighted):
    rng, n = np.random.default_rng(3), CHUNK_ROWS + 999
    weights = rng.random(n) if weighted else None
    labels = rng.integers(0, k or 2, n)
    if k is None:
        dump = Predictions(confidence=rng.random(n), correct=labels, weights=weights)
    else:
        dump = Predictions(logits=3.0 * rng.normal(size=(n, k)), labels=labels, weights=weights)
    blocks = []
    sums = summarise(dump, cells=blocks.append, fitted=False)
    assert (sums.rows, len(blocks)) == (None, 2)
    rows = summarise(dump, keep_rows=True, fitted=False).rows
    expected = {"top": cell_sums(rows.confidence, rows.correct, weights)}
    if k == 2:
        p = np.where((labels == 1) == rows.correct, rows.confidence, 1.0 - rows.confidence)
        expected["positive"] = cell_sums(p, labels == 1, weights)
    for name, cells in expected.items():
        found = blocks[0][name] + blocks[1][name]
        for part in PARTS:
            np.testing.assert_allclose(getattr(found, part), getattr(cells, part), rtol=1e-12, atol=1e-12)
    assert blocks[0].keys() == expected.keys()


@pytest.mark.parametrize("k", [2, 3])
def test_threads_change_no_bit_of_the_cells(k):
    rng, n = np.random.default_rng(4), 3 * CHUNK_ROWS + 5
    dump = Predictions(logits=rng.normal(size=(n, k)).astype(np.float32), labels=rng.integers(0, k, n))
    found = []
    for jobs in (1, 3):
        blocks = []
        summarise(dump, resources=Resources(jobs), cells=blocks.append, fitted=False)
        found.append([getattr(cells, part).tobytes() for own in blocks for cells in own.values() for part in PARTS])
    assert found[0] == found[1]
