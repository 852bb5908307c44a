"""Text that prints float32 is float32: numpy's shortest printing decides, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.readers.stored import printed
from calibeval.readers.stored.printed import are_float32, as_printed


def shortest(values):
    """The float64 of what numpy prints for each float32."""
    return np.array([float(str(value)) for value in np.asarray(values, np.float32)])


def by_printing(value):
    with np.errstate(over="ignore"):
        return float(str(np.float32(value))) == value


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20))
def test_every_float32_is_recognised(values):
    assert are_float32(shortest(values))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float64_is_recognised_only_where_printing_says_so(value):
    assert are_float32(np.array([value])) == by_printing(value)


@given(st.integers(-(10**10), 10**10), st.integers(0, 30))
def test_decimals_are_recognised_only_where_printing_says_so(digits, places):
    value = float(f"{digits}e-{places}")
    if abs(value) >= printed.LEAST_EXACT:
        assert are_float32(np.array([value])) == by_printing(value)


@pytest.mark.parametrize("scale", [1e-44, 1e-30, 1e-12, 1e-5, 1, 1e5, 1e9, 1e30])
def test_many_numbers_of_every_size(scale):
    rng = np.random.default_rng(4)
    with np.errstate(over="ignore", under="ignore"):
        values = shortest((rng.uniform(-1, 1, 4000) * scale).astype(np.float32))
    assert are_float32(values)
    assert not are_float32(np.append(values, np.pi * scale))


def test_neighbours_of_a_decimal_are_float64():
    values = shortest(np.random.default_rng(2).random(1000, np.float32))
    for other in (np.nextafter(values, 2), np.nextafter(values, -1)):
        assert not any(are_float32(np.array([value])) for value in other)


@pytest.mark.parametrize(
    ("value", "is_float32"),
    [
        (0.2, True),
        (0.33333334, True),
        (0.33333333, False),  # the float32 nearby is printed as 0.33333334
        (0.333333343267441, False),  # the float32 itself, in more digits than it needs
        (0.3333333333333333, False),
        (0.1 + 0.2, False),
        (1e-10, True),
        (1e-45, True),
        (1e-46, False),  # no float32 but 0
        (0.0, True),
        (-0.0, True),
        (-np.inf, True),
        (np.nan, True),  # which is refused elsewhere
        (16777216.0, True),
        (16777217.0, False),
        (2.0**-20, False),  # 9.536743e-07 is shorter
        (9.536743e-07, True),
        (3.4e38, True),
        (3.5e38, False),  # beyond float32
    ],
)
def test_some_values(value, is_float32):
    assert are_float32(np.array([value])) == is_float32


def test_the_last_of_many_cells_decides():
    values = np.full((3 * printed.BLOCK, 2), 0.25)
    assert as_printed(values).dtype == np.float32
    values[-1, -1] = 1 / 3
    assert as_printed(values) is values


def test_the_first_cells_decide_where_they_can(monkeypatch):
    seen = []
    monkeypatch.setattr(printed, "are_float32", lambda values: seen.append(len(values)))
    values = np.full((10**6, 3), 1 / 3)
    assert as_printed(values) is values
    assert seen == [printed.FIRST // 3 * 3]


def test_whole_numbers_and_other_types_are_left_alone():
    for values in (np.array([1, 2]), np.array([0.5], np.float32)):
        assert as_printed(values) is values


def test_a_source_on_disk_is_converted_when_it_is_read():
    class Rows:
        shape, dtype = (5, 2), np.dtype(np.float64)

        def __getitem__(self, rows):
            return np.full((5, 2), 0.1)[rows]

    source = as_printed(Rows())
    assert (source.shape, source.dtype) == ((5, 2), np.float32)
    assert source[1:3].tolist() == [[np.float32(0.1)] * 2] * 2


@pytest.mark.parametrize(("low", "high", "every"), [(0, 2, True), (7, 9, True), (14, 16, True), (16, 18, False)])
def test_six_decimals_are_float32_below_sixteen(low, high, every):
    values = np.random.default_rng(low).integers(low * 10**6, high * 10**6, 3000) / 10**6
    assert are_float32(values) == every
    assert all(by_printing(value) for value in values.tolist()) == every


@pytest.mark.parametrize(
    ("value", "is_float32"), [(15.999999, True), (-15.999999, True), (16.0, True), (16.000001, False)]
)
def test_the_largest_number_of_six_decimals_that_all_are_float32(value, is_float32):
    assert are_float32(np.array([value])) == by_printing(value) == is_float32
