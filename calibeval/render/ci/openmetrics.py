"""Metrics and verdicts as OpenMetrics text, which GitLab shows beside a merge request and Prometheus collects.

Source: OpenMetrics 1.0, text format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from calibeval.core.gating.verdict import Verdict
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import Report
from calibeval.words.names import visible

Labels = dict[str, str]
_NUMBERS = {"": "", "_low": ", lower end of the interval", "_high": ", upper end of the interval"}


def of_report(report: Report) -> str:
    """A gauge for each metric and for both ends of its interval, with one sample per dump and slice; fractions.

    A number that does not exist has no sample.
    """
    names = dict.fromkeys(name for dump in report.dumps for name in dump.metrics)
    lines = list(_gauge("rows", "rows that were measured", (({"dump": d.name}, float(d.n)) for d in report.dumps)))
    for name in names:
        for suffix, what in _NUMBERS.items():
            title = EVERY[name].title if name in EVERY else name
            lines += _gauge(name + suffix, title + what, _of_metric(report, name, suffix.strip("_") or "value"))
    return _text(lines)


def of_verdict(verdict: Verdict) -> str:
    """The exit code of the gate, and for each rule its value, interval, limit and whether it passed."""
    dump = {"dump": str(verdict.dump["name"])}
    lines = list(_gauge("gate_exit_code", "0 passed, 1 failed, 5 inconclusive", [(dump, float(verdict.exit_code))]))
    judged = [(dump | _place(one.rule.metric, one.rule.kind, one.rule.part), one) for one in verdict.rules]
    limits = [(labels, one.rule.limit) for labels, one in judged]
    lines += _gauge("rule_limit", "limit of the rule, as it is written there", limits)
    for field in ("value", "low", "high"):
        found = ((labels, getattr(one.decisive, field)) for labels, one in judged if one.decisive is not None)
        lines += _gauge(f"rule_{field}", f"{field} by which the rule was judged", found)
    passed = ((labels, float(one.verdict == "pass")) for labels, one in judged if one.verdict != "off")
    return _text([*lines, *_gauge("rule_passed", "1 if the rule passed, else 0", passed)])


def _of_metric(report: Report, name: str, field: str) -> Iterator[tuple[Labels, float | None]]:
    for dump in report.dumps:
        if name in dump.metrics:
            yield {"dump": dump.name}, getattr(dump.metrics[name], field)
        for part in dump.slices or ():
            if name in part.metrics:
                yield {"dump": dump.name, "slice": f"{part.column}={part.value}"}, getattr(part.metrics[name], field)


def _place(metric: str, kind: str, part: str | None) -> Labels:
    return {"metric": metric, "rule": kind, **({} if part is None else {"slice": part})}


def _gauge(name: str, title: str, samples: Iterable[tuple[Labels, float | None]]) -> Iterator[str]:
    """The lines of one gauge; none if no sample has a number."""
    name = re.sub("[^a-z0-9_]+", "_", name)
    shown = [f"calibeval_{name}{_labels(labels)} {number!r}" for labels, number in samples if number is not None]
    if shown:
        yield f"# TYPE calibeval_{name} gauge"
        yield f"# HELP calibeval_{name} {_escaped(title)}"
        yield from shown


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(visible(value))}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    r"""The text as OpenMetrics wants it between quotation marks.

    >>> _escaped('a "b"'), _escaped("c\\d")
    ('a \\"b\\"', 'c\\\\d')
    """
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _text(lines: Iterable[str]) -> str:
    return "\n".join([*lines, "# EOF"]) + "\n"
