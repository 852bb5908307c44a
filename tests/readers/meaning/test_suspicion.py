"""Scores that cannot be what they are called are refused before anything is computed of them."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.meaning.suspicion import refuse_large_integers
from calibeval.readers.open import read
from tests.readers.dumps import LABELS, LOGITS, PROBS, npz, refused

LARGE = 'd.npz: "logits" holds integers beyond 2^53, which float64 cannot tell apart. Save floating-point numbers.'
LIKE_PROBS = ": they look like probabilities. Say --kind probs, or --kind logits if they really are logits."


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 2**62])
@pytest.mark.parametrize("memory", [None, 64])
def test_integers_beyond_float64(value, memory, tmp_path):
    scores = np.zeros((20, 3), np.int64)
    scores[-1, 2] = value
    refused(npz(tmp_path, logits=scores, labels=LABELS), LARGE, max_memory=memory)


@pytest.mark.parametrize(("value", "dtype"), [(2**53, "i8"), (-(2**53), "i8"), (2**31, "u4"), (2**53, "u8")])
def test_integers_that_float64_holds(value, dtype, tmp_path):
    scores = np.zeros((20, 3), dtype)
    scores[-1, 2] = value
    assert read(npz(tmp_path, logits=scores, labels=LABELS)).n == 20


def test_unsigned_integers_beyond_int64(tmp_path):
    scores = np.zeros((20, 3), np.uint64)
    scores[0, 0] = 2**64 - 1
    refused(npz(tmp_path, logits=scores, labels=LABELS), LARGE)


def test_no_rows_hold_no_integers():
    refuse_large_integers(np.empty((0, 3), np.int64), "d")


def test_probabilities_called_logits(tmp_path):
    path = npz(tmp_path, logits=PROBS, labels=LABELS)
    refused(path, f"d.npz: these logits are all non-negative and every row sums to 1{LIKE_PROBS}")
    assert read(path, kind="logits").kind == "logits"
    assert read(path, kind="probs").kind == "probs"


@pytest.mark.parametrize("largest", [1.0, 1.0000001, 1.00001])
def test_one_column_of_probabilities_called_logits(largest, tmp_path):
    scores = np.linspace(0, 1, 20)
    scores[-1] = largest
    message = f"d.npz: these logits all lie between 0 and 1{LIKE_PROBS}"
    refused(npz(tmp_path, logits=scores, labels=LABELS % 2), message)


@pytest.mark.parametrize("odd", [1.1, -0.001])
def test_one_column_of_logits(odd, tmp_path):
    scores = np.linspace(0, 1, 20)
    scores[7] = odd
    assert read(npz(tmp_path, logits=scores, labels=LABELS % 2)).kind == "logits"


def test_one_row_that_does_not_sum_to_1_is_enough(tmp_path):
    scores = PROBS.copy()
    scores[-1, 0] += 0.01
    assert read(npz(tmp_path, logits=scores, labels=LABELS)).kind == "logits"


def test_shards_of_two_kinds(tmp_path):
    np.savez(tmp_path / "a-00000-of-00002.npz", logits=LOGITS, labels=LABELS)
    np.savez(tmp_path / "a-00001-of-00002.npz", logits=PROBS.astype(np.float32), labels=LABELS)
    with pytest.raises(InputError) as error:
        read(tmp_path / "a-00000-of-00002.npz")
    assert str(error.value) == (
        "a-00000-of-00002.npz: the scores of a-00001-of-00002.npz look like probabilities, those of "
        "a-00000-of-00002.npz do not: the shards of one dump must hold the same kind of scores"
    )


def test_the_same_shard_twice(tmp_path):
    for i in range(2):
        np.savez(tmp_path / f"a-0000{i}-of-00002.npz", logits=LOGITS, labels=LABELS)
    with pytest.raises(InputError, match="are the same shard twice: its rows would count twice"):
        read(tmp_path / "a-00000-of-00002.npz").settled_source()


def test_the_same_rows_under_two_splits(tmp_path):
    split = {"val_logits": LOGITS, "val_labels": LABELS}
    path = npz(tmp_path, **split, test_logits=LOGITS, test_labels=LABELS)
    refused(f"{path}#val+test", "d.npz: the splits val and test hold the same rows, which would count twice")
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, val_index=np.arange(9), test_index=np.arange(7, 20))
    refused(f"{path}#val+test", "d.npz: the splits val and test share 2 rows, which would count twice")


@pytest.mark.parametrize("top_label", [False, True])
def test_labels_that_start_at_1(top_label, tmp_path):
    """The last class does not occur, so that every label is one of a class."""
    top = np.arange(60) % 3
    labels = np.where(top == 2, 1, top + 1)
    scores = {"confidence": np.full(60, 0.9), "prediction": top} if top_label else {"logits": 5.0 * np.eye(4)[top]}
    warnings = [one for one in read(npz(tmp_path, **scores, labels=labels)).warnings if one.code == "labels_from_one"]
    assert len(warnings) == 1
    assert str(warnings[0]).endswith(
        ": 0.0 % of predictions are right, but 66.7 % would be if 1 were subtracted from the labels: "
        "they seem to start at 1"
    )


def test_labels_from_0_and_weak_models_raise_no_suspicion(tmp_path):
    top = np.arange(60) % 3
    for labels in (top, (top + 1) % 3, np.ones(60, int)):
        predictions = read(npz(tmp_path, logits=5.0 * np.eye(4)[top], labels=labels))
        assert not [one for one in predictions.warnings if one.code == "labels_from_one"]


@pytest.mark.parametrize("value", [1, [1], [[1]]])
def test_one_label_to_ignore_in_any_shape(value, tmp_path):
    predictions = read(npz(tmp_path, logits=LOGITS, labels=LABELS, ignore_index=np.array(value)))
    assert (predictions.ignore_index, predictions.ignored) == (1, 7)


def test_two_labels_to_ignore(tmp_path):
    with pytest.raises(InputError, match=r"could say which label to ignore: .*Give it with --ignore-index\.$"):
        read(npz(tmp_path, logits=LOGITS, labels=LABELS, ignore_index=1, ignore_label=2))
