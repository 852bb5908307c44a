"""The rules and settings of a gate, read from a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from calibeval.core.errors import UsageError, nearest
from calibeval.core.gating.rules import OF_CELLS, RULE_KINDS, GateSettings, OnInconclusive, Rule, RuleKind, Severity
from calibeval.core.gating.values import as_is, as_number, as_path, as_text, as_texts, one_of, show_value
from calibeval.core.metrics.table import EVERY

_COLUMNS = ("group", "weights", "positive", "class_names", "layout", "background", "spacing")
_RULE_KEYS = ("metric", *RULE_KINDS, "relative", "severity", "slice", "on_inconclusive", *OF_CELLS)
# Names of keys in version 0.1, for hints.
EARLIER = {"confidence": "level", "min_samples": "min_rows"}
EARLIER_OF_RULES = {"level": "severity"}


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
        **{name: as_text(table[name], name) for name in OF_CELLS if name in table},  # type: ignore[arg-type]  # checked
    )


def _unknown_key(key: str, known: Sequence[str], earlier: Mapping[str, str]) -> UsageError:
    hint = f' (did you mean "{earlier[key]}"?)' if key in earlier else nearest(key, known)
    return UsageError(f'key "{key}" is unknown{hint}; known keys are {", ".join(known)}')
