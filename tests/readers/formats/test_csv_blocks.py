"""What a text table says does not depend on the blocks in which it is read, on threads, or on the compiled parser."""

from __future__ import annotations

import contextlib
import io
import time
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calibeval.core.errors import InputError
from calibeval.readers.formats import csv as csv_module
from calibeval.readers.formats import text as text_module
from calibeval.readers.formats.csv_numbers import Numbers
from calibeval.readers.formats.table import Table
from calibeval.readers.formats.text import line_blocks
from calibeval.readers.stored.limits import Limits
from tests.readers.formats.test_csv_numbers import CELLS, COMPILED, LIMITS, source, tables

PARSERS = [None] if COMPILED is None else [None, COMPILED]
WHOLE = 2**23


def read(text, block=WHOLE, part=2**20, threads=1, module=None, decimal=None):
    """What a table says that is read in such blocks: its columns by type, shape and values, or messages."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.object(text_module, "READ_BYTES", block))
        for name, value in {"PART_BYTES": part, "MOST_BYTES": -1}.items():
            stack.enter_context(patch.object(csv_module, name, value))
        stack.enter_context(patch.object(csv_module, "processors", lambda: threads))
        stack.enter_context(patch.object(csv_module, "parser", lambda: module))
        try:
            contents = csv_module.read_table(source(text), LIMITS, ",", decimal)
        except InputError as error:
            return str(error)
    return {name: said(stored) for name, stored in contents.arrays.items()}


def said(stored):
    try:
        values = stored.array()
    except InputError as error:
        return str(error)
    cells = [repr(cell) for cell in values.ravel().tolist()] if values.dtype.kind == "f" else values.tolist()
    return values.dtype.str, values.shape, cells


@given(tables(CELLS), st.sampled_from([20, 40, 100]), st.sampled_from([4, 9, 33, WHOLE]), st.integers(1, 4))
@example("logit_0,logit_1\n" + "1,2\n" * 5 + "-inf,0\n1,x\ny,3\n" + "1,2\n" * 5, 40, 9, 4)
@example("id,label\n" + "1,2\n" * 5 + '"7",a\n' + "1,2\n" * 5 + "007,3\n", 20, 4, 3)
@example("label,logit_0\n" + "9223372036854775808,1\n" + "5,1\n" * 5 + "x,\0\n1,2,3\n", 40, 4, 2)
def test_parts_threads_and_the_compiled_parser_change_nothing(text, block, part, threads):
    whole = read(text, block, block)
    for module in PARSERS:
        assert read(text, block, part, threads, module) == whole


# Not those of which pandas makes something else beside others: whole numbers from 2^63 on, and the 0 of -0.
PLAIN = ["0", "1", "7", "-3", "0.5", "-2.25", "1e5", "12345678.5", "007"]
TRUTHS, LISTS = ["True", "true", "False"], ["[1 2]", "[3 4]"]
OTHER = ["", " 1", "1 ", "nan", "inf", "-inf", "1e400", "x", "1_0", "1\xa0", "\u0661", *TRUTHS, *LISTS]
NAMES = ["logit_0", "logit_1", "label", "id", "age", "probs"]


@st.composite
def columns(draw):
    """A table whose columns change what they hold once or twice."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    made = []
    for _ in names:
        kinds = draw(st.lists(st.sampled_from([PLAIN[:3], PLAIN, TRUTHS, LISTS, OTHER]), min_size=2, max_size=3))
        made.append([draw(st.sampled_from(kind)) for kind in kinds for _ in range(12 // len(kinds))])
    return "\n".join([",".join(names), *map(",".join, zip(*made, strict=True))]) + "\n"


@given(columns(), st.integers(20, 120), st.sampled_from([4, 30]), st.integers(1, 3))
@example("logit_0,logit_1\n1,2\n1e400,2\n1,x\ny,2\n", 24, 4, 1)
@example("age\n1\ntrue\n\nx\n", 10, 4, 1)
@example("probs,age\n1,0\n2,0\n[1 2],0\n[3 4],0\n", 16, 8, 1)
def test_tables_are_the_same_in_blocks_of_any_size(text, block, part, threads):
    whole = read(text)
    for module in PARSERS:
        assert read(text, block, part, threads, module) == whole


@pytest.mark.parametrize("module", PARSERS)
@pytest.mark.parametrize("name", ["group", "label", "weight"])
@pytest.mark.parametrize("odd", ["A", "True", " n/a"])
def test_a_column_that_is_text_in_some_blocks_keeps_all_rows(name, odd, module):
    cells = [odd if i % 10 == 0 and i < 60 else str(i % 7) for i in range(80)]
    text = f"id,logit_0,logit_1,{name}\n" + "".join(f"{i:04d},0.5,1.25,{cell}\n" for i, cell in enumerate(cells))
    for block, part in [(400, 50), (256, 64), (1600, 200)]:
        arrays = read(text, block, part, 2, module)
        assert arrays[name][2] == [cell.strip() for cell in cells]
        assert arrays["id"][2] == [f"{i:04d}" for i in range(80)]


def test_a_second_reading_that_finds_other_texts_is_read_again():
    blocks = [["1,0", "2,0"], ["x,0", "3,0"]]
    text = "age,label\n" + "\n".join(line for lines in blocks for line in lines) + "\n"
    seen = []
    original = csv_module._read

    def noted(*arguments):
        table, told = original(*arguments)
        seen.append(arguments[-1])
        if len(seen) == 2:
            table.mixed.add("label")
        return table, told

    with patch.object(csv_module, "_read", noted):
        arrays = read(text, block=18, part=18)
    assert seen == [frozenset(), {"age"}, {"age", "label"}]
    assert arrays["label"][2] == ["0"] * 4


@pytest.mark.parametrize("module", PARSERS)
def test_the_first_cell_that_is_no_number_is_named(module):
    rows = [["0.5", "1.5", "2.5"] for _ in range(200)]
    rows[0][2] = "-inf"
    for row, column in ((60, 1), (62, 0), (110, 0), (150, 2)):
        rows[row][column] = "x"
    text = "logit_0,logit_1,logit_2\n" + "".join(",".join(row) + "\n" for row in rows)
    original = Numbers.fast

    def late(block, *others):
        time.sleep(0.002 * (block.first_line % 3))
        return original(block, *others)

    with patch.object(Numbers, "fast", late):
        for block, part, threads in [(WHOLE, 64, 1), (256, 64, 4), (256, 256, 2), (1024, 100, 4), (100, 7, 4)]:
            told = read(text, block, part, threads, module)["logits"]
            assert told == 'd.csv line 62, column "logit_1": "x" is not a number'


@pytest.mark.parametrize(
    "cell", ["1\xa0", "\u20031", "\u0661", "\uff11", "1\x1f", "1_0", "nan", "1e", "0x1", "True", "--1"]
)
def test_a_cell_that_only_python_reads_is_named(cell):
    text = f"logit_0,logit_1,label\n0.5,1.5,0\n0.25,{cell},1\n1,2,0\n"
    assert read(text)["logits"] == f'd.csv line 3, column "logit_1": "{cell}" is not a number'
    if cell.strip() == cell:
        assert read(text, decimal=".")["logits"] == f'd.csv line 3, column "logit_1": "{cell}" is not a number'


def test_with_decimal_commas_the_right_cell_is_named():
    text = "logit_0;logit_1;label\n0,5;1.234,5;0\n0,25;x;1\n"
    assert read(text, decimal=",")["logits"] == 'd.csv line 3, column "logit_1": "x" is not a number'


def test_numbers_that_are_too_large_and_texts_are_named_row_by_row():
    text = "logit_0,logit_1\n0.5,1\n{},2\n3,{}\n"
    for large in ("1e400", "-1e500", "9" * 400, "9" * 5000):
        told = 'd.csv line 3, column "logit_0": the number is too large for float64'
        assert read(text.format(large, "x"))["logits"] == told
        assert read(text.format(large, ""))["logits"] == told
        assert read(text.format("x", large))["logits"] == 'd.csv line 3, column "logit_0": "x" is not a number'
        assert read(text.format("", large))["logits"] == 'd.csv line 3, column "logit_0": the cell is empty'


@pytest.mark.parametrize("cells", [("1" + "0" * 30, "0.5"), ("0.5", "1" + "0" * 30)])
def test_scores_of_very_many_digits_are_numbers_in_any_order(cells):
    arrays = read("logit_0,logit_1\n" + "".join(f"{cell},1\n" for cell in cells))
    assert arrays["logits"][2][::2] == [repr(float(cell)) for cell in cells]


def test_truth_values_beside_empty_cells_stay_what_is_written():
    lines = ["true,1", ",2", "TRUE,3", "false,4"]
    text = "seen,age\n" + "\n".join(lines) + "\n"
    assert read(text)["seen"][2] == ["true", "", "TRUE", "false"]
    later = text + "x,5\ntrue,6\n"
    assert read(later, block=30)["seen"][2] == ["true", "", "TRUE", "false", "x", "true"]


def test_lists_after_numbers_are_texts():
    text = "probs,label\n0.5,0\n0.25,1\n[1 2],0\n[3 4],1\n"
    for block in (WHOLE, 24, 12):
        assert read(text, block=block)["probs"][2] == ["0.5", "0.25", "[1 2]", "[3 4]"]


def test_a_column_that_lacks_rows_is_a_bug_and_never_a_result():
    table = Table(["a"], "d.csv", Limits(2**20, 2**20))
    table.add({}, {"a": np.array([1, 2])}, 2)
    table.add({}, {"a": np.array(["x"], object)}, 1)
    with pytest.raises(AssertionError, match=r'^d\.csv, column "a": 1 values of 3 rows'):
        table.arrays()


@pytest.mark.parametrize("part", [1, 5, 8, 11, 100])
@pytest.mark.parametrize("text", ['a\nbb\n\n\nccc\r\n"d\nd"\ne', "\ufeffa\nb\n", "a\n\n\n", "a\nbb\ncc\ndd\n"])
def test_blocks_have_the_same_records_in_parts_of_any_size(text, part):
    with patch.object(text_module, "READ_BYTES", 12):
        whole, parts = (list(line_blocks(source(text), LIMITS, quotes=True, part=one)) for one in (None, max(part, 3)))
    assert [one.rows() for one in parts] == [one.rows() for one in whole]
    assert [(one.data, one.first_line, one.ends.tolist()) for one in whole] == [
        (b"".join(one.parts), one.first_line, one.ends.tolist()) for one in parts
    ]
    assert [len(one.ends) for one in parts] == [one.rows() for one in whole]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"a,b\n1,2\n3,4\r5\n6,\0\n7,\xff\n", "d.csv line 3: found a carriage return without"),
        (b"a,b\n1,2\n3,\xff\n6,\0\n7,\r8\n", "d.csv line 3: byte 0xff is not UTF-8"),
        (b"a,b\n1,2\n3,4\n6,\0\n7,\xff\n", "d.csv line 4: found a NUL byte"),
    ],
)
@pytest.mark.parametrize("part", [4, 6, 64])
def test_the_first_byte_that_is_no_text_is_named(text, told, part):
    assert read(text, part=part).startswith(told)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_short_row_is_named_before_damage_after_it(threads):
    text = b"a,b\n" + b"1,2\n" * 20 + b"3\n" + b"1,2\n" * 20 + b"3,\0\n"
    assert read(text, 16, 16, threads) == "d.csv line 22: the row has 1 cells, but the header has 2"


def test_streams_that_return_less_than_asked_change_no_blocks():
    data = b"".join(b"%d,%d\n" % (i, i) for i in range(50))

    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 5))

    slow = text_module.TextSource("d.csv", len(data), lambda: Slow(data))
    fast = text_module.TextSource("d.csv", len(data), lambda: io.BytesIO(data))
    with patch.object(text_module, "READ_BYTES", 64):
        found = [[block.data for block in line_blocks(one, LIMITS, quotes=True)] for one in (slow, fast)]
    assert found[0] == found[1]


@pytest.mark.parametrize("text", ["logit_0\n0\n\n0", "logit_0\n0\n\n0\n", "logit_0\n\n0\n"])
def test_an_empty_line_of_a_table_with_one_column_is_an_empty_cell(text):
    row = 3 if text.startswith("logit_0\n0") else 2
    for module in PARSERS:
        assert read(text, module=module)["logits"] == f'd.csv line {row}, column "logit_0": the cell is empty'
