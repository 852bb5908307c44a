"""The columns that a gate cuts into slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calibeval.core.data.columns import PREDICTED_CLASS, TRUE_CLASS
from calibeval.core.data.lazy_columns import refuse_left
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.shot_names import SHOTS_PREDICTED
from calibeval.core.errors import UsageError, nearest
from calibeval.core.gating.rules import Rule
from calibeval.core.report.settings import Settings


def slice_columns(rules: Sequence[Rule], asked: Sequence[str], dump: Predictions) -> tuple[str, ...]:
    """The columns that are cut into slices: the requested ones, and those that rules name.

    Raises: UsageError, with the nearest column, for a rule on a column that the dump does not have.
    """
    known = [*dump.columns, *(name for name in (TRUE_CLASS, PREDICTED_CLASS) if name not in dump.columns)]
    named = [column for rule in rules if rule.severity != "off" and (column := _column(rule, known, dump)) is not None]
    return tuple(dict.fromkeys((*asked, *named)))


def _column(rule: Rule, known: Sequence[str], dump: Predictions) -> str | None:
    """The column that a rule names; None for a rule on all rows, or on the worst slice of all columns."""
    if rule.slice is None or rule.worst_of == "":
        return None
    if rule.worst_of is not None:
        column = rule.worst_of if rule.worst_of in known else None
    else:
        fitting = [column for column in known if rule.slice.startswith(f"{column}=")]
        column = max(fitting, key=len, default=None)
    if column is None:
        name = rule.worst_of or rule.slice.partition("=")[0]
        refuse_left(dump.columns, name)
        hint = nearest(name, known)
        place = f'{dump.source.name}: slice "{rule.slice}"'
        raise UsageError(f'{place}: there is no column "{name}"{hint}; there are {", ".join(known)}')
    return column


def sliced_in_both(settings: Settings, dump: Predictions) -> Settings:
    """The settings for two models, without slices by predicted class, which differs between models."""
    predicted = PREDICTED_CLASS not in dump.columns
    columns = tuple(
        column
        for column in settings.slices
        if not (predicted and column == PREDICTED_CLASS) and column != SHOTS_PREDICTED
    )
    return replace(settings, slices=columns, min_rows=settings.min_rows if columns else None)
