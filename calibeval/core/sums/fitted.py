"""What is fitted on a sample of the rows, once all sums are known."""

from __future__ import annotations

from calibeval.core.data.row_source import Kind
from calibeval.core.sums.cox import Cox, cox_of
from calibeval.core.sums.optimum import Optimum, optimum_of
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.sums import Sums


def fitted_optimum(samples: list[Sample], total: Sums, kind: Kind, *, keep_rows: bool = False) -> Optimum | None:
    """The optimal temperature of a sample; None if there is none, or a label has probability 0. total: all sums."""
    if not samples or total.excess is None:
        return None
    of_all = sum(len(sample.labels) for sample in samples) == total.rows_n
    return optimum_of(samples, kind, of_all=of_all, keep_rows=keep_rows)


def fitted_cox(samples: list[Sample], total: Sums, kind: Kind) -> Cox | None:
    """Cox's recalibration of a sample of two classes; None as for the optimum. total: all sums."""
    return None if not samples or total.excess is None or total.k != 2 else cox_of(samples, kind)
