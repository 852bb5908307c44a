"""Numbers as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calibeval.core.metrics.result import MetricResult
from calibeval.words import cells
from calibeval.words.names import ascii_text, isolated, visible
from tests.render.hand_made import over_confident, report, with_metric


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("accuracy", 0.81105, "81.11"),
        ("ece", 0.0, "0.00"),
        ("ece", 1.0, "100.00"),
        ("confidence_gap", 0.12621, "+12.62"),
        ("confidence_gap", -0.00001, "0.00"),
        ("cwce", 0.02714, "2.71"),
        ("cwce", 0.000312449, "0.0312"),
        ("cwce", 0.0, "0.00"),
        ("cwce", 9.7e-13, "0.00"),
        ("nll", 2e-12, "0.00"),
        ("nll", 2e-7, "0.000000200"),
        ("tace", 0.000312449, "0.0312"),
        ("cwce_adaptive", 0.0, "0.00"),
        ("cwce", 0.13849, "13.8"),
        ("nll", 1.14192, "1.142"),
        ("nll", 0.57099, "0.571"),
        ("nll", 0.03123, "0.0312"),
        ("nll", 12.345, "12.3"),
        ("nll", 0.99999, "1.00"),
        ("brier", 1.34391, "1.344"),
        ("brier", 0.0, "0.00"),
    ],
)
def test_values(name, value, expected):
    assert cells.value(MetricResult(name, value)) == expected


@pytest.mark.parametrize(
    ("name", "low", "high", "expected"),
    [
        ("accuracy", 0.7996, 0.8218, "80.0 – 82.2"),
        ("cwce", 0.0252, 0.0293, "2.52 – 2.93"),
        ("cwce", 0.0, 0.000311, "0 – 0.031"),
        ("nll", 1.0811, 1.2012, "1.08 – 1.20"),
        ("brier", 0.3011, 0.3297, "0.301 – 0.330"),
        ("ece", 0.0, 0.013, "0 – 1.3"),
        ("ece", 0.1, 0.9, "10 – 90"),
        ("accuracy", 0.912345, 0.912346, "91.23 – 91.23"),
        ("accuracy", 0.9, 0.9, "90.00 – 90.00"),
        ("confidence_gap", -0.159, -0.123, "−15.9 to −12.3"),
    ],
)
def test_intervals_have_the_digits_that_their_width_deserves(name, low, high, expected):
    assert cells.interval(MetricResult(name, 0.5 * (low + high), low=low, high=high)) == expected


def test_absent_intervals_and_floors_are_empty():
    bare = MetricResult("ece", 0.1)
    assert (cells.interval(bare), cells.floor(bare)) == ("", "")
    assert cells.interval(replace(bare, low=0.1)) == ""


def test_floors():
    assert cells.floor(MetricResult("ece", 0.1, floor=0.0091, floor_high=0.0128)) == "0.9 (≤ 1.3)"
    assert cells.floor(MetricResult("cwce", 0.1, floor=0.0061, floor_high=0.0068)) == "0.61 (≤ 0.68)"
    assert cells.floor(MetricResult("mce", 0.1, floor=0.46, floor_high=0.65)) == "46 (≤ 65)"
    assert cells.floor(MetricResult("ece", 0.0, floor=0.0, floor_high=0.0)) == "0.00 (≤ 0.00)"


def test_labels_and_units():
    assert [cells.heading(name) for name in ("ece_positive", "nll", "brier", "new")] == [
        "ECE P(pos) %",
        "NLL nats",
        "Brier",
        "NEW",
    ]


def test_equal_reasons_are_told_once():
    dump = with_metric(with_metric(over_confident(), "nll", reason="why"), "brier", value=None, reason="why")
    assert cells.reasons(dump) == ["NLL, Brier: why"]


def test_remarks_name_the_bin_of_the_largest_gap():
    assert cells.remarks(over_confident()) == ["MCE: largest gap: +15.0 at 0.50 – 0.75 (200 rows)"]


def test_metric_names_stand_in_one_order_with_unknown_ones_last():
    dump = over_confident(metrics={name: MetricResult(name, 0.1) for name in ("novel", "nll", "ece")})
    assert cells.metric_names(report(over_confident(metrics={}), dump)) == ["ece", "nll", "novel"]


def test_the_convention_line():
    assert cells.convention(report(over_confident())) == (
        "4 bins; convention calibeval; accuracy, gap, ECE, MCE, CWCE in %; NLL in nats; "
        "Brier summed over classes (0 to 2)"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain näme 日本", "plain näme 日本"),
        ("\x1b[31mred\x07\x7f\x9b", "\\x1b[31mred\\x07\\x7f\\x9b"),
        ("a\nb\r\tc\u2028d", "a\\nb\\r\\tc\\u2028d"),
        ("\u202ea\u2066b\u200f\ufeff", "\\u202ea\\u2066b\\u200f\\ufeff"),
        ("\ud800\ue000", "\\ud800\\ue000"),
        ("e" + "\u0301" * 4 + "e\u0301", "e\u0301\u0301\u0301\\u0301e\u0301"),
    ],
)
def test_names_are_one_harmless_line(name, expected):
    assert visible(name) == expected


def test_right_to_left_names_are_isolated_and_others_left_alone():
    assert isolated("\u05d0\u05d1 1") == "\u2068\u05d0\u05d1 1\u2069"
    assert isolated("ab 1") == "ab 1"


def test_ascii_text_has_nothing_but_ascii():
    assert ascii_text("a · −1.0 – 2.0 (≤ 3) … é 日") == "a, -1.0 to 2.0 (<= 3) ... \\xe9 \\u65e5"


@pytest.mark.parametrize(
    ("name", "low", "high", "expected"),
    [
        ("cox_slope", -1.02, 1.04, "−1.0 to +1.0"),
        ("cox_slope", -2.0, -1.0, "−2.0 to −1.0"),
        ("cox_slope", 0.9, 1.1, "0.90 – 1.10"),
        ("confidence_gap", 0.0, 0.021, "0 to +2.1"),
    ],
)
def test_intervals_with_a_negative_end_have_signs(name, low, high, expected):
    assert cells.interval(MetricResult(name, (low + high) / 2, low=low, high=high)) == expected


def test_a_negative_value_has_a_minus_sign():
    assert cells.value(MetricResult("cox_slope", -0.031)) == "−0.0310"
