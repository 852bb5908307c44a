"""The lines of a page about one dump: what it holds, and its calibration error."""

from __future__ import annotations

from calibeval.core.report.report import DumpReport
from calibeval.core.report.standing import with_floor
from calibeval.core.report.views import judged_by
from calibeval.words import cells
from calibeval.words.marks import plain
from calibeval.words.positive import positive_fact
from calibeval.words.shown import of_positive, positive_names

_NAME, _SPOKEN = 120, 36


def facts(dump: DumpReport) -> list[str]:
    """Rows, classes, the positive one of two, groups and weights."""
    found = [_rows(dump), cells.classes(dump)]
    found += [] if dump.k is None else [plain(dump.kind.replace("_", "-"), _NAME)]
    found += [positive_fact(dump)] if dump.positive is not None else []
    found += cells.left_out(dump)
    found += [cells.groups(dump, lambda column: plain(column, _SPOKEN))] if dump.groups else []
    return found + ([cells.weights(dump, lambda column: plain(column, _SPOKEN))] if dump.weights else [])


def _rows(dump: DumpReport) -> str:
    """How many rows there are; those of images are pixels."""
    return cells.plural(dump.n, "row" if dump.per_image is None else "pixel")


def caption(dump: DumpReport) -> list[str]:
    """The calibration error, if it was measured, with its interval and floor, and the rows."""
    if judged_by(dump)[1] not in dump.metrics:
        return [_rows(dump)]
    ece = with_floor(dump, judged_by(dump)[1])
    name = cells.label(ece.name)
    parts = [f"{name} {cells.value(ece)} %" if ece.value is not None else f"{name} –"]
    estimate = f"corrected {cells.estimate(ece)}" if cells.corrected(ece) else cells.estimate(ece)
    parts += [estimate] if estimate else []
    parts += [f"if calibrated {cells.floor(ece)}"] if cells.floor(ece) else []
    return [*parts, _rows(dump)]


def remarks(dump: DumpReport) -> list[str]:
    """Why numbers are missing and, for the top label, which bin has the largest gap."""
    if of_positive(dump):
        return cells.reasons(dump, only=positive_names(dump))
    return [*cells.reasons(dump, tabled=True), *cells.remarks(dump)]
