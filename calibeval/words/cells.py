"""How numbers are written for people, in all renderers: percent, digits, intervals, floors, nulls, units."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from calibeval.core.conventions.table import CONVENTIONS
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.standing import standing_in, with_floor
from calibeval.core.uncertainty.intervals import MCE_LEAST_COUNT
from calibeval.words.digits import (
    NULL,
    corrected,
    decimals,
    estimate,
    floor,
    heading,
    interval,
    label,
    outside,
    unit,
    value,
    with_unit,
)
from calibeval.words.shown import of_positive, positive_names, shown_among
from calibeval.words.signs import bin_range, signed
from calibeval.words.thresholds import thresholds

__all__ = [
    "NULL",
    "below",
    "convention",
    "corrected",
    "decimals",
    "estimate",
    "floor",
    "groups",
    "heading",
    "interval",
    "label",
    "left_out",
    "level",
    "metric_names",
    "outside",
    "p_value",
    "plural",
    "reasons",
    "remarks",
    "unit",
    "value",
    "weights",
    "with_unit",
]


def metric_names(report: Report) -> list[str]:
    """The metrics of all dumps, in the order of the table of metrics; unknown ones last.

    Where every dump has two classes, those of P(positive class).
    """
    if report.dumps and all(map(of_positive, report.dumps)):
        return list(dict.fromkeys(name for dump in report.dumps for name in positive_names(dump)))
    there = shown_among(name for dump in report.dumps for name in dump.metrics)
    return EVERY.ordered(there)


def reasons(
    dump: DumpReport, *, every: bool = False, only: Collection[str] | None = None, tabled: bool = False
) -> list[str]:
    """Why metrics are null, or have no interval or an approximate one, one line for each reason; then thresholds.

    every: of those that short tables leave out, too. only: of these. tabled: without thresholds, which a table has.
    """
    found: dict[str, list[str]] = {}
    names = [*dump.metrics] if every or only is not None else shown_among(dump.metrics)
    shown = [dump.metrics[name] for name in names if only is None or name in only]
    for metric in shown:
        if metric.value is None or metric.reason is not None:
            found.setdefault(metric.reason or "not measured", []).append(label(metric.name))
    lines = from_cells(shown) + ([] if tabled else thresholds(shown))
    return [*(f"{', '.join(names)}: {reason}" for reason, names in found.items()), *lines]


UNSEEN = 0.005  # percentages have two decimals


def from_cells(metrics: Iterable[MetricResult]) -> list[str]:
    """How far values of cells of the confidence may be from those of single rows, unless their reasons say it.

    Bounds of percentages below half of their last printed digit are left out.

    >>> from_cells([MetricResult("ecce", 0.01, cell_error=3e-9), MetricResult("auroc", 0.9, cell_error=2e-4)])
    ['From narrow cells of the confidence; single rows would differ by at most: AUROC 0.02 %']
    """
    lacking = [one for one in metrics if one.cell_error and (one.reason is None or one.reason.code != "from_sums")]
    told = [(label(one.name), one, EVERY[one.name]) for one in lacking]
    told = [one for one in told if one[2].unit != "%" or 100 * (one[1].cell_error or 0) >= UNSEEN]
    if not told:
        return []
    off = ", ".join(
        f"{name} {100 * (one.cell_error or 0):.1g} %" if own.unit == "%" else f"{name} {one.cell_error or 0:.1g}"
        for name, one, own in told
    )
    return [f"From narrow cells of the confidence; single rows would differ by at most: {off}"]


def groups(dump: DumpReport, name: Callable[[str], str]) -> str:
    """The groups that intervals treat as independent; empty where these are the rows. name: makes names harmless."""
    if dump.groups is None:
        return ""
    count, column = dump.groups.count, dump.groups.column
    return plural(count, "image") if column is None else f"{plural(count, 'group')} by {name(column)}"


def classes(dump: DumpReport) -> str:
    """How many classes there are; the options of a log may be fewer in some rows."""
    if dump.k is None:
        return "top label only"
    return plural(dump.k, "class") if dump.source.log is None or dump.k == 2 else f"up to {plural(dump.k, 'option')}"


def left_out(dump: DumpReport) -> list[str]:
    """How many rows are left out, because of their labels and because of their weights; empty if there are none."""
    zero = 0 if dump.weights is None else dump.weights.zero
    said = [f"{dump.ignored - zero:,} ignored"] if dump.ignored > zero else []
    return said + ([f"{zero:,} of weight 0"] if zero else [])


def weights(dump: DumpReport, name: Callable[[str], str]) -> str:
    """By which column rows are weighted, and as how many they count; empty without weights. name: as for groups."""
    if dump.weights is None:
        return ""
    return f"weighted by {name(dump.weights.column)}, counts as {plural(round(dump.weights.effective), 'row')}"


def p_value(p: float | None) -> str:
    """A probability with the digits that matter, and one more where it would round to 0.05; a dash for None.

    >>> p_value(0.0), p_value(0.0123), p_value(0.2), p_value(0.0496), p_value(None)
    ('< 0.001', '0.012', '0.20', '0.0496', '–')
    """
    if p is None:
        return NULL
    if p < 0.001:
        return "< 0.001"
    text = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return f"{p:.4f}" if text == "0.050" and p < 0.05 else text


def remarks(dump: DumpReport) -> list[str]:
    """What the numbers alone do not show: which bin has the largest gap."""
    worst = dump.metrics.get("mce")
    if worst is None or worst.bin is None or not 0 <= worst.bin < len(dump.equal_width):
        return []
    row = dump.equal_width[worst.bin]
    gap = "" if row.gap is None else f" {signed(100 * row.gap, 1)}"
    return [
        f"MCE: largest gap:{gap} at {bin_range(row)} ({plural(row.count, 'row')})",
        *_without_small_bins(dump, worst),
    ]


def _without_small_bins(dump: DumpReport, worst: MetricResult) -> list[str]:
    """That bins with few rows are left out, where the MCE is smaller than the ECE, a mean of the same gaps."""
    ece, every = dump.metrics.get("ece"), dump.metrics.get("mce_all_bins")
    if ece is None or ece.value is None or worst.value is None or worst.value >= ece.value:
        return []
    filled = [row.count for row in dump.equal_width if row.count]
    large = sum(count >= MCE_LEAST_COUNT for count in filled)
    text = f"MCE: only {large} of {plural(len(filled), 'bin')} hold{'s' if large == 1 else ''} {MCE_LEAST_COUNT} rows"
    text += " or more; larger gaps in smaller bins are left out"
    return [text if every is None or every.value is None else f"{text} (with them: {value(every)})"]


def convention(report: Report) -> str:
    """Bins, convention and units of every number in the report, in one line."""
    settings = report.settings
    known = CONVENTIONS.get(settings.convention)
    chunked = known is not None and known.equal_mass == "chunks"
    facts = ["ECE of chunks of 100 rows" if chunked else f"{settings.bins} bins", f"convention {settings.convention}"]
    names = metric_names(report)
    for one in ("%", "nats"):
        own = [label(name) for name in names if unit(name) == one]
        facts += [f"{', '.join(own)} in {one}"] if own else []
    return "; ".join([*facts, *briers(names)])


def briers(names: Collection[str]) -> list[str]:
    """What the Brier scores among these metrics are.

    >>> briers(["brier", "brier_positive"])
    ['Brier summed over classes (0 to 2)', 'Brier P(pos): of one column (0 to 1)']
    """
    said = {"brier": "Brier summed over classes (0 to 2)", "brier_positive": "Brier P(pos): of one column (0 to 1)"}
    return [words for name, words in said.items() if name in names]


def level(report: Report) -> str:
    """The level of the intervals.

    >>> from calibeval.core.report.settings import Settings
    >>> level(Report("0", Settings())), level(Report("0", Settings(level=0.999)))
    ('95 %', '99.9 %')
    """
    found = report.settings.level
    return "" if found is None else f"{100 * found:g} %"


def below(dump: DumpReport, names: Sequence[str], report: Report) -> list[tuple[str, list[str]]]:
    """Lines below a dump's values in a table of many: corrected values with intervals, and verdicts; name and cells."""
    found = [with_floor(dump, name) for name in names]
    estimates = ["" if m.value is None else estimate(m) for m in found]
    standings = [standing_in(dump, name) for name in names]
    heading = f"corrected [{level(report)}]" if any(corrected(m) for m in found) else f"{level(report)} interval"
    lines = [(heading, estimates), ("miscalibrated?", ["" if s is None else s.short for s in standings])]
    return [line for line in lines if any(line[1])]


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "row"), plural(5000, "row"), plural(2, "class")
    ('1 row', '5,000 rows', '2 classes')
    """
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"
