"""What is fitted on a sample of the rows, once all sums are known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from calibeval.core.data.row_source import Kind
from calibeval.core.sums.cox import Cox, cox_of
from calibeval.core.sums.optimum import Optimum, optimum_of
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.sums import Sums
from calibeval.core.sums.threads import in_order

Result = TypeVar("Result")


def fitted_optimum(samples: list[Sample], total: Sums, kind: Kind, *, keep_rows: bool = False) -> Optimum | None:
    """The optimal temperature of a sample; None if there is none, or a label has probability 0. total: all sums."""
    if not samples or total.excess is None:
        return None
    of_all = sum(len(sample.labels) for sample in samples) == total.rows_n
    return optimum_of(samples, kind, of_all=of_all, keep_rows=keep_rows)


def fitted_cox(samples: list[Sample], total: Sums, kind: Kind) -> Cox | None:
    """Cox's recalibration of a sample of two classes; None as for the optimum. total: all sums."""
    return None if not samples or total.excess is None or total.k != 2 else cox_of(samples, kind)


def fits(
    samples: list[Sample], total: Sums, kind: Kind, jobs: int, *, keep_rows: bool
) -> tuple[Optimum | None, Cox | None]:
    """Both fits, side by side in threads if there are several, and two classes: of more there is no Cox's fit."""
    if total.k != 2:
        return fitted_optimum(samples, total, kind, keep_rows=keep_rows), None
    two: tuple[Callable[[], Optimum | Cox | None], ...] = (
        partial(fitted_optimum, samples, total, kind, keep_rows=keep_rows),
        partial(fitted_cox, samples, total, kind),
    )
    optimum, cox = in_order(_called, two, jobs)
    return cast("Optimum | None", optimum), cast("Cox | None", cox)


def _called(work: Callable[[], Result]) -> Result:
    return work()
