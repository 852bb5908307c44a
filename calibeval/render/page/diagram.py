"""The reliability diagram and the histogram of a page: the marks of `render.drawing` with the text around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from calibeval.core.report.report import DumpReport
from calibeval.core.report.standing import bin_stands_out
from calibeval.render.drawing.captions import counted
from calibeval.render.drawing.content import Subject
from calibeval.render.drawing.legend import Entry, entries
from calibeval.render.drawing.letters import text_width
from calibeval.render.drawing.marks import Mark
from calibeval.render.drawing.reliability import FEW_TICKS, TICKS, histogram, overlaid, said, square
from calibeval.render.page.marks import hatch_patterns, line, pct, text, written
from calibeval.words.cells import plural
from calibeval.words.marks import round_ticks
from calibeval.words.signs import bin_range, signed_points

# Row counts are 11 pixels high. All that fit into WIDE pixels are shown from there on, and below those that fit NARROW.
_COUNT_SIZE, _WIDE, _NARROW = 11.0, 420.0, 250.0


@dataclass(frozen=True, slots=True)
class MeanLine:
    """A vertical line in the histogram; its label is in row 0 or 1 above it, to the left ("end") or right ("start")."""

    role: str
    name: str
    x: float
    row: int
    anchor: str

    @property
    def words(self) -> str:
        """The label."""
        return f"{self.name} {100 * self.x:.1f} %"


@dataclass(frozen=True, slots=True)
class Diagram:
    """One subject as a page shows it.

    top: the share of rows at the upper edge of the histogram. description: what is drawn, for those who cannot see it.
    """

    subject: Subject
    top: float
    description: str

    @property
    def drawn(self) -> int:
        """The number of bins if fewer are drawn than were measured, else 0."""
        return len(self.subject.bins) if len(self.subject.bins) < self.subject.measured else 0

    @property
    def up(self) -> str:
        """What the diagram's vertical axis is."""
        return f"{self.subject.terms.up}, %"

    @property
    def across(self) -> str:
        """What the horizontal axis is, and what is below."""
        return f"{self.subject.terms.across}, % · below: share of rows, %"

    def panels(self, id_: str, finding: str, *, spacious: bool) -> Markup:
        """The diagram and the histogram. id_: begins all ids. finding: what they show. spacious: with all words."""
        ticks = TICKS if spacious else FEW_TICKS
        inner = written(square(self.subject, spots=spacious), id_)
        head = f'<title id="{id_}-t">{escape(finding)}</title><desc id="{id_}-d">{escape(self.description)}</desc>'
        role = f'role="img" aria-labelledby="{id_}-t {id_}-d"'
        parts = [
            f'<div class="panel"><svg class="square" {role}>{head}{hatch_patterns(id_)}{_frame(inner, ticks)}</svg>',
            self._histogram(ticks, spacious=spacious),
            "</div>",
        ]
        return Markup("\n".join(parts))  # noqa: S704 - all text is escaped above

    def _histogram(self, ticks: Sequence[float], *, spacious: bool) -> str:
        """Shares of rows, both means, and below them the row counts."""
        lines = mean_lines(self.subject)
        shares = round_ticks(0.0, 100.0 * self.top, 3)
        shown = shares if spacious else shares[-1:]
        spoken = escape(", ".join(one.words for one in lines))
        parts = [f'<svg class="rows" role="img" aria-label="{spoken}">']
        for share in shown:
            y = pct(1 - share / 100 / self.top)
            parts += [line("grid", "0", y, "100%", y), text("0", y, f"{share:g}", 'dx="-6" dy=".35em"', "end")]
        parts += [written(histogram(self.subject, self.top), ""), line("frame", "0", "100%", "100%", "100%")]
        parts += [_tick(tick, 'dy="32"' if spacious else 'dy="16"', spacious=spacious) for tick in ticks]
        for one in lines:
            start = (-34, -18)[one.row] if spacious else -6
            parts.append(line(one.role, pct(one.x), str(start), pct(one.x), "100%"))
        if spacious:
            for one in lines:
                place = f'dx="{-5 if one.anchor == "end" else 5}" class="said"'
                parts.append(text(pct(one.x), str((-24, -8)[one.row]), one.words, place, one.anchor))
            parts += self._counts()
        return "".join([*parts, "</svg>"])

    def _counts(self) -> list[str]:
        """The rows of each bin, as many as fit side by side; on narrow screens fewer."""
        wide, narrow = (counted(self.subject.filled, room, _count_width) for room in (_WIDE, _NARROW))
        always = {b.lower for b, _ in narrow}
        parts = [text("0", "100%", "rows", 'class="rowcount" dx="-6" dy="15"', "end")]
        for b, words in sorted({*wide, *narrow}, key=lambda one: one[0].lower):
            roomy = (b, words) in wide
            role = "rowcount" if b.lower in always and roomy else "rowcount roomy" if roomy else "rowcount tight"
            parts.append(text(pct(0.5 * (b.lower + b.upper)), "100%", words, f'class="{role}" dy="15"', "middle"))
        return parts


def diagram(dump: DumpReport, top: float | None = None) -> Diagram | None:
    """The diagram of P(positive class) of two classes, else of the top label; None without rows.

    top: as in `Diagram`, if it is shared.
    """
    subject = Subject.of_dump(dump)
    return None if subject is None else of_subject(subject, top)


def of_subject(subject: Subject, top: float | None = None) -> Diagram:
    """The diagram of a subject. top: as in `Diagram`, if it is shared."""
    return Diagram(subject, subject.top if top is None else top, _description(subject))


def legend(id_: str, subjects: Sequence[Subject]) -> Markup:
    """The list of marks, and of both hatches' names."""
    return listed(id_, entries(subjects))


def listed(id_: str, found: Sequence[Entry]) -> Markup:
    """The entries of a legend as a list."""
    items = "".join(_item(f"{id_}{i}", entry) for i, entry in enumerate(found))
    return Markup(f'<ul class="legend">{items}</ul>')  # noqa: S704 - our own words, and escaped


def overlay(
    first: Subject, second: Subject, id_: str, finding: str, names: tuple[str, str], files: tuple[str, str]
) -> Markup:
    """Two subjects in one frame; dots are bins. names: for the numbers of a bin; the legend has those of files, too."""
    head = f'<title id="{id_}-t">{escape(finding)}</title>'
    inner = written(overlaid(first, second, names), id_)
    items = "".join(
        f'<li><svg aria-hidden="true">{line(role, "0", "6", "22", "6")}<circle class="{role}" cx="11" cy="6" r="4"/>'
        f"</svg>{escape(name)}: <bdi>{escape(file)}</bdi></li>"
        for role, name, file in zip(("first", "second"), names, files, strict=True)
    )
    return Markup(  # noqa: S704 - all text is escaped above
        f'<div class="panel"><svg class="square alone" role="img" aria-labelledby="{id_}-t">{head}'
        f'{_frame(inner, TICKS)}</svg></div><ul class="legend">{items}</ul>'
    )


def mean_lines(subject: Subject) -> tuple[MeanLine, ...]:
    """Accuracy and mean confidence, the left one first; labels in two rows hide neither each other nor a line.

    Both labels go to the side with more room; if the lines are far apart, each label points inwards from its line.
    """
    terms = subject.terms
    named = [
        (subject.observed, "mean observed", terms.observed),
        (subject.predicted, "mean predicted", terms.predicted),
    ]
    (left, *_), (right, *_) = ordered = sorted(named)
    if left >= 0.36 and (left + right >= 1.0 or right > 0.64):
        anchors, rows = ("end", "end"), (1, 0)
    elif right <= 0.64:
        anchors, rows = ("start", "start"), (0, 1)
    else:
        anchors, rows = ("start", "end"), (0, 1)
    places = zip(ordered, rows, anchors, strict=True)
    return tuple(MeanLine(role, name, x, row, anchor) for (x, role, name), row, anchor in places)


def _frame(inner: str, ticks: Sequence[float]) -> str:
    """Marks between a grid and the axes, with the same numbers on both."""
    grid = "".join(
        line("grid", "0", pct(1 - tick), "100%", pct(1 - tick))
        + text("0", pct(1 - tick), f"{100 * tick:.0f}", 'dx="-6" dy=".35em"', "end")
        for tick in ticks
    )
    below = "".join(_tick(tick, 'dy="16"', spacious=len(ticks) > 3) for tick in ticks)
    return f"{grid}{inner}{line('frame', '0', '100%', '100%', '100%')}{below}"


def _tick(tick: float, place: str, *, spacious: bool) -> str:
    anchor = "middle" if spacious or tick < 1.0 else "end"
    return text(pct(tick), "100%", f"{100 * tick:.0f}", place, anchor)


def _count_width(words: str) -> float:
    return text_width(words, _COUNT_SIZE)


def _item(id_: str, entry: Entry) -> str:
    marks: tuple[Mark, ...] = entry.marks
    hatched = any(getattr(mark, "hatch", "") for mark in marks)
    inner = (hatch_patterns(id_) if hatched else "") + written(marks, id_)
    return f'<li><svg aria-hidden="true">{inner}</svg>{escape(entry.words)}</li>'


def _description(subject: Subject) -> str:
    """What the diagram shows, for those who cannot see it; nothing of noise where that is unknown."""
    filled = subject.filled
    outstanding = [b for b in filled if bin_stands_out(b, subject.noise)]
    fullest = max(filled, key=lambda b: b.count)
    told = f"Beyond noise: {len(outstanding)} of {plural(len(filled), 'filled bin')}."
    sentences = [] if subject.noise is None else [told]
    if outstanding:
        worst = max(outstanding, key=lambda b: b.mass * abs(b.gap or 0.0))
        where, gap = bin_range(worst), signed_points(worst.gap or 0)
        sentences.append(f"The largest part of the error is in bin {where}, with a gap of {gap}.")
    sentences.append(f"The fullest bin is {said(fullest, subject.terms)}.")
    return " ".join(sentences)
