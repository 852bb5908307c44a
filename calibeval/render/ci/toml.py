"""A first configuration of a gate, from a baseline: limits that a sample of this size can resolve."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from calibeval.core.errors import InputError
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport
from calibeval.words import cells
from calibeval.words.verdict import harmless

# A limit so many half-widths of a 95 % interval beyond a true value is kept by 80 of 100 samples: (1.96 + 0.84) / 1.96.
RESOLVED = 1.43

_HEAD = """\
# Limits of {name} ({rows}), as far as so many rows can tell; see docs/gate.md.
# Each is the value of the baseline and {resolved} half-widths of its interval: of samples as large as this one from a
# model as good as this one, 80 of 100 pass. Lower them where you have more rows; they are fractions, not percent.
"""


def render(dump: DumpReport, baseline: str, slices: Sequence[str] = ()) -> str:
    """The text of a calibeval.toml.

    baseline: the dump's path as the file should have it. slices: columns whose worst slice is watched, too.
    Raises: InputError if nothing could be measured with an interval.
    """
    rules = [*_absolute(dump), *_changes(dump)]
    if slices:
        rules += _worst(dump)
    if not rules:
        raise InputError(f"{dump.name}: no metric has an interval, so no limit can be said; save more rows")
    head = _HEAD.format(name=harmless(dump.name), rows=cells.plural(dump.n, "row"), resolved=RESOLVED)
    keys = [f"baseline = {quoted(baseline)}", 'on_inconclusive = "fail"', "level = 0.95"]
    keys += [f"slices = [{', '.join(map(quoted, slices))}]"] if slices else []
    return "\n".join([head, "[gate]", *keys, *rules]) + "\n"


def quoted(text: str) -> str:
    r"""The text as a basic string of TOML.

    >>> quoted('a"b\n')
    '"a\\"b\\u000a"'
    """
    shown = []
    for char in text:
        if char in '"\\':
            shown.append(f"\\{char}")
        elif unicodedata.category(char) == "Cc":
            shown.append(f"\\u{ord(char):04x}")
        else:
            shown.append(char)
    return f'"{"".join(shown)}"'


def _absolute(dump: DumpReport) -> list[str]:
    rules = []
    ece, accuracy = dump.metrics["ece"], dump.metrics["accuracy"]
    above, below = _reach(ece), _reach(accuracy)
    if above is not None:
        rules.append(_rule("ece", f"max = {_up(min(1.0, above[1]))}", _came(dump, "ece")))
    if below is not None:
        rules.append(_rule("accuracy", f"min = {_down(max(0.0, below[0]))}", _came(dump, "accuracy")))
    return rules


def _changes(dump: DumpReport) -> list[str]:
    """How far a candidate may be worse: what shows where it agrees with the baseline on half of the variance."""
    rules = []
    for name, kind in (("nll", "max_increase"), ("accuracy", "max_drop")):
        reach = _reach(dump.metrics[name])
        if reach is not None and reach[1] > reach[0]:
            half = (reach[1] - reach[0]) / 2
            comment = f"{_came(dump, name)}; a candidate much like it is told apart at less"
            rules.append(_rule(name, f"{kind} = {_up(min(1.0, half) if name == 'accuracy' else half)}", comment))
    return rules


def _worst(dump: DumpReport) -> list[str]:
    reaches = [_reach(one.metrics["ece"]) for one in dump.slices or ()]
    most = [reach[1] for reach in reaches if reach is not None]
    if not most:
        return []
    comment = f"the widest of {cells.plural(len(most), 'slice')}; it warns until you know them"
    limit = f"max = {_up(min(1.0, max(most)))}"
    return [_rule("ece", f'{limit}\nslice = "worst"\nseverity = "warn"', comment)]


def _reach(metric: MetricResult) -> tuple[float, float] | None:
    """Corrected value less and plus RESOLVED half-widths; None without an interval."""
    if metric.value is None or metric.low is None or metric.high is None:
        return None
    centre = metric.value if metric.corrected is None else metric.corrected
    return centre - RESOLVED * (centre - metric.low), centre + RESOLVED * (metric.high - centre)


def _came(dump: DumpReport, name: str) -> str:
    metric = dump.metrics[name]
    return f"baseline: {cells.label(name)} {cells.value(metric)} {cells.unit(name)}".rstrip() + (
        f" [{cells.interval(metric)}]"
    )


def _rule(metric: str, limit: str, comment: str) -> str:
    return f'\n[[gate.rule]]  # {comment}\nmetric = "{metric}"\n{limit}'


def _up(number: float) -> str:
    """Two digits, and three decimals, rounded up."""
    step = min(_step(number), 0.001)
    return f"{math.ceil(number / step - 1e-9) * step:.10g}"


def _down(number: float) -> str:
    """Three decimals, rounded down."""
    return f"{math.floor(1000 * number + 1e-9) / 1000:.10g}"


def _step(number: float) -> float:
    return 10.0 ** (math.floor(math.log10(number)) - 1) if number > 0 else 1.0
