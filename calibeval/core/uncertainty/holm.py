"""Holm's correction for several p-values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


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


def shared_holm(
    weights: Mapping[Key, Fraction], suspects: Collection[Key], rejects: Callable[[Key, Fraction], bool]
) -> tuple[dict[Key, Fraction], Fraction]:
    """Holm's procedure with weights: the tests that are rejected, each at its share, and the weight of the others.

    weights: of all tests. suspects: those that would be rejected alone. rejects: whether a test is rejected at that
    share of the chance of a false alarm. Each test has the share of its weight; those of rejected tests go to the
    others. The chance that any true hypothesis is rejected is then that of a single test, for any dependence.
    Source: Holm, Scandinavian Journal of Statistics 6:65 (1979), section 4.

    >>> p, weights = {"a": 0.01, "b": 0.04, "c": 0.5}, {"a": Fraction(1, 2), "b": Fraction(1, 4), "c": Fraction(1, 4)}
    >>> shared_holm(weights, ["a", "b"], lambda key, share: p[key] <= 0.05 * share)
    ({'a': Fraction(1, 2)}, Fraction(1, 2))
    """
    left, found, open_ = sum(weights.values(), Fraction(0)), dict[Key, Fraction](), list(suspects)
    while open_:
        certain = {key: weights[key] / left for key in open_ if rejects(key, weights[key] / left)}
        if not certain:
            break
        found |= certain
        open_ = [key for key in open_ if key not in certain]
        left -= sum(weights[key] for key in certain)
    return found, left
