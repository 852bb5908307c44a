"""Dumps whose rows are all right, or all wrong: no map can be fitted to them, so none is advised or praised."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.report.views import all_alike
from calibeval.words.next_step import IN_PYTHON, next_step
from calibeval.words.report import repair


def rows(right, *, but=0):
    """300 rows of three classes with confidences of about .75, all right or all wrong, but the first few."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(300, 3))
    logits[np.arange(300), logits.argmax(axis=1)] += 1.0
    best, worst = logits.argmax(axis=1), logits.argmin(axis=1)
    labels, others = (best, worst) if right else (worst, best)
    return Predictions(logits=logits, labels=np.where(np.arange(300) < but, others, labels))


@pytest.mark.parametrize("metrics", [None, ["ece", "nll"]])
def test_no_map_is_advised(metrics):
    step = next_step(evaluate(rows(True), metrics=metrics), IN_PYTHON)
    assert step.sentence == "get rows that are right and rows that are wrong: a map cannot be fitted without both"
    assert (step.command, step.typed) == (None, ())


@pytest.mark.parametrize(("right", "word"), [(True, "right"), (False, "wrong")])
def test_no_map_of_the_same_rows_is_praised(right, word):
    report = evaluate(rows(right), cross_fit=5, method="temperature")
    said = repair(report.dumps[0])
    assert "repairs" not in said
    assert f" cannot be judged: every row is {word}, so the most extreme map looks best (ECE " in said
    # Rows that are all wrong look like labels of other rows.
    first = "get rows that are right" if right else "put classes and labels in order"
    assert next_step(report, IN_PYTHON).sentence.startswith(first)


def test_a_map_of_other_rows_is_judged_as_ever():
    others = rows(True, but=60)
    others = Predictions(logits=1.01 * others.scores, labels=others.labels)
    said = repair(evaluate(rows(True), fit_on=others, method="temperature").dumps[0])
    assert "cannot be judged" not in said


@pytest.mark.parametrize(("but", "alike"), [(0, True), (1, False)])
def test_one_row_makes_the_difference(but, alike):
    for right in (True, False):
        (dump,) = evaluate(rows(right, but=but)).dumps
        assert all_alike(dump) is alike
    assert ("cannot be fitted" in next_step(evaluate(rows(True, but=but)), IN_PYTHON).sentence) is alike
