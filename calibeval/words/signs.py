"""Signed numbers, and the limits of bins, as people read them."""

from __future__ import annotations

from calibeval.core.report.report import Bin


def bin_range(row: Bin, decimals: int = 2) -> str:
    """The limits of a bin, with at least this many decimals, and more where both limits would look the same.

    >>> bin_range(Bin(14 / 15, 1.0, 0, None, None, None)), bin_range(Bin(0.9995, 0.9999, 0, None, None, None))
    ('0.93 – 1.00', '0.9995 – 0.9999')
    """
    while decimals < 15 and 0 < row.upper - row.lower < 10**-decimals:
        decimals += 1
    return f"{row.lower:.{decimals}f} – {row.upper:.{decimals}f}"


def signed_points(gap: float, decimals: int = 1) -> str:
    """A signed difference of fractions in percentage points.

    >>> signed_points(0.126), signed_points(-0.04), signed_points(0.0)
    ('+12.6 points', '−4.0 points', '0.0 points')
    """
    return f"{signed(100 * gap, decimals)} points"


def has_direction(gap: float, error: float, floor: float | None) -> bool:
    """Whether a mean gap makes up at least half of the calibration error above its floor; else gaps of bins cancel.

    >>> has_direction(-0.02, 0.05, 0.01), has_direction(0.019, 0.05, 0.01), has_direction(0.019, 0.05, None)
    (True, False, False)
    """
    return 2 * abs(gap) >= error - (floor or 0.0)


def side(gap: float, error: float, floor: float | None) -> str:
    """The side of a gap, "over" or "under", by the sign of a gap; empty where it has no direction.

    >>> side(-0.02, 0.05, 0.01), side(0.02, 0.05, 0.01), side(0.01, 0.05, 0.01), side(0.0, 0.0, 0.0)
    ('under', 'over', '', '')
    """
    if gap == 0.0 or not has_direction(gap, error, floor):
        return ""
    return "over" if gap > 0 else "under"


def signed(value: float, decimals: int) -> str:
    """A number with its sign, with a typographic minus; what rounds to 0 has no sign.

    >>> signed(3.14159, 2), signed(-0.5, 1), signed(-0.001, 1)
    ('+3.14', '−0.5', '0.0')
    """
    text = f"{abs(value):.{decimals}f}"
    return text if float(text) == 0 else ("+" if value > 0 else "\N{MINUS SIGN}") + text
