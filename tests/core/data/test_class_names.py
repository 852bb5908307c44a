"""Labels that are names: text, truth values and numbers belong to the classes that are called so."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.data.class_names import as_labels_are, classes_of_values, number_of
from calibeval.core.data.labels import read_labels
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError
from calibeval.core.heads.features import Features

UNLABELLED = "but labels must be whole numbers (1 rows are not). Leave out the rows without a label before saving."
REMEDY = "; if labels are the numbers of classes, say --labels-are positions"
BY_NAME = [
    (["True", "False"], [True, False], [0, 1]),
    (["false", "TRUE"], [True, False], [1, 0]),
    (["True", "False"], ["true", "FALSE"], [0, 1]),
    (["True", "False"], [0, 1], [0, 1]),  # numbers are no truth values: these are numbers of classes
    (["cat", "dog"], [True, False], [1, 0]),
    (["1", "0"], [True, False], [0, 1]),
    (["1", "0"], [1, 0], [0, 1]),
    (["1.0", "0.0"], [1.0, 0.0], [0, 1]),
    (["1.0", "0.0"], [1, 0], [0, 1]),
    (["2", "0", "1", "unknown"], [2, 0, 1], [0, 1, 2]),
    (["2", "0", "1", "unknown"], ["2", "unknown"], [0, 3]),
    (["0", "1", "2", "unknown"], [0, 3], [0, 3]),  # each number is the class's own
    (["10", "20", "30"], [10, 20, 10], [0, 1, 0]),
    (["10", "20", "30"], ["10", "30.0"], [0, 2]),
    (["10", "20", "30"], [0, 2], [0, 2]),  # no class is called 0
    (["1", "2", "3"], [1, 2, 3], [0, 1, 2]),  # class number 3 does not exist
    (["1", "2", "3"], [0, 1, 2], [0, 1, 2]),
    (["1", "-1"], [1, -1], [0, 1]),
    (["-1", "1"], [1.0, 1.0], [1, 1]),  # by name and by number the same
    (["01", "1"], ["01", "1"], [0, 1]),
    (["01", "1"], [0, 1], [0, 1]),  # one of them is no name, so they are numbers of classes
    (["0.5", "1.5"], [1.5, 0.5], [1, 0]),
    (["cat", "dog"], ["dog", "cat"], [1, 0]),
    (["9" * 30, "7"], [7, 7], [1, 1]),
]


@pytest.mark.parametrize(("names", "labels", "expected"), BY_NAME)
def test_labels_belong_to_the_classes_that_are_called_so(names, labels, expected):
    found, *_ = read_labels(np.array(labels), len(names), names)
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (
            ["1", "2", "3"],
            [1, 2],
            (
                "label 1 could be the class called 1, or class number 1, counted from 0: "
                "say --labels-are names, or --labels-are positions"
            ),
        ),
        (
            ["2", "0", "1", "unknown"],
            [0, 3],
            f"row 1: label 3 is not one of the 4 class names{REMEDY}",
        ),
        (["10", "20"], [10, 30], "row 1: label 30 is not one of the 2 class names"),
        (["10", "20"], [30, 30], "row 0: label 30, but the scores have 2 classes (0 to 1) (2 rows are out of range)."),
        (["0", "00", "1"], [1, 0], "label 0 could be class 0 or class 1: class names must differ"),
        (["True", "TRUE"], [True, False], "label True could be class 0 or class 1: class names must differ"),
        (["True", "other"], [True, False], f"row 1: label False is not one of the 2 class names{REMEDY}"),
        (["10", "20"], [np.nan, 10], f"row 0: label nan, {UNLABELLED}"),
    ],
)
def test_labels_that_could_be_both_or_neither(names, labels, message):
    with pytest.raises(InputError) as error:
        read_labels(np.array(labels), len(names), names)
    assert str(error.value) == message


def test_a_person_decides():
    assert read_labels(np.array([1, 2]), 3, ["1", "2", "3"], labels_are="names")[0].tolist() == [0, 1]
    assert read_labels(np.array([1, 2]), 3, ["1", "2", "3"], labels_are="positions")[0].tolist() == [1, 2]
    assert read_labels(np.array(["1", "2"]), 3, ["1", "2", "3"], labels_are="positions")[0].tolist() == [1, 2]
    assert read_labels(np.array([3, 0]), 4, ["2", "0", "1", "x"], labels_are="positions")[0].tolist() == [3, 0]
    with pytest.raises(InputError, match=r"^row 1: label 0 is not one of the 3 class names$"):
        read_labels(np.array([1, 0]), 3, ["1", "2", "3"], labels_are="names")
    with pytest.raises(InputError, match=r"^labels are said to be names, but there are no class names; give them with"):
        read_labels(np.array([1, 0]), 3, labels_are="names")
    with pytest.raises(InputError, match=r'^row 0: label "a" should be the number of a class, but it is not a number$'):
        read_labels(np.array(["a", "1"]), 2, ["a", "b"], labels_are="positions")
    with pytest.raises(UsageError, match=r'^labels_are "name" is unknown \(did you mean "names"\?\); there are'):
        as_labels_are("name")
    for kind, given in ((Predictions, {"logits": np.eye(3)[:2]}), (Features, {"features": np.eye(3)[:2]})):
        names = ["1", "2", "3"]
        assert kind(**given, labels=[1, 2], class_names=names, labels_are="names").labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("names", "labels", "ignored", "expected"),
    [
        (["10", "20", "30"], [10, 255, 30], 255, ([0, 255, 2], 255)),
        (["10", "20", "30"], [10, 20, 30], 20, ([0, 1, 2], 1)),  # class number 1 is called 20
        (["10", "20", "30"], [10, 1, 30], 1, ([0, -100, 2], -100)),  # class number 1 counts
        (["a", "b"], ["a", "-1", "b"], -1, ([0, -1, 1], -1)),
        (["a", "1"], ["a", "1", "a"], 1, ([0, 1, 0], 1)),
        (["a", "b"], [0, 1, 0], 1, ([0, 1, 0], 1)),
        (["3", "1", "2"], ["1", "3", "2"], 3, ([1, 0, 2], 0)),
    ],
)
def test_the_ignored_label_is_that_of_the_file(names, labels, ignored, expected):
    found, left_out, _ = read_labels(np.array(labels), len(names), names, ignored)
    assert (found.tolist(), left_out) == expected


def test_ignored_names_are_left_out():
    predictions = Predictions(logits=np.eye(3), labels=[10, 20, 30], class_names=["10", "20", "30"], ignore_index=20)
    assert (predictions.n, predictions.ignored, predictions.ignore_index) == (2, 1, 1)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("7", 7), ("-7", -7), ("+1", 1), ("1e2", 100.0), (".5", 0.5), ("1.", 1.0), ("9" * 20, 1e20)],
        *[("", None), ("1e999", None), ("١", None), ("0x1", None), ("1 ", None), ("9" * 99, None)],
    ],
)
def test_numbers_as_people_write_them(text, number):
    assert number_of(text) == number


def test_classes_called_by_the_same_number_are_told_apart_by_nothing():
    with pytest.raises(InputError, match=r"^label True could be any of several classes: class names must differ$"):
        classes_of_values(np.array([True, True]), ["1", "1", "2"], None, "names")
