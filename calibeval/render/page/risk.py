"""The risk-coverage curve of a page, with its numbers and the certified thresholds as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from markupsafe import Markup

from calibeval.core.comparison.comparison import ComparedDump
from calibeval.core.report.report import DumpReport
from calibeval.render.drawing.marks import Text
from calibeval.render.drawing.risk import ACROSS, UP, both_marks, labels, risk_marks, top_of
from calibeval.render.page.marks import line, pct, text, written
from calibeval.words.marks import plain, round_ticks
from calibeval.words.risk import (
    RiskCells,
    RiskCurve,
    StepCells,
    beside,
    curve_through,
    risk_cells,
    risk_curve,
    step_cells,
)
from calibeval.words.thresholds import HEADINGS, ThresholdCells, missing, promise, threshold_cells

_NAME, _LINE, _MOST_OTHERS = 120, 400, 8
_ACROSS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_ALL = f"{ACROSS}, % of all, the most confident first"
_FEW = (0.0, 0.5, 1.0)
# The size of letters, and of panels from which on labels are placed so: on a wide page, and on a narrow one. In pixels.
_SIZE, _WIDE, _NARROW = 12.0, (420.0, 240.0), (268.0, 240.0)


@dataclass(frozen=True, slots=True)
class Risk:
    """The curve of one dump. top: the error at the upper edge. level: of the band, in words; empty without one.

    description: what is drawn, for those who cannot see it. cells: a few points of the curve. missing: why some limits
    have no threshold.
    """

    curve: RiskCurve
    top: float
    level: str
    description: str
    cells: list[RiskCells]
    thresholds: list[ThresholdCells]
    promise: str
    missing: list[str]
    others: tuple[RiskCurve, ...] = ()

    @property
    def grouped(self) -> bool:
        """Whether groups of rows are the units of thresholds."""
        return any(one.groups for one in self.thresholds)

    @property
    def headings(self) -> tuple[str, ...]:
        """The heads of the table of thresholds."""
        return HEADINGS

    @property
    def rows(self) -> list[StepCells]:
        """Every point of the curve."""
        return step_cells(self.curve)

    @property
    def up(self) -> str:
        """What the vertical axis is."""
        return f"{UP}, %"

    @property
    def across(self) -> str:
        """What the horizontal axis is."""
        return _ALL

    def panel(self, id_: str, *, spacious: bool) -> Markup:
        """The curve between its axes. id_: begins all ids. spacious: with all words."""
        inner = written(risk_marks(self.curve, self.top, self.others, spots=spacious), id_)
        head = f'<title id="{id_}-t">{escape(self.description)}</title>'
        parts = [f'<div class="panel"><svg class="selective" role="img" aria-labelledby="{id_}-t">{head}']
        parts += [*axes(self.top, spacious=spacious), inner, *(self._labels() if spacious else []), "</svg></div>"]
        return Markup("".join(parts))  # noqa: S704 - all text is escaped above

    def _labels(self) -> list[str]:
        """Those of wide panels and of narrow ones; each is shown where there is room for it."""
        wide, narrow = (labels(self.curve, self.top, room, _SIZE) for room in (_WIDE, _NARROW))
        shown = [(one, "" if one in narrow else " roomy") for one in wide]
        return [_label(*one) for one in (*shown, *((one, " tight") for one in narrow if one not in wide))]


@dataclass(frozen=True, slots=True)
class BothRisks:
    """Two curves in one frame, and their numbers side by side."""

    drawing: Markup
    legend: Markup
    up: str
    across: str
    rows: list[tuple[str, ...]]


def both_risks(base: ComparedDump, other: ComparedDump, id_: str, files: tuple[str, str]) -> BothRisks | None:
    """The curves of both sides of a comparison; None unless both were measured. files: for the legend."""
    first, second = (None if one.risk is None else curve_through(one.risk, one.n) for one in (base, other))
    if first is None or second is None:
        return None
    top = top_of([first, second])
    errors = f"of all rows, {100.0 * first.error:.2f} % of the base and {100.0 * second.error:.2f} % of the candidate"
    head = f'<title id="{id_}-t">Risk-coverage curves: {errors} are wrong.</title>'
    parts = [f'<div class="panel"><svg class="selective" role="img" aria-labelledby="{id_}-t">{head}']
    parts += [*axes(top, spacious=True), written(both_marks(first, second, top), id_), "</svg></div>"]
    names = zip(("first", "second"), ("base", "candidate"), files, strict=True)
    items = (
        f'<li><svg aria-hidden="true">{line(role, "0", "6", "22", "6")}</svg>{name}: <bdi>{escape(file)}</bdi></li>'
        for role, name, file in names
    )
    drawing, legend = "".join(parts), f'<ul class="legend">{"".join(items)}</ul>'
    return BothRisks(Markup(drawing), Markup(legend), f"{UP}, %", _ALL, beside([first, second]))  # noqa: S704 - escaped


def axes(top: float, *, spacious: bool) -> list[str]:
    """Both axes with their numbers. top: the error at the upper edge."""
    parts = []
    for tick in round_ticks(0.0, 100.0 * top, 6 if spacious else 4):
        y = pct(1.0 - tick / 100.0 / top)
        parts += [line("grid", "0", y, "100%", y), text("0", y, f"{tick:g}", 'dx="-6" dy=".35em"', "end")]
    parts += [line("frame", "0", "100%", "100%", "100%"), line("frame", "0", "0", "0", "100%")]
    for tick in _ACROSS if spacious else _FEW:
        anchor = "middle" if spacious or tick < 1.0 else "end"
        parts.append(text(pct(tick), "100%", f"{100.0 * tick:.0f}", 'dy="16"', anchor))
    return parts


def risk_of(dump: DumpReport, level: float | None) -> Risk | None:
    """The curve of a dump; None if it was not measured. level: of the band."""
    curve = risk_curve(dump, level)
    if curve is None:
        return None
    words = "" if curve.level is None else f"{100.0 * curve.level:g} %"
    return Risk(
        curve=curve,
        top=top_of([curve]),
        level=words,
        description=_description(dump, curve),
        cells=risk_cells(dump),
        thresholds=threshold_cells(dump),
        promise=promise(dump),
        missing=[plain(line, _LINE) for line in missing(dump)],
    )


def on_one_axis(risks: Sequence[Risk], *, others: bool) -> list[Risk]:
    """The curves with the same axes. others: whether each panel has those of the others, too, if they are not many."""
    curves = [one.curve for one in risks]
    top, few = top_of(curves), others and len(curves) <= _MOST_OTHERS
    return [
        replace(one, top=top, others=tuple(other for other in curves if few and other is not one.curve))
        for one in risks
    ]


def _description(dump: DumpReport, curve: RiskCurve) -> str:
    """What the curve shows, for those who cannot see it."""
    half = next(one for one in curve.steps if one.coverage >= min(0.5, curve.steps[-1].coverage))
    sentences = [
        f"Risk-coverage curve of {plain(dump.name, _NAME)}.",
        f"Of all rows {100.0 * curve.error:.2f} % are wrong;",
        f"of the {100.0 * half.coverage:.0f} % most confident, {100.0 * half.risk:.2f} %.",
    ]
    sentences += [
        f"Certified with an error {one.words}: {100.0 * one.coverage:.1f} % of rows." for one in curve.certificates
    ]
    return " ".join(sentences)


def _label(one: Text, where: str) -> str:
    """A text with a halo, as marks lie below it. where: the panels that have it, as the style sheet names them."""
    x, y = pct(one.place[0]), pct(1.0 - one.place[1])
    shift = f'dx="{one.dx:g}" dy="{-one.dy:.3g}"'
    return text(x, y, one.words, f'{shift} class="{"said" if one.role == "ink" else "told"}{where}"', one.anchor)
