"""What axes, gaps and means are called in diagrams: of the top label, or of the probability of one class."""

from __future__ import annotations

from dataclasses import dataclass

from calibeval.core.report.report import DumpReport
from calibeval.core.report.rows import ClassView
from calibeval.core.report.views import first_view, speaks_of_positive, with_gap_of_positive
from calibeval.words.marks import plain
from calibeval.words.names import isolated

_NAME = 18


@dataclass(frozen=True, slots=True)
class Terms:
    """What the axes, the bars, the two kinds of gap, and the means are called.

    letters: of the observed and the predicted mean, in diagrams of characters. short: the probability in a table.
    """

    across: str = "Confidence"
    up: str = "Accuracy"
    bar: str = "accuracy"
    over: str = "gap, over-confident"
    under: str = "gap, under-confident"
    observed: str = "accuracy"
    predicted: str = "mean confidence"
    letters: tuple[str, str] = ("A", "C")
    short: str = "confidence"
    higher: str = "over-confident"
    lower: str = "under-confident"


TOP_LABEL = Terms()


def terms_of(view: ClassView) -> Terms:
    """The terms of one class.

    >>> terms = terms_of(ClassView("default", 1, 0.1, ()))
    >>> terms.across, terms.up, terms.predicted
    ('P("default")', 'Share of "default"', 'mean P("default")')
    """
    name = f"class {view.index}" if view.name == str(view.index) else f'"{isolated(plain(view.name, _NAME))}"'
    return Terms(
        across=f"P({name})",
        up=f"Share of {name}",
        bar="observed share",
        over="gap, too high",
        under="gap, too low",
        observed="observed share",
        predicted=f"mean P({name})",
        letters=("O", "P"),
        short=f"P({name})",
        higher="too high",
        lower="too low",
    )


def first_terms(dump: DumpReport) -> tuple[DumpReport, Terms]:
    """The dump as its first diagram shows it, with the terms of that diagram: for two classes, of the positive one."""
    dump = with_gap_of_positive(dump)
    if dump.positive is None or not speaks_of_positive(dump):
        return dump, TOP_LABEL
    return first_view(dump), terms_of(dump.positive)
