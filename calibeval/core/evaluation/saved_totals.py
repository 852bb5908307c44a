"""The totals in the header of saved sums: weights, losses, excess and risk, as sums of so many rows can be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from calibeval.core.data.documents import Place
from calibeval.core.sums.excess import VANISHED

MOST_RISK = 400.0  # of a row of two classes: minus the logarithm of the root of the smallest float64, and more
INFINITE = ("inf", "-inf", "nan")  # how the header writes sums that have no finite value


def check_totals(whole: Place, k: int | None) -> None:
    """Check the sums over all rows. k: the number of classes. Raises: Wrong."""
    place, n = whole["sums"], whole["counts"]["n"].count()
    if place["n"].count() != n:
        place["n"].refuse(f"the {n:,} rows of counts.n")
    weights = _moments(place["weights"])
    impossible = _impossible(whole, n if k is not None else 0)
    uneven = whole["uneven"].value
    if uneven and whole["rows"]["weights"].value is None:
        whole["uneven"].refuse("false, since rows have no weights,")
    if uneven:
        total, squares = weights
        if not (total > 0.0 and 0.0 < squares <= total * total * 1.001 and total * total <= n * squares * 1.001):
            place["weights"].fail(f"are {total:.9g} and {squares:.9g}, which no {n:,} weights above 0 add up to")
    elif weights != (n, n):
        place["weights"].fail(f"are {weights[0]:.9g} and {weights[1]:.9g}, but {n:,} rows without weights need {n}")
    _check_losses(place, n, weights[0], math.sqrt(weights[1]) if uneven else 1.0, uneven=bool(uneven))
    _check_excess(place, k, impossible=k is None or impossible > 0, weights=weights, uneven=bool(uneven))
    _check_risk(place["risk"], k, weights[0])


def _check_risk(place: Place, k: int | None, weight: float) -> None:
    """Of a row it is the logarithm of at least 1, or infinite if the other probabilities vanish; 0 without them."""
    if place.value is None:
        return
    most = 0.0 if k is None else weight * (MOST_RISK + 0.5 * math.log(k))
    slack = 0.0 if k is None else 0.2 * weight  # the probabilities of rows may sum to 0.85 or 1.15
    found = _number(place)
    if not (-slack <= found <= most + slack or (k is not None and found == math.inf)):
        place.refuse(f"a sum from 0 to {most:.9g}, or infinite,")


def _impossible(whole: Place, most: int) -> int:
    """How many labels have probability 0, at most so many."""
    place = whole["sums"]
    impossible = within(place["impossible"], 0, most)
    first = place["impossible_row"]
    joined = whole.get("joined")
    if joined is not None and joined.value is not None:
        bins, rows = whole["settings"]["bins"].count(), whole["counts"]["n"].count()
        moved = 3 * rows  # of both bins, and rounded up
        every = (rows, moved, moved * (whole["k"].value or 1), moved, 3 * moved, moved * bins, moved * bins)
        for one, limit in zip(list_of(joined, 7), every, strict=True):
            if not 0.0 <= one.number() <= limit:
                one.refuse(f"a number from 0 to {limit:,}")
    elif impossible and first.value is None:
        first.refuse("the number of the first row whose label has probability 0")
    if impossible and first.value is not None:
        within(first, 0, whole["counts"]["stored"].count() - 1)
    elif first.value is not None:
        first.refuse("null, since no label has probability 0,")
    return impossible


def _check_losses(place: Place, n: int, weight: float, heaviest: float, *, uneven: bool) -> None:
    """Check the sums of the NLL and the Brier score. weight, heaviest: the sum of weights, and the most of one."""
    for name, most in (("nll", np.inf), ("brier", 2.0)):
        own = _moments(place[name], crossed=uneven, finite=name == "brier")
        total, squares = own[:2]
        slack = 1e-6 * weight
        if not (-slack <= total <= most * weight + slack and squares >= 0.0):
            limits = "at least 0" if most == np.inf else f"0 to {most * weight:.9g}"
            place[name].fail(f"sums to {total:.9g} with squares {squares:.9g}, but {limits}, and squares, are needed")
        # Of numbers x of at least 0 with weights w, the sum of (w x)^2 is at most that of w x times the largest w x.
        largest = min(most * heaviest, max(total, 0.0)) if math.isfinite(total) else math.inf
        fits = squares <= 1.001 * largest * max(total, 0.0) + slack * max(heaviest, slack)
        if (
            not fits
            or math.isfinite(total) < math.isfinite(squares)
            or (not uneven and total > 0.0 and total / n > 1.001 * squares / total)
        ):
            place[name].fail(f"sums to {total:.9g} with squares {squares:.9g}, which no {n:,} numbers do")
        if uneven:
            _check_crossed(place[name], own, heaviest, slack)


def _check_crossed(place: Place, own: tuple[float, ...], heaviest: float, slack: float) -> None:
    """The sum of w w x is at most that of w x times the largest w."""
    total, crossed = own[0], list_of(place, 3)[2].number()
    if not -slack * heaviest <= crossed <= 1.001 * heaviest * max(total, 0.0) + slack * heaviest:
        place.fail(f"has the crossed sum {crossed:.9g}, which no such weights make with the sum {total:.9g}")


def _check_excess(place: Place, k: int | None, *, impossible: bool, weights: tuple[float, ...], uneven: bool) -> None:
    """The cumulants are those of logarithms of which none is below VANISHED."""
    excess, rows, squares = place["excess"], *weights
    if impossible:
        if excess.value is not None:
            excess.refuse("null, since a label has probability 0 or only the top label is known,")
        return
    total, *cumulants = list_of(excess, 4)
    nll, entropy = _number(list_of(place["nll"], 3)[0]), rows * math.log(k or 1)
    if math.isfinite(nll):
        slack = 1e-3 * rows + 1e-6 * abs(nll)
        if not nll - entropy - slack <= total.number() <= nll + slack:
            total.refuse(f"a sum between {nll - entropy:.9g} and {nll:.9g}, that of nll,")
    else:
        _number(total)
    variance, *higher = (one.number() for one in cumulants)
    heaviest = math.sqrt(squares) if uneven else 1.0
    # Reeb & Wolf, IEEE Trans. Inf. Theory 61:1458 (2015): the variance of -ln p is at most 1 + (ln(k - 1))^2 / 4.
    most = 1.001 * squares * (1.0 + 0.25 * math.log(max((k or 2) - 1, 1)) ** 2)
    if not -1e-6 * squares <= variance <= most:
        cumulants[0].refuse(f"a variance from 0 to {most:.9g}")
    for i, value in enumerate(higher, 1):
        most = 4.0 * (abs(variance) + 1e-3 * squares) * (-VANISHED * heaviest) ** i
        if not abs(value) <= most:
            cumulants[i].refuse(f"a number of at most {most:.3g} beside this variance")


def _moments(place: Place, *, crossed: bool | None = None, finite: bool = True) -> tuple[float, ...]:
    total, squares, third = list_of(place, 3)
    read = Place.number if finite else _number
    if crossed:
        read(third)
    elif third.value is not None:
        third.refuse("null")
    return read(total), read(squares)


def _number(place: Place) -> float:
    return float(place.value) if isinstance(place.value, str) and place.value in INFINITE else place.number()


def read_number(value: Any) -> Any:
    """A number of the header, of which those that JSON cannot hold are written as texts."""
    return float(value) if value in INFINITE else value


def within(place: Place, least: int, most: int | None = None) -> int:
    """A whole number in these limits."""
    found = place.integer()
    if found < least or (most is not None and found > most):
        place.refuse(f"a whole number of at least {least}" if most is None else f"a whole number, {least} to {most},")
    return found


def list_of(place: Place, size: int) -> tuple[Place, ...]:
    """A list of this size."""
    items = place.each(lambda one: one)
    return items if len(items) == size else place.fail(f"has {len(items)} items, but {size} are needed")
