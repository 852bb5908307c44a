"""The kinds of files to which a report or a verdict can be exported for other tools, one line per kind."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calibeval.core.gating.verdict import Verdict
    from calibeval.core.report.report import Report

# The module and the function that make the text.
EXPORTS = {
    "junit": ("calibeval.render.ci.junit", "render"),
    "markdown": ("calibeval.render.ci.markdown", "render"),
    "openmetrics": ("calibeval.render.ci.openmetrics", "of_verdict"),
    "flat": ("calibeval.render.ci.flat", "of_verdict"),
}
OF_REPORTS = {
    "openmetrics": ("calibeval.render.ci.openmetrics", "of_report"),
    "flat": ("calibeval.render.ci.flat", "of_report"),
    "cases": ("calibeval.render.tables.cases_csv", "render"),
}


def exported(verdict: Verdict, kind: str) -> bytes:
    """The verdict as a file of that kind, one of EXPORTS."""
    render: Callable[[Verdict], str] = _function(*EXPORTS[kind])
    return render(verdict).encode("utf-8", "backslashreplace")


def exported_report(report: Report, kind: str) -> bytes:
    """The report as a file of that kind, one of OF_REPORTS. Raises: InputError for cases, if there are no images."""
    render: Callable[[Report], str] = _function(*OF_REPORTS[kind])
    return render(report).encode("utf-8", "backslashreplace")


def _function(module: str, name: str) -> Callable[..., str]:
    found: Callable[..., str] = getattr(importlib.import_module(module), name)
    return found
