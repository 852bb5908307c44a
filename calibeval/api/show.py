"""Reports, comparisons, verdicts and trainings as text, as figures, and as pages in a notebook.

Renderers are imported where they are used, since importing matplotlib and jinja2 takes long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from calibeval.core.comparison.comparison import Comparison
from calibeval.core.conventions.metrics import Explanations
from calibeval.core.data.arguments import choice, number
from calibeval.core.data.inspection import Inspection
from calibeval.core.data.spoken import in_python
from calibeval.core.errors import UsageError
from calibeval.core.gating.plan import Plan
from calibeval.core.gating.verdict import Verdict
from calibeval.core.heads.results import Finetuned
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport, Report
from calibeval.words.names import about, visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure


WIDTH = 100
RELIABILITY, RISK, DIFFERENCES, IMAGES, PICTURES = "reliability", "risk", "differences", "images", "pictures"


def report_text(report: Report) -> str:
    """The output of `calibeval report`, with the next step as it is taken in Python, followed by the warnings."""
    from calibeval.render.terminal import next_step as end
    from calibeval.render.terminal.conventions import note
    from calibeval.render.terminal.report import render_report
    from calibeval.words.next_step import IN_PYTHON, next_step

    shown = render_report(report, width=WIDTH, color=False, ascii_only=False)
    shown += note(report, width=WIDTH, ascii_only=False)
    shown += end.render(next_step(report, IN_PYTHON), "", width=WIDTH, ascii_only=False)
    several = len(report.dumps) > 1
    warnings = [about(one.name, text) if several else text for one in report.dumps for text in one.warnings]
    return _with_warnings(shown, warnings)


def report_figure(report: Report, width: float | None, of: str = RELIABILITY) -> Figure:
    """The reliability diagrams or the risk-coverage curves, with those after recalibration next to those before.

    of: also "images", the gaps of regions and the ECE of single images, or "pictures" of the cases that are shown.
    """
    choice("of", of, (RELIABILITY, RISK, IMAGES, PICTURES))
    _check(width)
    from calibeval.render.figure.backend import import_matplotlib

    import_matplotlib()
    from calibeval.render.figure.figure import reliability_figure, risk_figure, sheet_figure

    if of in (IMAGES, PICTURES):
        from calibeval.render.drawing.cases_sheet import cases_sheet
        from calibeval.render.drawing.images_sheet import images_sheet

        return sheet_figure((images_sheet if of == IMAGES else cases_sheet)(report, width))
    make = risk_figure if of == RISK else reliability_figure
    return make(before_and_after(report), width_inches=width)


def drawn(report: Report, suffix: str, width: float | None = None, of: str = RELIABILITY) -> bytes:
    """The file of these diagrams or curves, of the format of that suffix; matplotlib makes all but SVG.

    Raises: UsageError for another suffix, or a width that cannot be; InputError where there is nothing to draw.
    """
    from calibeval.render.drawing.formats import figure_format

    kind = figure_format(suffix)
    if kind == "svg":
        from calibeval.render.drawing.cases_sheet import cases_sheet
        from calibeval.render.drawing.images_sheet import images_sheet
        from calibeval.render.drawing.risk_sheet import risk_sheet
        from calibeval.render.drawing.sheet import reliability_sheet
        from calibeval.render.drawing.svg import sheet_svg

        sheets = {RISK: risk_sheet, IMAGES: images_sheet, PICTURES: cases_sheet}
        sheet = sheets.get(of, reliability_sheet)(before_and_after(report), width)
        return sheet_svg(sheet).encode()
    figure = report_figure(report, width, of)
    from calibeval.render.figure.figure import figure_bytes

    return figure_bytes(figure, kind)


def has_risk(report: Report) -> bool:
    """Whether there are risk-coverage curves to draw."""
    from calibeval.render.drawing.risk_sheet import has_curves

    return has_curves(before_and_after(report))


def report_html(report: Report) -> str:
    """The page inside a notebook."""
    from calibeval.render.page.page import fragment

    return fragment(report, text=report_text(report))


def comparison_text(comparison: Comparison) -> str:
    """The output of `calibeval compare`, followed by the warnings."""
    from calibeval.render.terminal.comparison import render
    from calibeval.words.comparison import warnings

    return _with_warnings(render(comparison, width=WIDTH, color=False, ascii_only=False), warnings(comparison))


def comparison_figure(comparison: Comparison, width: float | None, of: str = DIFFERENCES) -> Figure:
    """The differences with their intervals, or the risk-coverage curves of the base and all candidates."""
    choice("of", of, (DIFFERENCES, RISK))
    if of == RISK:
        return report_figure(curves_of(comparison), width, RISK)
    _check(width)
    from calibeval.render.figure.backend import import_matplotlib

    import_matplotlib()
    from calibeval.render.figure.comparison import differences_figure

    return differences_figure(comparison, width_inches=width)


def curves_of(comparison: Comparison) -> Report:
    """The base and the candidates with their risk-coverage curves, as far as these were measured, and nothing else."""
    groups = comparison.candidates[0].groups if comparison.candidates else None
    dumps = []
    for one in (comparison.base, *(candidate.dump for candidate in comparison.candidates)):
        metrics = {} if one.risk is None else {"augrc": MetricResult("augrc", None, curve=one.risk)}
        found = DumpReport(one.source, one.kind, one.n, one.k, one.ignored, metrics, (), None, (), name=one.name)
        dumps.append(replace(found, groups=groups))
    return Report(comparison.version, comparison.settings, tuple(dumps))


def comparison_html(comparison: Comparison) -> str:
    """The page inside a notebook."""
    from calibeval.render.page.comparison import fragment

    return fragment(comparison, text=comparison_text(comparison))


def verdict_text(verdict: Verdict) -> str:
    """The output of `calibeval gate`, followed by the warnings."""
    from calibeval.render.terminal.verdict import render

    return _with_warnings(render(verdict, width=WIDTH, color=False, ascii_only=False), verdict.warnings)


def plan_text(plan: Plan) -> str:
    """The output of `calibeval gate --plan`, followed by the warnings."""
    from calibeval.render.terminal.plan import render

    return _with_warnings(render(plan, width=WIDTH, ascii_only=False), plan.warnings)


def verdict_figure(verdict: Verdict, width: float | None, of: str = RELIABILITY) -> Figure:
    """The reliability diagram, or the risk-coverage curve, of the dump that was judged.

    Raises: UsageError if the verdict has no report.
    """
    if verdict.report is None:
        raise UsageError("this verdict has no report of its dump, so there is nothing to draw")
    return report_figure(verdict.report, width, of)


def verdict_html(verdict: Verdict) -> str:
    """The page inside a notebook, or only the text if the verdict has no report."""
    text = verdict_text(verdict)
    if verdict.report is None:
        return f"<pre>{escape(text)}</pre>"
    from calibeval.render.page.page import fragment

    return fragment(verdict.report, verdict=verdict, text=text)


def training_text(found: Finetuned) -> str:
    """The output of `calibeval finetune`, followed by the warnings."""
    from calibeval.render.terminal.losses import terminal

    return terminal(found, width=WIDTH, color=False, ascii_only=False).rstrip("\n")


def training_html(found: Finetuned) -> str:
    """The table inside a notebook."""
    from calibeval.render.page.training import fragment

    return fragment(found, text=training_text(found))


def inspection_text(inspection: Inspection) -> str:
    """The output of `calibeval inspect`."""
    from calibeval.render.terminal.inspection import render

    return render(inspection, width=WIDTH, ascii_only=False).rstrip("\n")


def conventions_text(found: Explanations) -> str:
    """The output of `calibeval conventions`."""
    from calibeval.render.terminal.conventions import render

    return render(found.predictions, found, found.images, width=WIDTH, ascii_only=False).rstrip("\n")


def before_and_after(report: Report) -> Report:
    """The report with a second dump, the results after recalibration, after each recalibrated dump."""
    shown = [one for dump in report.dumps for one in (dump, dump.after()) if one is not None]
    return replace(report, dumps=tuple(shown))


def _check(width: float | None) -> None:
    if width is not None:
        number(0, above=True)("width", width)


def _with_warnings(text: str, warnings: Sequence[str]) -> str:
    """The text, followed by each warning once, without a line end, which print adds."""
    lines = [visible(f"warning: {warning}") for warning in dict.fromkeys(warnings)]
    return in_python("\n".join([text.rstrip("\n"), *([""] if lines else []), *lines]))
