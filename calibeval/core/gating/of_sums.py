"""What a gate judges if there are sums of rows, and no rows."""

from __future__ import annotations

from collections.abc import Sequence

from calibeval.core.comparison.baseline import Baseline
from calibeval.core.comparison.matched import Matched
from calibeval.core.comparison.of_sums import matched_sums
from calibeval.core.data.source import Source
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.report.report import Report
from calibeval.core.sums.resources import PLAIN

NO_BASE = "these sums hold no base: make them with --base, or give a saved report as the baseline"


def subject_of_sums(
    rows: Accumulation,
    rules: Sequence[Rule],
    settings: GateSettings,
    source: Source,
    saved: Report | None = None,
    *,
    planned: bool = False,
) -> Subject:
    """The rows of these sums, measured for rules on values and on changes. source: where they came from.

    saved: the baseline, if it is a saved report; None: the base in the sums, if they have one. planned: for a plan, in
    which rules on changes need no baseline.
    Raises: UsageError for rules on slices, and for rules on changes without a base; InputError for another baseline.
    """
    changes, every = frozenset(rule.metric for rule in rules if rule.is_change), [rule.metric for rule in rules]
    for rule in rules:
        if rule.slice is not None or rule.worst_of is not None:
            raise UsageError(f"a rule on {rule.metric} is about slices, but saved sums hold no rows")
        if rule.is_change and saved is None and rows.base is None and not planned:
            raise UsageError(f"a rule on {rule.metric} is about changes, but {NO_BASE}")
    matched: Matched | None = None
    if saved is None and rows.base is not None and changes:
        measured, matched = matched_sums(rows, settings.level, source, every)
    else:
        measured = rows.measurement(settings.level, source, only=every)
    baseline = None if saved is None else Baseline.of(saved, rows.settings.bins)
    compared = matched is not None or baseline is not None
    values = frozenset(rule.metric for rule in rules if not (compared and rule.is_change)) | {"accuracy"}
    return Subject(measured, baseline, matched, values, changes, PLAIN, None, tuple(rules), settings)
