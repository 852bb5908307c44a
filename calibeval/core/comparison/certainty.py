"""How sure a difference is: correction for several tests, and too few errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from calibeval.core.comparison.comparison import Difference
from calibeval.core.data.notices import reason
from calibeval.core.metrics.table import EVERY
from calibeval.core.uncertainty.holm import holm
from calibeval.core.uncertainty.level import CERTAIN_P

# With fewer errors, or fewer right rows, of either model, no difference is certain but that of the accuracy.
LEAST_ERRORS = 10
NO_ROWS = "rows_not_kept"


def over_metrics(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """The differences with p_holm, Holm's correction over the metrics that tables show: all, if some were requested.

    The Brier score of one column is half of that over both classes: the same test, which is counted once.
    """
    requested = any(EVERY.on_request(name) for name in differences)
    shown = [name for name in differences if requested or name not in EVERY or EVERY[name].shown]
    if "brier" in shown and "brier_positive" in shown:
        shown.remove("brier_positive")
    corrected = dict(zip(shown, holm([_tested(differences[name]) for name in shown]), strict=True))
    corrected = {name: None if differences[name].p is None else p for name, p in corrected.items()}
    if "brier" in corrected and "brier_positive" in differences:
        corrected["brier_positive"] = corrected["brier"]
    return {name: replace(one, p_holm=corrected.get(name)) for name, one in differences.items()}


def over_asked(differences: Mapping[str, Difference], only: Collection[str] | None) -> dict[str, Difference]:
    """The differences with Holm's correction over all of them if some were chosen; None: as `over_metrics`."""
    if only is None:
        return over_metrics(differences)
    tested = {name: one for name, one in differences.items() if one.p is not None}
    corrected = dict(zip(tested, holm([one.p for one in tested.values()]), strict=True))
    return {name: replace(one, p_holm=corrected.get(name)) for name, one in differences.items()}


def with_few_errors(differences: Mapping[str, Difference], fewest: tuple[int, str] | None) -> dict[str, Difference]:
    """The differences; those that would be certain say why they are not, if a model has too few errors.

    fewest: the smallest number of errors, or of right rows, of either model, and what it counts.
    """
    if fewest is None or fewest[0] >= LEAST_ERRORS:
        return dict(differences)
    text = f"not called certain: only {fewest[0]} {fewest[1]}, fewer than {LEAST_ERRORS}"
    return {name: _told(one, text) if _matters(one) else one for name, one in differences.items()}


def fewest_of(counts: Mapping[str, tuple[float, float]]) -> tuple[int, str]:
    """The smallest number of errors, or of right rows, and what it counts.

    counts: of every model, by its name, the right rows and all rows.

    >>> fewest_of({"the base": (290.0, 300), "the candidate": (297.0, 300)})
    (3, 'errors of the candidate')
    """
    found = []
    for name, (right, n) in counts.items():
        found += [(round(n - right), f"errors of {name}"), (round(right), f"right rows of {name}")]
    count, what = min(found)
    return count, what.replace("errors", "error").replace("rows", "row") if count == 1 else what


def _tested(difference: Difference) -> float | None:
    """The p of its test; 1 if there is a test for rows, of which only sums are known."""
    missing = difference.p is None and difference.difference is not None
    return 1.0 if missing and difference.reason is not None and difference.reason.code == NO_ROWS else difference.p


def _matters(difference: Difference) -> bool:
    p = difference.p
    return difference.name != "accuracy" and difference.excludes_zero and p is not None and p < CERTAIN_P


def _told(difference: Difference, text: str) -> Difference:
    also = "" if difference.reason is None else f"; {difference.reason}"
    return replace(difference, reason=reason("few_errors", text + also))
