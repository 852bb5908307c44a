"""What recalibration is worth, in words: each kind of result has its own sentence."""

from __future__ import annotations

import pytest

from calibeval.core.data.notices import reason
from calibeval.core.metrics.result import MetricResult
from calibeval.words.digits import interval
from calibeval.words.gain import gain_cells, gain_said, gaining, parts_said


def found(map_="temperature", **ends):
    return {
        name: MetricResult(name, value, low=low, high=high, map=map_, refinement=0.2, calibration=0.02)
        for name, (value, low, high) in ends.items()
    }


def test_a_gain():
    said = gain_said(found(phi_nll=(0.031, 0.025, 0.038), phi_brier=(0.0104, 0.004, 0.0168)))
    assert said == (
        "Recalibration would gain 3.1 % of the NLL [2.5, 3.8] and 1.0 % of the Brier score [0.4, 1.7] "
        "(a temperature, out of fold)."
    )


def test_small_shares_have_two_decimals():
    assert "0.31 % of the NLL [0.02, 0.61]" in gain_said(found(phi_nll=(0.0031, 0.0002, 0.0061)))
    assert "1.0 % of the NLL [0.2, 1.8]" in gain_said(found(phi_nll=(0.01, 0.002, 0.018)))


@pytest.mark.parametrize("ends", [(0.212, 0.157, 0.267), (0.00123, -0.0004, 0.0029), (0.16, 0.1141, 0.2061)])
def test_intervals_have_the_digits_of_tables(ends):
    metrics = found(phi_nll=ends)
    in_table = interval(metrics["phi_nll"]).replace(" – ", ", ").replace(" to ", ", ").replace("+", "")
    assert f" [{in_table}] " in gain_said(metrics)


def test_nothing_beyond_noise():
    said = gain_said(found("isotonic", phi_nll=(0.001, -0.004, 0.006)))
    assert said == (
        "Recalibration would gain nothing beyond noise: 0.10 % of the NLL [−0.4, 0.6] "
        "(isotonic regression of P(class 1), out of fold)."
    )
    assert "nothing beyond noise: −0.10 %" in gain_said(found("isotonic", phi_nll=(-0.001, -0.004, 0.002)))
    assert "nothing beyond noise" in gain_said(found(phi_nll=(0.004, 0.0, 0.008)))  # at the boundary


def test_harm():
    said = gain_said(found("top-isotonic", phi_nll=(-0.03, -0.05, -0.01)))
    assert said == (
        "Recalibration would do harm: its gain is −3.0 % of the NLL [−5.0, −1.0] "
        "(isotonic regression of the confidence, out of fold)."
    )


def test_no_map_is_better_than_none():
    said = gain_said(found("none", phi_nll=(0.0, 0.0, 0.0012), phi_brier=(0.0, 0.0, 0.0)))
    assert said == (
        "Recalibration would gain nothing: out of fold, neither a temperature nor isotonic regression does better "
        "(at most 0.12 % of the NLL)."
    )


def test_without_intervals_nothing_is_said_of_noise():
    metrics = {"phi_nll": MetricResult("phi_nll", 0.031, map="temperature")}
    assert gain_said(metrics) == "Recalibration would gain 3.1 % of the NLL (a temperature, out of fold)."
    assert gain_cells(metrics) == []


@pytest.mark.parametrize(
    ("code", "accuracy", "said"),
    [
        ("few_errors", 0.99, "Too few rows are wrong to tell what recalibration would gain."),
        ("few_errors", None, "Too few rows are wrong to tell what recalibration would gain."),
        ("few_errors", 0.02, "Too few rows are right to tell what recalibration would gain."),
        ("few_rows_per_class", 0.02, "Too few rows are of one class to tell what recalibration would gain."),
    ],
)
@pytest.mark.parametrize("map_", ["temperature", "none"])
def test_few_rows_cannot_tell(code, accuracy, said, map_):
    few = reason(code, "no interval: few")
    metrics = {
        "phi_nll": MetricResult("phi_nll", 0.69, reason=few, map=map_),
        "accuracy": MetricResult("accuracy", accuracy),
    }
    assert gain_said(metrics if accuracy else {"phi_nll": metrics["phi_nll"]}) == said
    assert gaining(metrics) is None


@pytest.mark.parametrize("metrics", [{}, {"phi_nll": MetricResult("phi_nll", None), "ece": MetricResult("ece", 0.1)}])
def test_nothing_measured_nothing_said(metrics):
    assert gain_said(metrics) == ""
    assert parts_said(metrics) == []


def test_only_the_brier_score_of_a_top_label():
    metrics = {"phi_nll": MetricResult("phi_nll", None), **found("top-isotonic", phi_brier=(0.03, 0.02, 0.04))}
    assert gain_said(metrics).startswith("Recalibration would gain 3.0 % of the Brier score [2.0, 4.0] (isotonic")


def test_the_printed_parts_add_up():
    one = MetricResult("phi_nll", 0.2, map="temperature", refinement=0.22225, calibration=0.03335)
    (cells,) = gain_cells({"phi_nll": one})
    assert float(cells.left) + float(cells.gained) == pytest.approx(float(cells.now), abs=1e-12)
    assert cells[4:] == ("20.0", "–")
    assert parts_said({"phi_nll": one}) == [
        f"NLL {cells.now} = {cells.left} refinement (left after the map) + {cells.gained} calibration (taken away)"
    ]
