"""Verdicts in words: hand-made dumps with the sentence that is due, and the share of false alarms by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.report import Bin, Recalibrated
from calibeval.core.report.standing import Standing, standing_of, with_floor
from calibeval.words.report import against_noise, headline, repair
from calibeval.words.signs import bin_range
from tests.render.hand_made import bins, over_confident, with_metric, without_intervals


def ece(value, floor, floor_high, low=None, high=None):
    return MetricResult("ece", value, low=low, high=high, floor=floor, floor_high=floor_high)


def without(dump, *names):
    """The dump without some metrics."""
    return replace(dump, metrics={name: m for name, m in dump.metrics.items() if name not in names})


def built(*rows, floor=0.01, floor_high=0.015):
    """A dump without intervals whose accuracy, gap and ECE are those of its bins (count, confidence, accuracy)."""
    n = sum(count for count, _, _ in rows)
    accuracy = sum(count * a for count, _, a in rows if count) / n
    gap = sum(count * c for count, c, _ in rows if count) / n - accuracy
    size = sum(count * abs(c - a) for count, c, a in rows if count) / n
    dump = without(replace(over_confident(), n=n, equal_width=bins(*rows)), "mce")
    for name, value in (("accuracy", accuracy), ("confidence_gap", gap), ("ece", size)):
        dump = with_metric(dump, name, value=value)
    return with_metric(without_intervals(dump), "ece", floor=floor, floor_high=floor_high)


@pytest.mark.parametrize(
    ("metric", "n", "expected"),
    [
        (ece(0.126, 0.009, 0.013), 5000, "certain"),
        (ece(0.014, 0.009, 0.013), 5000, "likely"),
        (ece(0.010, 0.009, 0.013), 5000, "within noise of calibrated"),
        (ece(0.03, 0.02, 0.041), 1300, "this sample cannot tell (n = 1,300 shows errors above 4.1 points)"),
        (ece(0.03, 0.02, 0.104), 9, "this sample cannot tell (n = 9 shows errors above 10 points)"),
        (ece(0.03, 0.02, 0.041), None, "this sample cannot tell (it shows errors above 4.1 points)"),
        (MetricResult("accuracy", 0.9), 5000, ""),
    ],
)
def test_against_noise_in_words(metric, n, expected):
    assert against_noise(metric, n=n) == expected


def test_a_bin_range_keeps_its_limits_apart():
    assert bin_range(Bin(0.0, 1 / 15, 0, None, None, None)) == "0.00 – 0.07"
    assert bin_range(Bin(0.99991, 0.99992, 0, None, None, None)) == "0.99991 – 0.99992"
    assert bin_range(Bin(1.0, 1.0, 0, None, None, None)) == "1.00 – 1.00"  # a bin for one value, as some tools have


@pytest.mark.parametrize("dump", [over_confident(), without_intervals(over_confident())])
def test_over_confident(dump):
    assert headline(dump) == (
        "Over-confident: says 88.0 % on average, is right 77.0 % of the time (gap +11.0 points, certain)."
    )


def test_under_confident():
    assert headline(built((0, None, None), (1000, 0.737, 0.878))) == (
        "Under-confident: says 73.7 % on average, is right 87.8 % of the time (gap −14.1 points, certain)."
    )


def test_likely_is_said_to_be_probable():
    # The floor of the gap: 1.96 * sqrt(0.8 * 0.2 / 1000) = 0.0248; certain from 0.010 + 2 * 0.0147 = 0.039 on.
    assert headline(built((0, None, None), (1000, 0.8, 0.77))) == (
        "Probably over-confident: says 80.0 % on average, is right 77.0 % of the time (gap +3.0 points, likely)."
    )


def test_within_noise():
    assert headline(built((0, None, None), (9000, 0.8, 0.796))) == (
        "Within noise of calibrated: says 80.00 % on average, is right 79.60 % of the time "
        "(gap +0.40 points; n = 9,000 shows errors above 1.5 points)."
    )


def test_too_few_rows():
    assert headline(built((0, None, None), (300, 0.9, 0.88), floor=0.02, floor_high=0.04)) == (
        "This sample cannot tell whether it is calibrated: says 90.0 % on average, "
        "is right 88.0 % of the time (gap +2.0 points; n = 300 shows errors above 4 points, "
        "and about 540 rows would show 3 points)."
    )


def test_one_row():
    report = evaluate(Predictions(probs=[[0.9, 0.1]], labels=[0]))
    assert headline(report.dumps[0]).startswith(
        "This sample cannot tell whether P(class 1) is calibrated: it says 10.0 % on average, no row is class 1 (gap "
    )


def test_directions_that_cancel_are_mixed():
    dump = built((0, None, None), (0, None, None), (1000, 0.6, 0.5), (1000, 0.9, 0.99))
    assert headline(dump) == (
        "Mixed: over-confident in some bins (most in 0.50 – 0.75: +10.0 points), under-confident in others "
        "(most in 0.75 – 1.00: −9.0 points); says 75.00 % on average, is right 74.50 % of the time "
        "(ECE 9.50 %, certain)."
    )


def test_a_small_remainder_of_large_errors_is_mixed_even_where_the_mean_gap_is_certain():
    dump = built((0, None, None), (0, None, None), (100_000, 0.6, 0.5), (100_000, 0.9, 0.97))
    assert standing_of(with_floor(dump, "confidence_gap")) is Standing.CERTAIN
    assert headline(dump).startswith("Mixed: over-confident in some bins (most in 0.50 – 0.75: +10.0 points)")


@pytest.mark.parametrize(("ece", "mixed"), [(0.375, False), (0.3751, True)])
@pytest.mark.parametrize("sign", [1, -1])
def test_one_direction_makes_up_at_least_half_of_the_error_above_its_floor(ece, mixed, sign):
    # Twice a gap of 1/8 is just the ECE of 3/8 less its floor of 1/8.
    dump = with_metric(over_confident(), "confidence_gap", value=sign * 0.125, low=None, high=None)
    dump = with_metric(dump, "ece", value=ece, low=None, high=None, floor=0.125, floor_high=0.15)
    lead = headline(dump).partition(":")[0]
    one_way = "Over-confident" if sign > 0 else "Under-confident"
    assert (lead == one_way) == (not mixed)
    assert ("in some bins" in headline(dump)) == mixed


def test_one_bad_bin_is_named_where_the_average_hides_it():
    dump = built((0, None, None), (0, None, None), (100, 0.6, 0.4), (5000, 0.9, 0.9), floor=0.001, floor_high=0.0025)
    assert headline(dump) == (
        "Probably over-confident in some bins (most in 0.50 – 0.75: +20.0 points), not on average: "
        "says 89.41 % on average, is right 89.02 % of the time (ECE 0.39 %, likely)."
    )
    dump = with_metric(dump, "ece", floor_high=0.002)
    assert headline(dump).startswith("Over-confident in some bins (most in 0.50 – 0.75: +20.0 points), not on average:")


def test_top_label_only():
    confidence, correct = np.full(500, 0.9), np.arange(500) % 2
    dump = evaluate(Predictions(confidence=confidence, correct=correct)).dumps[0]
    assert headline(dump) == (
        "Over-confident: says 90.0 % on average, is right 50.0 % of the time (gap +40.0 points, certain)."
    )


def test_two_classes_and_no_gap_of_any_size():
    dump = evaluate(Predictions(probs=[[1.0, 0.0]] * 50, labels=[0] * 50)).dumps[0]
    assert headline(dump) == (
        "P(class 1) is within noise of calibrated: says 0.00 % on average, no row is class 1 "
        "(gap 0.00 points; n = 50 shows errors above 0 points)."
    )


def test_without_the_numbers_nothing_is_said():
    dump = with_metric(over_confident(), "accuracy", value=None, reason="it was not asked for")
    assert headline(dump) == "No verdict: it was not asked for."
    assert headline(replace(dump, metrics={}, equal_width=())) == f"{dump.n:,} rows."


def test_without_the_metrics_the_bins_say_how_often_the_model_is_right():
    dump = over_confident()
    said = headline(dump).partition("says ")[2].partition(" (")[0]
    assert headline(replace(dump, metrics={})) == f"Says {said}."


@pytest.mark.slow
def test_false_alarms_on_calibrated_models_are_rare_and_never_certain():
    rng = np.random.default_rng(20)
    leads = []
    for _ in range(300):
        confidence = rng.beta(6, 1.5, 2000)
        correct = (rng.random(2000) < confidence).astype(int)
        dump = evaluate(Predictions(confidence=confidence, correct=correct), level=None).dumps[0]
        leads.append(headline(dump).split(" ")[0])
    assert {lead for lead in leads if lead != "Probably"} <= {"Within", "Whether"}
    assert 0 < leads.count("Probably") < 0.12 * len(leads)


FOLDS = OutOfFold(5, 0, 5000)


def repaired(before, after, *, method="temperature", where=FOLDS):
    """What is said of a map that brings the ECE from one result to another, over 5,000 rows."""
    old, new = (ece(*numbers) for numbers in (before, after))
    parameters = {"temperature": 2.3456} if method == "temperature" else {}
    found = Recalibrated(method, parameters, where, {"ece": new}, (), None)
    metrics = {"ece": old}
    return repair(replace(over_confident(), n=5000, metrics=metrics, recalibrated=found))


@pytest.mark.parametrize(
    ("before", "after", "end"),
    [
        ((0.126, 0.009, 0.013), (0.013, 0.009, 0.013), "repairs it: ECE 12.60 → 1.30, within noise of calibrated."),
        (
            (0.126, 0.009, 0.013),
            (0.03, 0.02, 0.031),
            "lowers it: ECE 12.60 → 3.00; this sample cannot tell whether anything is left.",
        ),
        ((0.126, 0.009, 0.013), (0.0629, 0.009, 0.013), "repairs most of it: ECE 12.60 → 6.29, still beyond noise."),
        ((0.126, 0.009, 0.013), (0.063, 0.009, 0.013), "repairs some of it: ECE 12.60 → 6.30, still beyond noise."),
        ((0.126, 0.009, 0.013), (0.1259, 0.009, 0.013), "repairs some of it: ECE 12.60 → 12.59, still beyond noise."),
        ((0.126, 0.009, 0.013), (0.126, 0.009, 0.013), "changes nothing: ECE 12.60 → 12.60, still beyond noise."),
        ((0.126, 0.009, 0.013), (0.1261, 0.009, 0.013), "does not repair it: ECE 12.60 → 12.61."),
        (
            (0.013, 0.009, 0.013),
            (0.012, 0.009, 0.013),
            "has little to repair: ECE 1.30 → 1.20, within noise of calibrated.",
        ),
    ],
)
def test_a_repair_is_said_by_what_is_left(before, after, end):
    assert repaired(before, after) == f"A temperature of 2.35 fitted out of fold {end}"


def test_a_map_is_named_with_what_it_was_fitted_on():
    numbers = (0.126, 0.009, 0.013), (0.126, 0.009, 0.013)
    split, whole = FittedOn("val.npz", "a", None, 900), FittedOn("val.npz", None, None, 900)
    assert repaired(*numbers, method="vector", where=split).startswith("The vector map fitted on val.npz#a changes")
    assert repaired(*numbers, where=whole).startswith("A temperature of 2.35 fitted on val.npz changes")


@pytest.mark.parametrize(("gap", "said"), [(0.01, "says 50.0 % on average"), (0.0099, "says 49.99 % on average")])
def test_two_decimals_are_shown_where_one_would_hide_a_gap_below_a_point(gap, said):
    dump = with_metric(over_confident(), "accuracy", value=0.49)
    assert said in headline(with_metric(dump, "confidence_gap", value=gap)).lower()


def test_without_any_floor_only_the_facts_are_said():
    dump = with_metric(without(over_confident(equal_width=()), "mce"), "ece", floor=None)
    assert headline(dump) == "Says 88.0 % on average, is right 77.0 % of the time (gap +11.0 points)."


@pytest.mark.parametrize(
    ("z", "p", "expected"),
    [
        (2.9, 0.004, "Probably over-confident:"),
        (-4.0, 1e-5, "Under-confident:"),
    ],
)
def test_a_temperature_may_tell_what_bins_cannot(z, p, expected):
    dump = with_metric(built((500, 0.902, 0.9), floor=0.01, floor_high=0.04), "temperature", value=1.12, z=z, p=p)
    word = "likely" if p > 0.001 else "certain"
    says = "says 90.20 % on average, is right 90.00 % of the time (gap +0.20 points, within noise"
    assert headline(dump) == f"{expected} {says}; by its temperature, T = 1.12 is best, {word})."
    assert "temperature" not in headline(with_metric(dump, "temperature", value=1.12, z=z, p=0.06))
    no_optimum = with_metric(dump, "temperature", value=None, z=z, p=p)
    assert headline(no_optimum).endswith(f"within noise; by its temperature, {word}).")


def test_a_temperature_alone_gives_the_headline():
    rng = np.random.default_rng(4)
    confidence = rng.uniform(0.5, 1.0, 3000)
    labels, logits = (rng.random(3000) < confidence).astype(int), np.log(confidence / (1 - confidence))
    for factor, start, end in (
        (2.0, "Over-confident: says", ", certain)."),
        (1.0, "Within noise of calibrated: says", ")."),
    ):
        dump = Predictions(logits=np.column_stack([0 * logits, factor * logits]), labels=labels)
        (found,) = evaluate(dump, metrics="temperature").dumps
        said = headline(found)
        assert said.startswith(start)
        assert f"(by its temperature, T = {found['temperature'].value:.3g} is best" in said
        assert said.endswith(end)
