"""Tables of plain numbers are read without pandas, and are what pandas makes of them, bit by bit."""

from __future__ import annotations

import io
import subprocess
import sys
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calibeval.core.errors import InputError
from calibeval.readers.formats import csv as csv_module
from calibeval.readers.formats import native_numbers
from calibeval.readers.formats import text as text_module
from calibeval.readers.formats.csv_numbers import MOST_BYTES, Numbers
from calibeval.readers.formats.dialect import Dialect
from calibeval.readers.formats.text import TextSource, line_blocks
from calibeval.readers.stored.limits import Limits
from tests.cli.invoking import ENVIRONMENT
from tests.draws import draws

LIMITS = Limits(2**30, 2**30)
NAMES = ["logit_0", "logit_1", "label", "id", "age", "prob_a", "#x", "007", ""]
ODD = [
    "", " 1", "1 ", '"1"', '"a,b"', "nan", "NA", "None", "inf", "-inf", "1_000", "True", "false", "1,5", "x", "\t2",
    "１", "--1", "1-2", "e5", ".", "-", "+", "1e", "1e+", "1.2.3", "0x10", "1e400", "-1e400", "[0.1 0.9]", "1;2",
    "1,000.5",
]  # fmt: skip
PLAIN = [
    "007", "00.5", "+5", "-0", "-0.0", ".5", "5.", "1e5", "1E-5", "1e-400", "4.9e-324", "9007199254740991",
    "9007199254740992", "-9007199254740993", "9223372036854775808", "123456789012345678901234567890",
    "9007199254740993.0", "0.1000000000000000055511151231257827021181583404541015625", "0.30000000000000004",
    "1.7976931348623157e308", "2.2250738585072011e-308", "123456789.123456789123456789e-30",
]  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-3, 12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 1).map("{:.6f}".format),
    st.floats(-30, 30, width=32).map("{:.9g}".format),
    st.sampled_from(PLAIN),
)
COMPILED = native_numbers.parser()
compiled = pytest.mark.skipif(COMPILED is None, reason="the compiled kernel was not built")
CELLS = st.one_of(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(ODD))


def source(text):
    data = text if isinstance(text, bytes) else text.encode()
    return TextSource("d.csv", len(data), lambda: io.BytesIO(data))


def found(text, separator=",", decimal=None, *, most=MOST_BYTES, module=None):
    """What is read: every array with its type and bits, or the message. module: the compiled parser, if it is used."""
    with patch.object(csv_module, "MOST_BYTES", most), patch.object(csv_module, "parser", lambda: module):
        try:
            contents = csv_module.read_table(source(text), LIMITS, separator, decimal)
        except InputError as error:
            return str(error)
    arrays: dict[str, object] = {}
    for name, stored in contents.arrays.items():
        values = stored.refusal or stored.array()
        arrays[name] = values if isinstance(values, str) else (values.dtype.str, values.shape, values.tolist())
        if not isinstance(values, str) and values.dtype.kind == "f":
            arrays[name] = (values.dtype.str, np.ascontiguousarray(values).view(np.int64).tolist())
    return arrays, contents.told


@st.composite
def tables(draw, cells):
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    rows = draw(st.lists(st.tuples(*[cells] * len(names)), min_size=1, max_size=8))
    separator = draw(st.sampled_from(",,,;\t|"))
    ending = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    lines = [separator.join(line) for line in (names, *rows)]
    if draw(st.booleans()) and len(lines) > 2:
        lines.insert(draw(st.integers(2, len(lines))), draw(st.sampled_from(["", separator, " "])))
    start, end = draw(st.sampled_from(["", "", "\ufeff", "sep=;\n"])), draw(st.sampled_from(["", ending, ending * 2]))
    return start + ending.join(lines) + end


@given(tables(CELLS), st.sampled_from([None, None, None, ".", ","]), st.sampled_from([2**23, 24]))
@example("logit_0,logit_1,label\n0.1,-0,1\n-0.0,2,0\n", None, 2**23)
@example("logit_0,logit_1,label\n1,2,1\n0.5,2,0\n", None, 24)  # whole numbers in one block, fractions in the next
@example("id,age\n1.0,2\n2,9007199254740993\n", None, 2**23)
@example("age\n1\n\n2\n", None, 2**23)
@example("logit_0,logit_1\n123456789012345678901234567890,0\n0.5,0\n", None, 2**23)  # to pandas a text
def test_tables_are_those_of_pandas(text, decimal, block):
    with patch.object(text_module, "READ_BYTES", block):
        by_pandas = found(text, decimal=decimal, most=-1)
        assert found(text, decimal=decimal) == by_pandas
        if COMPILED is not None:
            assert found(text, decimal=decimal, module=COMPILED) == by_pandas
            assert found(text, decimal=decimal, most=-1, module=COMPILED) == by_pandas  # in threads


@pytest.mark.slow
@compiled
@settings(max_examples=draws(300))
@given(tables(CELLS), st.sampled_from([None, None, "."]), st.sampled_from([2**23, 24]))
def test_tables_by_the_compiled_parser_are_those_of_pandas(text, decimal, block):
    with patch.object(text_module, "READ_BYTES", block):
        assert found(text, decimal=decimal, module=COMPILED) == found(text, decimal=decimal, most=-1)


def block_of(text):
    return next(iter(line_blocks(source(text), LIMITS, quotes=True)))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_plain_numbers_need_no_pandas(rows):
    block = block_of("".join(f"{one},{other}\n" for one, other in rows))
    read = Numbers.of(block, Dialect(",", None, ["a", "b"], ()))
    columns = [[one for one, _ in rows], [other for _, other in rows]]
    whole = [all(not set(cell) & set(".eE") for cell in column) for column in columns]
    large = any(not set(cell) & set(".eE") and abs(int(cell)) >= 2**53 for cell in (*columns[0], *columns[1]))
    assert (read is None) == large
    if read is not None:
        for name, column, is_whole in zip("ab", columns, whole, strict=True):
            values = read.plain(name, None, as_text=False)
            assert (values.dtype == np.int64, read.is_float(name)) == (is_whole, not is_whole)
            assert values.tolist() == [int(cell) if is_whole else float(cell) for cell in column]


@pytest.mark.parametrize("cell", [*ODD, "1e309"])
def test_other_cells_are_left_to_pandas(cell):
    names = ["a", "b"]
    try:
        block = block_of(f"1,2\n3,{cell}\n")
    except InputError:
        pytest.fail("the text is a table")
    if len(cell.split(",")) == 1:
        assert Numbers.of(block, Dialect(",", None, names, ())) is None


def test_quotation_marks_and_decimal_commas_are_left_to_pandas():
    assert Numbers.of(block_of('"1",2\n'), Dialect(",", None, ["a", "b"], ())) is None
    assert Numbers.of(block_of("1;2\n"), Dialect(";", ",", ["a", "b"], ())) is None
    assert Numbers.of(block_of("1;2\n"), Dialect(";", ".", ["a", "b"], ())) is not None


@pytest.mark.parametrize(("label", "expected"), [("1", False), ("cat", True)])
def test_a_small_table_of_numbers_imports_no_pandas(label, expected, tmp_path):
    (tmp_path / "d.csv").write_text(
        "logit_0,logit_1,label\n" + f"0.5,0.25,{label}\n0.1,0.2,dog\n".replace("dog", label)
    )
    code = "import sys, calibeval; calibeval.inspect(sys.argv[1]); print('pandas' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "d.csv"], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    assert done.stdout.split()[-1] == str(expected)
