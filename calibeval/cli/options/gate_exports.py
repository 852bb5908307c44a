"""What a verdict is also written as: files for other tools, and the risk-coverage curve of the dump."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.cli.options.by_products import check_drawing
from calibeval.cli.options.by_products import exported as curves_of_report
from calibeval.cli.options.choices import RISK
from calibeval.cli.options.outputs import exports
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
    """The verdict as a file of that kind. path: whose suffix is the format of a figure."""
    return curves_of_report(report_of(verdict, subject), kind, path) if kind == RISK else of_verdict(verdict, kind)


def report_of(verdict: Verdict, subject: Judgeable) -> Report:
    """A report of the dump."""
    from calibeval.core.report.report import Report

    found = subject.report(verdict.settings.level)
    return Report(verdict.version, subject.settings, (found,), verdict.environment)
