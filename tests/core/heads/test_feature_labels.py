"""Soft labels and weights of features: what is taken, what is refused, and that rows of weight 0 are not there."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.errors import InputError, UsageError
from calibeval.core.heads.features import Features

ROWS = np.arange(12.0).reshape(6, 2)
SOFT = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0], [0.1, 0.1, 0.8], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
LABELS = [0, 1, 2, 0, 2, 0]


def refused(message, error=InputError, **given):
    with pytest.raises(error) as caught:
        Features(features=ROWS, **given)
    assert str(caught.value) == message
    assert len(message) < 500


def test_soft_labels_stand_beside_their_most_probable_classes():
    found = Features(features=ROWS, labels=SOFT)
    assert (found.k, found.labels.tolist()) == (3, LABELS)
    assert (found.soft == SOFT).all()
    assert found.warnings == ()


@pytest.mark.parametrize("labels", [np.eye(3)[LABELS], np.eye(3, dtype=np.int8)[LABELS], LABELS])
def test_exact_one_hot_rows_are_classes(labels):
    found = Features(features=ROWS, labels=labels)
    assert (found.k, found.labels.tolist(), found.soft) == (3, LABELS, None)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rounding_in_the_stored_type_is_no_error(dtype):
    thirds = np.full((6, 3), 1 / 3).astype(dtype)
    assert Features(features=ROWS, labels=thirds).soft.dtype == dtype


def test_soft_labels_that_do_not_sum_to_one():
    wrong = SOFT.copy()
    wrong[1], wrong[4] = (0.5, 0.3, 0.1), (0.5, 0.6, 0.1)
    message = "row 1: its soft label sums to 0.9, but the probabilities of the classes sum to 1 (2 rows are wrong)"
    refused(message, labels=wrong)
    just = SOFT.copy()
    just[0, 0] += 0.9e-4
    assert Features(features=ROWS, labels=just).soft is not None
    just[0, 0] += 0.2e-4
    refused("row 0: its soft label sums to 1.00011, but the probabilities of the classes sum to 1", labels=just)


@pytest.mark.parametrize(
    ("row", "said"), [((1.2, -0.2, 0.0), "holds -0.2"), ((np.nan, 0.5, 0.5), "holds nan"), ((0.0, 0, 0), "sums to 0")]
)
def test_soft_labels_that_are_no_probabilities(row, said):
    wrong = SOFT.copy()
    wrong[2] = row
    refused(f"row 2: its soft label {said}, but the probabilities of the classes sum to 1", labels=wrong)


def test_soft_labels_of_other_classes():
    refused("soft labels have 3 columns, but there are 2 classes", labels=SOFT, class_names=["a", "b"])


def test_soft_labels_mark_no_row_as_ignored():
    message = (
        "labels are soft: the probability of every class, so no row has the label 2 of ignored rows; leave out such "
        "rows before saving"
    )
    refused(message, labels=SOFT, ignore_index=2)


def test_whoever_needs_one_class_per_row_refuses_soft_labels():
    Features(features=ROWS, labels=LABELS).check_hard("VAL needs one class per row")
    with pytest.raises(InputError) as caught:
        Features(features=ROWS, labels=SOFT).check_hard("VAL needs one class per row")
    assert str(caught.value) == (
        "predictions: the labels are soft (the probability of every class), but VAL needs one class per row; soft "
        "labels are only for training"
    )


@pytest.mark.parametrize("weights", [[2.0, 0.0, 4.0, 6.0, 0.0, 0.0], "w"])
def test_rows_of_weight_0_are_left_out(weights):
    columns = {"w": [2.0, 0.0, 4.0, 6.0, 0.0, 0.0], "site": [*"abcdef"]}
    found = Features(features=ROWS, labels=[0, 5, 1, 1, 7, 2], weights=weights, columns=columns, ids=[*"uvwxyz"])
    assert (found.n, found.ignored, found.k, found.labels.tolist()) == (3, 3, 2, [0, 1, 1])
    assert found.stored_rows.tolist() == [0, 2, 3]
    assert found.features[:].tolist() == ROWS[[0, 2, 3]].tolist()
    assert found.columns["site"].tolist() == ["a", "c", "d"]
    assert found.ids.tolist() == ["u", "w", "x"]
    assert found.weights.values.tolist() == [0.5, 1.0, 1.5]
    assert found.weights.column == ("w" if weights == "w" else "weights")
    assert found.weights.zero == 3
    assert found.weights.effective == pytest.approx(144 / 56)


def test_soft_labels_of_weight_0_are_left_out():
    found = Features(features=ROWS, labels=SOFT, weights=[1, 1, 0, 1, 1, 1])
    assert found.soft.tolist() == np.delete(SOFT, 2, axis=0).tolist()
    assert found.k == 3


@pytest.mark.parametrize("weights", [None, [3.0] * 6])
def test_equal_weights_are_none(weights):
    found = Features(features=ROWS, labels=LABELS, weights=weights).weights
    assert (found.values, found.effective, found.zero) == (None, 6.0, 0)


def test_ignored_rows_have_no_part_in_the_mean():
    found = Features(features=ROWS, labels=[0, 1, 9, 1, 0, 9], ignore_index=9, weights=[1, 3, 100, 3, 1, 0])
    assert found.weights.values.tolist() == [0.5, 1.5, 1.5, 0.5]
    assert (found.ignored, found.weights.zero) == (2, 0)


def test_class_names_hold_even_where_their_rows_have_weight_0():
    found = Features(features=ROWS, labels=LABELS, class_names=[*"abc"], weights=[1, 1, 0, 1, 0, 1])
    assert found.k == 3


def test_weights_without_labels():
    assert Features(features=ROWS, weights=[1, 2, 0, 1, 1, 1]).n == 6


def test_weights_that_cannot_be():
    refused('"weights" row 1: weight -1, but a weight must be a finite number of at least 0', labels=LABELS,
            weights=[1, -1, 1, 1, 1, 1])  # fmt: skip
    refused('"weights": every weight is 0, but rows are weighted by numbers above 0', labels=LABELS, weights=[0] * 6)
    refused('weights: there is no column "v"; there are w', UsageError, labels=LABELS, weights="v",
            columns={"w": [1] * 6})  # fmt: skip
