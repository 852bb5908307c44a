"""Changes from the reference over all cells: Holm's correction, so that few cells are called certain by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calibeval.core.comparison.difference import Difference
from calibeval.core.survey.survey import Change
from calibeval.core.uncertainty.holm import holm


def over_cells(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes with p_holm: for each metric, p after Holm's correction over the cells."""
    names = dict.fromkeys(name for change in changes for name in change.differences)
    corrected: dict[str, list[float | None]] = {
        name: holm([_p(change.differences.get(name)) for change in changes]) for name in names
    }
    return tuple(
        replace(
            change,
            differences={name: replace(one, p_holm=corrected[name][i]) for name, one in change.differences.items()},
        )
        for i, change in enumerate(changes)
    )


def _p(difference: Difference | None) -> float | None:
    return None if difference is None else difference.p
