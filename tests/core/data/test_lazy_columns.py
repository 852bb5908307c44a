"""Columns are loaded when they are asked for, once."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.data.lazy_columns import LazyColumns, tidied
from calibeval.core.data.row_source import as_column
from calibeval.core.errors import InputError


def counted():
    """Two columns, and how often each was loaded."""
    loads = {"a": 0, "b": 0}

    def loader(name):
        def load():
            loads[name] += 1
            return np.array([name, name])

        return load

    return LazyColumns({name: loader(name) for name in loads}), loads


def test_nothing_is_loaded_before_it_is_used():
    columns, loads = counted()
    assert ("a" in columns, "c" in columns, len(columns), [*columns]) == (True, False, 2, ["a", "b"])
    assert loads == {"a": 0, "b": 0}
    assert columns["a"] is columns["a"]
    assert loads == {"a": 1, "b": 0}
    with pytest.raises(KeyError):
        columns["c"]


def test_one_more_column_leaves_the_others_as_they_are():
    columns, loads = counted()
    columns["a"], columns["b"]
    more = columns.with_column("b", np.array([1, 2]))
    assert (more["a"].tolist(), more["b"].tolist()) == (["a", "a"], [1, 2])
    assert columns["b"].tolist() == ["b", "b"]
    assert loads == {"a": 1, "b": 1}
    assert [*columns.with_column("c", np.zeros(2))] == ["a", "b", "c"]


def test_a_load_that_fails_is_tried_again():
    def refuse():
        raise InputError("d.csv: damaged")

    columns = LazyColumns({"a": refuse})
    for _ in range(2):
        with pytest.raises(InputError):
            columns["a"]


def of_length(n):
    """The check of columns for n rows."""
    return lambda name, values: as_column(name, values, {n})


def test_what_a_reader_checked_passes_as_it_is():
    columns, loads = counted()
    assert tidied(columns, of_length(7)) is columns
    assert loads == {"a": 0, "b": 0}
    assert tidied(None, of_length(2)) == {}
    assert tidied({"x": [1, 2]}, of_length(2))["x"].tolist() == [1, 2]
    with pytest.raises(InputError, match='"x" has 2 entries, but there are 3 rows'):
        tidied({"x": [1, 2]}, of_length(3))
