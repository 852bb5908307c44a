"""Measure whether a classifier's probabilities can be trusted, recalibrate them, and decide whether the model may ship.

>>> import calibeval
>>> report = calibeval.evaluate(probs=[[0.9, 0.1], [0.4, 0.6]], labels=[0, 0])
>>> report["accuracy"].value
0.5
"""

from __future__ import annotations

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from calibeval import losses as losses
    from calibeval import metrics
    from calibeval.api.accumulator import Accumulator
    from calibeval.api.compare import compare
    from calibeval.api.describe import conventions, inspect
    from calibeval.api.evaluate import evaluate
    from calibeval.api.finetune import finetune
    from calibeval.api.fit import cross_fit, fit
    from calibeval.api.gate import gate, plan
    from calibeval.api.predict import predict
    from calibeval.api.read import read, read_features
    from calibeval.api.save import read_map
    from calibeval.api.survey import survey
    from calibeval.core.comparison.comparison import Comparison
    from calibeval.core.data.predictions import Predictions
    from calibeval.core.data.progress import Progress
    from calibeval.core.errors import CalibevalError, FileProblem, InputError, UnknownMetric, UsageError
    from calibeval.core.gating.plan import Plan
    from calibeval.core.gating.rules import GateSettings, Rule
    from calibeval.core.gating.verdict import Verdict
    from calibeval.core.heads.features import Features
    from calibeval.core.heads.results import Finetuned
    from calibeval.core.report.report import DumpReport, Report
    from calibeval.core.survey.survey import Survey
    from calibeval.recalibrate.base.mapping import Map

    __version__: str

__all__ = [
    "Accumulator",
    "CalibevalError",
    "Comparison",
    "DumpReport",
    "Features",
    "FileProblem",
    "Finetuned",
    "GateSettings",
    "InputError",
    "Map",
    "Plan",
    "Predictions",
    "Progress",
    "Report",
    "Rule",
    "Survey",
    "UnknownMetric",
    "UsageError",
    "Verdict",
    "compare",
    "conventions",
    "cross_fit",
    "evaluate",
    "finetune",
    "fit",
    "gate",
    "inspect",
    "metrics",
    "plan",
    "predict",
    "read",
    "read_features",
    "read_map",
    "survey",
]

_HOMES = {
    "Accumulator": "api.accumulator",
    "CalibevalError": "core.errors",
    "Comparison": "core.comparison.comparison",
    "DumpReport": "core.report.report",
    "Features": "core.heads.features",
    "FileProblem": "core.errors",
    "Finetuned": "core.heads.results",
    "GateSettings": "core.gating.rules",
    "InputError": "core.errors",
    "Map": "recalibrate.base.mapping",
    "Plan": "core.gating.plan",
    "Predictions": "core.data.predictions",
    "Progress": "core.data.progress",
    "Report": "core.report.report",
    "Rule": "core.gating.rules",
    "Survey": "core.survey.survey",
    "UnknownMetric": "core.errors",
    "UsageError": "core.errors",
    "Verdict": "core.gating.verdict",
    "compare": "api.compare",
    "conventions": "api.describe",
    "cross_fit": "api.fit",
    "evaluate": "api.evaluate",
    "finetune": "api.finetune",
    "fit": "api.fit",
    "gate": "api.gate",
    "inspect": "api.describe",
    "plan": "api.gate",
    "predict": "api.predict",
    "read": "api.read",
    "read_features": "api.read",
    "read_map": "api.save",
    "survey": "api.survey",
}
_MODULES = ("losses", "metrics")  # losses needs torch, so it is not in __all__


def __getattr__(name: str) -> object:
    """Import public names on first use: `calibeval --help` must not wait for numpy."""
    if name == "__version__":
        return _importlib.import_module("calibeval.core.version").VERSION
    if name in _MODULES:
        return _importlib.import_module(f"calibeval.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'calibeval' has no attribute '{name}'")
    return getattr(_importlib.import_module(f"calibeval.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted({*__all__, *_MODULES})
