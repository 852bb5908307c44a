"""Labels at the door: what is accepted, and the whole message of what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.data.labels import as_labels
from calibeval.core.errors import InputError

UNLABELLED = "but labels must be whole numbers (1 rows are not). Leave out the rows without a label before saving."


@pytest.mark.parametrize("dtype", ["u1", "i1", ">i2", "i4", "i8", "u8", "f2", "f4", "f8", ">f8"])
def test_whole_numbers_of_every_type(dtype):
    labels = as_labels(np.array([0, 2, 1], dtype), k=3)
    assert labels.tolist() == [0, 2, 1]
    assert labels.dtype.kind in "iu"


def test_booleans():
    assert as_labels(np.array([True, False]), k=2).tolist() == [1, 0]
    with pytest.raises(InputError, match="labels are true and false, but the scores have 3 classes: save the number"):
        as_labels(np.array([True, False]), k=3)


def test_a_column():
    assert as_labels(np.array([[0], [2]]), k=3).tolist() == [0, 2]


@pytest.mark.parametrize("dtype", ["b1", "u1", "i8", "f4"])
def test_one_hot_rows(dtype):
    assert as_labels(np.eye(4)[[2, 0, 3]].astype(dtype), k=4).tolist() == [2, 0, 3]


@pytest.mark.parametrize("dtype", ["U3", "S3", "O"])
def test_names(dtype):
    assert as_labels(np.array(["cat", "ant", "dog"], dtype), 3, ["dog", "cat", "ant"]).tolist() == [1, 2, 0]


@given(st.lists(st.integers(0, 4), min_size=1), st.permutations(["e", "d", "c", "bb", "a"]))
def test_names_are_places_in_the_list(labels, names):
    assert as_labels(np.array([names[i] for i in labels]), 5, names).tolist() == labels


def test_the_ignored_label_passes():
    assert as_labels(np.array([0, 255, 2], np.uint8), 3, ignore_index=255).tolist() == [0, 255, 2]
    assert as_labels(np.array([0, -100, 2]), 3, ignore_index=-100).tolist() == [0, -100, 2]
    assert as_labels(np.array([0.0, -1.0]), 3, ignore_index=-1).tolist() == [0, -1]
    assert as_labels(np.array([0, 1], np.uint8), 3, ignore_index=-100).tolist() == [0, 1]


def test_input_is_not_changed():
    raw = np.array([0.0, 1.0])
    as_labels(raw, 2)[0] = 1
    assert raw.tolist() == [0.0, 1.0]


WRONG = [
    (np.array([0, 3, 1]), "row 1: label 3, but the scores have 3 classes (0 to 2)."),
    (np.array([0, 7, 9]), "row 1: label 7, but the scores have 3 classes (0 to 2) (2 rows are out of range)."),
    (np.array([0, -2, 1]), "row 1: label -2, but the scores have 3 classes (0 to 2)."),
    (
        np.array([1, 2, 3]),
        "row 2: label 3, but the scores have 3 classes (0 to 2). If the labels start at 1, subtract 1 before saving.",
    ),
    (
        np.array([0, -100, -100]),
        (
            "row 1: label -100, but the scores have 3 classes (0 to 2) (2 rows are out of range). "
            "If -100 marks rows without a label, use --ignore-index -100."
        ),
    ),
    (
        np.array([0, 255], np.uint8),
        (
            "row 1: label 255, but the scores have 3 classes (0 to 2). "
            "If 255 marks rows without a label, use --ignore-index 255."
        ),
    ),
    (
        np.array([2, -1]),
        (
            "row 1: label -1, but the scores have 3 classes (0 to 2). "
            "If -1 marks rows without a label, use --ignore-index -1."
        ),
    ),
    (
        np.array([0, 3, 2, 3, 1]),
        (
            "row 1: label 3, but the scores have 3 classes (0 to 2) (2 rows are out of range). "
            "If 3 marks rows without a label, use --ignore-index 3."
        ),
    ),
    (np.array([7, 7]), "row 0: label 7, but the scores have 3 classes (0 to 2) (2 rows are out of range)."),
    (np.array([0.0, 1.5, 0.25]), "row 1: label 1.5, but labels must be whole numbers (2 rows are not)"),
    (np.array([0.0, np.nan, 1.0]), f"row 1: label nan, {UNLABELLED}"),
    (np.array([np.inf, 1.0]), "row 0: label inf, but labels must be whole numbers (1 rows are not)"),
    (np.array([1j, 0]), "labels have dtype complex128, but whole numbers are needed"),
    (np.array(["2026-01-01"], "M8[D]"), "labels have dtype datetime64[D], but whole numbers are needed"),
    (np.zeros((2, 2, 2)), "labels have shape (2, 2, 2), but one label per row is needed"),
    (np.zeros((2, 4)), "labels have 4 columns, but the scores have 3 classes"),
    (
        np.array(["cat", "dog"]),
        'row 0: label "cat" is text; give the class names, in the order of the columns (--class-names FILE)',
    ),
]


@pytest.mark.parametrize(("raw", "message"), WRONG)
def test_what_is_refused(raw, message):
    with pytest.raises(InputError) as error:
        as_labels(raw, k=3)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("rows", "first", "count"),
    [([[1, 0.5, 0], [0, 0.5, 0.5]], 0, 2), ([[0, 0, 1], [0, np.nan, 1]], 1, 1)],
)
def test_soft_labels_are_refused(rows, first, count):
    with pytest.raises(InputError) as error:
        as_labels(np.array(rows), k=3)
    assert str(error.value) == (
        f"row {first}: labels of shape (2, 3) must be one-hot (a single 1, all others 0), "
        f"but {count} rows are not; soft labels are not supported"
    )


@pytest.mark.parametrize(("rows", "first"), [([[1, 0, 0], [0, 0, 0]], 1), ([[1, 1, 0], [0, 1, 0]], 0)])
def test_several_labels_or_one_image_are_refused(rows, first):
    with pytest.raises(InputError) as error:
        as_labels(np.array(rows), k=3)
    assert str(error.value) == (
        f"row {first}: labels of shape (2, 3) must be one-hot (a single 1, all others 0), but 1 rows are not; rows "
        "with several labels or none are not supported. Of one image of two classes, save scores[None] and labels[None]"
    )


def test_labels_of_0_and_255_are_those_of_image_files():
    with pytest.raises(InputError, match=r"If 255 marks class 1, as in image files, divide the labels by 255 before"):
        as_labels(np.array([0, 255, 0]), k=2)
    for labels, k in (([0, 1, 255], 2), ([0, 255, 0], 3)):
        with pytest.raises(InputError, match=r"If 255 marks rows without a label, use --ignore-index 255\.$"):
            as_labels(np.array(labels), k)


@pytest.mark.parametrize(("raw", "row"), [(["cat", "cow"], 1), (["Cat"], 0), ([""], 0), (["zebra"], 0)])
def test_names_that_are_not_in_the_list(raw, row):
    with pytest.raises(InputError) as error:
        as_labels(np.array(raw), 2, ["cat", "dog"])
    assert str(error.value) == f'row {row}: label "{raw[row]}" is not one of the 2 class names (cat, dog)'


def test_a_name_that_occurs_twice_is_no_class():
    with pytest.raises(InputError, match=r'^label "a" could be class 0 or class 2: class names must differ$'):
        as_labels(np.array(["b", "a"]), 3, ["a", "b", "a"])


def test_out_of_range_names_the_row_among_ignored_ones():
    with pytest.raises(InputError, match=r"^row 3: label 9, "):
        as_labels(np.array([255, 255, 0, 9]), 3, ignore_index=255)


def test_row_numbers_of_1_based_labels_with_ignored_ones():
    with pytest.raises(InputError, match="If the labels start at 1"):
        as_labels(np.array([255, 1, 2, 3], np.uint8), 3, ignore_index=255)
