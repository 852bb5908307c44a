"""A ranking of models for a person at a terminal."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from calibeval.core.survey.ranks import Ranking
from calibeval.render.terminal.sheet import Column, Sheet, table
from calibeval.words.names import visible
from calibeval.words.survey_ranking import HEADS, cells, how, left_out, sentence

_NAMES, _MOST = 30, 20


def ranking_parts(found: Ranking | None, sheet: Sheet, *, full: bool) -> list[RenderableType]:
    """The models in their order with their ranks, and a line without text below. full: all of them."""
    if found is None:
        return []
    kept = found.ranked if full else found.ranked[:_MOST]
    parts = _flow(sheet, sentence(found))
    if len(found.ranked) > 1:
        rows = [cells(one) for one in kept]
        columns = [Column(head, [sheet.text(row[i]) for row in rows], left=i == 3) for i, head in enumerate(HEADS)]
        labels = [sheet.name(str(one.model), _NAMES, keep_end=True) for one in kept]
        parts.append(table([Column(visible(found.axis), list(labels), left=True), *columns]))
        left = len(found.ranked) - len(kept)
        parts += [Text(f"{left} more models: --full")] if left else []
        parts += _flow(sheet, how(found))
    return [*parts, *(line for one in left_out(found) for line in _flow(sheet, one)), ""]


def _flow(sheet: Sheet, text: str) -> list[RenderableType]:
    return [Text(line) for line in sheet.wrapped(text)]
