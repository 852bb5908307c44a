"""Groups of rows whose probabilities are 0 or 1: under a calibrated model nothing varies, so every error counts."""

from __future__ import annotations

import numpy as np

from calibeval import Predictions, evaluate, gate
from calibeval.core.report.standing import Standing, bin_judge, standing_in


def certain(wrong, groups=100, rows=2000):
    labels = np.arange(rows) % 2
    probs = np.eye(2)[np.where(np.arange(rows) % 7 < wrong, 1 - labels, labels)]
    return Predictions(probs=probs, labels=labels, columns={"video": np.arange(rows) * groups // rows})


def test_the_floor_is_0_and_errors_are_certain():
    for name in ("ece", "oe", "ece_positive", "cwce"):
        metric = evaluate(certain(1), group="video")[name]
        assert (metric.floor, metric.floor_high) == (0.0, 0.0)
        assert metric.value > 0.05
        assert metric.low > 0.0
    dump = evaluate(certain(1), group="video").dumps[0]
    assert standing_in(dump, "ece") is Standing.CERTAIN
    assert all(bin_judge(dump)(row) for row in dump.equal_width if row.count)


def test_without_errors_nothing_is_beyond_noise():
    dump = evaluate(certain(0), group="video").dumps[0]
    assert dump.metrics["ece"].value == dump.metrics["ece"].floor_high == 0.0
    assert standing_in(dump, "ece") is Standing.NOISE


def test_a_gate_fails_with_groups_as_without():
    rules = [{"metric": "ece", "max": 0.05}]
    assert gate(certain(2), rules).verdict == gate(certain(2), rules, group="video").verdict == "fail"


def test_half_of_the_bins_without_noise():
    rng = np.random.default_rng(5)
    p = np.where(np.arange(2000) % 2, 1.0, 0.7)
    labels = np.where(p == 1.0, 0, rng.random(2000) > p)
    dump = Predictions(
        probs=np.column_stack([p, 1 - p]), labels=labels.astype(int), columns={"video": np.arange(2000) // 20}
    )
    metric = evaluate(dump, group="video")["ece"]
    # |gap| of 1,000 rows of 0.7 alone: sqrt(2 / pi) sqrt(0.21 / 1000) of half of the rows.
    assert abs(metric.floor - 0.5 * np.sqrt(2 / np.pi * 0.21 / 1000)) < 0.002
