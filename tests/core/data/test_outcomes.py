"""Labels beside scores of another number of rows: what was done to the scores, and what undoes it."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, read
from calibeval.core.errors import InputError
from tests.definitions import softmax

LABELS = np.arange(60) % 3
LOGITS = np.random.default_rng(0).normal(size=(60, 3))
PROBS = softmax(LOGITS)


@pytest.mark.parametrize("shape", [(180,), (180, 1)])
@pytest.mark.parametrize(
    ("kind", "scores", "remedy"),
    [
        ("logits", LOGITS, "reshape(-1, 3)"),
        ("probs", PROBS, "reshape(-1, 3)"),
        ("probs", PROBS.T, "reshape(3, -1).T"),
        ("log_probs", np.log(PROBS), "reshape(-1, 3)"),
    ],
)
def test_scores_that_were_flattened(kind, scores, remedy, shape, tmp_path):
    message = (
        f"180 scores = 60 labels × 3: {remedy} gives one row of 3 scores for each of the labels; save them in that"
    )
    flat = scores.reshape(shape)
    with pytest.raises(InputError) as error:
        Predictions(**{kind: flat}, labels=LABELS)
    assert str(error.value) == f"{message} shape"
    np.savez(tmp_path / "d.npz", **{kind: flat}, labels=LABELS)
    with pytest.raises(InputError) as error:
        read(tmp_path / "d.npz")
    assert str(error.value) == f"d.npz: {message} shape"


def test_two_scores_for_each_of_two_classes():
    with pytest.raises(InputError, match=r"^120 scores = 60 labels × 2: reshape\(-1, 2\) gives"):
        Predictions(probs=PROBS[:, :2].reshape(-1), labels=LABELS % 2)


@pytest.mark.parametrize("n", [59, 61, 179])
def test_other_numbers_are_only_counted(n):
    with pytest.raises(InputError, match=f"^{n} rows of scores, but 60 labels$"):
        Predictions(probs=np.linspace(0, 1, n), labels=LABELS % 2)


@pytest.mark.parametrize("labels", [LABELS, LABELS + 7])
def test_scores_that_were_transposed(labels):
    with pytest.raises(InputError, match=r"^logits have shape \(3, 60\).*so transpose the logits$"):
        Predictions(logits=LOGITS.T, labels=labels)
