"""The content of a page as records of harmless text for the templates: the sentence, the dumps, the overview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from calibeval.core.metrics.image_names import MEANS, MEANS_OF_POSITIVE
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.standing import with_floor
from calibeval.core.report.views import OF_POSITIVE
from calibeval.render.page import tables as html_tables
from calibeval.render.page.cases import CasesView, cases_view
from calibeval.render.page.classes import Classes, class_tables, folded_count
from calibeval.render.page.diagram import Diagram, diagram, legend
from calibeval.render.page.facts import caption, facts, remarks
from calibeval.render.page.images import ImagesView, images_view
from calibeval.render.page.one_class import (
    OneClass,
    one_against_the_rest,
    page_names,
    question,
    question_of_several,
    small_axes,
    without_positive,
)
from calibeval.render.page.repair import Change, changes
from calibeval.render.page.risk import Risk, on_one_axis, risk_of
from calibeval.render.page.scale import Dot, Scale, across, matter, mattering
from calibeval.render.page.slices import Slices, plain_tables, slice_views
from calibeval.render.page.tables import BinRow, MetricRow
from calibeval.render.page.verdict import VerdictView
from calibeval.words import cells
from calibeval.words.gain import GainCells, gain_cells, gain_said
from calibeval.words.logs import automated, log_lines
from calibeval.words.marks import plain, short_names
from calibeval.words.next_step import Step
from calibeval.words.overview import overview, summary, warnings
from calibeval.words.report import headline, repair
from calibeval.words.shown import of_positive
from calibeval.words.sources import made_by
from calibeval.words.tabled import Tabled
from calibeval.words.terms import first_terms

# At most this many classes of all dumps together are folded: a page stays below 1 MB.
MOST_FOLDED = 1000
_NAME, _LINE, _SPOKEN = 120, 400, 36
_MOST_SHOWN = 5
_WIDTHS = dict.fromkeys(("brier", "brier_positive"), "wide wider spare")


@dataclass(frozen=True, slots=True)
class DumpView:
    """One dump. short: its name among other dumps; merged: whether tables merge its bins; after: with its map.

    changes: of a dump after its map, its numbers beside those before. question: the title of the diagram. views: chosen
    classes against the rest. risk: the risk-coverage curve. top: of two classes, the view by the top label. images: of
    segmentations, what is measured image by image. cases: pictures of some images. log: what of a log was
    read and left out.
    """

    id: str
    name: str
    short: str
    headline: str
    facts: str
    log: list[str]
    caption: list[str]
    warnings: list[str]
    remarks: list[str]
    picture: Diagram | None
    legend: str
    scale: Scale | None
    others: list[MetricRow]
    metrics: list[MetricRow]
    classes: Classes | None
    width_bins: list[BinRow]
    mass_bins: list[BinRow]
    merged: bool
    origin: list[tuple[str, str]]
    after: DumpView | None
    slices: list[Slices]
    changes: list[Change]
    tables: list[Tabled] = field(default_factory=list)
    question: str = ""
    views: list[OneClass] = field(default_factory=list)
    risk: Risk | None = None
    gain: str = ""
    gains: list[GainCells] = field(default_factory=list)
    top: DumpView | None = None
    images: ImagesView | None = None
    cases: CasesView | None = None


@dataclass(frozen=True, slots=True)
class OverviewCell:
    """One number of the overview; best: certainly better than the same number of every other dump."""

    text: str
    best: bool


@dataclass(frozen=True, slots=True)
class OverviewRow:
    """One dump of several. name: short; estimate: the corrected error with its interval; verdict: in a few words."""

    id: str
    name: str
    full: str
    rows: str
    cells: list[OverviewCell]
    estimate: str
    verdict: str
    dot: Dot | None


@dataclass(frozen=True, slots=True)
class OverviewHeading:
    """The heading of a metric. width: "wide" and more if it is left out where there is little room."""

    text: str
    width: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Several dumps side by side. error: the name of the drawn error; notes: on marks, and why there are none."""

    headings: list[OverviewHeading]
    error: str
    rows: list[OverviewRow]
    notes: list[str]
    scale: Scale | None


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page. only: the dump, if there is only one."""

    prefix: str
    title: str
    headline: str
    facts: str
    level: str
    version: str
    made_by: str
    warnings: list[str]
    only: DumpView | None
    dumps: list[DumpView]
    overview: Overview
    convention: str
    settings: list[tuple[str, str]]
    citations: list[tuple[str, str, str]]
    legend: str = ""
    verdict: VerdictView | None = None
    step: Step | None = None
    axes: str = ""
    question: str = ""


def page_view(
    report: Report,
    prefix: str = "",
    folded: int = MOST_FOLDED,
) -> PageView:
    """The page of the report.

    prefix: of every id in it, for several pages in one document. folded: how many classes of all dumps together may be
    folded.
    """
    shorts = short_names([dump.name for dump in report.dumps], _NAME // 2)
    room = folded if sum(map(folded_count, report.dumps)) <= folded else 0
    numbered = enumerate(zip(report.dumps, shorts, strict=True), 1)
    dumps = [_dump_view(dump, report, f"{prefix}d{i}", short, room) for i, (dump, short) in numbered]
    seen = [cases_view(dump, report.cases.get(dump.name, ())) for dump in report.dumps]
    dumps = [replace(view, cases=one) for view, one in zip(_on_one_scale(dumps), seen, strict=True)]
    only = dumps[0] if len(dumps) == 1 else None
    names = only.name if only else cells.plural(len(dumps), "dump")
    return PageView(
        prefix=prefix,
        title=f"{names} · calibration report",
        headline=_tight(only.headline if only else summary(report.dumps, shorts)),
        facts=" · ".join([only.facts, *_shared_facts(report)] if only else [names, *_shared_facts(report)]),
        level=cells.level(report),
        version=plain(report.version, _NAME),
        made_by=plain(made_by(report), _NAME),
        warnings=only.warnings if only else [plain(text, _LINE) for text in warnings(report.dumps, shorts)],
        only=only,
        dumps=dumps,
        overview=_overview(report, dumps),
        convention=plain(cells.convention(report), _LINE),
        settings=html_tables.settings(report),
        citations=html_tables.citations(report),
        legend=_legend(f"{prefix}legend", *(dump.picture for dump in dumps)),
        axes=small_axes(report.dumps),
        question=question_of_several(of_positive=all(map(of_positive, report.dumps))),
    )


def _dump_view(dump: DumpReport, report: Report, id_: str, short: str, room: int) -> DumpView:
    positive, shown = of_positive(dump), first_terms(dump)[0]
    names = page_names(dump, report)
    mass = dump.equal_mass or ()
    again = dump.after()
    after, picture = None, diagram(dump)
    if again is not None and dump.recalibrated is not None:
        name = plain(f"With {dump.recalibrated.name}", _NAME)
        view = _dump_view(again, report, f"{id_}-after", name, room)
        said = _tight(plain(repair(dump), _LINE))
        after = replace(view, name=name, headline=said, changes=changes(dump, again, names))
    return DumpView(
        id=id_,
        name=plain(dump.name, _NAME),
        short=short,
        headline=_tight(plain(headline(dump), _LINE)),
        facts=" · ".join(facts(dump)),
        log=[plain(line, _LINE) for line in (*log_lines(dump.source), *automated(dump))],
        caption=[_tight(part) for part in caption(dump)],
        warnings=[plain(warning, _LINE) for warning in dump.warnings],
        remarks=[plain(line, _LINE) for line in remarks(dump)],
        picture=picture,
        legend=_legend(f"{id_}-legend", picture, after.picture if after is not None else None),
        scale=mattering(dump),
        others=html_tables.metric_rows(dump, [name for name in names if name not in matter(dump)]),
        metrics=html_tables.metric_rows(dump, names),
        classes=None if positive else class_tables(dump, room),
        width_bins=html_tables.bin_rows(shown, shown.equal_width),
        mass_bins=[] if positive else html_tables.bin_rows(dump, mass),
        merged=max(len(dump.equal_width), len(mass)) > html_tables.MOST_BIN_ROWS,
        origin=html_tables.origin(dump),
        after=after,
        slices=slice_views(dump, report),
        tables=plain_tables(dump, report.settings),
        changes=[],
        question=question(dump),
        views=one_against_the_rest(dump, id_),
        risk=risk_of(dump, report.settings.level),
        gain=gain_said(dump.metrics),
        gains=gain_cells(dump.metrics),
        images=images_view(dump),
        top=_dump_view(without_positive(dump), report, f"{id_}-top", short, room) if positive else None,
    )


def _on_one_scale(dumps: list[DumpView]) -> list[DumpView]:
    """The dumps with the same scale of all histograms, before a map and after it."""
    pictures = [one.picture for dump in dumps for one in (dump, dump.after) if one is not None]
    top = max((picture.top for picture in pictures if picture is not None), default=1.0)

    def scaled(view: DumpView) -> DumpView:
        picture = None if view.picture is None else replace(view.picture, top=top)
        return replace(view, picture=picture, after=None if view.after is None else scaled(view.after))

    risks = [one.risk for dump in dumps for one in (dump, dump.after) if one is not None and one.risk is not None]
    apart = iter(on_one_axis(risks, others=len(dumps) > 1 and len(risks) == len(dumps)))

    def with_risk(view: DumpView) -> DumpView:
        own = None if view.risk is None else next(apart)
        return replace(view, risk=own, after=None if view.after is None else with_risk(view.after))

    return [with_risk(scaled(dump)) for dump in dumps]


def _legend(id_: str, *pictures: Diagram | None) -> str:
    """The marks of these diagrams; empty if there is none."""
    subjects = [picture.subject for picture in pictures if picture is not None]
    return legend(id_, subjects) if subjects else ""


def _shared_facts(report: Report) -> list[str]:
    """Bins and convention, which every number hangs on."""
    return [f"{report.settings.bins} bins", plain(f"convention {report.settings.convention}", _NAME)]


def _overview(report: Report, dumps: Sequence[DumpView]) -> Overview:
    found = overview(report)
    names = [name for i, name in enumerate(found.main) if i < _MOST_SHOWN or name in (*MEANS, *MEANS_OF_POSITIVE)]
    error = next((name for name in ("ece_positive", "ece") if name in names), "ece")
    scale = across(report.dumps, error)
    dots = iter(() if scale is None else scale.dots)
    rows = []
    for dump, view, line in zip(report.dumps, dumps, found.lines, strict=True):
        numbers = [line.cells.get(name) for name in names]
        shown = [OverviewCell(one.value, one.best) if one else OverviewCell(cells.NULL, best=False) for one in numbers]
        dot = next(dots) if with_floor(dump, error).value is not None else None
        beside = line.cells[error].estimate if error in line.cells else ""
        rows.append(OverviewRow(view.id, view.short, view.name, line.rows, shown, beside, line.verdict, dot))
    always = {error, *OF_POSITIVE, "confidence_gap"} if error in names else {*names[:2]}
    headings = [
        OverviewHeading(cells.heading(name), "" if name in always else _WIDTHS.get(name, "wide")) for name in names
    ]
    return Overview(headings, cells.label(error), rows, list(found.notes), scale)


def _tight(sentence: str) -> str:
    """The sentence without line breaks between numbers and their units."""
    for sign in ("%", "points", "point"):
        sentence = sentence.replace(f" {sign}", f"\N{NO-BREAK SPACE}{sign}")
    return sentence
