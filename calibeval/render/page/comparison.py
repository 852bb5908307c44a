"""A comparison as one self-contained web page: a sentence for each candidate, differences with whiskers, details."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison, Difference
from calibeval.core.metrics.table import METRICS
from calibeval.render.page.marks import Tick, pct
from calibeval.render.page.page import fragment_of, whole_page
from calibeval.render.page.scale import Dot
from calibeval.words import cells
from calibeval.words import comparison as shown
from calibeval.words.comparison import Row
from calibeval.words.difference import Change
from calibeval.words.marks import plain, round_ticks

_NAME, _LINE = 120, 400
_SLICED = ("ece", "nll", "accuracy")
_MOST_SLICES = 40
_ROOM = 0.04


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric: its numbers as text, and its difference on the scale if its unit is percent."""

    text: Row
    title: str
    dot: Dot | None


@dataclass(frozen=True, slots=True)
class SliceCell:
    """One difference of one slice; sign: colour where it is likely or certain."""

    text: str
    sign: str


@dataclass(frozen=True, slots=True)
class SliceLine:
    """One slice."""

    value: str
    n: str
    cells: list[SliceCell]


@dataclass(frozen=True, slots=True)
class SlicesView:
    """The slices of one column; more: a sentence on how many are left out."""

    column: str
    labels: list[str]
    lines: list[SliceLine]
    more: str


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One candidate against the base. more: sentences after the headline; ticks: of the axis of its differences."""

    name: str
    headline: str
    more: list[str]
    facts: str
    warnings: list[str]
    remarks: list[str]
    rows: list[MetricView]
    ticks: tuple[Tick, ...]
    slices: list[SlicesView]
    origin: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """The whole page."""

    title: str
    version: str
    level: str
    base: str
    origin: list[tuple[str, str]]
    candidates: list[CandidateView]
    settings: list[tuple[str, str]]
    convention: str


def render(comparison: Comparison) -> str:
    """The page. The same comparison gives the same bytes; the page loads nothing."""
    return whole_page("compare.html.j2", _view(comparison))


def fragment(comparison: Comparison, text: str = "") -> str:
    """The content of the page for a notebook. text: shown instead where styles are stripped."""
    return fragment_of("compare_body.html.j2", _view(comparison), text)


def _view(comparison: Comparison) -> ComparisonView:
    """The comparison for the template."""
    names = ", ".join(plain(candidate.name, _NAME) for candidate in comparison.candidates)
    settings = [(k, v if isinstance(v, str) else json.dumps(v)) for k, v in comparison.settings.to_dict().items()]
    base = plain(comparison.base.name, _NAME)
    return ComparisonView(
        title=plain(f"{names} against {base} · comparison", _LINE),
        version=plain(comparison.version, _NAME),
        level=shown.level(comparison),
        base=base,
        origin=_origin(comparison.base),
        candidates=[_candidate(candidate, comparison) for candidate in comparison.candidates],
        settings=[(plain(key, _NAME), plain(value, _LINE)) for key, value in settings],
        convention=shown.convention(comparison),
    )


def _candidate(candidate: Candidate, comparison: Comparison) -> CandidateView:
    rows = shown.rows(candidate.differences)
    dots, ticks = _scale([candidate.differences[row.name] for row in rows], rows)
    lines = (*shown.reasons(candidate.differences), *shown.remarks(candidate.differences))
    columns = dict.fromkeys(one.column for one in candidate.slices)
    said = [plain(line, _LINE) for line in shown.sentences(comparison, candidate)]
    return CandidateView(
        name=plain(candidate.name, _NAME),
        headline=said[0],
        more=said[1:],
        facts=" · ".join(shown.facts(candidate)),
        warnings=[plain(line, _LINE) for line in candidate.warnings],
        remarks=[plain(line, _LINE) for line in lines],
        rows=[MetricView(row, _title(row.name), dots.get(row.name)) for row in rows],
        ticks=ticks,
        slices=[_slices(column, candidate) for column in columns],
        origin=_origin(candidate.dump),
    )


def _title(name: str) -> str:
    return METRICS[name].title if name in METRICS else ""


def _scale(differences: Sequence[Difference], rows: Sequence[Row]) -> tuple[dict[str, Dot], tuple[Tick, ...]]:
    """The differences of metrics in percent as dots with whiskers around 0, and the axis that they share.

    The MCE is only in the table: as the gap of a single bin, it would make all others look small.
    """
    pairs = zip(differences, rows, strict=True)
    there = [(d, row) for d, row in pairs if row.unit == "%" and row.interval and row.name != "mce"]
    ends = [end for d, _ in there for end in (d.difference, d.low, d.high) if end is not None]
    if not ends:
        return {}, ()
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = _ROOM * (high - low) or 0.01
    low, high = low - room, high + room

    def place(value: float | None) -> str:
        return "" if value is None else pct((value - low) / (high - low))

    dots = {
        d.name: Dot(
            label=row.label,
            title=_title(d.name),
            value=row.difference,
            unit=row.unit,
            interval=row.interval,
            floor="",
            verdict=row.change.short,
            place=place(d.difference),
            low=place(d.low),
            high=place(d.high),
            noise="",
            noise_width="",
            expected=place(0.0),
            beyond=d.likely,
            sign=_sign(row.change),
        )
        for d, row in there
    }
    ticks = round_ticks(100 * low, 100 * high)
    return dots, tuple(Tick(place(tick / 100), f"{tick:g}".replace("-", "\N{MINUS SIGN}")) for tick in ticks)


def _slices(column: str, candidate: Candidate) -> SlicesView:
    found = [one for one in candidate.slices if one.column == column]
    tables = [{row.name: row for row in shown.rows(one.differences)} for one in found]
    names = [name for name in _SLICED if any(name in table and table[name].interval for table in tables)]
    lines = [
        SliceLine(plain(one.value, _NAME), f"{one.n:,}", [_cell(table.get(name)) for name in names])
        for one, table in zip(found[:_MOST_SLICES], tables, strict=False)
    ]
    labels = [cells.heading(name) for name in names]
    rest = len(found) - len(lines)
    return SlicesView(plain(column, _NAME), labels, lines, f" {rest} more are in compare.json." if rest else "")


def _cell(row: Row | None) -> SliceCell:
    return SliceCell("", "") if row is None else SliceCell(row.difference, _sign(row.change))


def _origin(dump: ComparedDump) -> list[tuple[str, str]]:
    source = dump.source
    facts = [
        ("file", source.path),
        ("split", source.split),
        ("SHA-256", source.sha256),
        ("format", "saved report" if dump.report else source.format),
        ("scores", dump.kind),
        ("rows", f"{dump.n:,}"),
        ("classes", "unknown: top label only" if dump.k is None else f"{dump.k:,}"),
        ("rows ignored", f"{dump.ignored:,}"),
    ]
    return [(name, plain(fact, _LINE)) for name, fact in facts if fact is not None]


def _sign(change: Change) -> str:
    return "under" if change.better else "over" if change.worse else ""
