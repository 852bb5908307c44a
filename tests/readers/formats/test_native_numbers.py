"""The compiled parser gives the float64 of Python for every cell, or leaves the block to others."""

from __future__ import annotations

import struct
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calibeval.core.sums.kernel import NUMPY, VARIABLE
from calibeval.readers.formats import native_numbers
from calibeval.readers.formats.native_numbers import FIRST_POWER, POWERS, parsed

MODULE = native_numbers.parser()
compiled = pytest.mark.skipif(MODULE is None, reason="the compiled kernel was not built")


def halfway(mantissa, exponent, digits):
    """A decimal of so many digits near the middle between two neighbouring float64."""
    middle = Fraction(2 * mantissa + 1) * Fraction(2) ** exponent
    return str(Context(prec=digits).divide(Decimal(middle.numerator), Decimal(middle.denominator)))


FLOATS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
DECIMALS = st.one_of(
    FLOATS.filter(np.isfinite).map(repr),
    st.tuples(st.integers(0, 25), st.floats(-20, 20)).map(lambda pair: f"{pair[1]:.{pair[0]}f}."[: pair[0] + 20]),
    st.tuples(st.integers(0, 2**70), st.integers(-350, 300)).map(lambda pair: f"{pair[0]}e{pair[1]}"),
    st.builds(halfway, st.integers(2**52, 2**53 - 1), st.integers(-70, 70), st.sampled_from([17, 18, 19, 20, 40, 150])),
    st.sampled_from(["0.", "-.0", "+.5e+1", "1E5", "0e999", "5e-324", "2.2250738585072014e-308",
                     "18446744073709551615.", "18446744073709551616.",
                     "9007199254740993.", "9007199254740992.5", "1.7976931348623157e308"]),
)  # fmt: skip


def rows_of(text, columns):
    return parsed(MODULE, [text.encode()], ",", columns)


@compiled
@given(st.lists(DECIMALS, min_size=1, max_size=60), st.sampled_from(["\n", "\r\n"]))
@example(["9007199254740993.0", "1e23", "8.5e-1", "0.30000000000000004", "1e-400"], "\n")
def test_every_number_is_that_of_python(cells, ending):
    cells = [cell if cell.count(".") < 2 else cell[:-1] for cell in cells]
    cells = [cell for cell in cells if set(cell) & set(".eE") and np.isfinite(float(cell))]
    found = rows_of("".join(cell + ending for cell in cells), 1)
    left = [cell for cell in cells if len(cell.lstrip("+-").partition("e")[0].replace(".", "")) > 19]
    if found is None:  # so many are only left to others where they need more than 64 bits, or are no normal numbers
        assert len(left) + sum(abs(float(cell)) < 2.3e-308 or "e-3" in cell for cell in cells) > len(cells) // 8
        return
    assert found.values[:, 0].view(np.int64).tolist() == np.array([*map(float, cells)]).view(np.int64).tolist()
    assert not cells or found.fractions.all()


@compiled
def test_columns_are_told_apart():
    found = rows_of("1,0.5,007,-0,+3\n2,1,3,9007199254740991,00\n", 5)
    assert found.values.tolist() == [[1, 0.5, 7, 0, 3], [2, 1, 3, 2**53 - 1, 0]]
    assert found.fractions.tolist() == [False, True, False, False, False]
    assert found.padded.tolist() == [False, False, True, False, True]
    assert np.signbit(found.values[0, 3])


@compiled
@pytest.mark.parametrize("size", [1, 2, 5])
def test_parts_are_one_table(size):
    lines = ["1,0.5,7\n", "2,1,08\n", "3,1,0\n", "4,1,12345678901234567890.5\n", "5,1,-0\n"]
    parts = ["".join(lines[i : i + size]).encode() for i in range(0, 5, size)]
    found = parsed(MODULE, parts, ",", 3)
    assert found.values.tolist() == [[1, 0.5, 7], [2, 1, 8], [3, 1, 0], [4, 1, 12345678901234567890.5], [5, 1, 0]]
    assert (found.fractions.tolist(), found.padded.tolist()) == ([False, True, True], [False, False, True])
    assert parsed(MODULE, [*parts, b"6,1\n"], ",", 3) is None


@compiled
@pytest.mark.parametrize(
    "text",
    ["1,2\n3\n", "1,2\n3,4,5\n", "1,2\n3,\n", "1,2\n,4\n", "1,2\n\n", "1, 2\n", "1,2 \n", "1,nan\n", "1,inf\n",
     "1,1e999\n", "1,9007199254740992\n", "1,1_0\n",
     "1,0x1\n", "1,.\n", "1,-\n", "1,1e\n", "1,1e+\n", "1,--1\n", "1,1.2.3\n", '1,"2"\n',
     "1;2\n", "1,2\r3,4\n", "1,2\r\r\n", "1,12345678901234567890\n", "1,2\n3,4", "1,\uff11\n", "1,2\0\n"],
)  # fmt: skip
def test_other_text_is_no_table_of_numbers(text):
    assert rows_of(text, 2) is None


@compiled
@pytest.mark.parametrize("sizes", [(5, 2, 2), (4, 3, 2), (4, 2, 0)])
def test_arrays_of_other_sizes_are_refused(sizes):
    values, flags, left = np.empty(sizes[0]), np.empty(sizes[1], np.uint8), np.empty(3, np.int64)
    with pytest.raises(ValueError, match="size"):
        MODULE.table(b"1,2\n3,4\n", ord(","), sizes[2], *native_numbers._powers(), values, flags, left)


def test_powers_of_five_are_rounded_down():
    bits, exponents = native_numbers._powers()
    for row in range(POWERS):
        first, exponent = int(bits[row, 0]) << 64 | int(bits[row, 1]), int(exponents[row])
        assert first >> 127 == 1
        assert first <= Fraction(5) ** (row + FIRST_POWER) / Fraction(2) ** exponent < first + 1


def test_numpy_alone_parses_nothing_here(monkeypatch):
    monkeypatch.setenv(VARIABLE, NUMPY)
    assert native_numbers.parser() is None
