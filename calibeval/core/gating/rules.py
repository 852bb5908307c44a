"""What a gate asks of a dump: rules, how they are decided, and the tables of a configuration file as both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

from calibeval.core.data.documents import MOST_COUNT, shown
from calibeval.core.errors import UsageError, nearest
from calibeval.core.evaluation.settings import check_level
from calibeval.core.metrics.table import METRICS, metric_named

RuleKind = Literal["max", "min", "max_increase", "max_drop"]
Severity = Literal["error", "warn", "off"]
OnInconclusive = Literal["fail", "warn", "pass"]
Decide = Literal["interval", "point"]
Name = TypeVar("Name", bound=str)

RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)
CHANGES: tuple[RuleKind, ...] = ("max_increase", "max_drop")
WORST = "worst"

_RULE_KEYS = ("metric", *RULE_KINDS, "relative", "severity", "slice")
# The names of keys in version 0.1, for hints.
EARLIER = {"confidence": "level", "min_samples": "min_rows"}
EARLIER_OF_RULES = {"level": "severity"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit on one metric.

    metric: a name of the table of metrics. kind, limit: max and min bound the metric itself (confidence_gap by its
    size); max_increase and max_drop bound how far it may move up or down from the baseline's value. The limit is a
    fraction, or nats for nll, or with `relative` a share of the baseline's value. severity: error blocks, warn is told,
    off is not judged. slice: None for all rows, "column=value", "worst" for every slice of every slice column, or
    "worst:column".

    Raises: UsageError for a limit that cannot be one, or that rewards what is worse.

    >>> Rule("ece", "max", 0.03).limit
    0.03
    """

    metric: str
    kind: RuleKind
    limit: float
    severity: Severity = "error"
    slice: str | None = None
    relative: bool = False

    def __post_init__(self) -> None:
        metric_named(self.metric)
        one_of(self.kind, RULE_KINDS, "limit")
        one_of(self.severity, get_args(Severity), "severity")
        limit = as_number(self.limit, f"{self.kind} of {self.metric}")
        if limit < 0:
            raise UsageError(f"{self.kind} of {self.metric} is {limit:g}, but a limit must not be negative")
        _check_direction(self)
        _check_range(self, limit)
        if self.slice is not None and self.worst_of is None and "=" not in self.slice:
            known = f'"column=value", "{WORST}" or "{WORST}:column"'
            raise UsageError(f'slice is "{self.slice}"{nearest(self.slice, [WORST])}, but it must be {known}')

    @property
    def is_change(self) -> bool:
        """Whether the rule is about the difference from a baseline."""
        return self.kind in CHANGES

    @property
    def worst_of(self) -> str | None:
        """The column whose slices are all judged, "" for all columns; None where the rule is about one part."""
        if self.slice is None:
            return None
        word, colon, column = self.slice.partition(":")
        if word != WORST or "=" in word or (colon and not column):
            return None
        return column

    @property
    def place(self) -> tuple[str, str, str | None]:
        """What two rules share of which the later one replaces the earlier one."""
        return self.metric, self.kind, self.slice


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How rules are decided.

    on_inconclusive: what becomes of the whole where the sample cannot decide. decide: by the interval, or by the value
    alone. level: of the intervals, in (0, 1). min_rows: fewer rows are no evidence.

    Raises: UsageError for a setting that cannot work.
    """

    on_inconclusive: OnInconclusive = "fail"
    decide: Decide = "interval"
    level: float = 0.95
    min_rows: int = 0

    def __post_init__(self) -> None:
        one_of(self.on_inconclusive, get_args(OnInconclusive), "on_inconclusive")
        one_of(self.decide, get_args(Decide), "decide")
        check_level(as_number(self.level, "level"))
        if isinstance(self.min_rows, bool) or not isinstance(self.min_rows, int) or not 0 <= self.min_rows < MOST_COUNT:
            raise UsageError(f"min_rows is {_shown(self.min_rows)}, but it must be a whole number from 0 on")


@dataclass(frozen=True, slots=True)
class GateConfig:
    """What a configuration says: settings by name (absent ones are not set), baseline, preset, slice columns, rules."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    baseline: str | None = None
    preset: str | None = None
    slices: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()


def overlaid(*layers: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules of all layers; a rule of a later layer replaces that of an earlier one on the same metric, kind, slice.

    >>> [rule.limit for rule in overlaid([Rule("ece", "max", 0.05)], [Rule("ece", "max", 0.03)])]
    [0.03]
    """
    found: dict[tuple[str, str, str | None], Rule] = {}
    for layer in layers:
        found.update({rule.place: rule for rule in layer})
    return tuple(found.values())


def config_from_table(table: Mapping[str, Any], where: str) -> GateConfig:
    """The configuration in a [gate] table.

    where: the file's name, for messages.
    Raises: UsageError for an unknown key, a wrong type, an empty list of rules, or a rule that cannot be one.
    """
    readers: dict[str, Callable[[Any, str], Any]] = {
        "on_inconclusive": as_text,
        "decide": as_text,
        "level": as_number,
        "min_rows": as_is,
        "baseline": as_text,
        "preset": as_text,
        "slices": as_texts,
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
        GateSettings(**read)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    return GateConfig(read, baseline, preset, slices, rules)


def _rules(tables: object) -> tuple[Rule, ...]:
    if not isinstance(tables, Sequence) or not all(isinstance(table, Mapping) for table in tables):
        raise UsageError('"rule" must be a list of tables, each under [[gate.rule]]')
    if not tables:
        raise UsageError("the list of rules is empty, so nothing would be asked; write a [[gate.rule]] or a preset")
    rules: list[Rule] = []
    for number, table in enumerate(tables, 1):
        try:
            rule = rule_from_table(table)
            twin = next((i for i, other in enumerate(rules, 1) if other.place == rule.place), None)
            if twin is not None:
                raise UsageError(f"limits what rule {twin} limits already: {rule.kind} of {rule.metric}")
        except UsageError as error:
            raise UsageError(f"rule {number}: {error}") from None
        rules.append(rule)
    return tuple(rules)


def rule_from_table(table: Mapping[str, Any]) -> Rule:
    """The rule of a [[gate.rule]] table.

    Raises: UsageError for an unknown key, a wrong type, and none or several limits.

    >>> rule_from_table({"metric": "nll", "max_increase": 0.01, "severity": "warn"}).severity
    'warn'
    """
    for key in table:
        if key not in _RULE_KEYS:
            raise _unknown_key(key, _RULE_KEYS, EARLIER_OF_RULES)
    if "metric" not in table:
        raise UsageError("there is no metric; say metric = " + " or ".join(f'"{name}"' for name in METRICS))
    limits: list[RuleKind] = [kind for kind in RULE_KINDS if kind in table]
    if len(limits) != 1:
        came = " and ".join(limits) if limits else "no limit"
        raise UsageError(f"{came} came, but a rule has one limit: one of {', '.join(RULE_KINDS)}")
    relative = table.get("relative", False)
    if not isinstance(relative, bool):
        raise UsageError(f"relative is {_shown(relative)}, but it must be true or false")
    part = table.get("slice")
    return Rule(
        metric=as_text(table["metric"], "metric"),
        kind=limits[0],
        limit=as_number(table[limits[0]], limits[0]),
        severity=one_of(as_text(table.get("severity", "error"), "severity"), get_args(Severity), "severity"),
        slice=None if part is None else as_text(part, "slice"),
        relative=relative,
    )


def _unknown_key(key: str, known: Sequence[str], earlier: Mapping[str, str]) -> UsageError:
    hint = f' (did you mean "{earlier[key]}"?)' if key in earlier else nearest(key, known)
    return UsageError(f'key "{key}" is unknown{hint}; keys are {", ".join(known)}')


def as_text(value: object, key: str) -> str:
    """A text that is not empty, without the character NUL, which no name or path has. Raises: UsageError."""
    if not isinstance(value, str) or not value:
        raise UsageError(f"{key} is {_shown(value)}, but it must be a text")
    if "\0" in value:
        raise UsageError(f"{key} is {_shown(value)}, but no name or path holds the character NUL")
    return value


def as_texts(value: object, key: str) -> tuple[str, ...]:
    """A list of texts. Raises: UsageError."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise UsageError(f"{key} is {_shown(value)}, but it must be a list of texts")
    return tuple(as_text(one, key) for one in value)


def as_number(value: object, key: str) -> float:
    """A finite number; true and false are none. Raises: UsageError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _fits(value):
        raise UsageError(f"{key} is {_shown(value)}, but it must be a finite number")
    return float(value)


def _fits(value: float) -> bool:
    """Whether float64 holds the number; a whole number may have more digits than it does."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def as_is(value: object, key: str) -> object:  # noqa: ARG001 - the same call as its siblings
    """What the class that takes it will check."""
    return value


def one_of(value: str, known: Iterable[Name], key: str) -> Name:
    """The value as one of the known names. Raises: UsageError with the nearest."""
    names = list(known)
    for name in names:
        if name == value:
            return name
    raise UsageError(f'{key} "{value}" is unknown{nearest(str(value), names)}; it must be one of {", ".join(names)}')


def _check_direction(rule: Rule) -> None:
    """A limit on the wrong side would let pass exactly what it should stop."""
    better = METRICS[rule.metric].better
    if better == "zero":
        if rule.kind == "min":
            raise UsageError(f"min of {rule.metric}: it is best at 0, so limit its size with max")
        return
    wrong = ("max", "max_increase") if better == "higher" else ("min", "max_drop")
    if rule.kind in wrong:
        right = {"max": "min", "min": "max", "max_increase": "max_drop", "max_drop": "max_increase"}[rule.kind]
        raise UsageError(f"{rule.kind} of {rule.metric}: {better} is better, so say {right}")


def _check_range(rule: Rule, limit: float) -> None:
    spec = METRICS[rule.metric]
    if rule.relative and not rule.is_change:
        raise UsageError(f"relative belongs to {' and '.join(CHANGES)}, not to {rule.kind}")
    if rule.relative or spec.most is None:
        return
    most = spec.most - spec.least if rule.is_change else spec.most
    if limit > most:
        hint = f"; limits are fractions, so {limit:g} % is {limit / 100:g}" if spec.unit == "%" and limit <= 100 else ""
        raise UsageError(f"{rule.kind} of {rule.metric} is {limit:g}, but it can be {most:g} at most{hint}")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return shown(value) if isinstance(value, int | str) else f"a {type(value).__name__}"
