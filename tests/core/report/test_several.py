"""Several dumps of a report under one map: their classes must be called the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.report import ClassResult, Recalibrated
from calibeval.core.report.several import together
from tests.render.hand_made import over_confident


def mapped(name, *classes, where=None):
    made = Recalibrated("vector", {}, where or FittedOn("val.npz", None, None, 9), {}, (), None)
    per_class = tuple(ClassResult(one, 9, 0.1, 0.1) for one in classes)
    return over_confident(name=name, per_class=per_class, recalibrated=made)


def test_other_names_of_classes_under_one_map_are_a_warning():
    first, second = together([mapped("a", "cat", "dog"), mapped("b", "dog", "cat")])
    assert first.warnings == ()
    assert second.warnings == ('class 0 is "dog", but "cat" in a: one map can hardly fit both',)
    assert second.warnings[0].code == "classes_differ"


def test_no_names_the_same_names_and_maps_of_their_own_are_no_doubt():
    folds = OutOfFold(5, 0, 9)
    for dumps in (
        [mapped("a", "cat", "dog"), mapped("b", "0", "1"), mapped("c", "cat", "dog")],
        [mapped("a", "cat", "dog", where=folds), mapped("b", "dog", "cat", where=folds)],
        [replace(mapped("a", "cat"), recalibrated=None), replace(mapped("b", "dog"), recalibrated=None)],
    ):
        assert all(one.warnings == () for one in together(dumps))


def test_a_map_of_unnamed_classes_on_dumps_of_two_orders():
    rng = np.random.default_rng(3)
    probs = rng.dirichlet(np.ones(3), 200)
    labels = rng.integers(0, 3, 200)
    val = Predictions(probs=rng.dirichlet(np.ones(3), 200), labels=labels)
    one, two = (Predictions(probs=probs, labels=labels, class_names=list(names)) for names in ("abc", "acb"))
    report = evaluate({"one": one, "two": two}, fit_on=val)
    codes = [[notice.code for notice in dump.warnings] for dump in report.dumps]
    assert "classes_differ" not in codes[0]
    assert "classes_differ" in codes[1]
