"""Probabilities of exactly 0 are told where no label fell on one by luck."""

import numpy as np
import pytest

from calibeval import Predictions, compare, evaluate


def with_zeros(n=200, *, zero=7):
    """Calibrated enough rows, in one of which a class that is not the label has probability exactly 0."""
    rng = np.random.default_rng(0)
    probs = rng.dirichlet([4.0, 1.0, 1.0], n)
    probs[zero] = [0.9, 0.1, 0.0]
    labels = rng.choice(3, n, p=[0.7, 0.2, 0.1])
    labels[zero] = 0
    return probs, labels


@pytest.mark.parametrize("of", [evaluate, lambda dump: compare(dump, [dump])])
def test_zeros_that_no_label_met_are_told(of):
    probs, labels = with_zeros()
    said = "in 1 of 200 rows, a class has probability exactly 0: a label there would make nll infinite"
    found = of(Predictions(probs=probs, labels=labels))
    notice, *_ = [one for one in of_warnings(found) if said in one]
    assert notice.code == "zero_probabilities"


def of_warnings(found):
    return found.dumps[0].warnings if hasattr(found, "dumps") else found.candidates[0].warnings


def test_no_zeros_no_words():
    probs, labels = with_zeros()
    probs[7] = [0.9, 0.0999, 0.0001]
    assert not evaluate(Predictions(probs=probs, labels=labels)).dumps[0].warnings
    with np.errstate(divide="ignore"):
        masked = np.log(with_zeros()[0])  # a class of which a model says for certain that it is not there
    assert not evaluate(Predictions(logits=masked, labels=labels)).dumps[0].warnings


def test_a_zero_under_a_label_is_told_once():
    probs, labels = with_zeros()
    labels[7] = 2
    codes = [one.code for one in evaluate(Predictions(probs=probs, labels=labels)).dumps[0].warnings]
    assert codes == ["infinite_nll"]


def test_many_rows_are_looked_at_in_part():
    probs, labels = (np.tile(part, (2000, 1)) if part.ndim == 2 else np.tile(part, 2000) for part in with_zeros())
    (notice,) = evaluate(Predictions(probs=probs, labels=labels), level=None).dumps[0].warnings
    assert notice.startswith("in 1,748 of the first 349,525 rows, ")
