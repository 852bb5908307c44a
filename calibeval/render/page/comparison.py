"""A comparison as one self-contained web page: a sentence for each candidate, differences with whiskers, details."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from calibeval.core.comparison.comparison import Candidate, ComparedDump, Comparison
from calibeval.core.metrics.table import EVERY
from calibeval.render.page.changes import Changes, Overlay, changes, overlaid
from calibeval.render.page.one_class import question_of_several
from calibeval.render.page.page import fragment_of, whole_page
from calibeval.render.page.risk import BothRisks, both_risks
from calibeval.words import cells
from calibeval.words import comparison as shown
from calibeval.words.comparison import Row
from calibeval.words.marks import plain
from calibeval.words.shown import sliced
from calibeval.words.sources import files_of_sums, remote_file

_NAME, _LINE = 120, 400
_MOST_SLICES = 40


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric: its numbers as text."""

    text: Row
    title: str
    sign: str


@dataclass(frozen=True, slots=True)
class SliceCell:
    """One difference; sign: colour where it is likely or certain; mark: what it means, in a word."""

    text: str
    sign: str
    mark: str
    value: str = ""


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
    """One candidate against the base. more: sentences after the headline; cells: of the table of several."""

    id: str
    name: str
    short: str
    headline: str
    more: list[str]
    facts: str
    warnings: list[str]
    remarks: list[str]
    rows: list[MetricView]
    question: str
    picture: Overlay | None
    risk: BothRisks | None
    changes: Changes
    cells: list[SliceCell]
    slices: list[SlicesView]
    origin: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """The whole page. several: the sentence about several candidates; labels, values: of the base in their table."""

    title: str
    version: str
    level: str
    base: str
    origin: list[tuple[str, str]]
    short: str
    several: str
    labels: list[str]
    values: list[str]
    candidates: list[CandidateView]
    settings: list[tuple[str, str]]
    convention: str
    marks: str
    sheet: str = "compare.css"


def render(comparison: Comparison) -> str:
    """The page. The same comparison gives the same bytes; the page loads nothing."""
    return whole_page("compare.html.j2", _view(comparison))


def fragment(comparison: Comparison, text: str = "") -> str:
    """The content of the page for a notebook. text: shown instead where styles are stripped."""
    prefix = f"c{hashlib.sha256(comparison.to_json().encode(errors='backslashreplace')).hexdigest()[:8]}-"
    return fragment_of("compare_body.html.j2", _view(comparison, prefix), text)


def _view(comparison: Comparison, prefix: str = "") -> ComparisonView:
    """The comparison for the template. prefix: of every id, for several pages in one document."""
    names = ", ".join(plain(candidate.name, _NAME) for candidate in comparison.candidates)
    settings = [(k, v if isinstance(v, str) else json.dumps(v)) for k, v in comparison.settings.to_dict().items()]
    base = plain(comparison.base.name, _NAME)
    together = len(comparison.candidates) > 1
    tables = [{row.name: row for row in shown.rows(one.differences)} for one in comparison.candidates]
    compared = shown.side_by_side(comparison)
    first = [next(table[name] for table in tables if name in table) for name in compared]
    return ComparisonView(
        title=plain(f"{names} against {base} · comparison", _LINE),
        version=plain(comparison.version, _NAME),
        level=shown.level(comparison),
        base=base,
        origin=_origin(comparison.base),
        short=plain(shown.short(comparison)[comparison.base.name], _NAME),
        several=plain(shown.several(comparison), _LINE) if together else "",
        labels=[f"{row.label} {row.unit}".strip() for row in first],
        values=[row.base for row in first],
        candidates=[
            _candidate(one, comparison, f"{prefix}c{i}", [_cell(table.get(name)) for name in compared])
            for i, (one, table) in enumerate(zip(comparison.candidates, tables, strict=True), 1)
        ],
        settings=[(plain(key, _NAME), plain(value, _LINE)) for key, value in settings],
        convention=shown.convention(comparison),
        marks=shown.MARKS,
    )


def _candidate(candidate: Candidate, comparison: Comparison, id_: str, compared: list[SliceCell]) -> CandidateView:
    rows = shown.rows(candidate.differences)
    lines = (*shown.reasons(candidate.differences), *shown.remarks(candidate.differences))
    columns = dict.fromkeys(one.column for one in candidate.slices)
    said = [plain(line, _LINE) for line in shown.sentences(comparison, candidate)]
    return CandidateView(
        id=id_,
        name=plain(candidate.name, _NAME),
        short=plain(shown.short(comparison)[candidate.name], _NAME),
        headline=said[0],
        more=said[1:],
        facts=" · ".join(shown.facts(candidate)),
        warnings=[plain(line, _LINE) for line in candidate.warnings],
        remarks=[plain(line, _LINE) for line in lines],
        rows=[MetricView(row, _title(row.name), row.tone) for row in rows],
        question=question_of_several(of_positive=candidate.dump.positive is not None),
        picture=overlaid(comparison, candidate, id_, said[0]),
        risk=both_risks(comparison.base, candidate.dump, f"{id_}-risk", _files(comparison, candidate)),
        changes=changes(candidate.differences, rows),
        cells=compared,
        slices=[_slices(column, candidate) for column in columns],
        origin=_origin(candidate.dump),
    )


def _files(comparison: Comparison, candidate: Candidate) -> tuple[str, str]:
    shorts = shown.short(comparison)
    return plain(shorts[comparison.base.name], _NAME // 2), plain(shorts[candidate.name], _NAME // 2)


def _title(name: str) -> str:
    return EVERY[name].title if name in EVERY else ""


def _slices(column: str, candidate: Candidate) -> SlicesView:
    found = [one for one in candidate.slices if one.column == column]
    tables = [{row.name: row for row in shown.rows(one.differences)} for one in found]
    names = [name for name in sliced(tables[0]) if any(name in table and table[name].interval for table in tables)]
    lines = [
        SliceLine(plain(one.value, _NAME), f"{one.n:,}", [_cell(table.get(name)) for name in names])
        for one, table in zip(found[:_MOST_SLICES], tables, strict=False)
    ]
    labels = [cells.heading(name) for name in names]
    rest = len(found) - len(lines)
    return SlicesView(plain(column, _NAME), labels, lines, f" {rest} more are in compare.json." if rest else "")


def _cell(row: Row | None) -> SliceCell:
    if row is None:
        return SliceCell("", "", "")
    return SliceCell(row.difference, row.tone, row.marked, row.candidate)


def _origin(dump: ComparedDump) -> list[tuple[str, str]]:
    source = dump.source
    facts = [
        ("file", source.path),
        ("shards", None if source.shards is None else f"{source.shards:,}"),
        ("split", source.split),
        ("SHA-256", source.sha256),
        ("remote file", remote_file(source.remote)),
        ("format", "saved report" if dump.report else source.format),
        ("scores", dump.kind),
        ("rows", f"{dump.n:,}"),
        ("classes", "unknown: top label only" if dump.k is None else f"{dump.k:,}"),
        ("rows ignored", f"{dump.ignored:,}"),
    ]
    facts += files_of_sums(source)
    return [(name, plain(fact, _LINE)) for name, fact in facts if fact is not None]
