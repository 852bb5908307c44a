"""Warnings about the numbers of a report, beside the doubts about its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.report.settings import Settings
from calibeval.core.sums.sums import Sums

if TYPE_CHECKING:
    from calibeval.core.evaluation.groups import Groups


def warnings_of(predictions: Predictions, sums: Sums, groups: Groups | None, settings: Settings) -> list[Notice]:
    """What whoever reads these numbers must know: groups that are few or ignored, infinite values, absent classes."""
    warnings = []
    few = None if groups is None else groups.warning()
    if few is not None:
        warnings.append(few)
    if settings.group is not None and groups is None:
        tool = settings.convention
        text = f"convention {tool}: floors and intervals ignore groups of rows"
        warnings.append(warning("groups_ignored", text))
    elif len(predictions.layout) > 1 and groups is None:
        text = "pixels of one image depend on each other: floors and intervals are too narrow"
        warnings.append(warning("dependent_pixels", text))
    if sums.impossible:
        first = f"(first: {sums.impossible_place})"
        rows = f"{sums.impossible:,} of {sums.rows_n:,} rows"
        text = f"{rows} assign probability 0 to their label {first}; nll is infinite"
        warnings.append(warning("infinite_nll", text))
    if sums.classes is not None:
        absent = np.flatnonzero(sums.classes.y.sum(axis=1) == 0)
        if len(absent):
            names = ", ".join(str(c) for c in absent[:5]) + (", ..." if len(absent) > 5 else "")
            text = f"{len(absent)} of {sums.k} classes do not occur among the labels: {names}"
            warnings.append(warning("absent_classes", text))
    return warnings
