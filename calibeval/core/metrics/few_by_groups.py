"""What few errors allow if only groups of rows are independent: as for rows, with the effective number of rows."""

from __future__ import annotations

from calibeval.core.sums.risk import FEW, decided_by_few
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.intervals import Interval
from calibeval.core.uncertainty.joints import Joints, effective_rows
from calibeval.core.uncertainty.small_counts import Shift, exact_ends


def shift_by_groups(sums: Sums, joints: Joints, level: float) -> Shift | None:
    """How far the accuracy may differ from what was measured; None with 30 errors and 30 right rows.

    The interval is exact for as many rows as would make the accuracy vary as much as the groups do.
    """
    right = float(sums.top.y.sum())
    if not decided_by_few(right, sums.n):
        return None
    share, worth = min(right / sums.n, 1.0), effective_rows(joints)
    confidence = float(sums.top.p.sum()) / sums.n
    return Shift(confidence, share, *exact_ends(share * worth, worth, level), True)


def containing_exact(found: Interval, share: float, joints: Joints, level: float) -> Interval:
    """The interval of the accuracy, extended to the exact one if there are few errors, or few right rows.

    Both are counted in the effective number of rows, and few are below 30.
    """
    worth = effective_rows(joints)
    if min(share, 1.0 - share) * worth >= FEW * (1.0 - 1e-9):
        return found
    low, high = exact_ends(share * worth, worth, level)
    return Interval(min(found.low, low), max(found.high, high), found.corrected)


def allowing(found: Interval, value: float, sums: Sums, joints: Joints | None, level: float) -> Interval:
    """The interval of an error that is never smaller than |gap| of all rows, extended by what few errors allow.

    value: the error as measured. joints: None if rows are independent, where the interval has it already.
    """
    shift = None if joints is None else shift_by_groups(sums, joints, level)
    if shift is None:
        return found
    low, high = max(value - shift.slack, 0.0), min(shift.largest_gap, 1.0)
    return Interval(min(found.low, low), max(found.high, high), found.corrected)
