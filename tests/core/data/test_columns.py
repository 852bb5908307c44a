"""Columns as numbered values: every type, images, the classes, and names that are not there."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.data.columns import coded_column, coded_slices
from calibeval.core.errors import UsageError

PROBS = [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]


def predictions(**columns):
    return Predictions(probs=PROBS, labels=[0, 1, 0], columns=columns)


@pytest.mark.parametrize(
    ("column", "texts", "codes"),
    [
        (np.array([10, 9, 10]), ("9", "10"), [1, 0, 1]),
        (np.array([True, False, True]), ("False", "True"), [1, 0, 1]),
        (np.array([0.1, 0.25, 0.1], np.float32), ("0.1", "0.25"), [0, 1, 0]),
        (np.array([np.nan, 1.0, np.nan]), ("1.0", "nan"), [1, 0, 1]),
        (np.array([b"b", b"\xff", b"b"]), ("b", "\\xff"), [0, 1, 0]),
        (np.array(["b", None, 3], np.object_), ("3", "None", "b"), [2, 1, 0]),
    ],
)
def test_values_of_every_type(column, texts, codes):
    coded = coded_column(predictions(c=column), "c")
    assert coded.texts() == texts
    assert coded.codes.tolist() == codes


def test_one_entry_an_image_serves_its_pixels():
    dense = Predictions(
        logits=np.zeros((2, 3, 1, 2)), labels=np.zeros((2, 1, 2), int), columns={"site": ["b", "a"], "p": [1, 2, 1, 2]}
    )
    assert coded_column(dense, "site").codes.tolist() == [1, 1, 0, 0]
    assert coded_column(dense, "p").codes.tolist() == [0, 1, 0, 1]


def test_true_and_predicted_classes():
    named = Predictions(probs=PROBS, labels=[0, 1, 9], class_names=["cat", "dog"], ignore_index=9)
    assert coded_slices(named, "class").texts() == ("cat", "dog")
    assert coded_slices(named, "class").codes[:2].tolist() == [0, 1]
    assert coded_slices(named, "predicted").codes.tolist() == [0, 1, 1]
    assert coded_slices(Predictions(probs=PROBS, labels=[0, 1, 0]), "predicted").texts() == ("0", "1")


def test_ties_are_predicted_as_the_first_class():
    assert coded_slices(Predictions(probs=[[0.5, 0.5]], labels=[1]), "predicted").codes.tolist() == [0]


def test_a_column_of_the_dump_goes_before_the_class():
    assert coded_slices(predictions(**{"class": ["x", "x", "y"]}), "class").texts() == ("x", "y")


def test_unknown_columns():
    with pytest.raises(UsageError) as error:
        coded_slices(predictions(night=[0, 1, 0], day=[1, 0, 1]), "nigth")
    assert str(error.value) == (
        'predictions: there is no column "nigth" (did you mean "night"?); there are night, day, class, predicted'
    )
    with pytest.raises(UsageError, match=r'^predictions: there is no column "x"; there are none$'):
        coded_column(predictions(), "x")


def test_top_label_dumps_have_no_classes():
    top = Predictions(confidence=[0.5], correct=[1])
    with pytest.raises(
        UsageError, match=r'^predictions: there are no slices by "class": the dump has the top label only$'
    ):
        coded_slices(top, "class")


@pytest.mark.parametrize(
    "column",
    [
        np.array([-128, 127, 0, -128], np.int8),
        np.array([255, 0, 255, 7], np.uint8),
        np.array([2**63, 2**63 + 1, 2**63], np.uint64),
        np.array([2**63 - 1, 2**63 - 65536, 2**63 - 1], np.int64),
        np.array([-(2**63), -(2**63) + 65535, -(2**63)], np.int64),
        np.array([-(2**63), 2**63 - 1], np.int64),
        np.array([0, 65535, 3], np.int32),
        np.array([0, 65536, 3], np.int32),
    ],
)
def test_whole_numbers_are_numbered_as_sorting_would(column):
    n = len(column)
    found = coded_column(Predictions(probs=[0.5] * n, labels=[0] * n, columns={"x": column}), "x")
    values, codes = np.unique(column, return_inverse=True)
    assert (found.values.tolist(), found.values.dtype) == (values.tolist(), values.dtype)
    assert found.codes.tolist() == codes.tolist()
