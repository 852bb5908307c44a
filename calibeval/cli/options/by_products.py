"""What a report is also written as: tables for documents, files for other tools, the risk-coverage curve."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.options.choices import RISK
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


def exported(report: Report, kind: str, path: Path) -> bytes:
    """The report as a file of that kind. path: whose suffix is the format of a figure.

    Raises: InputError for a risk-coverage curve that was not measured.
    """
    if kind == RISK:
        from calibeval.api.show import drawn

        return drawn(report, path.suffix, of=RISK)
    if kind in OF_REPORTS:
        return exported_report(report, kind)
    return table_of(report, EXPORTS[kind]).encode("utf-8", "backslashreplace")


def check_drawing(path: Path | None) -> None:
    """Refuse a file of the risk-coverage curve that is no figure, before anything is read. Raises: UsageError."""
    if path is not None:
        from calibeval.render.drawing.formats import figure_format

        figure_format(path.suffix)
