import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.sums.cells import CELLS, cell_index, cell_sums

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=80)


def test_cells_ascend_and_are_narrow():
    p = np.linspace(0, 1, 100_001)
    index = cell_index(p)
    assert index[0] == 0
    assert index[-1] == CELLS - 1
    assert (np.diff(index) >= 0).all()
    assert np.bincount(index).max() <= 1 + 100_000 / 256


@given(PROBABILITIES)
def test_both_sides_of_one_half_have_equal_cells(values):
    p = np.array(values)
    inner = p[(1 - (1 - p) == p) & (p != 0.5)]
    assert (cell_index(inner) + cell_index(1 - inner) == CELLS - 1).all()


@given(PROBABILITIES, st.integers(0, 2**32 - 1), st.integers(0, 80))
def test_sums_of_two_parts_add_up(values, seed, cut):
    p, rng = np.array(values), np.random.default_rng(seed)
    y, w = rng.random(len(p)) < 0.5, rng.uniform(0.1, 2, len(p))
    whole = cell_sums(p, y, w)
    parts = cell_sums(p[:cut], y[:cut], w[:cut]) + cell_sums(p[cut:], y[cut:], w[cut:])
    for name in ("count", "p", "y", "squares"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-12)


def test_a_weight_of_two_counts_twice_and_squares_to_four():
    cells = cell_sums(np.array([0.25]), np.array([True]), np.array([2.0])).merged(3)
    assert (cells.count[0], cells.p[0], cells.y[0], cells.squares[0]) == (2.0, 0.5, 2.0, 4.0)


@given(PROBABILITIES, st.integers(1, 10))
def test_merged_cells_are_few_ascending_and_lose_nothing(values, most):
    p = np.array(values)
    merged = cell_sums(p, p > 0.3).merged(most)
    assert 1 <= len(merged.count) <= most
    assert (merged.count > 0).all()
    assert (np.diff(merged.p / merged.count) >= 0).all()
    assert merged.count.sum() == len(p)
    assert merged.y.sum() == (p > 0.3).sum()


def test_many_rows_are_merged_to_about_equal_counts():
    p = np.random.default_rng(0).random(20_000)
    merged = cell_sums(p, p > 0.5).merged(50)
    assert len(merged.count) == 50
    assert merged.count.max() < 2 * 20_000 / 50
