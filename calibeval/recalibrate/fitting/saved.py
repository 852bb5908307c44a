"""Results before and after a saved map; hashes in its file tell which rows it was fitted on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.report.fitted_on import FittedOn, OutOfFold
from calibeval.core.report.report import DumpReport, Recalibrated
from calibeval.recalibrate.base.facts import NO_END
from calibeval.recalibrate.base.mapping import Map, mapped
from calibeval.recalibrate.base.seen import same_file, same_rows_elsewhere


def by_saved_map(
    dump: Predictions, found: Map, evaluate: Callable[[Predictions], DumpReport], *, allow_leak: bool = False
) -> tuple[Recalibrated, list[Notice]]:
    """The results of a dump after a map, with the warnings.

    Raises: InputError if the classes differ from the map's, or if the map was fitted on the same rows and that was not
    allowed.
    """
    source, facts = dump.settled_source(), found.fitted
    leak = same_file(source, facts) or same_rows_elsewhere(dump, facts)
    if leak is not None and not allow_leak:
        raise InputError(f"{leak}: that would make results too optimistic. Use --allow-leak to see them anyway.")
    warnings = [] if leak is None else [warning("leak", leak)]
    if facts.sha256 is None:
        text = "the map does not say which file it was fitted on; if on these rows, the results are too good"
        warnings.append(warning("optimistic", text))
    if facts.note is not None:
        warnings.append(warning("map_note", facts.note))
    failure = None if facts.search is None else facts.search.failure
    if failure is not None and NO_END not in (facts.note or ""):  # a file that was not written with this note
        warnings.append(warning("map_note", failure))
    after = evaluate(mapped(dump, found))
    same = facts.sha256 is not None and facts.sha256 == source.sha256
    fitted_on = FittedOn(source.path if same else None, facts.split, facts.sha256, facts.n, leak)
    return results_of(found.method, found.parameters(), fitted_on, after, tried_by([found])), warnings


def results_of(
    method: str,
    parameters: Mapping[str, Any],
    fitted_on: FittedOn | OutOfFold,
    after: DumpReport,
    tried: tuple[str, ...] | None = None,
) -> Recalibrated:
    """The results after a map, from the report of the dump that it was applied to.

    tried: the methods among which it was chosen, from `tried_by`.
    """
    return Recalibrated(
        method,
        parameters,
        fitted_on,
        after.metrics,
        after.equal_width,
        after.equal_mass,
        after.curve,
        after.positive,
        after.class_views,
        tried,
    )


def tried_by(maps: Iterable[Map]) -> tuple[str, ...] | None:
    """The methods that `method="auto"` fitted and compared for any of these maps; None if it chose none of them."""
    tables = [one.fitted.selection for one in maps if one.fitted.selection]
    return tuple(dict.fromkeys(row.method for table in tables for row in table if row.nll is not None)) or None
