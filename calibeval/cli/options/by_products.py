"""What a report is also written as: tables for documents, files for other tools, the risk-coverage curve."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.options.choices import IMAGES, PICTURES, RISK
from calibeval.render.ci.exports import OF_REPORTS, exported_report

if TYPE_CHECKING:
    from calibeval.core.report.report import Report

TABLES = {"md": "markdown", "csv": "csv_table", "latex": "latex"}
EXPORTS = {"markdown": "md", "csv": "csv", "latex": "latex"}


def table_of(report: Report, kind: str) -> str:
    """The report as a table for documents, of a kind of TABLES."""
    from calibeval.api.show import before_and_after

    renderer: Callable[[Report], str] = import_module(f"calibeval.render.tables.{TABLES[kind]}").render
    return renderer(before_and_after(report))


def exported(
    report: Report,
    kind: str,
    path: Path,
    width: float | None = None,
) -> bytes:
    """The report as a file of that kind. path: whose suffix is the format of a figure.

    width: of a figure, in inches.
    Raises: InputError for a risk-coverage curve that was not measured, or for rows that are no images.
    """
    if kind in (RISK, IMAGES, PICTURES):
        from calibeval.api.show import drawn

        return drawn(report, path.suffix, width, of=kind)
    if kind in OF_REPORTS:
        return exported_report(report, kind)
    return table_of(report, EXPORTS[kind]).encode("utf-8", "backslashreplace")


def check_drawing(*paths: Path | None) -> None:
    """Refuse files of figures that are none, before anything is read. Raises: UsageError."""
    from calibeval.render.drawing.formats import figure_format

    for path in paths:
        if path is not None:
            figure_format(path.suffix)
