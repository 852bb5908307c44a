"""Reliability diagrams as figures of matplotlib, for PNG, PDF and whoever wants to change them.

They show the marks of `render.drawing`, of which the SVG is made, too. Figures are made and saved with matplotlib's own
defaults, whatever the user's matplotlibrc says, and without pyplot; the same report gives the same bytes. Reports may
come from anywhere, so no text is read as mathematics or markup.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import IO, TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from calibeval.core.errors import UsageError, nearest
from calibeval.core.report.report import Report
from calibeval.render.drawing.formats import FigureFormat
from calibeval.render.drawing.layout import INCH
from calibeval.render.drawing.risk_sheet import risk_sheet
from calibeval.render.drawing.sheet import Sheet, reliability_sheet
from calibeval.render.figure.artists import draw_marks, draw_panel
from calibeval.render.figure.glyphs import FONT

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

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


class ShownFigure(Figure):
    """A figure that a notebook shows by itself, whether or not pyplot has been imported."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The PNG that a notebook shows, with its size on the screen: 100 pixels per inch."""
        width, height = self.get_size_inches()
        return figure_bytes(self, "png"), {"width": round(100 * width), "height": round(100 * height)}


def reliability_figure(report: Report, *, width_inches: float | None = None) -> Figure:
    """The reliability diagram of every dump, each above the histogram of its confidences, on axes from 0 to 100 %.

    The axes are labelled "reliability 0", "histogram 0", and so on.

    width_inches: by default 3.5 for one dump (a column) and 7 for several (a page; up to five side by side).
    Raises: InputError for a report without dumps or rows; UsageError for a width below 2 or above 40 inches.
    """
    return sheet_figure(reliability_sheet(report, width_inches))


def risk_figure(report: Report, *, width_inches: float | None = None) -> Figure:
    """The risk-coverage curve of every dump, on axes in percent, labelled "risk 0", "risk 1", and so on.

    width_inches: as for reliability diagrams.
    Raises: InputError where a curve was not measured; UsageError for a width below 2 or above 40 inches.
    """
    return sheet_figure(risk_sheet(report, width_inches))


def sheet_figure(sheet: Sheet) -> Figure:
    """The sheet as a figure; axes of one kind are counted."""
    kinds = [panel.kind for panel in sheet.panels]
    with own_settings():
        figure = ShownFigure(figsize=(sheet.width / INCH, sheet.height / INCH), dpi=DOTS_PER_INCH)
        for index, panel in enumerate(sheet.panels):
            frame = panel.frame
            box = (
                frame.x / sheet.width,
                frame.y / sheet.height,
                frame.width / sheet.width,
                frame.height / sheet.height,
            )
            axes = figure.add_axes(box, label=f"{panel.kind} {kinds[:index].count(panel.kind)}", facecolor="none")
            draw_panel(axes, panel, sheet)
        draw_marks(figure, sheet.marks, sheet)
        figure.set_label(sheet.description)
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
