"""The table of losses as the page shows it; all of its text is harmless."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.heads.results import Finetuned
from calibeval.words.losses import Half, halves, legend, notes, paired, sentence
from calibeval.words.names import isolated, visible


@dataclass(frozen=True, slots=True)
class LossesView:
    """Losses on a page: sentences, the table before and after temperature scaling, and notes."""

    sentence: str
    paired: str
    halves: tuple[Half, Half]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class TrainingView:
    """A training without a report on its heads, as notebooks show it."""

    headline: str
    version: str
    losses: LossesView


def losses_view(found: Finetuned) -> LossesView:
    """The table for the template."""
    shown = [isolated(visible(note)) for note in (*legend(found, "bold", "underlined"), *notes(found))]
    said, pair = (isolated(visible(line)) for line in (sentence(found), paired(found)))
    return LossesView(said, pair, halves(found), shown)
