"""Columns without another role: found without being loaded, and loaded when they are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.errors import InputError
from calibeval.readers.meaning.columns import joined_columns, slice_columns
from calibeval.readers.open import read
from calibeval.readers.stored.stored import Stored
from tests.readers.dumps import LABELS, LOGITS, npz


def stored(values, loads):
    values = np.asarray(values)

    def load():
        loads.append(values)
        return values

    return Stored(values.shape, values.dtype, load)


def test_only_what_has_one_entry_a_row_is_a_column():
    loads: list[object] = []
    arrays = {
        "labels": stored([0, 1, 2], loads),
        "site": stored(["a", "b", "c"], loads),
        "table": stored(np.zeros((3, 2)), loads),
        "short": stored([1, 2], loads),
        "number": stored(5, loads),
        "objects": Stored.refused((3,), np.dtype(object), "d: objects", "Python objects"),
    }
    columns = slice_columns(arrays, {"labels", None}, None, 3, "d")
    assert ([*columns], loads) == (["site"], [])
    assert columns["site"].tolist() == ["a", "b", "c"]
    assert columns["site"] is columns["site"]
    assert len(loads) == 1


def test_rows_of_a_split():
    loads: list[object] = []
    columns = slice_columns({"site": stored(["a", "b", "c"], loads)}, (), np.array([2, 0]), 3, "d")
    assert loads == []
    assert columns["site"].tolist() == ["c", "a"]


def test_splits_share_the_columns_that_all_have():
    loads: list[object] = []
    first = slice_columns({"a": stored([1, 2], loads), "b": stored([3, 4], loads)}, (), None, 2, "d")
    second = slice_columns({"b": stored([5], loads), "c": stored([6], loads)}, (), None, 1, "d")
    joined = joined_columns([first, second])
    assert ([*joined], loads) == (["b"], [])
    assert joined["b"].tolist() == [3, 4, 5]


def test_a_damaged_column_harms_nobody_who_does_not_ask_for_it(tmp_path):
    site = np.array(["a"] * 20)
    site.view(np.uint32)[4] = 0xD800
    predictions = read(npz(tmp_path, logits=LOGITS, labels=LABELS, site=site))
    assert [*predictions.columns] == ["site"]
    assert evaluate(predictions, level=None).dumps[0].n == 20
    with pytest.raises(InputError, match="entry 4 holds 0xD800, which is not a character"):
        predictions.columns["site"]
