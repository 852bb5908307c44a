"""What a verdict is also written as: files for other tools, and the risk-coverage curve of the dump."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.options.by_products import check_drawing
from calibeval.cli.options.by_products import exported as curves_of_report
from calibeval.cli.options.choices import RISK
from calibeval.cli.options.outputs import exports
from calibeval.core.errors import UsageError
from calibeval.render.ci.exports import EXPORTS
from calibeval.render.ci.exports import exported as of_verdict

if TYPE_CHECKING:
    from calibeval.core.gating.judged import Judgeable
    from calibeval.core.gating.verdict import Verdict
    from calibeval.core.report.report import Report


def wanted_exports(export: list[str] | None) -> dict[str, Path]:
    """The files to export, by kind. Raises: UsageError, before anything is read."""
    wanted = exports(export, (*EXPORTS, RISK))
    check_drawing(wanted.get(RISK))
    return wanted


def exported(verdict: Verdict, subject: Judgeable, kind: str, path: Path) -> bytes:
    """The verdict as a file of that kind. path: whose suffix is the format of a figure.

    Raises: UsageError for a curve of a survey, which is no single dump.
    """
    if kind != RISK:
        return of_verdict(verdict, kind)
    report = report_of(verdict, subject)
    if report is None:
        raise UsageError(f"--export {RISK} is about one dump: gate one cell by its name")
    return curves_of_report(report, kind, path)


def report_of(verdict: Verdict, subject: Judgeable) -> Report | None:
    """A report of the dump; None of a survey."""
    from calibeval.core.report.report import Report

    found = subject.report(verdict.settings.level)
    return None if found is None else Report(verdict.version, subject.settings, (found,), verdict.environment)
