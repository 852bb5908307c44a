"""The numbers of a comparison as text, for every view: signed differences, intervals, p, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calibeval.core.comparison.comparison import Candidate, Comparison, Difference
from calibeval.core.metrics.image_names import FIRST, FIRST_OF_POSITIVE
from calibeval.core.metrics.result import MetricResult
from calibeval.words import cells
from calibeval.words.candidate import comparison_headline
from calibeval.words.difference import (
    CERTAIN_MARK,
    Change,
    change,
    difference_decimals,
    finding,
    marked,
    told,
    tone,
)
from calibeval.words.digits import scaled
from calibeval.words.marks import short_names
from calibeval.words.names import about, isolated
from calibeval.words.positive import class_fact
from calibeval.words.shown import MAIN, compared_among, compares_positive
from calibeval.words.signs import signed

_NAME = 48
# What a first view shows in full; the other metrics are named in a line.
MARKS = f"{CERTAIN_MARK} certain (p < 0.001); without it likely (p < 0.05); no word: this sample cannot tell"
MAIN_OF_POSITIVE = ("gap_positive", "ece_positive", "nll", "brier_positive", "accuracy")  # of two classes
# Of several candidates, calibration first.
SEVERAL = ("ece", "accuracy", "confidence_gap", "nll", "brier")
SEVERAL_OF_POSITIVE = ("ece_positive", "gap_positive", "accuracy", "nll", "brier_positive")


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of a comparison, as text.

    change: what the difference means; finding: in words; marked: in a cell; tone: "better" or "worse", for colours.
    """

    name: str
    label: str
    unit: str
    base: str
    candidate: str
    difference: str
    interval: str
    p: str
    detectable: str
    change: Change
    finding: str
    marked: str
    tone: str


def rows(differences: Mapping[str, Difference]) -> list[Row]:
    """Every metric that tables show, in the order of the comparison."""
    return [_row(differences[name]) for name in compared_among(differences)]


def first_rows(differences: Mapping[str, Difference]) -> tuple[list[Row], str]:
    """The rows of a first view, and in a line what the other metrics show; every row if metrics were chosen.

    >>> first_rows({"ece": Difference("ece", 0.1, 0.1, 0.0, 0.0, 0.0, 1.0, 0.0, same=True)})[1]
    ''
    """
    every = {row.name: row for row in rows(differences)}
    positive = compares_positive(differences)
    names, of_images = (MAIN_OF_POSITIVE, FIRST_OF_POSITIVE) if positive else (MAIN, FIRST)
    main = [every[name] for name in names if name in every]
    if len(main) < len(names):
        return [*every.values()], ""
    main += [every[name] for name in of_images if name in every]
    found: dict[str, list[str]] = {}
    for row in every.values():
        if row.name not in (*names, *of_images) and not (row.name == "brier" and "brier_positive" in names):
            found.setdefault(row.finding, []).append(row.label)
    return main, " · ".join(f"{', '.join(labels)}: {words}" for words, labels in found.items())


def _row(difference: Difference) -> Row:
    name, places, found = difference.name, difference_decimals(difference), change(difference)
    numbers = (difference.base, difference.candidate)
    base, candidate = (cells.value(MetricResult(name, number)) for number in numbers)
    same, number = found is Change.SAME, told(difference)
    there = not same and difference.low is not None and difference.high is not None
    p = None if same else difference.p if difference.p_holm is None else difference.p_holm
    power = None if same else difference.detectable
    return Row(
        name=name,
        label=cells.label(name),
        unit=cells.unit(name),
        base=base,
        candidate=candidate,
        difference="0" if same else cells.NULL if number is None else _signed(name, number, places),
        interval=_interval(difference, places) if there else "",
        p="" if p is None else cells.p_value(p),
        detectable="" if power is None else f"{scaled(name, power):.{places}f}",
        change=found,
        finding=finding(difference),
        marked=marked(difference),
        tone=tone(difference),
    )


def _signed(name: str, number: float, places: int) -> str:
    return signed(scaled(name, number), places)


def _interval(difference: Difference, places: int) -> str:
    low, high = (_signed(difference.name, end or 0.0, places) for end in (difference.low, difference.high))
    return f"{low} to {high}"


def short(comparison: Comparison) -> dict[str, str]:
    """The names of base and candidates, as short as possible."""
    names = [comparison.base.name, *(one.name for one in comparison.candidates)]
    return dict(zip(names, short_names(names, _NAME), strict=True))


def side_by_side(comparison: Comparison) -> list[str]:
    """The metrics in the table of several candidates: the usual ones, or those that were chosen."""
    tables = [compared_among(one.differences) for one in comparison.candidates]
    there = list(dict.fromkeys(name for table in tables for name in table))
    usual = SEVERAL_OF_POSITIVE if _all_positive(comparison) else SEVERAL
    return list(usual) if {*usual} <= {*there} else there


def _all_positive(comparison: Comparison) -> bool:
    return all(compares_positive(one.differences) for one in comparison.candidates)


def several(comparison: Comparison) -> str:
    """How many candidates are better calibrated than the base, worse, or neither, in one line."""
    name, count = short(comparison)[comparison.base.name], len(comparison.candidates)
    ece = "ece_positive" if _all_positive(comparison) else "ece"
    found = [change(one.differences[ece]) for one in comparison.candidates if ece in one.differences]
    if not found:
        return f"{cells.plural(count, 'candidate')} against {isolated(name)}."
    better, worse = (sum(getattr(one, way) for one in found) for way in ("better", "worse"))
    same = sum(one is Change.SAME for one in found)
    near = sum(one is Change.NEGLIGIBLE for one in found)
    counts = ((better, "better"), (worse, "worse"), (same, "the same"), (near, "nearly the same"))
    parts = [f"{n} {words}" for n, words in counts if n]
    left = count - better - worse - same - near
    parts += [f"of {left} this sample cannot tell"] if left else []
    return f"Calibration of {count} candidates against {isolated(name)}, by {cells.label(ece)}: {', '.join(parts)}."


def sentences(comparison: Comparison, candidate: Candidate) -> list[str]:
    """What the comparison says about a candidate, with names as short as possible."""
    names = short(comparison)
    pair = names[candidate.name], names[comparison.base.name]
    return [isolated(words) for words in comparison_headline(candidate, pair, comparison.base)]


def warnings(comparison: Comparison) -> list[str]:
    """Every warning once, with the name of the file that it is about."""
    base = (f"{comparison.base.name}: ", f"{comparison.base.name} ")
    lines = [
        str(line) if line.startswith(base) else about(one.name, line)
        for one in comparison.candidates
        for line in one.warnings
    ]
    return list(dict.fromkeys(lines))


def reasons(differences: Mapping[str, Difference]) -> list[str]:
    """Why numbers are missing or intervals are approximate, one line for each reason."""
    found: dict[str, list[str]] = {}
    for difference in map(differences.__getitem__, compared_among(differences)):
        if difference.reason and change(difference) is not Change.SAME:
            found.setdefault(difference.reason, []).append(cells.label(difference.name))
    return [f"{', '.join(names)}: {reason}" for reason, names in found.items()]


def remarks(differences: Mapping[str, Difference]) -> list[str]:
    """Where the difference of two biased values lies outside the interval for the true difference."""
    shown = compared_among(differences)
    outside = [cells.label(name) for name in shown if not differences[name].holds_difference]
    why = "noise biases the two values differently; the difference and its interval are without that bias"
    return [f"{', '.join(outside)}: {why}"] if outside else []


def facts(candidate: Candidate) -> list[str]:
    """Rows, and how they were paired."""
    paired = {
        "id": "rows paired by id",
        "position": "rows paired by position: labels and shared columns agree",
        None: "rows not paired",
    }
    groups = candidate.groups
    units = [] if groups is None else [f"{groups.count:,} {'images' if groups.column is None else 'groups'}"]
    view = candidate.dump.positive
    positive = [] if view is None else [class_fact(view)]
    return [cells.plural(candidate.dump.n, "row"), *positive, *units, paired[candidate.paired_by]]


def level(comparison: Comparison) -> str:
    """The level of the intervals.

    >>> from calibeval.core.comparison.comparison import ComparedDump
    >>> from calibeval.core.data.predictions import Source
    >>> from calibeval.core.report.settings import Settings
    >>> level(Comparison("0", Settings(), ComparedDump("a", Source(), "probs", 1, 2)))
    '95 %'
    """
    return f"{100 * (comparison.settings.level or 0.95):g} %"


def convention(comparison: Comparison, *, detectable: bool = True, p: bool = True) -> str:
    """Bins and what the columns mean, in one line. detectable, p: whether there are such columns."""
    parts = [f"{comparison.settings.bins} bins", "differences are candidate − base, in points for percentages"]
    if any(one.p_holm is not None for candidate in comparison.candidates for one in candidate.differences.values()):
        what, of = "p" if p else "certain and likely", " of each candidate" if len(comparison.candidates) > 1 else ""
        parts += [f"{what}: corrected for the number of metrics{of} (Holm)"]
    named = {name for candidate in comparison.candidates for name in candidate.differences}
    if "brier_positive" in named:  # a first view has no other one of two classes
        parts += cells.briers(named if p else {"brier_positive"})
    parts += ["detectable: the difference that this sample shows with 80 % power"] if detectable else []
    return "; ".join(parts)
