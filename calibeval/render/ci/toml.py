"""A first configuration of a gate, from a baseline: limits that a sample of this size can check."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from calibeval.core.data.ci_commands import without_commands
from calibeval.core.errors import InputError
from calibeval.core.gating.plan import Plan
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.report import DumpReport
from calibeval.render.terminal.plan import render as render_plan
from calibeval.words import cells
from calibeval.words.rules import harmless

# A limit this many half-widths of a 95 % interval beyond the measured value passes in 80 of 100 other samples: both
# samples have noise, so it is 1 + 0.84 x sqrt(2) / 1.96.
RESOLVED = 1.61
# An unchanged candidate passes by the one-sided bound, and only the noise of one change counts: (1.64 + 0.84) / 1.96.
RESOLVED_CHANGE = 1.27

_HEAD = """\
# Limits from {name} ({rows}), as tight as a sample of this size can check; see docs/gate.md.
# Each is {resolved} half-widths of the interval away from the baseline's value, corrected for bias: of 100 models as
# good as this one, 80 pass it on samples of this size. Limits on changes are {change} half-widths, for a candidate that
# shares half of the variance with the baseline. Tighten them when you have more rows; they are fractions, not percent.
"""
_PLAN = """
# What these rules can decide on samples of this size, as `calibeval gate --plan` says it: here the baseline's values
# are taken as the true ones, so that the chances are higher than above, where they have noise of their own.
#
"""


def render(
    dump: DumpReport,
    baseline: str,
    slices: Sequence[str] = (),
    group: str | None = None,
    positive: str | None = None,
    class_names: Sequence[str] | None = None,
) -> str:
    """The text of a calibeval.toml.

    baseline: the dump's path as it should stand in the file. slices: columns whose worst slice is also checked.
    group: the column whose equal values mark dependent rows. positive: the positive class of two, if one was chosen.
    class_names: the names of the classes, if they were given beside the dump: without them it could not be read again.
    The weights of the dump's rows are named, too.
    Raises: InputError if no metric has an interval.
    """
    rules = [*_absolute(dump), *_changes(dump)]
    if slices:
        rules += _worst(dump)
    if not rules:
        raise InputError(f"{dump.name}: no metric has an interval, so no limit can be derived; save more rows")
    head = _HEAD.format(
        name=harmless(dump.name), rows=cells.plural(dump.n, "row"), resolved=RESOLVED, change=RESOLVED_CHANGE
    )
    keys = [f"baseline = {quoted(baseline)}", "level = 0.95"]
    keys += [f"slices = [{', '.join(map(quoted, slices))}]"] if slices else []
    keys += [] if group is None else [f"group = {quoted(group)}"]
    keys += [] if positive is None else [f"positive = {quoted(positive)}"]
    keys += [] if class_names is None else [f"class_names = [{', '.join(map(quoted, class_names))}]"]
    if dump.weights is not None:
        head += f"# Rows are {cells.weights(dump, harmless)}.\n"
        keys.append(f"weights = {quoted(dump.weights.column)}")
    return "\n".join([head, "[gate]", *keys, *rules]) + "\n"


def with_plan(text: str, plan: Plan) -> str:
    """The configuration with what its rules can decide, in comments at the end."""
    table = render_plan(plan, width=None, ascii_only=False).splitlines()[2:]
    return text + _PLAN + "".join(f"# {line}".rstrip() + "\n" for line in table)


def quoted(text: str) -> str:
    r"""The text as a basic string of TOML; what controls, hides or reorders text is an escape.

    >>> quoted('a"b\n')
    '"a\\"b\\u000a"'
    """
    shown = []
    for char in text:
        if char in '"\\':
            shown.append(f"\\{char}")
        elif unicodedata.category(char)[0] == "C" or unicodedata.category(char) in ("Zl", "Zp"):
            shown.append(f"\\u{ord(char):04x}" if ord(char) < 2**16 else f"\\U{ord(char):08x}")
        else:
            shown.append(char)
    return f'"{without_commands("".join(shown))}"'


def _absolute(dump: DumpReport) -> list[str]:
    rules = []
    error = _error_of(dump)
    ece, accuracy = dump.metrics[error], dump.metrics["accuracy"]
    above, below = _reach(ece), _reach(accuracy)
    if above is not None:
        rules.append(_rule(error, f"max = {_up(min(1.0, above[1]))}", _came(dump, error)))
    if below is not None:
        rules.append(_rule("accuracy", f"min = {_down(max(0.0, below[0]))}", _came(dump, "accuracy")))
    return rules


def _error_of(dump: DumpReport) -> str:
    """The calibration error to limit: of two classes, that of P(positive class)."""
    return "ece" if dump.positive is None else "ece_positive"


def _changes(dump: DumpReport) -> list[str]:
    """How much worse a candidate may be: a change that shows if it shares half of the variance with the baseline."""
    rules = []
    for name, kind in (("nll", "max_increase"), ("accuracy", "max_drop")):
        metric = dump.metrics[name]
        if metric.low is not None and metric.high is not None and metric.high > metric.low:
            half = RESOLVED_CHANGE * (metric.high - metric.low) / 2
            comment = f"{_came(dump, name)}; smaller changes show if the candidate is much like it"
            rules.append(_rule(name, f"{kind} = {_up(min(1.0, half) if name == 'accuracy' else half)}", comment))
    return rules


def _worst(dump: DumpReport) -> list[str]:
    error = _error_of(dump)
    reaches = [_reach(one.metrics[error]) for one in dump.slices or ()]
    most = [reach[1] for reach in reaches if reach is not None]
    if not most:
        return []
    comment = f"the highest limit of {cells.plural(len(most), 'slice')}; only a warning until you know your slices"
    limit = f"max = {_up(min(1.0, max(most)))}"
    return [_rule(error, f'{limit}\nslice = "worst"\nseverity = "warn"', comment)]


def _reach(metric: MetricResult) -> tuple[float, float] | None:
    """Corrected value minus and plus RESOLVED half-widths; None without an interval."""
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
    """Rounded up, to two digits and at least three decimals."""
    step = min(_step(number), 0.001)
    return f"{math.ceil(number / step - 1e-9) * step:.10g}"


def _down(number: float) -> str:
    """Rounded down to three decimals."""
    return f"{math.floor(1000 * number + 1e-9) / 1000:.10g}"


def _step(number: float) -> float:
    return 10.0 ** (math.floor(math.log10(number)) - 1) if number > 0 else 1.0
