"""The rules of a gate from options such as --max ece=0.03."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calibeval.core.errors import UsageError
from calibeval.core.gating.rules import RULE_KINDS, Rule, RuleKind
from calibeval.core.metrics.coverage import PREFIX
from calibeval.core.metrics.metric import Metric
from calibeval.core.metrics.table import metric_named


def all_flag_rules(*, about: Mapping[str, str | None], **flags: Sequence[str] | None) -> list[Rule]:
    """The rules of all options, by their kinds. about: over, cells and where of each. Raises: as `flag_rules`."""
    return [rule for kind in RULE_KINDS for rule in flag_rules(kind, flags.get(kind) or (), **about)]


def flag_rules(kind: RuleKind, flags: Sequence[str], **cells: Any) -> list[Rule]:
    """The rules of a repeated option, each METRIC=LIMIT; the name of a metric may contain a sign of equality, too.

    cells: over, cells and where of a Rule.

    Raises: UsageError for text of another form, and for the same metric twice.

    >>> flag_rules("max", ["ece=0.03"])[0].limit
    0.03
    >>> [(rule.metric, rule.limit) for rule in flag_rules("min", ["coverage@error=0.05=0.4"])]
    [('coverage@error=0.05', 0.4)]
    """
    rules: list[Rule] = []
    option = f"--{kind.replace('_', '-')}"
    for flag in flags:
        name, sign, number = (part.strip() for part in flag.rpartition("="))
        try:
            if not sign:
                raise UsageError("it must be METRIC=LIMIT, such as ece=0.03")
            if name.casefold() == PREFIX.removesuffix("="):
                raise UsageError(f"it must be METRIC=LIMIT, such as {name}={number or 0.05}=0.4")
            rules.append(Rule(name, kind, _number(name, number), **cells))
        except UsageError as error:
            raise UsageError(f"{option} {flag}: {error}") from None
    twice = {rule.metric for rule in rules if sum(other.metric == rule.metric for other in rules) > 1}
    if twice:
        raise UsageError(f"{option} limits {min(twice)} twice")
    return rules


def _number(metric: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f'"{text}" is not a number{_meant(metric_named(metric), text)}') from None


def _meant(metric: Metric, text: str) -> str:
    """What to say instead of a percentage, or of a number with a comma; empty for anything else."""
    share = text.endswith("%")
    try:
        number = float(text.removesuffix("%").replace(",", "."))
    except ValueError:
        return ""
    if share and metric.unit != "%":
        return f": limits of {metric.name} are in {metric.unit}" if metric.unit else f": {metric.name} has no unit"
    what = "a percentage; limits are fractions" if share else "with a comma"
    return f", but {what}: say {metric.name}={number / 100 if share else number:.10g}"
