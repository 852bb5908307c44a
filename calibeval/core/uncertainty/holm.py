"""Holm's correction for several p-values."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """The p-values after Holm's correction, which is valid for any dependence between the tests; None stays None.

    Source: Holm, Scandinavian Journal of Statistics 6:65 (1979).

    >>> [round(p, 3) for p in holm([0.01, 0.5, 0.03])]
    [0.03, 0.5, 0.06]
    """
    order = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for place, (p, i) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * p))
        corrected[i] = largest
    return corrected
