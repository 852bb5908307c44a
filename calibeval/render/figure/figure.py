"""Reliability diagrams as figures for pages and papers: the same report gives the same bytes.

Figures are made and saved with matplotlib's own defaults, whatever the user's matplotlibrc says, and without pyplot.
Text in SVG is drawn as outlines, so it looks the same on machines without the font. Reports may come from anywhere, so
no text is read as mathematics or markup.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import IO, TYPE_CHECKING, Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.core.report.report import DumpReport, Report
from calibeval.render.figure import panels
from calibeval.render.figure.layout import Cell, FigureLayout, many_panels, one_panel
from calibeval.render.figure.text import FONT, ece_line, headers, percent, printable
from calibeval.words.marks import shorten

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

FigureFormat = Literal["svg", "png", "pdf"]
DOTS_PER_INCH = 200

_SETTINGS: dict[RcKeyType, Any] = {
    "font.family": [FONT],
    "text.parse_math": False,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "calibeval",
    "pdf.fonttype": 42,
}
# Without dates and versions, which would make equal figures differ.
_METADATA: dict[FigureFormat, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": "calibeval"},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": "calibeval"},
}


def reliability_figure(report: Report, *, width_inches: float | None = None) -> Figure:
    """The reliability diagram of every dump, each above the histogram of its confidences.

    Bars are accuracies of equal-width bins, paler the fewer rows a bin has. The gap between accuracy and mean
    confidence is hatched, with different colours for over- and under-confidence. Behind each bar is the range that
    would hold 95 % of a calibrated model's bars (`core.uncertainty.consistency`). One dump fills the figure; several
    become small multiples on the same axes.

    width_inches: by default 3.5 for one dump (a column) and 7 for several (a page; up to five side by side).
    Raises: InputError for a report without dumps or rows; UsageError for a width below 2 or above 40 inches.
    """
    if not report.dumps or not all(dump.n and dump.equal_width for dump in report.dumps):
        raise InputError("the report has no dumps with rows, so there is nothing to draw")
    if width_inches is not None and not 2.0 <= width_inches <= 40.0:
        raise UsageError(f"width_inches is {width_inches:g}, but it must lie between 2 and 40")
    layout = one_panel(width_inches) if len(report.dumps) == 1 else many_panels(len(report.dumps), width_inches)
    with own_settings():
        figure = Figure(figsize=(layout.width, layout.height), dpi=DOTS_PER_INCH)
        _draw_dumps(figure, report.dumps[: layout.count], layout, report.settings.level)
        _draw_legend(figure, layout)
        figure.set_label(_description(report.dumps[: layout.count]))
    return figure


def save_figure(figure: Figure, path_or_buffer: str | PathLike[str] | IO[bytes], format: FigureFormat) -> None:  # noqa: A002 - savefig's word
    """Write the figure as svg, png (200 dots per inch) or pdf; equal figures give equal bytes.

    Raises: UsageError for another format; OSError if the file cannot be written.
    """
    if format not in _METADATA:
        raise UsageError(f'format "{format}" is unknown{nearest(format, _METADATA)}; there are svg, png and pdf')
    metadata = {"Title": str(figure.get_label()) or None, **_METADATA[format]}
    with own_settings():
        figure.savefig(path_or_buffer, format=format, dpi=DOTS_PER_INCH, facecolor="white", metadata=metadata)


def figure_format(suffix: str) -> FigureFormat:
    """The format of a file's suffix.

    Raises: UsageError unless it is .svg, .png or .pdf.

    >>> figure_format(".PDF")
    'pdf'
    """
    for known in _METADATA:
        if suffix.lower() == f".{known}":
            return known
    raise UsageError(f'a figure cannot be a "{suffix}" file; formats are .svg, .png and .pdf')


def figure_bytes(figure: Figure, format: FigureFormat) -> bytes:  # noqa: A002 - savefig's word
    """The figure as svg, png or pdf, in memory.

    Raises: UsageError for another format.
    """
    buffer = io.BytesIO()
    save_figure(figure, buffer, format)
    return buffer.getvalue()


@contextmanager
def own_settings() -> Iterator[None]:
    """Matplotlib's defaults with our settings on top, within the block."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def _draw_dumps(figure: Figure, dumps: Sequence[DumpReport], layout: FigureLayout, level: float | None) -> None:
    style = layout.style
    top = max(panels.top_share(dump.equal_width) for dump in dumps)
    lines = headers(dumps, style.title, style.text, 72.0 * layout.side, level)
    for index, (dump, header) in enumerate(zip(dumps, lines, strict=True)):
        cell = layout.cell(index)
        upper = figure.add_axes(cell.reliability, label=f"reliability {index}")
        lower = figure.add_axes(cell.histogram, label=f"histogram {index}")
        panels.draw_reliability(upper, dump.equal_width, style)
        panels.draw_histogram(lower, dump.equal_width, style, top)
        panels.draw_header(upper, header, style)
        counted = style.words and panels.draw_counts(upper, dump.equal_width, style)
        upper.tick_params(labelbottom=False, bottom=not counted)
        _label(upper, lower, cell, layout)


def _label(upper: Axes, lower: Axes, cell: Cell, layout: FigureLayout) -> None:
    """Axis labels and numbers, except where a neighbour has them."""
    for axes, words in ((upper, "Accuracy (%)"), (lower, "Rows (%)")):
        axes.tick_params(labelleft=cell.leftmost)
        if cell.leftmost:
            axes.set_ylabel(words, fontsize=layout.style.text)
            axes.yaxis.set_label_coords(-(layout.left - 0.13) / layout.side, 0.5)
    lower.tick_params(labelbottom=cell.lowest)
    if cell.lowest:
        lower.set_xlabel("Confidence (%)", fontsize=layout.style.text, labelpad=2.0)


def _draw_legend(figure: Figure, layout: FigureLayout) -> None:
    """What bars, hatches, ranges and lines mean, at the foot of the figure; and how many dumps are not drawn."""
    handles = panels.legend_handles(lines=layout.lines_in_legend)
    if layout.left_out:
        handles.append(Patch(facecolor="none", edgecolor="none", label=f"and {layout.left_out:,} more dumps"))
    figure.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=((layout.left - 0.02) / layout.width, 0.0),
        ncols=layout.legend_columns,
        fontsize=layout.style.text,
        labelcolor=panels.INK,
        frameon=False,
        borderpad=0.3,
        borderaxespad=0.0,
        handlelength=1.8,
        handleheight=1.0,
        handletextpad=0.5,
        columnspacing=1.6,
        labelspacing=0.5,
    )


def _description(dumps: Sequence[DumpReport]) -> str:
    """What a figure of these dumps shows, for those who cannot see it."""
    parts = []
    for dump in dumps:
        of_all = panels.means(dump.equal_width)
        numbers = f"accuracy {percent(of_all.accuracy)} %, mean confidence {percent(of_all.confidence)} %"
        parts.append(f"{shorten(printable(dump.name), 120)}: {numbers}, {ece_line(dump)}")
    return "Reliability diagram. " + ". ".join(parts)
