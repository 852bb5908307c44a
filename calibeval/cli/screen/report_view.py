"""A report for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calibeval.cli.screen.terminal import screen
from calibeval.render.terminal import next_step
from calibeval.render.terminal.conventions import note
from calibeval.render.terminal.full import hidden, render_full
from calibeval.render.terminal.report import render_report

if TYPE_CHECKING:
    from calibeval.core.report.report import Report
    from calibeval.words.next_step import Step


def report_view(report: Report, step: Step | None, *, full: bool) -> str:
    """The report for a person, and below it the next step and what the first view leaves out."""
    view = screen()
    width, color, ascii_only = view.width, view.color, view.ascii_only
    if full:
        shown = render_full(report, width=width, color=color, ascii_only=ascii_only)
    else:
        shown = render_report(report, width=width, color=color, ascii_only=ascii_only)
        shown += note(report, width=width, ascii_only=ascii_only)
    left_out = "" if full else hidden(report)
    return shown + next_step.render(step, left_out, width=width, ascii_only=ascii_only)
