"""The page of a training: about the head that is saved, then the other losses, the training and the temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibeval.core.heads.history import EpochFacts
from calibeval.core.heads.results import Finetuned
from calibeval.core.report.report import DumpReport, Report
from calibeval.render.page.curves import Curves, curves
from calibeval.render.page.page import fragment_of, whole_page
from calibeval.render.page.report import DumpView, PageView, page_view
from calibeval.words.deployed import against_deployed
from calibeval.words.losses import Half, legend, notes, paired, parts, saved_head, sentence
from calibeval.words.marks import plain
from calibeval.words.names import isolated, visible

_NAME = 120


@dataclass(frozen=True, slots=True)
class LossesView:
    """A training as a notebook shows it: in sentences, and as a table."""

    version: str
    kind: str
    sentence: str
    deployed: str
    paired: str
    halves: tuple[Half, ...]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class TrainingView:
    """report: the page of the saved head. deployed: whether it is better than the deployed one; paired: than another.

    temperature: the head as trained, and after its temperature. others: the heads of the other losses.
    """

    report: PageView
    kind: str
    deployed: str
    paired: str
    sentence: str
    halves: tuple[Half, ...]
    notes: list[str]
    heading: str
    curves: Curves | None
    temperature: DumpView | None
    others: list[DumpView]


def render(found: Finetuned, report: Report, saved: DumpReport, epochs: Sequence[tuple[EpochFacts, ...]]) -> str:
    """The page. The same results give the same bytes.

    report: of all heads, before and after their temperatures, named LOSS#SPLIT. saved: of the head that is saved, as it
    is saved. epochs: of the heads of all losses, for their curves.
    """
    return whole_page("training.html.j2", _view(found, report, saved, epochs))


def fragment(found: Finetuned, text: str = "") -> str:
    """What a notebook shows of the results. text: shown instead where styles are stripped."""
    view = LossesView(
        version=plain(found.version, _NAME),
        kind=isolated(visible(saved_head(found))),
        sentence=isolated(visible(sentence(found))),
        deployed=isolated(visible(against_deployed(found))),
        paired=isolated(visible(paired(found))),
        halves=parts(found),
        notes=_notes(found),
    )
    return fragment_of("losses_body.html.j2", view, text)


def _notes(found: Finetuned) -> list[str]:
    return [isolated(visible(note)) for note in (*legend(found, "bold", "underlined"), *notes(found))]


def _view(
    found: Finetuned, report: Report, saved: DumpReport, epochs: Sequence[tuple[EpochFacts, ...]]
) -> TrainingView:
    chosen = found.losses[found.chosen].name
    measured = {dump.name: dump for dump in report.dumps}
    own = measured.get(f"{chosen}#{found.shown}")
    others = [
        _named(dump, loss.name, fold=found.settings.fold)
        for loss in found.rows()
        if loss.name != chosen and (dump := measured.get(f"{loss.name}#{found.shown}")) is not None
    ]
    page = page_view(replace(report, dumps=(saved,)))
    return TrainingView(
        report=replace(page, title=f"{plain(chosen, _NAME)} · trained head"),
        kind=isolated(visible(saved_head(found))),
        deployed=isolated(visible(against_deployed(found))),
        paired=isolated(visible(paired(found))),
        sentence=isolated(visible(sentence(found))),
        halves=parts(found),
        notes=_notes(found),
        heading="The heads" if found.deployed else "The losses" if len(found.losses) > 1 else "The loss",
        curves=curves(found.losses, epochs),
        temperature=None if own is None else _views(report, [own], "t")[0],
        others=_views(report, others, "o"),
    )


def _named(dump: DumpReport, name: str, *, fold: bool) -> DumpReport:
    """The head of a loss as it is saved."""
    return replace((dump.after() if fold else None) or dump, name=name, recalibrated=None)


def _views(report: Report, dumps: Sequence[DumpReport], prefix: str) -> list[DumpView]:
    return page_view(replace(report, dumps=tuple(dumps)), f"{prefix}-", folded=0).dumps
