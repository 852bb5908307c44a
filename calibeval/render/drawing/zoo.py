"""Error against calibration error of many models, with their intervals, and where a map moves them.

The front holds the models that no other is better than in error and in NLL after the map: not in calibration error,
which is small for models that know little. Source: Minderer et al., NeurIPS 2021, figure 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.metrics.result import MetricResult
from calibeval.core.survey.choice import axis_named
from calibeval.core.survey.pivot import means_along
from calibeval.core.survey.ranks import RankedModel
from calibeval.core.survey.survey import MeanResult, Survey
from calibeval.render.drawing.marks import Dot, Mark, Stroke, Text
from calibeval.render.drawing.ticks import Tick
from calibeval.words.marks import plain, round_ticks

ECE, ERROR = "ece", "accuracy"
_ROOM, _NAME = 0.08, 60
Ends = tuple[float, float] | None
Result = MetricResult | MeanResult


@dataclass(frozen=True, slots=True)
class Placed:
    """A model in percent: error and calibration error with their intervals. after: of the map. number: its place in the
    ranking. front: whether it is on the front.
    """

    name: str
    number: int
    error: float
    ece: float
    error_ends: Ends
    ece_ends: Ends
    after: float | None
    front: bool


@dataclass(frozen=True, slots=True)
class Zoo:
    """All models, with the ends of both axes."""

    models: tuple[Placed, ...]
    errors: tuple[float, float]
    top: float

    @property
    def across(self) -> tuple[Tick, ...]:
        """Numbers of the error."""
        low, high = self.errors
        return tuple(Tick((t - low) / (high - low), f"{t:g}") for t in round_ticks(low, high, 6))

    @property
    def up(self) -> tuple[Tick, ...]:
        """Numbers of the calibration error."""
        return tuple(Tick(t / self.top, f"{t:g}") for t in round_ticks(0.0, self.top, 6))

    @property
    def front(self) -> list[str]:
        """The names of the models on the front."""
        return [one.name for one in self.models if one.front]


def zoo_of(survey: Survey) -> Zoo | None:
    """The models of a ranking; None without one, or where fewer than two have an ECE."""
    found = survey.ranking
    if found is None:
        return None
    by_model = {one.model: one for one in found.ranked}
    front = on_front(survey)
    numbers = {one.model: i for i, one in enumerate(found.ranked, 1)}
    placed = []
    for model, before, after in _sides(survey, found.axis):
        error, ece = _percent(before.get(ERROR)), _percent(before.get(ECE))
        if model not in by_model or error is None or ece is None:
            continue
        mapped, ends = _percent(after.get(ECE)), _ends(before.get(ERROR))
        placed.append(
            Placed(
                plain(str(model), _NAME),
                numbers[model],
                100.0 - error,
                ece,
                None if ends is None else (100.0 - ends[1], 100.0 - ends[0]),
                _ends(before.get(ECE)),
                mapped,
                model in front,
            )
        )
    if len(placed) < 2:
        return None
    sides = [x for one in placed for x in (one.error, *(one.error_ends or ()))]
    ups = [x for one in placed for x in (one.ece, *(one.ece_ends or ()))]
    room = _ROOM * (max(sides) - min(sides)) or 1.0
    ordered = tuple(sorted(placed, key=lambda one: one.number))
    return Zoo(ordered, (max(0.0, min(sides) - room), min(100.0, max(sides) + room)), 1.06 * max(ups) or 1.0)


def on_front(survey: Survey) -> set[object]:
    """The models that no other is better than, or as good as and better in one, in error and in NLL after the map."""
    found = survey.ranking
    if found is None:
        return set()
    errors = {model: before.get(ERROR) for model, before, _ in _sides(survey, found.axis)}
    known = [(one.model, -value, one.nll) for one in found.ranked if (value := _accuracy(errors, one)) is not None]
    return {model for model, *own in known if not any(_beats(other, own) for _, *other in known)}


def _accuracy(errors: dict[object, MetricResult | MeanResult | None], one: RankedModel) -> float | None:
    found = errors.get(one.model)
    return None if found is None or one.nll is None else found.value


def _beats(other: Sequence[float | None], own: Sequence[float | None]) -> bool:
    pairs = [(a or 0.0, b or 0.0) for a, b in zip(other, own, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _sides(survey: Survey, name: str) -> list[tuple[object, dict[str, Result], dict[str, Result]]]:
    """Of each model, its metrics before and after the map; of several cells, their means."""
    axis = axis_named(survey.axes, name)
    if len(survey.axes) == 1:
        return [(one.axes[name], dict(one.metrics), dict(one.after or {})) for one in survey.measured]
    return [(one.axes[name], dict(one.metrics), dict(one.after or {})) for one in means_along(survey, axis)]


def zoo_marks(found: Zoo, size: float) -> list[Mark]:
    """The marks, from back to front. size: of the numbers beside the dots."""
    marks: list[Mark] = []
    for one in found.models:
        marks += _stems(found, one)
    for one in found.models:
        if one.after is not None:
            marks.append(Stroke("move", _at(found, one.error, one.ece), _at(found, one.error, one.after)))
    for one in found.models:
        marks.append(Dot("dot before", _at(found, one.error, one.ece)))
        if one.after is not None:
            marks.append(Dot("dot front" if one.front else "dot after", _at(found, one.error, one.after)))
    taken: list[tuple[float, float]] = []
    for one in found.models:
        x, y = _at(found, one.error, one.ece)
        crowded = sum(abs(x - a) < 0.04 and abs(y - b) < 0.05 for a, b in taken)
        taken.append((x, y))
        marks.append(Text("ink", (x, y), str(one.number), size, dx=4.0 + 9.0 * crowded, dy=3.0, bold=one.front))
    return marks


def _stems(found: Zoo, one: Placed) -> list[Mark]:
    marks: list[Mark] = []
    if one.error_ends is not None:
        left, right = (_at(found, end, one.ece) for end in one.error_ends)
        marks.append(Stroke("stem before", left, right, 0.6))
    if one.ece_ends is not None:
        low, high = (_at(found, one.error, end) for end in one.ece_ends)
        marks.append(Stroke("stem before", low, high, 0.6))
    return marks


def _at(found: Zoo, error: float, ece: float) -> tuple[float, float]:
    low, high = found.errors
    return (error - low) / (high - low), ece / found.top


def _percent(one: Result | None) -> float | None:
    return None if one is None or one.value is None else 100.0 * one.value


def _ends(one: Result | None) -> Ends:
    return None if one is None or one.low is None or one.high is None else (100.0 * one.low, 100.0 * one.high)
