"""Whether a classifier's probabilities can be believed, how to repair them, whether the model may ship.

>>> from calibeval import Predictions, evaluate
>>> report = evaluate(Predictions(probs=[[0.9, 0.1], [0.4, 0.6]], labels=[0, 0]))
>>> report["accuracy"].value
0.5
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calibeval.core.comparison.compare import compare
    from calibeval.core.data.predictions import Predictions
    from calibeval.core.evaluation.evaluate import evaluate
    from calibeval.core.gating.gate import gate
    from calibeval.core.report.report import Report
    from calibeval.readers.open import read
    from calibeval.recalibrate.fitting.cross_fit import cross_fit
    from calibeval.recalibrate.fitting.fit import fit

__all__ = ["Predictions", "Report", "compare", "cross_fit", "evaluate", "fit", "gate", "read"]

_HOMES = {
    "Predictions": "calibeval.core.data.predictions",
    "Report": "calibeval.core.report.report",
    "compare": "calibeval.core.comparison.compare",
    "cross_fit": "calibeval.recalibrate.fitting.cross_fit",
    "evaluate": "calibeval.core.evaluation.evaluate",
    "fit": "calibeval.recalibrate.fitting.fit",
    "gate": "calibeval.core.gating.gate",
    "read": "calibeval.readers.open",
}


def __getattr__(name: str) -> Any:
    """Public names on first use: `calibeval --help` must not wait for numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'calibeval' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
