"""The header of saved sums, checked field by field before anything is made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from calibeval.core.data.class_names import LABELS_ARE
from calibeval.core.data.documents import Place
from calibeval.core.data.labels import MOST_CLASSES
from calibeval.core.data.notices import WarningCode
from calibeval.core.data.row_source import Kind
from calibeval.core.evaluation.batches import FARTHEST
from calibeval.core.evaluation.doubts import SUSPICIONS
from calibeval.core.metrics.table import EVERY
from calibeval.core.report.settings import LEAST_LEVEL, MOST_BINS, MOST_LEVEL
from calibeval.core.sums.excess import VANISHED

KINDS = get_args(Kind)
MOST_CELLS = 2**53
INFINITE = ("inf", "-inf", "nan")  # how the header writes sums that have no finite value


def check_header(header: Mapping[str, Any]) -> None:
    """Check the type and range of every field. Raises: Wrong naming the field, what it is and what is needed."""
    whole = Place(dict(header), "", "the header")
    _check_settings(whole["settings"])
    k = None if whole["k"].value is None else _within(whole["k"], 1, MOST_CLASSES)
    names = whole["metrics"]
    if names.value is not None and not names.each(_metric):
        names.refuse("a list with at least one metric, or null,")
    _check_options(whole["options"], k)
    whole["exact"].truth()
    _check_rows(whole["rows"], k)
    _within(whole["batches"], 0)
    _check_counts(whole["counts"])
    zeros = _list(whole["zeros"], 2)
    _within(zeros[0], 0, _within(zeros[1], 0))
    even, weighted = whole["even"], whole["rows"]["weights"].value is not None and not whole["uneven"].truth()
    if weighted and not 1.0 / FARTHEST <= even.number() <= FARTHEST:
        even.refuse("a weight from 1e-60 to 1e60")
    if not weighted and even.value is not None:
        even.refuse("null, since rows have no weights, or different ones,")
    _check_sums(whole, k)
    sampled = whole.get("sampled")
    if sampled is not None and sampled.value is not None:
        rows, errors = _list(sampled, 2)
        most = _within(rows, 1, whole["counts"]["n"].count())
        if not 0.0 <= errors.number() <= most:
            errors.refuse(f"a number of rows, 0 to {most},")
    names = whole["groups"]
    if (names.value is not None) != whole["rows"]["grouped"].truth():
        names.refuse("a list if rows are grouped, else null,")
    if names.value is not None:
        names.each(_name)
    whole["warnings"].each(_check_warning)
    doubts = whole.get("doubts")
    if doubts is not None:
        doubts.each(lambda one: _check_doubt(one, whole["counts"]["n"].count()))


def read_number(value: Any) -> Any:
    """A number of the header, of which those that JSON cannot hold are written as texts."""
    return float(value) if value in INFINITE else value


def _check_settings(place: Place) -> None:
    """Positive and classes are texts, also of numbers."""
    _within(place["bins"], 1, MOST_BINS)
    level = place["level"]
    if level.value is not None and not LEAST_LEVEL <= level.number() <= MOST_LEVEL:
        level.refuse("a level between 0 and 1, or null,")
    if place["positive"].value is not None:
        place["positive"].text()
    if place["classes"].value is not None:
        place["classes"].each(Place.text)


def _check_options(place: Place, k: int | None) -> None:
    _check_names(place["class_names"], k)
    if place["labels_are"].value is not None:
        place["labels_are"].one_of(LABELS_ARE)
    if place["ignore_index"].value is not None:
        place["ignore_index"].integer()
    place["renormalize"].truth()


def _check_rows(place: Place, k: int | None) -> None:
    kind = place["kind"].one_of(KINDS)
    if place["k"].value != k or (k is None) != (kind == "confidence"):
        place["k"].refuse(f"the number of classes of {kind}, as in k,")
    try:
        numbers = np.dtype(place["dtype"].text()).kind in "fiub"
    except TypeError:
        numbers = False
    if not numbers:
        place["dtype"].refuse("a type of numbers")
    if not 0.0 <= place["precision"].number() < 1.0:
        place["precision"].refuse("a relative step below 1")
    if place["one_column"].truth() and k != 2:
        place["one_column"].refuse("false without two classes")
    _check_names(place["class_names"], k)
    _within(place["positive"], 0, max(1, (k or 2) - 1))
    place["classes"].each(lambda one: _within(one, 0, (k or 1) - 1))
    for name in ("weights", "group"):
        if place[name].value is not None:
            place[name].text()
    dense, grouped = place["dense"].truth(), place["grouped"].truth()
    if grouped != (dense or place["group"].value is not None):
        place["grouped"].refuse("true for images and named groups only")


def _check_counts(place: Place) -> None:
    stored = _within(place["stored"], 1)
    n = _within(place["n"], 1, stored)
    _within(place["zero"], 0, stored - n)
    images = _within(place["images"], 0, stored)
    for shape in place["shapes"].each(lambda one: _list(one, 3)):
        _within(shape[0], 0, stored)
        _within(shape[1], 0, images)
        if not shape[2].each(lambda one: _within(one, 1, stored)):
            shape[2].refuse("a list of sizes")


def _check_sums(whole: Place, k: int | None) -> None:
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
    _check_losses(place, n, weights[0], uneven=bool(uneven))
    _check_excess(place, k, impossible=k is None or impossible > 0, weights=weights, uneven=bool(uneven))
    if place["risk"].value is not None:
        _number(place["risk"])


def _impossible(whole: Place, most: int) -> int:
    """How many labels have probability 0, at most so many."""
    place = whole["sums"]
    impossible = _within(place["impossible"], 0, most)
    first = place["impossible_row"]
    joined = whole.get("joined")
    if joined is not None and joined.value is not None:
        for one in _list(joined, 4):
            if one.number() < 0.0:
                one.refuse("a number of at least 0")
        _within(_list(joined, 4)[0], 0, MOST_CELLS)
    elif impossible and first.value is None:
        first.refuse("the number of the first row whose label has probability 0")
    if impossible and first.value is not None:
        _within(first, 0, whole["counts"]["stored"].count() - 1)
    elif first.value is not None:
        first.refuse("null, since no label has probability 0,")
    return impossible


def _check_losses(place: Place, n: int, weight: float, *, uneven: bool) -> None:
    """Check the sums of the NLL and the Brier score. n, weight: the number of rows, and the sum of their weights."""
    for name, most in (("nll", np.inf), ("brier", 2.0)):
        own = _moments(place[name], crossed=uneven, finite=name == "brier")
        total, squares = own[:2]
        slack = 1e-6 * weight
        if not (-slack <= total <= most * weight + slack and squares >= 0.0):
            limits = "at least 0" if most == np.inf else f"0 to {most * weight:.9g}"
            place[name].fail(f"sums to {total:.9g} with squares {squares:.9g}, but {limits}, and squares, are needed")
        if not uneven and np.isfinite(squares) and total > 0.0 and total / n > 1.001 * squares / total:
            place[name].fail(f"sums to {total:.9g} with squares {squares:.9g}, which no {n:,} numbers do")


def _check_excess(place: Place, k: int | None, *, impossible: bool, weights: tuple[float, ...], uneven: bool) -> None:
    """The cumulants are those of logarithms of which none is below VANISHED."""
    excess, rows, squares = place["excess"], *weights
    if impossible:
        if excess.value is not None:
            excess.refuse("null, since a label has probability 0 or only the top label is known,")
        return
    total, *cumulants = _list(excess, 4)
    nll, entropy = _number(_list(place["nll"], 3)[0]), rows * math.log(k or 1)
    if math.isfinite(nll):
        slack = 1e-3 * rows + 1e-6 * abs(nll)
        if not nll - entropy - slack <= total.number() <= nll + slack:
            total.refuse(f"a sum between {nll - entropy:.9g} and {nll:.9g}, that of nll,")
    else:
        _number(total)
    variance, *higher = (one.number() for one in cumulants)
    heaviest = math.sqrt(squares) if uneven else 1.0
    if variance < -1e-6 * squares:
        cumulants[0].refuse("a variance of at least 0")
    for i, value in enumerate(higher, 1):
        most = 4.0 * (abs(variance) + 1e-3 * squares) * (-VANISHED * heaviest) ** i
        if not abs(value) <= most:
            cumulants[i].refuse(f"a number of at most {most:.3g} beside this variance")


def _moments(place: Place, *, crossed: bool | None = None, finite: bool = True) -> tuple[float, ...]:
    total, squares, third = _list(place, 3)
    read = Place.number if finite else _number
    if crossed:
        read(third)
    elif third.value is not None:
        third.refuse("null")
    return read(total), read(squares)


def _number(place: Place) -> float:
    return float(place.value) if isinstance(place.value, str) and place.value in INFINITE else place.number()


def _check_warning(place: Place) -> None:
    items = place.each(lambda one: one)
    if len(items) == 2:
        items[0].text()
        if items[1].value is not None:
            items[1].one_of(get_args(WarningCode))
        return
    off, rows, low, high, decimals, asked = _list(place, 6)
    _within(off, 0, _within(rows, 0))
    if not 0.0 <= low.number() <= high.number():
        low.refuse("at most the largest sum")
    if decimals.value is not None:
        _within(decimals, 0, 20)
    asked.truth()


def _check_doubt(place: Place, n: int) -> None:
    text, code, rows = _list(place, 3)
    text.text()
    code.one_of(SUSPICIONS)
    _within(rows, 1, n)


def _check_names(place: Place, k: int | None) -> None:
    if place.value is not None and (len(place.each(Place.text)) != k and k is not None):
        place.fail(f"has {len(place.value)} names, but k is {k}")


def _metric(place: Place) -> None:
    if place.text() not in EVERY:
        place.refuse("the name of a metric")


def _name(place: Place) -> None:
    if not isinstance(place.value, str):
        place.number() if not isinstance(place.value, bool) else None


def _within(place: Place, least: int, most: int | None = None) -> int:
    """A whole number in these limits."""
    found = place.integer()
    if found < least or (most is not None and found > most):
        place.refuse(f"a whole number of at least {least}" if most is None else f"a whole number, {least} to {most},")
    return found


def _list(place: Place, size: int) -> tuple[Place, ...]:
    items = place.each(lambda one: one)
    return items if len(items) == size else place.fail(f"has {len(items)} items, but {size} are needed")
