"""What was read of a log, and what was left out, in lines of their own."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.data.source import LogCount, LogMeasure, Source
from calibeval.core.report.certified import CertifiedLimit
from calibeval.core.report.report import DumpReport
from calibeval.words.cells import plural
from calibeval.words.thresholds import percent, shown

NAMES = {
    "rps": "ranked probability score",
    "absolute_error": "absolute error of the expected score",
    "brier_gold": "Brier score against gold distributions",
    "nll_gold": "NLL against gold distributions",
}


def log_lines(source: Source) -> list[str]:
    """What the log is, with the number of answers, and every count of answers that are not as the others.

    Empty for any other dump.
    """
    log = source.log
    if log is None:
        return []
    left_out = [one for one in log.counts if one.left_out]
    measured = log.answers - sum(one.answers for one in left_out)
    said = [f"{log.recognised} · {measured:,} of {plural(log.answers, 'answer')} measured"]
    if left_out:
        said.append(f"left out: {_counted(left_out)}")
    others = [one for one in log.counts if not one.left_out]
    said += [f"measured: {_counted(others)}"] if others else []
    return [*said, *map(_measured, log.measures)]


def left_out_lines(name: str, counts: Sequence[tuple[str, int]]) -> list[str]:
    """What was left out of one of several dumps: one line, or none.

    >>> left_out_lines("new.jsonl", [("refused", 2)])
    ['new.jsonl: left out: 2 refused']
    """
    said = ", ".join(f"{count:,} {what}" for what, count in counts)
    return [f"{name}: left out: {said}"] if said else []


def automated(dump: DumpReport) -> list[str]:
    """What may be answered without a person at a few limits of the error, in one line; after a map, it is not known."""
    if not dump.certified or dump.recalibrated is not None:
        return []
    missing = [percent(one.limit) for one in dump.certified if one.threshold is None]
    several = " and ".join([", ".join(missing[:-1]), missing[-1]] if len(missing) > 1 else missing)
    held = [_limit(one) for one in dump.certified if one.threshold is not None]
    if held:
        sure = f"{100.0 * (1.0 - dump.certified[0].delta):g} %"
        rest = f"; nothing at {several}" if several else ""
        return [f"may be automated (certified with {sure}): {' · '.join(held)}{rest}"]
    last = dump.certified[-1]
    why = str(last.reason or "none").removeprefix("none: ").partition(", an error of")[0]
    return [f"may be automated: nothing at an error of {several}: {why}"]


def _limit(one: CertifiedLimit) -> str:
    """The answers at one limit, with a threshold that is rounded up."""
    share = 100.0 * (one.coverage or 0.0)
    return f"{share:.1f} % at an error of {percent(one.limit)}, from confidence {shown(one.threshold or 0.0)} on"


def _measured(one: LogMeasure) -> str:
    """A measure of one question, with the half-width of its 95 % interval."""
    if one.value is None:
        return f'"{one.of}": {NAMES[one.name]} is infinite'
    reach = "" if one.error is None else f" ± {1.96 * one.error:.2g}"
    return f'"{one.of}": {NAMES[one.name]} {one.value:.3g}{reach} ({plural(one.answers, "answer")})'


def _counted(counts: list[LogCount]) -> str:
    return ", ".join(f"{one.answers:,} {one.what}" for one in counts)
