"""One finding decides about headline and repair: what each sentence says, and where it changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.report import ClassResult, GroupCount, Recalibrated, WeightCount
from calibeval.core.report.standing import Standing
from calibeval.words.finding import By, finding, rows_needed
from calibeval.words.repair import repair, worse
from calibeval.words.report import headline
from tests.render.hand_made import over_confident, with_metric
from tests.words.test_report import built, without

SAYS = "says 80.00 % on average, is right 79.60 % of the time (gap +0.40 points"
QUIET = built((0, None, None), (9000, 0.8, 0.796))


def with_classes(dump, *rows):
    return replace(dump, per_class=tuple(ClassResult(name, 900, *numbers) for name, *numbers in rows))


def test_class_probabilities_that_are_off_are_said_beside_a_calibrated_top_label():
    dump = with_metric(QUIET, "cwce", value=0.02, low=None, high=None, floor=0.001, floor_high=0.002)
    dump = with_classes(dump, ("cat", 0.01, 0.01, 0.001, 0.02), ("dog", 0.06, -0.05, 0.001, 0.002))
    assert headline(dump) == (
        "Top-label confidence is within noise; class probabilities are miscalibrated (CWCE 2.00 %, certain), "
        f"most in class dog. The top label {SAYS})."
    )
    alone = with_metric(dump, "cwce", value=0.002)
    assert headline(alone) == (
        "Top-label confidence is within noise; the probability of class dog is miscalibrated "
        f"(by 6 points, likely). The top label {SAYS})."
    )
    assert finding(with_classes(alone, ("dog", 0.002, -0.05, 0.001, 0.002))).by is By.NOTHING


def test_a_headline_names_rows_beyond_noise_with_what_they_are_worth():
    """One row of many that is likely is what chance shows; one that is certain is not."""
    dump = with_metric(QUIET, "oe", value=0.02, floor=0.001, floor_high=0.018, floor_certain=0.03)
    assert headline(dump) == f"Within noise of calibrated: {SAYS}; OE, likely on its own, may be chance)."
    assert finding(dump) == (By.NOTHING, Standing.NOISE, dump["ece"], (), ("oe",))
    wide = with_metric(dump, "ece", floor_high=0.04)
    assert headline(wide).startswith("This sample cannot tell whether it is calibrated: says")
    dump = with_metric(dump, "aece", value=0.05, floor=0.001, floor_high=0.018, floor_certain=0.03)
    assert headline(dump) == f"Within noise of calibrated by ECE, but beyond noise by AECE (certain): {SAYS})."
    assert headline(with_metric(dump, "ece", floor_high=0.04)).startswith("This sample cannot tell by ECE, but beyond")


def test_the_sample_is_told_with_what_makes_it_smaller():
    weighted = replace(QUIET, weights=WeightCount("w", 812.4, 0))
    assert "; n = 9,000, by weight 812, shows errors above" in headline(weighted)
    groups = with_metric(replace(QUIET, groups=GroupCount("video", 40)), "confidence_gap", low=-0.02, high=0.028)
    assert "; n = 9,000 in 40 groups shows errors above" in headline(groups)
    images = replace(groups, groups=GroupCount(None, 40))
    assert "; n = 9,000 in 40 images shows errors above" in headline(images)


@pytest.mark.parametrize(("floor_high", "rows"), [(0.03, None), (0.06, 36_000), (0.0305, 9400)])
def test_the_rows_needed_grow_with_the_square_of_the_noise(floor_high, rows):
    assert rows_needed(QUIET, MetricResult("ece", 0.02, floor=0.01, floor_high=floor_high)) == rows


def test_grouped_rows_have_a_direction_by_the_interval_of_their_gap():
    dump = replace(over_confident(), groups=GroupCount("video", 40))
    assert headline(dump).startswith("Over-confident: says 88.0 %")
    unknown = without(with_metric(dump, "ece", floor=None, floor_high=None), "mce", "cwce")
    assert headline(with_metric(unknown, "confidence_gap", low=-0.1, high=0.3)).startswith("This sample cannot tell")


def ece(value, low, high, *, name="ece", floor=0.01, floor_high=0.015):
    return MetricResult(name, value, low=low, high=high, corrected=value, floor=floor, floor_high=floor_high)


def mapped(old, new, *more):
    """What is said of a map fitted on val.npz; more: results of other metrics before and after."""
    before = {"ece": old} | {one.name: one for one, _ in more}
    after = {"ece": new} | {two.name: two for _, two in more}
    made = Recalibrated("isotonic", {}, FittedOn("val.npz", None, None, 900), after, (), None)
    said = repair(replace(without(over_confident(per_class=()), "mce"), metrics=before, recalibrated=made))
    assert said.startswith("The isotonic map fitted on val.npz ")
    return said.removeprefix("The isotonic map fitted on val.npz ")


def test_a_map_that_makes_it_worse_is_said_to():
    fine, bad = ece(0.0105, 0.0, 0.02), ece(0.1514, 0.13, 0.17)
    assert mapped(fine, bad) == "makes it worse: ECE 1.05 → 15.14, certain."
    assert mapped(bad, ece(0.3, 0.28, 0.32)) == "makes it worse: ECE 15.14 → 30.00, certain."
    assert mapped(bad, ece(0.16, 0.14, 0.18)) == "does not repair it: ECE 15.14 → 16.00."
    assert mapped(fine, ece(0.018, 0.01, 0.03)) == "changes little: ECE 1.05 → 1.80, now beyond noise (likely)."


def test_without_intervals_a_map_is_judged_by_the_floors():
    old, new = (MetricResult("ece", x, floor=0.01, floor_high=0.015) for x in (0.03, 0.0399))
    assert worse(old, new) is None
    assert worse(old, replace(new, value=0.0401)) is Standing.LIKELY
    assert worse(old, replace(new, value=0.05)) is Standing.CERTAIN


def test_class_probabilities_that_a_map_leaves_are_said():
    old, new = ece(0.1, 0.09, 0.11), ece(0.011, 0.0, 0.02)
    off = (ece(0.05, 0.04, 0.06, name="cwce"), ece(0.03, 0.02, 0.04, name="cwce"))
    assert mapped(old, new, off) == (
        "repairs the top label: ECE 10.00 → 1.10, within noise of calibrated; class probabilities remain "
        "miscalibrated (CWCE 5.00 → 3.00 %, certain)."
    )
    fine = (replace(off[0], value=0.012, low=0.0, high=0.02), replace(off[1], value=0.012, low=0.0, high=0.02))
    assert mapped(old, new, fine) == "repairs it: ECE 10.00 → 1.10, within noise of calibrated."
    assert "class probabilities become miscalibrated (CWCE 1.20 → 3.00 %" in mapped(old, new, (fine[0], off[1]))


def test_what_is_left_beside_the_ece_is_said():
    old, new = ece(0.1, 0.09, 0.11), ece(0.011, 0.0, 0.02)
    oe = ece(0.021, 0.01, 0.03, name="oe")
    assert mapped(old, new, (oe, oe)) == (
        "repairs most of it: ECE 10.00 → 1.10, within noise of calibrated, but OE is still beyond noise."
    )
    likely = ece(0.016, 0.0, 0.03, name="oe")  # beyond noise on its own, as one of many may be
    assert mapped(old, new, (oe, likely)) == "repairs it: ECE 10.00 → 1.10, within noise of calibrated."


def test_a_real_dump_whose_classes_are_off_but_whose_top_label_is_not():
    rng = np.random.default_rng(6)
    predicted = rng.integers(0, 4, 8000)
    probs = np.full((8000, 4), 0.05)
    probs[np.arange(8000), predicted] = 0.85
    labels = np.where(rng.random(8000) < 0.85, predicted, predicted == 0)  # what is wrong is class 0, or else class 1
    dump = evaluate(Predictions(probs=probs, labels=labels)).dumps[0]
    assert headline(dump).startswith(
        "Top-label confidence is within noise; class probabilities are miscalibrated (CWCE"
    )
