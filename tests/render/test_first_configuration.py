"""The configuration that `gate --init` writes: its limits in plain numbers, and what it says of itself."""

from __future__ import annotations

import tomllib

import pytest

from calibeval import GateSettings
from calibeval.core.gating.config import config_from_table
from calibeval.core.gating.planning import plan_by
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.settings import Settings
from calibeval.render.ci.toml import render, with_plan
from tests.core.gating.test_whole_gate import measure_of
from tests.render.hand_made import over_confident

METRICS = {
    "ece": MetricResult("ece", 0.025, low=0.01, high=0.035, corrected=0.02),
    "accuracy": MetricResult("accuracy", 0.9, low=0.88, high=0.92),
    "nll": MetricResult("nll", 0.3, low=0.26, high=0.34),
}


def rules(text):
    return tomllib.loads(text)["gate"]["rule"]


def test_limits_are_half_widths_away_from_the_corrected_value():
    text = render(over_confident(metrics=METRICS), "main.npz")
    ece, accuracy, nll, drop = rules(text)
    assert ece["max"] == 0.045  # 0.02 + 1.61 x 0.015 = 0.0442, rounded up
    assert accuracy["min"] == 0.867  # 0.9 - 1.61 x 0.02 = 0.8678, rounded down
    assert nll["max_increase"] == pytest.approx(0.051)  # 1.27 x 0.04 = 0.0508
    assert drop["max_drop"] == pytest.approx(0.026)  # 1.27 x 0.02 = 0.0254
    assert "1.61 half-widths of the interval away from the baseline's value, corrected for bias" in text


def test_the_file_says_what_its_rules_can_decide():
    text = render(over_confident(metrics=METRICS), "main.npz")
    config = config_from_table(tomllib.loads(text)["gate"], "x.toml")
    measure = measure_of({name: metric.value for name, metric in METRICS.items()})
    plan = plan_by(measure, Settings(), config.rules, GateSettings(**config.settings))
    told = with_plan(text, plan)
    assert tomllib.loads(told) == tomllib.loads(text)  # all of it is comments
    assert "# ECE ≤ 4.50 % " in told
    assert told.splitlines()[-1].startswith("# Of unchanged models, ")
