"""Lists of the best scores are told from columns of classes by their order and by the labels."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.data.best_first import best_first_error
from calibeval.core.errors import InputError
from tests.definitions import softmax


def drawn(probs, seed=1):
    """Labels with just these probabilities."""
    rng = np.random.default_rng(seed)
    return (probs.cumsum(axis=1) > rng.random((len(probs), 1))).argmax(axis=1)


def scores_of(n, k, seed=0):
    return softmax(3 * np.random.default_rng(seed).normal(size=(n, k)))


@pytest.mark.parametrize("n", [30, 500])
@pytest.mark.parametrize("k", [3, 5, 100])
@pytest.mark.parametrize(("sign", "verb"), [(-1, "fall"), (1, "rise")])
@pytest.mark.parametrize("kind", ["probs", "logits", "log_probs"])
def test_sorted_scores_are_refused(n, k, sign, verb, kind):
    probs = scores_of(n, k)
    ranked = sign * np.sort(sign * probs, axis=1)
    scores = ranked if kind == "probs" else np.log(ranked)
    error = best_first_error(Predictions(**{kind: scores}, labels=drawn(probs)))
    assert str(error).startswith(f"the scores {verb} from left to right in every row, but ")
    assert "(timm: --topk 0)" in str(error)
    assert len(str(error)) < 480


def test_the_facts_are_those_of_the_first_column():
    probs = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1]] * 30)
    error = best_first_error(Predictions(probs=probs, labels=[0, 1, 2] * 20))
    assert "but 33.3 % of labels are class 0, whose column says 70 % on average: " in str(error)


def test_one_row_in_another_order_is_enough():
    probs = scores_of(500, 3)
    ranked = -np.sort(-probs, axis=1)
    ranked[-1] = ranked[-1, ::-1]
    assert best_first_error(Predictions(probs=ranked, labels=drawn(probs))) is None


def test_fewer_rows_or_classes_are_no_evidence():
    probs = scores_of(29, 3)
    assert best_first_error(Predictions(probs=-np.sort(-probs, axis=1), labels=drawn(probs))) is None
    rare = softmax(np.random.default_rng(2).normal(size=(2000, 2)) + np.array([9.0, 0.0]))
    assert (rare[:, 0] > rare[:, 1]).all()
    assert best_first_error(Predictions(probs=rare, labels=np.arange(2000) % 2)) is None


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [30, 300, 20_000])
@pytest.mark.parametrize("sharpness", [1.0, 0.5, 1.5])
def test_a_model_that_always_prefers_the_most_frequent_class_is_accepted(sharpness, n, seed):
    """Three classes, of which each is rarer than the one before; also where the model is too sure, or not enough."""
    rng = np.random.default_rng(seed)
    truth = softmax(np.array([3.0, 1.4, 0.0]) + 0.15 * rng.normal(size=(n, 3)))
    said = softmax(sharpness * np.log(truth))
    said = -np.sort(-said, axis=1)
    assert (np.diff(said, axis=1) <= 0).all()
    assert best_first_error(Predictions(probs=said, labels=drawn(truth, seed))) is None


def test_a_constant_model_is_accepted():
    assert best_first_error(Predictions(probs=[[0.7, 0.2, 0.1]] * 300, labels=[0, 1, 2] * 100)) is None
    assert best_first_error(Predictions(logits=np.zeros((300, 4)), labels=np.arange(300) % 4)) is None


def test_ignored_rows_do_not_count():
    probs = scores_of(400, 4)
    ranked = -np.sort(-probs, axis=1)
    labels = np.where(np.arange(400) % 2, drawn(probs), -1)
    ranked[::2] = ranked[::2, ::-1]
    assert best_first_error(Predictions(probs=ranked, labels=labels, ignore_index=-1)) is not None


def test_arrays_in_python_are_refused_too_unless_labels_are_said_to_be_positions():
    probs = scores_of(300, 5)
    ranked, labels = -np.sort(-probs, axis=1), drawn(probs)
    with pytest.raises(InputError, match=r'or say labels_are="positions" if each column is one class$'):
        evaluate(probs=ranked, labels=labels)
    found = evaluate(probs=ranked, labels=labels, labels_are="positions", level=None)
    assert found["accuracy"].value == (labels == 0).mean()
