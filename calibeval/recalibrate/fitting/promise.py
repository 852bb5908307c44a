"""What every fitted map keeps: its NLL is not above that of a temperature, and a search that did not end is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Search, Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.maps.binary import mean_loss
from calibeval.recalibrate.temperature.optimum import Optimum, optimum

WORSE = 1e-9  # in nats: differences up to it are no difference
CERTAIN = "on the fitted rows, a temperature near 0 has a smaller NLL than this map, {after:.5g}"


class Kept(NamedTuple):
    """A map, the mean NLL before and after it, a note if one is needed, and how the search ended."""

    map: Map
    before: float
    after: float
    note: str | None
    search: Search | None


def best_temperature(predictions: Predictions, clip: float | None) -> Optimum | None:
    """The best temperature; None if the scores are too large or too small for one.

    Raises: BadValues; Impossible.
    """
    try:
        return optimum(predictions, clip)
    except InputError:
        return None


def kept(
    predictions: Predictions,
    clip: float | None,
    found: Solution,
    made: Callable[..., Map],
    best: Optimum | None,
) -> Kept:
    """The map of a solution, or the best temperature in its place if the solution has a larger NLL.

    made: the map of some parameters. If no parameters make such a map a temperature, a note tells that it is worse. If
    every label has the largest score of its row, then the smaller the temperature, the smaller the NLL: maps that stop
    before certainty are kept, and a note tells it.
    Raises: InputError if the NLL is no number.
    """
    result, note = made(*found.values), said(found)
    search, method = found.search, result.method
    before, after = mean_loss(predictions, clip, result.apply)
    if best is None or after <= best.nll_after + WORSE:
        pass
    elif best.bound == "low":
        note = _joined(note, CERTAIN.format(after=after))
    else:
        values = result.of_temperature(best.temperature, result.k or 2)
        beside = f"the NLL of the best temperature, {best.nll_after:.5g}, is below that of the method {method}"
        if values is None:
            note = _joined(note, f"{beside}, {after:.5g}")
        else:
            result = made(*values)
            before, after = mean_loss(predictions, clip, result.apply)
            replaced = f"{beside}, so the map is this temperature, {best.temperature:.4g}"
            note = _joined(said(found._replace(note=None)), replaced)  # other notes are on the map that was found
            search = best.search if search is None or search.converged else search
    if not (math.isfinite(before) and math.isfinite(after)):
        raise InputError(f"{predictions.source.name}: the NLL is beyond the largest number; rescale the logits")
    return Kept(result, before, after, note, search)


def said(found: Solution) -> str | None:
    """The note of a solution, with the sentence that the search did not converge if it did not.

    >>> said(Solution((1.0,), None, Search(False, 0.002, 300)))
    'the search did not converge: after 300 steps, the gradient is still 2.0e-03'
    """
    failure = None if found.search is None else found.search.failure
    return found.note if failure is None else _joined(found.note, failure)


def _joined(one: str | None, other: str) -> str:
    return other if one is None else f"{one}; {other}"
