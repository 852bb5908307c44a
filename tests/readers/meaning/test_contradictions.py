"""Columns that say something else than the labels and scores that are used are told."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.readers.open import read
from tests.core.data.test_best_first import drawn, scores_of
from tests.readers.dumps import npz

PROBS = scores_of(200, 4)
LABELS = drawn(PROBS)
TOP = PROBS.argmax(axis=1)
WRONG = int((TOP != LABELS).sum())
NAMES = np.array(["ant", "bee", "cat", "dog"])


def codes(path, **options):
    return {one.code: str(one) for one in read(path, **options).warnings}


@pytest.mark.parametrize("other", ["true_label", "gold_label", "TRUE_CLASS", "truth", "actual_target"])
def test_the_predictions_under_the_name_of_the_labels(other, tmp_path):
    assert 0 < WRONG < 200
    path = npz(tmp_path, probs=PROBS, label=TOP, **{other: LABELS})
    assert codes(path) == {
        "other_labels_differ": f'"label" holds the labels that are used, but "{other}" differs from it in {WRONG} of '
        f'200 rows: say key={{"labels": "{other}"}} if that column holds the true labels'
    }
    assert codes(path, key={"labels": other}) == {}
    assert read(path, labels_key=other).labels.tolist() == LABELS.tolist()
    assert codes(path, labels_key="label") == {}


def test_names_of_classes_are_compared_too(tmp_path):
    named = {"probs": PROBS, "class_names": NAMES}
    assert [*codes(npz(tmp_path, **named, label=TOP, true_label=NAMES[LABELS]))] == ["other_labels_differ"]
    assert codes(npz(tmp_path, **named, label=LABELS, true_label=NAMES[LABELS])) == {}


@pytest.mark.parametrize("other", ["coarse_label", "old_label", "noisy_label", "true_positive_rate", "realm"])
def test_other_columns_are_no_labels(other, tmp_path):
    assert codes(npz(tmp_path, probs=PROBS, label=LABELS, **{other: (LABELS + 1) % 4})) == {}


def test_labels_of_another_kind_cannot_be_compared(tmp_path):
    for other in (LABELS * 100, LABELS / 7, NAMES[LABELS]):
        assert codes(npz(tmp_path, probs=PROBS, label=LABELS, true_label=other)) == {}


@pytest.mark.parametrize("name", ["prediction", "predict", "y_pred", "Predicted_Label"])
def test_predictions_that_are_not_those_of_the_scores(name, tmp_path):
    """The columns stand in another order than the classes."""
    order = [3, 2, 1, 0]
    same = 100 * float((PROBS[:, order].argmax(axis=1) == TOP).mean())
    path = npz(tmp_path, probs=PROBS[:, order], label=LABELS, **{name: TOP})
    assert codes(path) == {
        "predictions_differ": f'"{name}" is the class of the largest score in only {same:.1f} % of rows: check the '
        "order of the classes"
    }
    for said in (TOP, TOP + 1, NAMES[TOP], TOP / 2):
        assert codes(npz(tmp_path, probs=PROBS, label=LABELS, **{name: said})) == {}


def test_predictions_by_another_threshold_are_usual(tmp_path):
    """A rare class is predicted from 20 % on."""
    rare = np.random.default_rng(0).beta(0.5, 4, 1000)
    labels = (np.random.default_rng(1).random(1000) < rare).astype(int)
    assert codes(npz(tmp_path, probs=rare, label=labels, prediction=(rare > 0.2).astype(int))) == {}
