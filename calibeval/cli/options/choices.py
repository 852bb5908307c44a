"""Names that heavy tables know, for help texts: those may import neither numpy nor torch, so they cannot ask a table.

`tests/cli/options/test_choices.py` holds every line against its table. Names of light tables are not typed here again.
"""

from __future__ import annotations

from collections.abc import Iterable

METHODS = ("temperature", "platt", "beta", "vector", "isotonic")  # of recalibrate.fitting.methods
OBJECTIVES = ("nll", "ece", "accuracy")  # of recalibrate.temperature.objectives
LOSSES = ("ce", "ls", "ecp", "focal", "flsd", "mbls", "cals")  # of losses.table
LOSS_FORMATS = ("md", "csv", "latex")  # of render.tables.losses


def either(names: Iterable[str]) -> str:
    """The names as a choice in a sentence.

    >>> either(["nll", "ece", "accuracy"])
    'nll, ece or accuracy'
    """
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
