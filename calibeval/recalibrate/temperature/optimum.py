"""Temperature scaling: one number T > 0 that divides all logits, at the exact optimum of the mean NLL."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.sums.root import Root, find_root, halley
from calibeval.recalibrate.base.facts import Search
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.temperature.fused import Fused, by_kernel, fused
from calibeval.recalibrate.temperature.pieces import Piece, ScoreFacts, pieces, sample, score_facts

MOST_EXPONENT = 709.0  # e to more is beyond float64
CLOSE = 1e-9  # in nats: values this close to the infimum are as good
LAST_STEP = 3e-5  # in log T: the remaining error is of the order of its cube
LAST_NEWTON_STEP = 3e-6  # without the third derivative, the remaining error is of the order of its square
SHORT_COARSE_STEP, LONGEST_COARSE_STEP = 5e-3, 1.0
SAMPLE_STEP = 3e-2  # about three times the error of the sub-sample itself
COARSE_BYTES = 4  # a pass in float32 is only used for scores stored in float32 or a shorter type
COARSE_RANGE = 1e30  # beyond it, float32 cannot represent the inverse scale of the logits
CLOSER_SCORES, LEAST_PARTS = 2**21, 8  # of a second sub-sample for the kernel, and how often it must fit into all
FAR_BELOW = 4.0  # the search on all rows goes this far below the sample's optimum, then checks that there is one
SMALL_SLOPE = 1e-6  # in nats per unit of log T; larger at the end, the search has not converged
NO_SLOPE = 1e-9  # relative to the spread

Pieces = Callable[[], Iterable[Piece]]


class Optimum(NamedTuple):
    """The best temperature, the mean NLL without and with it, full passes over the scores, and the bound if it is one.

    passes: how often all scores were read; a small dump is read once and then kept. slope: the derivative of the mean
    NLL by log T at the end of the search, which took so many steps on all scores that are kept or read; found: whether
    it ended where the next step would be below rounding.
    bound: "low" if the NLL keeps falling as T falls, since every label has the largest score of its row; "high" if it
    keeps falling as T grows, since the scores are not informative about the labels; "flat" if T has no effect.
    """

    temperature: float
    nll_before: float
    nll_after: float
    passes: int
    bound: str | None
    slope: float = 0.0
    steps: int = 0
    found: bool = True

    @property
    def search(self) -> Search:
        """How the search ended."""
        return Search(self.found, abs(self.slope), self.steps)


NO_BEST = {  # in a few words, for maps that start from the temperature
    "low": "no temperature is the best: the smaller, the smaller the NLL",
    "high": "no temperature is the best: the larger, the smaller the NLL",
    "flat": "all temperatures are equally good",
}
NOWHERE = Optimum(math.inf, math.nan, math.nan, 0, None)  # of scores too large for it
BOUND_NOTES = {
    "low": "every label has the largest score of its row, so the NLL keeps falling as T falls to 0; this T is the "
    "largest one (up to a factor of 2) with an NLL within 1e-9 of the limit. Misclassified rows will get a high NLL",
    "high": "the scores carry no information about the labels or point away from them, so the NLL keeps falling as T "
    "grows; this T has an NLL within 1e-9 of the limit, where all classes are equally likely",
    "flat": "in every row all possible classes have the same score, so T has no effect: it stays at 1",
}


@dataclass(frozen=True, slots=True, repr=False)
class TemperatureMap(Map):
    """Logits divided by the temperature, a positive number; the predicted class never changes.

    Source: Guo et al., ICML 2017.
    """

    method: ClassVar[str] = "temperature"
    keeps_top: ClassVar[bool] = True

    temperature: float

    def parameters(self) -> dict[str, Any]:
        """The temperature."""
        return {"temperature": self.temperature}

    def apply(self, z: Floats) -> Floats:
        """Log-scores divided by the temperature; rows that would overflow are centred first."""
        result = z / self.temperature
        if np.isfinite(result).all():
            return result
        over = np.flatnonzero((np.isinf(result) & np.isfinite(z)).any(axis=1))
        if len(over):
            result[over] = (z[over] - z[over].max(axis=1, keepdims=True)) / self.temperature
        return result

    def check(self) -> None:
        """Check the temperature.

        Raises: InputError unless it is positive.
        """
        if not self.temperature > 0:
            raise InputError(f'parameter "temperature" is {self.temperature:g}, but it must be positive')


def optimum(predictions: Predictions, clip: float | None = None) -> Optimum:
    """The temperature that minimises the mean NLL.

    The NLL is convex in 1/T. A strided sub-sample gives the start. Then one to three passes over all rows, each with
    value, slope and two more derivatives, continue until the next step would be below rounding. Temperatures scale with
    the logits: if the logits are multiplied by c, so is T.

    Raises: BadValues for values that contradict the kind; Impossible if a label has probability 0; InputError for
    logits so large or small that T is outside the range of float64.

    >>> best = optimum(Predictions(logits=[[3.0, 0.0]] * 4, labels=[0, 0, 0, 1]))
    >>> round(best.temperature, 6) == round(3.0 / math.log(3.0), 6), best.bound
    (True, None)
    """
    coarse = _is_coarse(predictions)
    part, whole = sample(predictions, clip, coarse=coarse)
    known = score_facts(part)
    if coarse and not whole and not 1.0 / COARSE_RANGE < known.spread < COARSE_RANGE:
        coarse = False
        part, whole = sample(predictions, clip)
        known = score_facts(part)
    if whole:
        result = _solve(lambda: part, known)._replace(passes=1)
    else:
        result = _solve_from(_solve(lambda: part, known, SAMPLE_STEP), predictions, clip, coarse=coarse)
    if not (0 < result.temperature < math.inf and math.isfinite(result.nll_after)):
        raise InputError(f"{predictions.source.name}: the scores are too large or too small for a temperature")
    return result


def start_temperature(predictions: Predictions, clip: float | None, best: Optimum) -> float:
    """Where the search for a map of all classes starts: the best temperature, unless the larger, the better.

    At such a bound, scores are so small that the map could only use its biases: then it is the spread of the scores.

    >>> rows = Predictions(logits=[[2.0, 0.0], [0.0, 1.0]], labels=[1, 0])
    >>> start_temperature(rows, None, optimum(rows))
    0.75
    """
    if best.bound != "high":
        return best.temperature
    return score_facts(pieces(predictions, clip)).spread or 1.0


def _is_coarse(predictions: Predictions) -> bool:
    """Whether float32 represents the stored scores exactly, and rows are not weighted."""
    if predictions.weights is not None and not predictions.weights.even:
        return False
    dtype = predictions.scores.dtype
    return dtype.kind == "f" and dtype.itemsize <= COARSE_BYTES


def _solve_from(start: Optimum, predictions: Predictions, clip: float | None, *, coarse: bool) -> Optimum:
    """The optimum of all rows, starting from that of the sub-sample. coarse: whether a pass in float32 helps."""

    def every() -> Iterable[Piece]:
        return pieces(predictions, clip)

    passes = 0
    if start.bound is None:
        u = -math.log(start.temperature)
        if by_kernel(pieces(predictions, clip)):
            u = _closer(predictions, clip, u)
        elif coarse:
            u, passes, found = _near(predictions, clip, u)
            if found is not None:
                return found
        search = _search(every, u, LAST_STEP, lowest=u - FAR_BELOW)
        passes += search.passes
        if search.root.found:
            return _result(search)._replace(passes=passes)
    result = _solve(every, score_facts(every()))
    return result._replace(passes=result.passes + passes + 1)


def _closer(predictions: Predictions, clip: float | None, u: float) -> float:
    """One step towards the optimum of a larger sub-sample, if it is a small part of many rows.

    It costs far less than a pass over all rows in float64, of which two are then enough.
    """
    if predictions.rows * predictions.scores.shape[1] < LEAST_PARTS * CLOSER_SCORES:
        return u
    part, _ = sample(predictions, clip, size=CLOSER_SCORES)
    found = fused(part, math.exp(u))
    step = halley(found.slope, found.curvature, found.third)
    return u if step is None or abs(step) > LONGEST_COARSE_STEP else u + step


def _near(predictions: Predictions, clip: float | None, u: float) -> tuple[float, int, Optimum | None]:
    """A point closer to the optimum, the number of passes, and the optimum itself if the second pass finds it nearby.

    The first pass, in float32, takes half as long as the second; if it overflows, there is no step. After a short step,
    its curvature is reused for the second pass, which then computes only value and slope.
    """
    rough = fused(pieces(predictions, clip, coarse=True, plain=True), math.exp(u))
    step = halley(rough.slope, rough.curvature, rough.third)
    if step is None or abs(step) > LONGEST_COARSE_STEP:
        return u, 1, None
    u += step
    bends, longest = abs(step) > SHORT_COARSE_STEP, LAST_STEP
    last = fused(pieces(predictions, clip, plain=True), math.exp(u), before=True, bends=bends)
    if not (math.isfinite(last.value) and math.isfinite(last.before)):
        return u, 2, None
    if not bends:
        last, longest = last._replace(curvature=rough.curvature + step * rough.third), LAST_NEWTON_STEP
    step = halley(last.slope, last.curvature, last.third)
    if step is None or abs(step) > longest:
        return u + (step or 0.0), 2, None
    return u, 2, _result(_Search(Root(u, step, found=True), last, last.before, 2))


def _solve(every: Pieces, known: ScoreFacts, tolerance: float = LAST_STEP) -> Optimum:
    """The optimum for some pieces with known facts."""
    if known.spread == 0:
        now = fused(every(), 1.0)
        return Optimum(1.0, now.value, now.value, 1, "flat", now.slope, 1)
    if not math.isfinite(known.spread):
        return NOWHERE
    if known.misses == 0:
        return _low_bound(every, known)
    if known.slope >= -NO_SLOPE * known.spread:
        return _high_bound(every, known)
    return _result(_search(every, -math.log(known.spread), tolerance))


def _low_bound(every: Pieces, known: ScoreFacts) -> Optimum:
    beta, passes = 1.0 / known.spread, 0
    while True:
        now = fused(every(), beta, before=True)
        passes += 1
        if now.value - known.infimum <= CLOSE or not math.isfinite(2.0 * beta):
            return _not_worse(Optimum(1.0 / beta, now.before, now.value, passes, "low", now.slope, passes))
        beta *= 2.0


def _high_bound(every: Pieces, known: ScoreFacts) -> Optimum:
    slope, curvature = max(known.slope, 0.0), known.curvature
    # Half of the beta at which slope beta + curvature beta^2 / 2 is CLOSE: higher terms are negligible there.
    # Scores of 1e305 have a curvature that float64 cannot hold.
    beta = max(CLOSE / (slope + math.hypot(slope, math.sqrt(2.0 * CLOSE * curvature))), 2.0**-1022)
    now = fused(every(), beta, before=True)
    return _not_worse(Optimum(1.0 / beta, now.before, now.value, 1, "high", now.slope, 1))


class _Search(NamedTuple):
    """Where the search ended, the sums there, the NLL at T = 1, and the number of passes."""

    root: Root
    last: Fused
    before: float
    passes: int


def _search(every: Pieces, u: float, tolerance: float, *, lowest: float = -math.inf) -> _Search:
    """The root of the slope."""
    seen: list[Fused] = []

    def evaluate(place: float) -> tuple[float, float, float]:
        seen.append(fused(every(), math.exp(min(place, MOST_EXPONENT)), before=not seen))
        return seen[-1].slope, seen[-1].curvature, seen[-1].third

    step = find_root(evaluate, u, tolerance=tolerance, lowest=lowest)
    return _Search(step, seen[-1], seen[0].before, len(seen))


def _result(found: _Search) -> Optimum:
    """The optimum at the end of the last step; its NLL follows from the derivatives."""
    h, last = found.root.step, found.last
    after = last.value + h * (last.slope + h * (last.curvature / 2.0 + h * last.third / 6.0))
    slope = last.slope + h * (last.curvature + h * last.third / 2.0)
    temperature = math.exp(min(-found.root.u - h, MOST_EXPONENT))
    reached = found.root.found and abs(slope) <= SMALL_SLOPE
    return _not_worse(Optimum(temperature, found.before, after, found.passes, None, slope, found.passes, reached))


def _not_worse(best: Optimum) -> Optimum:
    """T = 1 instead, if its NLL is not larger than that of the temperature found."""
    if best.bound is None and best.nll_after >= best.nll_before:
        return best._replace(temperature=1.0, nll_after=best.nll_before)
    return best._replace(nll_after=min(best.nll_after, best.nll_before))
