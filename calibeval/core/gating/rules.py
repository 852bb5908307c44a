"""The rules of a gate, and how they are decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from calibeval.core.data.arguments import truth
from calibeval.core.data.ranges import MOST_ROWS, check_whole
from calibeval.core.errors import UsageError, nearest
from calibeval.core.evaluation.settings import check_level
from calibeval.core.gating.points import axes_in, point_in, said_point
from calibeval.core.gating.values import as_number, as_text, one_of, show_value
from calibeval.core.metrics.table import EVERY, metric_named

RuleKind = Literal["max", "min", "max_increase", "max_drop"]
Severity = Literal["error", "warn", "off"]
OnInconclusive = Literal["fail", "warn", "pass"]
Decide = Literal["interval", "point"]
Cells = Literal["worst", "mean"]
Name = TypeVar("Name", bound=str)

RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)
CHANGES: tuple[RuleKind, ...] = ("max_increase", "max_drop")
WORST = "worst"
OF_CELLS = ("over", "cells", "where")  # what a rule says of cells


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit on one metric.

    metric: the name of a metric, or its name in tables. kind, limit: "max" and "min" bound the metric itself (for
    confidence_gap its absolute value); "max_increase" and "max_drop" bound how far that may rise or fall from the
    baseline's. The limit is a fraction (for nll, nats), or with `relative` a share of the baseline's value.
    severity: "error" blocks, "warn" is only reported, "off" is not judged. slice: None for all rows, "column=value",
    "worst" for every slice of every slice column, or "worst:column". on_inconclusive: what the gate does if this rule
    is inconclusive; None: what its settings say.
    over, cells, where: of many dumps with axes. over: the axes over which the rule is taken, "corruption,severity";
    each value of the others makes a rule of its own; None: all of them. cells: "worst" (each cell is judged; the usual)
    or "mean" (each cell weighs the same). where: only cells at "axis=value,axis=value".

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
    over: str | None = None
    cells: Cells | None = None
    where: str | None = None

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
        if self.over is not None:
            object.__setattr__(self, "over", ",".join(axes_in(self.over)))
        if self.where is not None:
            object.__setattr__(self, "where", said_point(point_in(self.where)))
        if self.cells is not None:
            one_of(self.cells, get_args(Cells), "cells")
        if self.slice is not None and self.of_cells:
            raise UsageError(f'slice is "{self.slice}", but a rule over cells is about all rows of each')

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
    def of_cells(self) -> bool:
        """Whether the rule is about cells of a survey."""
        return not (self.over is None and self.cells is None and self.where is None)

    @property
    def of_mean(self) -> bool:
        """Whether the rule is about the mean over cells."""
        return self.cells == "mean"

    @property
    def of_each(self) -> bool:
        """Whether several slices, or cells, are judged."""
        return self.worst_of is not None or (self.of_cells and not self.of_mean)

    @property
    def part(self) -> str | None:
        """What the rule is about in words: its slice, or the cells; None: all rows."""
        if not self.of_cells:
            return self.slice
        cells = f"{self.cells or WORST} over {self.over or 'every axis'}"
        return cells if self.where is None else f"{cells} at {self.where}"

    @property
    def place(self) -> tuple[str, str, str | None]:
        """The metric, kind and slice or cells: a later rule replaces an earlier one with the same place."""
        return self.metric, self.kind, self.part

    def to_dict(self) -> dict[str, Any]:
        """What the JSON of verdicts and plans says of the rule itself."""
        return {
            "metric": self.metric,
            "kind": self.kind,
            "limit": self.limit,
            "relative": self.relative,
            "slice": self.slice,
            "severity": self.severity,
            **({"over": self.over, "cells": self.cells or WORST, "where": self.where} if self.of_cells else {}),
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
