"""The next step of every kind of report, in words and with the way it is taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.data.notices import warning
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.report import ClassResult, Recalibrated
from calibeval.recalibrate.fitting.before_after import Prospect
from calibeval.words.next_step import Step, Ways, next_step, quoted
from tests.render.hand_made import over_confident, report, with_metric
from tests.words.test_report import built, without

WAYS = Ways(
    "REPAIR",
    "CLASSES",
    "LIMIT",
    "DECIDE",
    "LOOK",
    "COMPARE",
    "PLATT",
    beta="BETA",
    isotonic="ISOTONIC",
    keep="KEEP",
    top_platt="TOP PLATT",
    top_isotonic="TOP ISOTONIC",
)
BAD = without(over_confident(per_class=()), "mce")
QUIET = built((0, None, None), (9000, 0.8, 0.796))


def step(dump, prospect=None):
    return next_step(report(dump), WAYS, prospect)


def mapped(old, ece, method="temperature"):
    made = Recalibrated(method, {}, FittedOn("val.npz", None, None, 900), {"ece": ece}, (), None)
    return replace(old, recalibrated=made)


GOOD = MetricResult("ece", 0.011, low=0.0, high=0.02, corrected=0.005, floor=0.01, floor_high=0.015)
STILL = replace(GOOD, value=0.08)


@pytest.mark.parametrize(
    ("dump", "sentence", "way"),
    [
        (BAD, "a temperature may repair it; see it out of fold", "REPAIR"),
        (
            with_metric(BAD, "temperature", value=2.3456, z=9.0, p=1e-9),
            "a temperature (2.35 fits these rows best) may repair it; see it out of fold",
            "REPAIR",
        ),
        (
            with_metric(BAD, "phi_nll", value=0.01, low=-0.02, high=0.04, map="temperature"),
            "a temperature may repair it, though what it gains is within noise; see it out of fold",
            "REPAIR",
        ),
        (
            replace(BAD, warnings=(warning("nothing_shared", "no class occurs"),)),
            "put classes and labels in order; no recalibration can do that",
            "LOOK",
        ),
        (QUIET, "set limits that later models must keep", "LIMIT"),
        (
            replace(QUIET, per_class=(ClassResult("a", 9, 0.2, 0.1, 0.01, 0.02),)),
            "a vector map may repair the probabilities of classes; see it out of fold",
            "CLASSES",
        ),
        (
            replace(
                built((0, None, None), (300, 0.9, 0.88), floor=0.02, floor_high=0.04),
                per_class=(ClassResult("a", 9, 0.2, 0.1, 0.01, 0.02),),
            ),
            "get more rows, about 540 in all to show errors of 3 points; what these can decide",
            "DECIDE",
        ),
        (mapped(BAD, GOOD), "keep this map, apply it, and set limits for what it repaired", "KEEP"),
        (mapped(QUIET, GOOD), "set limits that later models must keep", "LIMIT"),
        (mapped(BAD, STILL), "see whether a vector map does better", "CLASSES"),
        (mapped(BAD, STILL, "ets"), "see whether a vector map does better", "CLASSES"),
        (mapped(BAD, STILL, "vector"), "see whether an isotonic map does better", "ISOTONIC"),
        (
            mapped(QUIET, replace(GOOD, value=0.3, low=0.28, high=0.32, corrected=0.3)),
            "see whether a vector map does better",
            "CLASSES",
        ),
        (
            built((0, None, None), (300, 0.9, 0.88), floor=0.02, floor_high=0.04),
            "get more rows, about 540 in all to show errors of 3 points; what these can decide",
            "DECIDE",
        ),
    ],
)
def test_the_step_follows_from_the_finding(dump, sentence, way):
    assert step(dump) == Step(sentence, way)


@pytest.mark.parametrize(
    "dump",
    [
        with_metric(BAD, "temperature", value=None, z=9.0, p=1e-9),
        with_metric(over_confident(equal_width=(), metrics={}), "ece", value=0.1),
    ],
)
def test_no_step_where_none_is_known_to_help(dump):
    assert step(dump) is None


BEFORE = MetricResult("ece", 0.114, corrected=0.11, floor=0.02, floor_high=0.03)
LEFT = MetricResult("ece", 0.06, corrected=0.05, floor=0.03, floor_high=0.043)


@pytest.mark.parametrize(
    ("after", "rows", "sentence", "way"),
    [
        (LEFT, 1000, "a temperature would take the ECE from 11.4 to about 5.0 % (out of fold)", "REPAIR"),
        (
            replace(LEFT, value=0.034, corrected=0.008),
            1000,
            "a temperature would take the ECE from 11.4 % to within noise (up to 4.3 % on 1,000 rows)",
            "REPAIR",
        ),
        (
            LEFT,
            600,
            "a temperature would take the ECE from 11.4 to about 5.0 % (out of fold, tried on 600 rows)",
            "REPAIR",
        ),
        (
            replace(LEFT, corrected=0.1104),
            1000,
            "a temperature would not lower the ECE (out of fold); see whether a vector map does better",
            "CLASSES",
        ),
    ],
)
def test_a_temperature_that_was_tried_is_promised_no_more_than_it_does(after, rows, sentence, way):
    assert step(BAD, Prospect(BEFORE, after, rows, 1000, float(rows))) == Step(sentence, way)


def test_after_the_most_flexible_map_no_other_is_proposed():
    assert step(mapped(BAD, STILL, "isotonic")) is None


WORSE = {"nll": MetricResult("nll", 0.5, low=0.45, high=0.55)}


@pytest.mark.parametrize(
    ("method", "way"), [("isotonic", "REPAIR"), ("vector", "REPAIR"), ("temperature", "CLASSES"), ("none", None)]
)
def test_after_a_flexible_map_that_makes_the_nll_worse_a_simpler_one_is_proposed(method, way):
    dump = with_metric(mapped(BAD, STILL, method), "nll", value=0.3, low=0.28, high=0.32)
    made = replace(dump.recalibrated, metrics={**dump.recalibrated.metrics, **WORSE})
    found = step(replace(dump, recalibrated=made))
    assert (None if found is None else found.command) == way


@pytest.mark.parametrize("method", ["temperature", "vector", "auto", "none"])
def test_what_auto_has_compared_is_not_proposed(method):
    dump = mapped(BAD, STILL, method)
    found = step(replace(dump, recalibrated=replace(dump.recalibrated, tried=("none", "temperature", "vector"))))
    kept = Step("keep this map; of those that auto tried, none is better by NLL", "KEEP")
    assert found == (None if method == "none" else kept)


def test_a_map_of_auto_that_repairs_is_kept_as_any_other():
    dump = mapped(BAD, GOOD, "vector")
    assert step(replace(dump, recalibrated=replace(dump.recalibrated, tried=("none", "vector")))) == step(dump)


def test_a_top_label_has_maps_of_its_own():
    top = replace(BAD, k=None)
    assert step(top).command == "TOP PLATT"
    methods = {"top-temperature": "TOP PLATT", "top-platt": "TOP ISOTONIC", "top-isotonic": None, "top-beta": None}
    for method, way in methods.items():
        for dump in (mapped(BAD, STILL, method), replace(mapped(BAD, STILL, method), k=None)):
            found = step(dump)
            assert (None if found is None else found.command) == way


def test_after_no_map_was_chosen_none_is_proposed():
    assert step(mapped(BAD, STILL, "none")) is None


@pytest.mark.parametrize(("rows", "way"), [(9, None), (10, "ISOTONIC")])
def test_an_isotonic_map_is_proposed_where_each_class_has_ten_rows(rows, way):
    dump = replace(mapped(BAD, STILL, "vector"), per_class=(ClassResult("a", rows, 0.2, 0.1, 0.01, 0.02),))
    found = step(dump)
    assert (None if found is None else found.command) == way


@pytest.mark.parametrize(
    ("method", "way"), [("temperature", "PLATT"), ("ets", "PLATT"), ("platt", "BETA"), ("beta", "ISOTONIC")]
)
def test_of_two_classes_the_next_more_flexible_map_is_proposed(method, way):
    rng = np.random.default_rng(0)
    s = rng.normal(size=3000)
    labels = rng.random(3000) < 1 / (1 + np.exp(-s))
    dump = evaluate(probs=1 / (1 + np.exp(-s - 1)), labels=labels).dumps[0]
    same = Recalibrated(
        method, {}, FittedOn("v", None, None, 9), dump.metrics, dump.equal_width, (), None, dump.positive
    )
    found = step(replace(dump, recalibrated=same))
    assert found is not None
    assert found.command == way


def test_several_dumps_of_the_same_rows_are_compared():
    one, two = over_confident(rows_sha256="1"), over_confident(name="b", rows_sha256="1")
    assert next_step(report(one, two), WAYS) == Step("see which differences are certain, row by row", "COMPARE")
    assert next_step(report(one, replace(two, rows_sha256="2")), WAYS) is None
    unknown = replace(two, rows_sha256=None)
    assert next_step(report(unknown, unknown), WAYS) is None
    assert next_step(report(*[one] * 4), WAYS) is not None
    assert next_step(report(*[one] * 5), WAYS) is None
    assert next_step(report(), WAYS) is None


@pytest.mark.parametrize(
    ("word", "typed"), [("a.npz#val", "a.npz#val"), ("a;b#val", "'a;b#val'"), ("#a", "'#a'"), ("a#b c", "'a#b c'")]
)
def test_a_split_needs_no_quotes_and_everything_else_has_those_it_needs(word, typed):
    assert quoted(word) == typed
