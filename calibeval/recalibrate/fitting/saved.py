"""Results before and after a saved map; hashes in its file tell which rows it was fitted on."""

from __future__ import annotations

from collections.abc import Callable

from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.errors import InputError
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.report import DumpReport, Recalibrated
from calibeval.recalibrate.base.mapping import Fitted, Map
from calibeval.recalibrate.fitting.leak import rows_of_sketch

WHOLE = "all"


def by_saved_map(
    dump: Predictions, found: Map, evaluate: Callable[[Predictions], DumpReport], *, allow_leak: bool = False
) -> tuple[Recalibrated, list[Notice]]:
    """The results of a dump after a map, with the warnings.

    Raises: InputError if the classes differ from the map's, or if the map was fitted on the same rows and that was not
    allowed.
    """
    source, facts = dump.settled_source(), found.fitted
    leak = _leak(source, facts) or _shared(dump, facts)
    if leak is not None and not allow_leak:
        raise InputError(f"{leak}: that would make results too optimistic. Use --allow-leak to see them anyway.")
    warnings = [] if leak is None else [warning("leak", leak)]
    if facts.sha256 is None:
        text = "the map does not say which file it was fitted on; if on these rows, the results are too good"
        warnings.append(warning("optimistic", text))
    if facts.note is not None:
        warnings.append(warning("map_note", facts.note))
    after = evaluate(found(dump))
    same = facts.sha256 is not None and facts.sha256 == source.sha256
    fitted_on = FittedOn(source.path if same else None, facts.split, facts.sha256, facts.n, leak)
    return Recalibrated(
        found.method, found.parameters(), fitted_on, after.metrics, after.equal_width, after.equal_mass
    ), warnings


def _leak(source: Source, fitted: Fitted) -> str | None:
    """A sentence that the map was fitted on rows of the tested split; None if the hashes do not show that.

    Splits of one file have no rows in common, unless one is the whole file or both contain the same part.
    """
    if fitted.sha256 is None or fitted.sha256 != source.sha256:
        return None
    ours, theirs = _parts(source.split), _parts(fitted.split)
    if ours is not None and theirs is not None and ours.isdisjoint(theirs):
        return None
    return f"the map was fitted on {fitted.n:,} rows of this file, {source.path}" + (
        f"#{fitted.split}" if fitted.split else ""
    )


def _shared(dump: Predictions, fitted: Fitted) -> str | None:
    """That the map was fitted on rows that this dump holds in another file, in words.

    Rows of one file are told apart by their splits.
    """
    if fitted.sketch is None or fitted.sha256 == dump.settled_source().sha256 is not None:
        return None
    rows = rows_of_sketch(fitted.sketch, fitted.n, dump)
    if not rows:
        return None
    return (
        f"the map was fitted on about {rows:,} rows of {dump.source.name}: the same scores and labels in another file"
    )


def _parts(split: str | None) -> set[str] | None:
    """The splits in a name that joins them with +; None for the whole file."""
    return None if split in (None, WHOLE) else set((split or "").split("+"))
