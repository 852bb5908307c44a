"""What a page shows of single classes: chosen ones of several, and of two classes the top label, which is folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calibeval.core.metrics.table import EVERY
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.report.standing import noise_factor, standing_in, with_floor
from calibeval.core.report.views import seen_as
from calibeval.render.drawing.content import Subject
from calibeval.render.page.diagram import Diagram, of_subject
from calibeval.words import cells
from calibeval.words.shown import of_positive, positive_names, shown_among
from calibeval.words.terms import first_terms, terms_of


@dataclass(frozen=True, slots=True)
class OneClass:
    """One class against the rest. caption: its gap, calibration error and prevalence."""

    id: str
    title: str
    caption: list[str]
    picture: Diagram


def one_against_the_rest(dump: DumpReport, id_: str) -> list[OneClass]:
    """The chosen classes of more than two. id_: of the dump."""
    found = []
    for view in dump.class_views or ():
        seen, terms = seen_as(dump, view), terms_of(view)
        subject = Subject.of(view.bins, view.curve, terms, noise_factor(seen))
        if subject is None:
            continue
        ece, gap = with_floor(seen, "ece"), with_floor(seen, "confidence_gap")
        standing = standing_in(seen, "ece")
        caption = [f"{100 * view.prevalence:.1f} % of rows", f"gap {cells.value(gap)} points"]
        caption.append(f"calibration error {cells.value(ece)} %{'' if standing is None else f', {standing.short}'}")
        place = f"{id_}-class{view.index}"
        found.append(OneClass(place, f"{terms.short} against the rest", caption, of_subject(subject)))
    return found


def question(dump: DumpReport) -> str:
    """The title of the diagram of a dump."""
    return "Does it happen as often as it says?" if of_positive(dump) else "Is it right as often as it says?"


def question_of_several(*, of_positive: bool) -> str:
    """The title of the diagrams of several models. of_positive: whether all are of P(positive class)."""
    return "Does it happen as often as they say?" if of_positive else "Are they right as often as they say?"


def small_axes(dumps: Sequence[DumpReport]) -> str:
    """What the axes of small diagrams of several dumps are."""
    alike = {first_terms(dump)[1] for dump in dumps}
    if len(alike) != 1:
        lines = "with the observed share (solid) and the mean probability (dashed)"
        return f"Across: confidence or probability, % · up: share that is right, % · below: rows, %, {lines}"
    (terms,) = alike
    lines = f"with {terms.observed} (solid) and {terms.predicted} (dashed)"
    return f"Across: {terms.short}, % · up: {terms.up.lower()}, % · below: share of rows, %, {lines}"


def page_names(dump: DumpReport, report: Report) -> list[str]:
    """The metrics of tables of a dump: of two classes those of P(positive class), and in the view without it others."""
    if of_positive(dump):
        return positive_names(dump)
    if all(map(of_positive, report.dumps)):
        return [name for name in shown_among(dump.metrics) if name not in EVERY or not EVERY[name].binary]
    return cells.metric_names(report)


def without_positive(dump: DumpReport) -> DumpReport:
    """A dump of two classes as if only its top label mattered: the numbers that other dumps lead with."""
    return replace(
        dump, positive=None, class_views=None, recalibrated=None, slices=None, small_slices=None, per_class=()
    )
