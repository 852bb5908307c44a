"""What only several dumps of one report show: classes that differ under one map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calibeval.core.data.notices import warning
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.report import DumpReport, with_distinct_names


def together(dumps: Sequence[DumpReport]) -> tuple[DumpReport, ...]:
    """The dumps of one report with distinct names, and a warning for each whose classes one map can hardly fit.

    Their names differ from those of the first dump to which it was applied. A map gives every class a place,
    not a name: applied to classes in another order, it repairs the wrong ones.
    """
    dumps = with_distinct_names(dumps)
    mapped = [dump for dump in dumps if dump.recalibrated and isinstance(dump.recalibrated.fitted_on, FittedOn)]
    first = next((dump for dump in mapped if _names(dump)), None)
    if first is None:
        return dumps
    known, found = _names(first), []
    for dump in dumps:
        names = _names(dump) if dump in mapped else ()
        i = next((i for i, pair in enumerate(zip(names, known, strict=False)) if pair[0] != pair[1]), None)
        if i is not None:
            text = f'class {i} is "{names[i]}", but "{known[i]}" in {first.name}: one map can hardly fit both'
            found.append(replace(dump, warnings=(*dump.warnings, warning("classes_differ", text))))
        else:
            found.append(dump)
    return tuple(found)


def _names(dump: DumpReport) -> tuple[str, ...]:
    """The names of the classes; empty if they are only numbered."""
    names = tuple(one.name for one in dump.per_class)
    return () if names == tuple(map(str, range(len(names)))) else names
