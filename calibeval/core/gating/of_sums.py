"""What a gate judges if there are sums of rows, and no rows."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.data.source import Source
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.sums.resources import PLAIN


def subject_of_sums(rows: Accumulation, rules: Sequence[Rule], settings: GateSettings, source: Source) -> Subject:
    """The rows of these sums, measured for rules on values. source: where they came from.

    Raises: UsageError for rules on changes or slices.
    """
    for rule in rules:
        if rule.is_change or rule.slice is not None or rule.worst_of is not None:
            what = "changes" if rule.is_change else "slices"
            raise UsageError(f"a rule on {rule.metric} is about {what}, but saved sums hold no rows")
    values = frozenset(rule.metric for rule in rules) | {"accuracy"}
    measured = rows.measurement(settings.level, source)
    return Subject(measured, None, None, values, frozenset(), PLAIN, None, tuple(rules), settings)
