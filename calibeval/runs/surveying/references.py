"""The dump with which each cell is compared."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.conventions.table import OWN
from calibeval.core.errors import UsageError
from calibeval.core.survey.pattern import filled
from calibeval.core.survey.reference import AtValue, index_of, reference_named
from calibeval.runs.surveying.measure import How
from calibeval.runs.surveying.planned import Found, Plan


def references_of(plan: Plan, text: str | None, how: How) -> Sequence[Found | None]:
    """The reference of each cell; None for the references themselves. text: AXIS=VALUE or a dump; None: there is none.

    Raises: UsageError for what is not there, or settings under which nothing is compared.
    """
    if text is None:
        return [None] * len(plan.cells)
    if how.settings.convention != OWN:
        raise UsageError(f"--reference and --convention {how.settings.convention} exclude each other")
    if how.settings.level is None:
        raise UsageError("--reference needs the intervals of the changes: leave out --no-intervals")
    return _dumps(plan, text)


def fitted_on(plan: Plan, text: str | None) -> Sequence[Found | None]:
    """The dump on which the map of each cell is fitted. text: AXIS=VALUE or a dump; None: there are no maps.

    Raises: UsageError for what is not there.
    """
    if text is None:
        return [None] * len(plan.cells)
    return [own or cell.found for own, cell in zip(_dumps(plan, text), plan.cells, strict=True)]


def _dumps(plan: Plan, text: str) -> list[Found | None]:
    """The dump that a text means for each cell; None where it is the cell itself."""
    wanted = reference_named(plan.axes, text)
    if isinstance(wanted, AtValue):
        every = [cell.point for cell in plan.cells]
        found = [index_of(point, every, wanted) for point in every]
        return [None if i is None else plan.cells[i].found for i in found]
    names = [filled(wanted.pattern, cell.found.texts) for cell in plan.cells]
    same = [cell.found.block is None and cell.found.dump == name for name, cell in zip(names, plan.cells, strict=True)]
    return [
        None if own else Found({}, name, labels=cell.found.labels)
        for name, own, cell in zip(names, same, plan.cells, strict=True)
    ]
