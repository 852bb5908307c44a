"""The rules of a gate, how they are decided, and reading both from a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from calibeval.core.data.arguments import truth
from calibeval.core.data.ranges import MOST_ROWS, check_whole
from calibeval.core.errors import UsageError, nearest
from calibeval.core.evaluation.settings import check_level
from calibeval.core.gating.values import as_is, as_number, as_path, as_text, as_texts, one_of, show_value
from calibeval.core.metrics.table import EVERY, metric_named

RuleKind = Literal["max", "min", "max_increase", "max_drop"]
Severity = Literal["error", "warn", "off"]
OnInconclusive = Literal["fail", "warn", "pass"]
Decide = Literal["interval", "point"]
Name = TypeVar("Name", bound=str)

RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)
CHANGES: tuple[RuleKind, ...] = ("max_increase", "max_drop")
WORST = "worst"

_COLUMNS = ("group", "weights", "positive", "class_names", "layout", "background", "spacing")
_RULE_KEYS = ("metric", *RULE_KINDS, "relative", "severity", "slice", "on_inconclusive")
# Names of keys in version 0.1, for hints.
EARLIER = {"confidence": "level", "min_samples": "min_rows"}
EARLIER_OF_RULES = {"level": "severity"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit on one metric.

    metric: the name of a metric, or its name in tables. kind, limit: "max" and "min" bound the metric itself (for
    confidence_gap its absolute value); "max_increase" and "max_drop" bound how far that may rise or fall from the
    baseline's. The limit is a fraction (for nll, nats), or with `relative` a share of the baseline's value.
    severity: "error" blocks, "warn" is only reported, "off" is not judged. slice: None for all rows, "column=value",
    "worst" for every slice of every slice column, or "worst:column". on_inconclusive: what the gate does if this rule
    is inconclusive; None: what its settings say.

    Raises: UsageError for an invalid limit, and for one on the wrong side, such as a minimum for an error.

    >>> Rule("ece", "max", 0.03).limit
    0.03
    """

    metric: str
    kind: RuleKind
    limit: float
    severity: Severity = "error"
    slice: str | None = None
    relative: bool = False
    on_inconclusive: OnInconclusive | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", metric_named(as_text(self.metric, "metric")).name)
        one_of(self.kind, RULE_KINDS, "kind")
        one_of(self.severity, get_args(Severity), "severity")
        if self.on_inconclusive is not None:
            one_of(self.on_inconclusive, get_args(OnInconclusive), "on_inconclusive")
        limit = as_number(self.limit, f"{self.kind} of {self.metric}")
        truth("relative", self.relative)
        if self.slice is not None:
            as_text(self.slice, "slice")
        if limit < 0:
            raise UsageError(f"{self.kind} of {self.metric} is {limit:g}, but it must not be negative")
        _check_direction(self)
        _check_range(self, limit)
        if self.slice is not None and self.worst_of is None and "=" not in self.slice:
            known = f'"column=value", "{WORST}" or "{WORST}:column"'
            raise UsageError(f'slice is "{self.slice}"{nearest(self.slice, [WORST])}, but it must be {known}')

    @property
    def is_change(self) -> bool:
        """Whether the rule limits the difference from a baseline."""
        return self.kind in CHANGES

    @property
    def worst_of(self) -> str | None:
        """The column whose slices are all judged; "" for all columns, None for a rule on all rows or a single slice."""
        if self.slice is None:
            return None
        word, colon, column = self.slice.partition(":")
        if word != WORST or "=" in word or (colon and not column):
            return None
        return column

    @property
    def place(self) -> tuple[str, str, str | None]:
        """The metric, kind and slice: a later rule replaces an earlier one with the same place."""
        return self.metric, self.kind, self.slice

    def to_dict(self) -> dict[str, Any]:
        """What the JSON of verdicts and plans says of the rule itself."""
        return {
            "metric": self.metric,
            "kind": self.kind,
            "limit": self.limit,
            "relative": self.relative,
            "slice": self.slice,
            "severity": self.severity,
        }


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How rules are decided.

    on_inconclusive: what the gate does if a rule is inconclusive: "fail", "warn" (pass with a warning) or "pass"; None:
    "fail" for limits on a metric itself, which guard against harm, and "warn" for limits on a change. A rule's own word
    wins. decide: by the "interval", or by the value alone ("point"). level: of the intervals, in (0, 1). min_rows: with
    fewer rows, a rule cannot be evaluated.

    Raises: UsageError for an invalid setting.

    >>> settings = GateSettings()
    >>> settings.level, settings.inconclusive(Rule("nll", "max_increase", 0.01))
    (0.95, 'warn')
    """

    on_inconclusive: OnInconclusive | None = None
    decide: Decide = "interval"
    level: float = 0.95
    min_rows: int = 0

    def __post_init__(self) -> None:
        if self.on_inconclusive is not None:
            one_of(self.on_inconclusive, get_args(OnInconclusive), "on_inconclusive")
        one_of(self.decide, get_args(Decide), "decide")
        check_level(as_number(self.level, "level"))
        rows = self.min_rows
        if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or rows < 0:
            raise UsageError(f"min_rows is {show_value(rows)}, but it must be a whole number, at least 0")
        check_whole("min_rows", rows, 0, MOST_ROWS)

    def inconclusive(self, rule: Rule) -> OnInconclusive:
        """What the gate does if this rule is inconclusive."""
        return rule.on_inconclusive or self.on_inconclusive or ("warn" if rule.is_change else "fail")


@dataclass(frozen=True, slots=True)
class GateConfig:
    """The content of a configuration: settings, baseline, preset, columns of slices, groups and weights, rules, the
    positive class of two, the names of the classes, and how images are read and counted.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    baseline: str | None = None
    preset: str | None = None
    slices: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    group: str | None = None
    weights: str | None = None
    positive: str | None = None
    class_names: tuple[str, ...] | None = None
    layout: str | None = None
    background: str | None = None
    spacing: Any = None


def overlaid(*layers: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules of all layers; a later rule replaces an earlier one with the same metric, kind and slice.

    >>> [rule.limit for rule in overlaid([Rule("ece", "max", 0.05)], [Rule("ece", "max", 0.03)])]
    [0.03]
    """
    found: dict[tuple[str, str, str | None], Rule] = {}
    for layer in layers:
        found.update({rule.place: rule for rule in layer})
    return tuple(found.values())


def config_from_table(table: Mapping[str, Any], where: str) -> GateConfig:
    """The configuration in a [gate] table.

    where: the name of the file, for messages.
    Raises: UsageError for an unknown key, a wrong type, an empty list of rules, or an invalid rule.
    """
    readers: dict[str, Callable[[Any, str], Any]] = {
        "on_inconclusive": as_text,
        "decide": as_text,
        "level": as_number,
        "min_rows": as_is,
        "baseline": as_path,
        "preset": as_text,
        "slices": as_texts,
        "group": as_text,
        "weights": as_text,
        "positive": as_text,
        "class_names": as_texts,
        "layout": as_text,
        "background": as_text,
        "spacing": as_is,
        "rule": as_is,
    }
    try:
        for key in table:
            if key not in readers:
                raise _unknown_key(key, list(readers), EARLIER)
        read = {key: readers[key](value, key) for key, value in table.items()}
        rules = _rules(read.pop("rule")) if "rule" in read else ()
        preset = read.pop("preset", None)
        baseline, slices = read.pop("baseline", None), read.pop("slices", ())
        columns = [read.pop(name, None) for name in _COLUMNS]
        GateSettings(**read)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return GateConfig(read, baseline, preset, slices, rules, *columns)


def _rules(tables: object) -> tuple[Rule, ...]:
    if not isinstance(tables, Sequence) or not all(isinstance(table, Mapping) for table in tables):
        raise UsageError('"rule" must be a list of tables, each under [[gate.rule]]')
    if not tables:
        raise UsageError("the list of rules is empty, so nothing would be checked; write a [[gate.rule]] or a preset")
    rules: list[Rule] = []
    for number, table in enumerate(tables, 1):
        try:
            rule = rule_from_table(table)
            twin = next((i for i, other in enumerate(rules, 1) if other.place == rule.place), None)
            if twin is not None:
                raise UsageError(f"sets the same limit as rule {twin}: {rule.kind} of {rule.metric}")
        except UsageError as error:
            raise UsageError(f"rule {number}: {error}") from None
        rules.append(rule)
    return tuple(rules)


def rule_from_table(table: Mapping[str, Any]) -> Rule:
    """The rule of a [[gate.rule]] table.

    Raises: UsageError for an unknown key or a wrong type, and unless there is exactly one limit.

    >>> rule_from_table({"metric": "nll", "max_increase": 0.01, "severity": "warn"}).severity
    'warn'
    """
    for key in table:
        if key not in _RULE_KEYS:
            raise _unknown_key(key, _RULE_KEYS, EARLIER_OF_RULES)
    if "metric" not in table:
        raise UsageError(f'there is no metric; write metric = "ece", or another one of {", ".join(EVERY)}')
    limits: list[RuleKind] = [kind for kind in RULE_KINDS if kind in table]
    if len(limits) != 1:
        came = " and ".join(limits) if limits else "no limit"
        raise UsageError(f"the rule has {came}, but it must have exactly one of {', '.join(RULE_KINDS)}")
    relative = table.get("relative", False)
    if not isinstance(relative, bool):
        raise UsageError(f"relative is {show_value(relative)}, but it must be true or false")
    part, key = table.get("slice"), "on_inconclusive"
    asked = table.get(key)
    return Rule(
        metric=as_text(table["metric"], "metric"),
        kind=limits[0],
        limit=as_number(table[limits[0]], limits[0]),
        severity=one_of(as_text(table.get("severity", "error"), "severity"), get_args(Severity), "severity"),
        slice=None if part is None else as_text(part, "slice"),
        relative=relative,
        on_inconclusive=None if asked is None else one_of(as_text(asked, key), get_args(OnInconclusive), key),
    )


def _unknown_key(key: str, known: Sequence[str], earlier: Mapping[str, str]) -> UsageError:
    hint = f' (did you mean "{earlier[key]}"?)' if key in earlier else nearest(key, known)
    return UsageError(f'key "{key}" is unknown{hint}; known keys are {", ".join(known)}')


def _check_direction(rule: Rule) -> None:
    """Check the side of the limit: a limit on the wrong side would pass exactly what it should stop."""
    better = EVERY[rule.metric].better
    if better == "one":
        return
    if better == "zero":
        right = {"min": "max", "max_drop": "max_increase"}.get(rule.kind)
        if right is not None:
            raise UsageError(f"{rule.kind} of {rule.metric}: it is best at 0, so limit its size with {right}")
        return
    wrong = ("max", "max_increase") if better == "higher" else ("min", "max_drop")
    if rule.kind in wrong:
        right = {"max": "min", "min": "max", "max_increase": "max_drop", "max_drop": "max_increase"}[rule.kind]
        raise UsageError(f"{rule.kind} of {rule.metric}: {better} is better, so use {right}")


def _check_range(rule: Rule, limit: float) -> None:
    spec = EVERY[rule.metric]
    if rule.relative and not rule.is_change:
        raise UsageError(f"relative applies to {' and '.join(CHANGES)}, not to {rule.kind}")
    if rule.relative or spec.most is None:
        return
    most = spec.most - spec.least if rule.is_change else spec.most
    if limit > most:
        hint = f"; limits are fractions, so {limit:g} % is {limit / 100:g}" if spec.unit == "%" and limit <= 100 else ""
        raise UsageError(f"{rule.kind} of {rule.metric} is {limit:g}, but it can be {most:g} at most{hint}")
