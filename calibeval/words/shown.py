"""Which metrics tables for people show."""

from __future__ import annotations

from collections.abc import Iterable

from calibeval.core.metrics.image_names import MEANS, MEANS_OF_POSITIVE
from calibeval.core.metrics.table import EVERY, METRICS
from calibeval.core.report.report import DumpReport
from calibeval.core.report.views import speaks_of_positive

# What a first view shows in a table.
MAIN = ("accuracy", "confidence_gap", "nll", "brier", "ece")
# What a first view of two classes shows, by P(positive class): in a table, and in the line below it.
OF_POSITIVE = ("gap_positive", "ece_positive", "brier_positive", "nll", "accuracy")
# By these a comparison of two classes is about P(positive class).
_COMPARED = ("gap_positive", "ece_positive")
REGRESSION = ("cox_slope", "cox_intercept")


def of_positive(dump: DumpReport) -> bool:
    """Whether a first view is about P(positive class): of two classes, unless metrics were chosen."""
    return (
        speaks_of_positive(dump) and not on_request(dump.metrics) and all(name in dump.metrics for name in OF_POSITIVE)
    )


def positive_names(dump: DumpReport) -> list[str]:
    """The metrics of two classes that short tables show."""
    return [*OF_POSITIVE, *(name for name in REGRESSION if name in dump.metrics)]


def compares_positive(names: Iterable[str]) -> bool:
    """Whether a comparison in these metrics is about P(positive class): of two classes, unless others were chosen."""
    return {*_COMPARED} <= {*names}


def sliced(names: Iterable[str]) -> tuple[str, ...]:
    """The metrics in the table of a comparison's slices.

    >>> sliced(["ece", "gap_positive", "ece_positive"])
    ('ece_positive', 'nll', 'accuracy')
    """
    every = {*names}
    positive = compares_positive(every)
    means = [name for name in (MEANS_OF_POSITIVE if positive else MEANS) if name in every]
    return ("ece_positive" if positive else "ece", *means, "nll", "accuracy")


def is_shown(metric: str) -> bool:
    """Whether tables for people show this metric; JSON and csv always do.

    >>> is_shown("mce"), is_shown("mce_all_bins")
    (True, False)
    """
    return metric not in EVERY or EVERY[metric].shown


def on_request(names: Iterable[str]) -> bool:
    """Whether one of these metrics was asked for by name; reports in full have those that tables leave out anyway.

    >>> on_request(["ece", "phi_nll"]), on_request(["ece", "ecce"])
    (False, True)
    """
    return any(EVERY.on_request(name) and is_shown(name) for name in names)


def shown_among(names: Iterable[str]) -> list[str]:
    """The metrics that tables show: every one if they were chosen, as then others that every dump has are missing.

    >>> shown_among(["ece", "mce_all_bins"]), "mce_all_bins" in shown_among(METRICS)
    (['ece', 'mce_all_bins'], False)
    """
    every = [*dict.fromkeys(names)]
    usual = {name for name, spec in METRICS.items() if spec.shown and not spec.binary}
    chosen = not usual <= {*every} or on_request(every)
    return every if chosen else [name for name in every if is_shown(name)]


def compared_among(names: Iterable[str]) -> list[str]:
    """The metrics that tables of comparisons show: of two classes also the Brier score of one column.

    >>> [name for name in compared_among(METRICS) if name.startswith("brier")]
    ['brier', 'brier_positive']
    """
    every = [*names]
    shown = shown_among(every)
    if "brier_positive" in every and "brier" in shown and "brier_positive" not in shown:
        shown.insert(shown.index("brier") + 1, "brier_positive")
    return shown
