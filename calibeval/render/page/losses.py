"""The table of losses as the page shows it; all of its text is harmless."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.heads.results import Finetuned
from calibeval.words.losses import Half, halves, notes, sentence
from calibeval.words.names import isolated, visible


@dataclass(frozen=True, slots=True)
class LossesView:
    """Losses on a page: a sentence, the table before and after temperature scaling, and notes."""

    sentence: str
    halves: tuple[Half, Half]
    notes: list[str]


def losses_view(found: Finetuned) -> LossesView:
    """The table for the template."""
    marks = ["best bold, second underlined"] if len(found.losses) > 1 else []
    shown = [isolated(visible(note)) for note in (*marks, *notes(found))]
    return LossesView(visible(sentence(found)), halves(found), shown)
