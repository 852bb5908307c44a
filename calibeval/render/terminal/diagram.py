"""The reliability diagram drawn in characters, with the confidence histogram next to it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.report.report import Bin, DumpReport
from calibeval.core.report.rows import joined_facts
from calibeval.core.report.standing import bin_judge, standing_in, with_floor
from calibeval.core.report.views import seen_as
from calibeval.render.terminal.sheet import OVER, QUIET, UNDER, Column, Sheet, gap_style, table, total_width
from calibeval.words import cells
from calibeval.words.signs import bin_range, signed
from calibeval.words.terms import Terms, first_terms, terms_of

MOST_ROWS, MOST_OF_IMAGES = 20, 8
MOST_CELLS = 72
HISTOGRAM_CELLS = 8
# With shorter bars the histogram next to them is left out.
_SHORT_BAR = 24


def first_diagram(dump: DumpReport, sheet: Sheet) -> list[RenderableType]:
    """The diagram of a first view: of two classes, P(positive class) against the share of its label."""
    return diagram(*first_terms(dump), sheet, MOST_ROWS if dump.per_image is None else MOST_OF_IMAGES)


def class_diagrams(dump: DumpReport, sheet: Sheet) -> list[list[RenderableType]]:
    """The diagrams of chosen classes of more than two, each against the rest, with their gap and error above them."""
    found: list[list[RenderableType]] = []
    for view in dump.class_views or ():
        seen, terms = seen_as(dump, view), terms_of(view)
        ece, gap = (with_floor(seen, name) for name in ("ece", "confidence_gap"))
        lead = f"{terms.short} against the rest: gap {cells.value(gap)} points, calibration error {cells.value(ece)} %"
        standing = standing_in(seen, "ece")
        lead += f" ({standing.short})" if standing is not None else ""
        found.append([Text(sheet.text(lead)), *diagram(seen, terms, sheet)])
    return found


def diagram(dump: DumpReport, terms: Terms, sheet: Sheet, most: int = MOST_ROWS) -> list[RenderableType]:
    """Table of the non-empty bins, highest confidence first, with a legend; empty for a dump without rows.

    most: rows; more bins are merged.
    """
    filled, merged = _few([b for b in dump.equal_width if b.count], most)
    if not filled:
        return []
    filled, whole = filled[::-1], _merge(filled)
    lead = [
        Column(sheet.text(terms.short), [*_ranges(filled, sheet), "all rows"], left=True),
        Column("rows", [f"{b.count:,}" for b in (*filled, whole)]),
    ]
    judge = bin_judge(dump)
    beyond = [*map(judge, filled), _whole_beyond(dump, judge(whole))]
    gaps = Column("gap", [_gap(b, out, sheet) for b, out in zip((*filled, whole), beyond, strict=True)])
    histogram = Column("", [*_histogram([b.count for b in filled], sheet), ""], left=True)
    cells = _room(sheet, [*lead, histogram, gaps])
    if cells >= _SHORT_BAR:
        lead.append(histogram)
    else:
        cells = _room(sheet, [*lead, gaps])
    bars: list[str | Text] = [*(_bar(b, cells, sheet) for b in filled), _means(whole, cells, terms.letters)]
    return [
        table([*lead, Column(_title(cells, terms), bars, left=True), gaps]),
        *_legend(filled, whole, merged, beyond, terms, sheet),
    ]


def _whole_beyond(dump: DumpReport, by_bins: bool | None) -> bool | None:
    """Whether the gap of all rows is beyond noise, as the table of metrics says it; by_bins: if that does not."""
    standing = standing_in(dump, "confidence_gap")
    return by_bins if standing is None else standing.beyond_noise


def _title(cells: int, terms: Terms) -> str:
    """The heading of the bars, with the end of their scale if there is room for it."""
    long = f"{terms.observed} and its gap to {terms.short}"
    title = long if cells >= len(long) + 10 else terms.observed
    return title + "100 %".rjust(cells - len(title)) if cells >= 16 else title


def _room(sheet: Sheet, others: Sequence[Column]) -> int:
    """Cells for the bars; one more is kept for the mark of confidence 1."""
    return min(MOST_CELLS, max(8, sheet.width - total_width([*others, Column("", [])])))


def _few(bins: list[Bin], most: int) -> tuple[list[Bin], int]:
    """At most so many bins, and how many neighbours are merged into each of them; merging is exact."""
    size = -(-len(bins) // most)
    if size <= 1:
        return bins, 1
    return [_merge(bins[i : i + size]) for i in range(0, len(bins), size)], size


def _merge(bins: list[Bin]) -> Bin:
    count = sum(b.mass for b in bins)
    confidence = sum(b.mass * (b.confidence or 0.0) for b in bins) / count
    accuracy = sum(b.mass * (b.accuracy or 0.0) for b in bins) / count
    rows, gap = sum(b.count for b in bins), confidence - accuracy
    return Bin(bins[0].lower, bins[-1].upper, rows, confidence, accuracy, gap, **joined_facts(bins))


def _ranges(bins: list[Bin], sheet: Sheet) -> list[str]:
    """The limits of the bins, all with as many decimals as the narrowest needs."""
    narrowest = bin_range(min(bins, key=lambda b: b.upper - b.lower))
    decimals = len(narrowest.split()[-1]) - 2
    return [sheet.text(bin_range(b, decimals)) for b in bins]


def _gap(row: Bin, beyond: bool | None, sheet: Sheet) -> Text:
    """The signed gap in points; in brackets where the bin's rows could show as much by chance. None: not known."""
    gap = row.gap or 0.0
    number = sheet.text(signed(100 * gap, 1))
    return Text(f"({number})", QUIET) if beyond is False else Text(f"{number} ", gap_style(gap) if beyond else "")


def _histogram(counts: list[int], sheet: Sheet) -> list[str]:
    """A bar for every count; the longest has HISTOGRAM_CELLS cells, and even one row gives a visible bar."""
    parts = sheet.glyphs.eighths
    lines = []
    for count in counts:
        steps = max(1, round(count / max(counts) * HISTOGRAM_CELLS * len(parts)))
        full, rest = divmod(steps, len(parts))
        lines.append(parts[-1] * full + (parts[rest - 1] if rest else ""))
    return lines


def _bar(row: Bin, cells: int, sheet: Sheet) -> Text:
    """Solid up to the smaller of accuracy and confidence, then the gap by its sign; the mark is at the confidence."""
    glyphs, accuracy, confidence = sheet.glyphs, row.accuracy or 0.0, row.confidence or 0.0
    last = cells - len(glyphs.mark)
    kept, end = round(min(accuracy, confidence) * last), round(max(accuracy, confidence) * last)
    sign, style = (glyphs.over, OVER) if confidence > accuracy else (glyphs.under, UNDER)
    bar = Text.assemble((glyphs.solid * kept), (sign * (end - kept), style))
    if not glyphs.mark:
        return bar
    at = round(confidence * last)
    return Text.assemble(bar[:at], glyphs.mark, bar[at:]) if at else Text.assemble(glyphs.mark, bar)


def _means(whole: Bin, cells: int, letters: tuple[str, str]) -> Text:
    """A line with A at the accuracy and C at the mean confidence of all rows, on the scale of the bars.

    letters: A and C, or others.
    """
    accuracy, confidence = whole.accuracy or 0.0, whole.confidence or 0.0
    a, c = round(accuracy * (cells - 1)), round(confidence * (cells - 1))
    if a == c and a:
        a, c = (a - 1, c) if accuracy < confidence else (a, c - 1)
    line = [" "] * cells
    line[a], line[c if c != a else 1] = letters
    return Text("".join(line).rstrip())


def _legend(
    bins: list[Bin], whole: Bin, merged: int, beyond: Sequence[bool | None], terms: Terms, sheet: Sheet
) -> list[Text]:
    """What the signs that are in the diagram mean."""
    glyphs = sheet.glyphs
    means = zip(terms.letters, (terms.observed, terms.predicted), (whole.accuracy, whole.confidence), strict=True)
    parts = [f"{letter} {name} {100 * (share or 0.0):.2f} %" for letter, name, share in means]
    if any((b.gap or 0.0) > 0 for b in bins):
        parts.append(f"{glyphs.over} {terms.higher}")
    if any((b.gap or 0.0) < 0 for b in bins):
        parts.append(f"{glyphs.under} {terms.lower}")
    parts += [f"{glyphs.mark} {terms.short}"] if glyphs.mark else []
    parts += ["(gap) within noise"] if False in beyond else []
    parts += ["too few groups to tell gaps from noise"] if None in beyond else []
    parts += [f"{merged} bins per line"] if merged > 1 else []
    return [Text(line, QUIET) for line in sheet.flow(parts)]
