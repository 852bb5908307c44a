"""Predictions, labels and `correct`: compared where they come together, and refused where they cannot be meant."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.open import read
from tests.readers.dumps import npz, refused

SURE = np.array([0.9, 0.8, 0.7, 0.6])


def rows(folder, *, ignore_index=None, labels=None, **arrays):
    """1 for each right row and 0 for each wrong one; None for rows that are left out."""
    predictions = read(npz(folder, confidence=SURE, **arrays), ignore_index=ignore_index, labels=labels)
    ignored = predictions.ignore_index
    return [None if ignored is not None and y == ignored else int(y) for y in predictions.labels.tolist()]


@pytest.mark.parametrize(
    ("prediction", "label", "right"),
    [
        ([0, 1, 2, 1], [0, 1, 1, 1], [1, 1, 0, 1]),
        (np.array([0, 1, 2, 1], np.uint8), np.array([0, 1, 1, 1], ">i8"), [1, 1, 0, 1]),
        ([0.0, 1.0, 2.0, 1.0], [0, 1, 1, 1], [1, 1, 0, 1]),
        ([True, False, True, True], [1, 0, 0, 1], [1, 1, 0, 1]),
        (["a", "b", "c", "b"], ["a", "b", "b", "b"], [1, 1, 0, 1]),
        ([b"a", b"b", b"c", b"b"], ["a", "b", "b", "b"], [1, 1, 0, 1]),
        (["a ", " b", "c", "b"], ["a", "b", "b", "b\t"], [1, 1, 0, 1]),  # blanks around a text are no part of it
    ],
)
def test_predictions_are_compared_with_labels(prediction, label, right, tmp_path):
    assert rows(tmp_path, prediction=prediction, label=label) == right


def test_nothing_shared_is_a_warning(tmp_path):
    path = npz(tmp_path, confidence=SURE, prediction=["x", "y", "x", "y"], label=["a", "b", "a", "b"])
    warnings = [str(one) for one in read(path).warnings]
    assert warnings == [
        'd.npz: "prediction" and "label" share no value ("x" and "a", for example), so every row counts as wrong'
    ]


@pytest.mark.parametrize(
    ("text", "other"),
    [("A", "a"), ("caf\u00e9", "cafe\u0301"), ("1.0", "1"), ("01", "1"), ("\uff41", "a")],
)
def test_one_class_is_spelled_in_one_way(text, other, tmp_path):
    message = (
        f'd.npz: "prediction" holds "{text}" and "label" holds "{other}": write the same class in the same way in both'
    )
    refused(npz(tmp_path, confidence=SURE, prediction=[text, "b", text, "b"], label=[other, "b", other, "b"]), message)


def test_two_classes_whose_names_differ_in_case_stay_two(tmp_path):
    assert rows(tmp_path, prediction=["A", "a", "A", "b"], label=["a", "a", "A", "b"]) == [0, 1, 1, 1]


@pytest.mark.parametrize(("void", "shown"), [(255, "255"), ("nan", '"nan"'), ("", '""'), ("None", '"None"')])
def test_what_marks_a_missing_label_is_no_class(void, shown, tmp_path):
    words = isinstance(void, str)
    prediction, label = (["a", "b", "a", "b"], ["a", "b", "a", void]) if words else ([0, 1, 0, 1], [0, 1, 0, void])
    path = npz(tmp_path, confidence=SURE, prediction=prediction, label=label)
    remedy = "" if words else " Leave them out with --ignore-index 255."
    refused(path, f'd.npz: row 3: "label" is {shown}, which is no class (1 rows).{remedy}')


def test_255_is_a_class_where_classes_are_many(tmp_path):
    assert rows(tmp_path, prediction=[200, 1, 0, 1], label=[200, 1, 0, 255]) == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"prediction": [0, 1, 2], "label": [0, 1, 1, 1]}, "3 predictions, but 4 labels"),
        ({"prediction": 1, "label": [0, 1, 1, 1]}, '"prediction" has shape (), but one value a row is needed'),
        ({"prediction": [[0], [1], [1], [1]], "label": [0, 1, 1, 1]}, '"prediction" has shape (4, 1), but one value '),
        ({"prediction": [0, 1, 1, 1], "label": np.eye(4)}, '"label" has shape (4, 4), but one value a row is needed'),
        (
            {"prediction": ["0", "1", "1", "1"], "label": [0, 1, 1, 1]},
            '"prediction" holds text and "label" numbers, so they cannot be compared. Save both as class numbers, or ',
        ),
        (
            {"prediction": np.zeros(4, "M8[s]"), "label": [0, 1, 1, 1]},
            '"prediction" holds datetime64[s] and "label" numbers, so they cannot be compared',
        ),
        (
            {"prediction": np.zeros(4, "c16"), "label": np.zeros(4, "c16")},
            '"prediction" holds complex128 and "label" complex128, so they cannot be compared',
        ),
        ({"prediction": [0, 1, 1, 1], "label": [0, np.nan, 1, np.nan]}, 'row 1: "label" is nan, which is no class (2 '),
        ({"prediction": [0, 1, np.nan, 1], "label": [0, 1, 1, 1]}, 'row 2: "prediction" is nan, which is no class (1 '),
        (
            {"prediction": [0, 1, 1, 1], "label": [0, 1, -1, 1]},
            'row 2: "label" is -1, which is no class (1 rows). Leave them out with --ignore-index -1.',
        ),
        ({"correct": 1}, '"correct" has shape (), but one value a row is needed'),
        ({"correct": np.eye(4)[:, :2]}, '"correct" has shape (4, 2), but one value a row is needed'),
        ({"correct": [1, 0, 1, 0.5]}, "row 3: label 0.5, but labels must be whole numbers (1 rows are not)"),
        (
            {"correct": [1, 1, 1, 1], "prediction": [0, 1, 2, 1], "label": [0, 1, 1, 1]},
            'row 2: "correct" is 1, but "prediction" and "label" are different (1 rows contradict each other). Keep ',
        ),
        (
            {"correct": [1, 0, 0, 0], "prediction": [0, 1, 2, 1], "label": [0, 1, 1, 1]},
            'row 1: "correct" is 0, but "prediction" and "label" are equal (2 rows contradict each other).',
        ),
    ],
)
def test_what_does_not_fit_together(arrays, message, tmp_path):
    path = npz(tmp_path, confidence=SURE, **arrays)
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value).startswith(f"d.npz: {message}")
    assert len(str(error.value)) < 500


def test_a_label_is_left_out_with_its_row(tmp_path):
    assert rows(tmp_path, prediction=[0, 1, 2, 1], label=[0, 1, -1, 1], ignore_index=-1) == [1, 1, None, 1]
    assert rows(tmp_path, prediction=[0, 1, 2, 1], label=[0, 1, 1, 1], ignore_index=0) == [None, 1, 0, 1]


def test_a_negative_label_that_is_predicted_is_a_class(tmp_path):
    assert rows(tmp_path, prediction=[-1, 1, -1, 1], label=[-1, 1, 1, 1]) == [1, 1, 0, 1]


def test_correct_with_an_ignored_label_needs_the_labels(tmp_path):
    # 0 marks the wrong rows of "correct": leaving these out would make the accuracy 1.
    with pytest.raises(UsageError, match='the label 0 is to be left out, but the file has no labels beside "correct"'):
        rows(tmp_path, correct=[1, 0, 1, 1], ignore_index=0)
    assert rows(tmp_path, correct=[1, 0, 1, 1], label=[0, 1, 0, 2], ignore_index=0) == [None, 0, None, 1]
    assert rows(tmp_path, correct=[True, False, True, True], label=[5, 1, 5, 2], ignore_index=5) == [None, 0, None, 1]


def test_correct_agrees_with_predictions_and_labels(tmp_path):
    assert rows(tmp_path, correct=[1, 1, 0, 1], prediction=[0, 1, 2, 1], label=[0, 1, 1, 1]) == [1, 1, 0, 1]
    contradicting = {"correct": [1, 1, 1, 1], "prediction": [0, 1, 2, 1], "label": [0, 1, -1, 1]}
    assert rows(tmp_path, **contradicting, ignore_index=-1) == [1, 1, None, 1]  # of a row that is left out


def test_labels_of_another_file_are_compared_with_predictions(tmp_path):
    np.save(tmp_path / "l.npy", np.array([0, 1, 1, 1]))
    assert rows(tmp_path, prediction=[0, 1, 2, 1], labels=tmp_path / "l.npy") == [1, 1, 0, 1]
    np.save(tmp_path / "l.npy", np.array(1))
    path = npz(tmp_path, confidence=SURE, prediction=[0, 1, 2, 1])
    refused(path, 'd.npz: "labels" has shape (), but one value a row is needed', labels=tmp_path / "l.npy")


def test_rows_with_marked_labels_are_counted(tmp_path):
    """The case of 50 labels of -1 among 400: 350 rows remain."""
    rng = np.random.default_rng(5)
    prediction, label = rng.integers(0, 3, 400), rng.integers(0, 3, 400)
    label[:50] = -1
    path = npz(tmp_path, confidence=rng.uniform(0.4, 1, 400), prediction=prediction, label=label)
    refused(
        path,
        'd.npz: row 0: "label" is -1, which is no class (50 rows). Leave them out with --ignore-index -1.',
    )
    report = evaluate(read(path, ignore_index=-1), level=None)
    assert report["accuracy"].value == pytest.approx((prediction[50:] == label[50:]).mean())
    assert (report.dumps[0].n, report.dumps[0].ignored) == (350, 50)


@pytest.mark.filterwarnings("error")
def test_a_label_to_ignore_beyond_half_precision(tmp_path):
    half = np.array([0, 1, 1, 1], np.float16)
    assert rows(tmp_path, prediction=half, label=half, ignore_index=2**63 - 1) == [1, 1, 1, 1]
