"""What type checkers know of the public names: mypy reads this file, and it runs, too."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import numpy as np
from matplotlib.figure import Figure

import calibeval
from calibeval.core.comparison.comparison import Difference
from calibeval.core.data.arrays import Floats
from calibeval.core.gating.ruling import RuleVerdict
from calibeval.core.metrics.result import MetricResult


class Bar:
    def start(self, name: str, total: int) -> None: ...

    def advance(self, steps: int) -> None: ...


def test_types_of_the_public_names(tmp_path: Path) -> None:
    bar: calibeval.Progress = Bar()
    predictions = calibeval.Predictions(probs=np.tile([0.2, 0.9], 100), labels=np.tile([0, 1], 100))
    report = calibeval.evaluate([predictions], metrics="ece,nll", progress=bar)
    assert_type(report, calibeval.Report)
    assert_type(report["ece"], MetricResult)
    assert_type(report.get("ece"), MetricResult | None)
    assert_type(report.figure(), Figure)
    assert_type(report.save(tmp_path), Path)
    comparison = calibeval.compare(predictions, predictions)
    assert_type(comparison["ece"], Difference)
    verdict = calibeval.gate(predictions, {"metric": "ece", "max": 0.5}, why=True)
    assert_type(verdict, calibeval.Verdict)
    assert_type(verdict["ece"], RuleVerdict)
    mapping = calibeval.fit(predictions)
    assert_type(mapping, calibeval.Map)
    assert_type(mapping.temperature, float)
    assert_type(mapping(predictions), calibeval.Predictions)
    assert_type(mapping(np.zeros((3, 2))), Floats)
    assert_type(calibeval.metrics.ece([0.2, 0.9], [0, 1]), float)
    assert_type(calibeval.__version__, str)
    error: ValueError = calibeval.UsageError("x")
    assert str(error) == "x"
