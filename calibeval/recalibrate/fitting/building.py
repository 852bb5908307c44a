"""How maps are built: what the table of methods needs to know of each, and the record of a fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.facts import Fitted, Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import chunk_rows, count_clipped, log_scores
from calibeval.recalibrate.base.top_label import held_rows, right_or_wrong
from calibeval.recalibrate.maps.binary import mean_loss
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import TemperatureMap

HELD = (
    "in {rows} the new confidence would be below the probability of another class; it is raised to that, so the "
    "predicted class stays"
)


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One method: what commands, docs and `fit` need to know about it.

    build: fits the map for predictions, an objective and a clip. binary: for two classes only. keeps_top: whether the
    predicted class never changes. parameters: their number for k classes. by_class: whether each class has parameters
    that only its own rows determine. top_label: whether it is a map of the confidence only. The table goes from simple
    to flexible methods.
    """

    name: str
    title: str
    map: type[Map]
    build: Callable[[Predictions, str, float | None], Map]
    parameters: str
    source: str
    binary: bool = False
    by_class: bool = False

    @property
    def top_label(self) -> bool:
        """Whether it maps the confidence of the predicted class only."""
        return self.map.top_label_only

    @property
    def keeps_top(self) -> bool:
        """Whether the predicted class, and so the accuracy, never changes."""
        return self.map.keeps_top


def _fitted(predictions: Predictions, objective: str, clip: float | None, before: float, after: float) -> Fitted:
    """The record of a fit; this waits for the checks of the source."""
    source = predictions.settled_source()
    clipped = 0 if clip is None else count_clipped(predictions, clip)
    return Fitted(source.sha256, source.split, predictions.n, objective, before, after, clipped=clipped)


def by_temperature(predictions: Predictions, objective: str, clip: float | None) -> Map:
    """The map that divides logits by the temperature that is best for an objective."""
    found = OBJECTIVES[objective].find(predictions, clip)
    facts = _fitted(predictions, objective, clip, found.nll_before, found.nll_after)
    facts = replace(facts, bound=found.bound, note=found.note)
    return TemperatureMap(predictions.k, predictions.class_names, facts, found.temperature, clip=clip)


Solve = Callable[[Predictions, float | None], Solution]
Build = Callable[[Predictions, str, float | None], Map]


def by_solver(map_class: Callable[..., Map], solve: Solve) -> Build:
    """A function that builds a map whose parameters are found from predictions and a clip.

    Where only the top label is known, they are found for two classes, wrong and right.
    """

    def build(predictions: Predictions, objective: str, clip: float | None) -> Map:
        if predictions.k is None:
            return by_confidence(map_class, solve)(predictions, objective, clip)
        found = solve(predictions, clip)
        facts = Fitted(None, None, predictions.n, objective, 0.0, 0.0)
        result = map_class(predictions.k, predictions.class_names, facts, *found.values, clip=clip)
        return _with_facts(result, found, predictions, mean_loss(predictions, clip, result.apply))

    return build


def by_confidence(map_class: Callable[..., Map], solve: Solve) -> Build:
    """A function that builds a map of the top label, whose parameters are found for two classes, wrong and right."""

    def build(predictions: Predictions, objective: str, clip: float | None) -> Map:
        two = right_or_wrong(predictions, clip)
        found = solve(two, None)
        facts = Fitted(None, None, predictions.n, objective, 0.0, 0.0)
        result = map_class(predictions.k, predictions.class_names, facts, *found.values, clip=clip)
        if predictions.k is None:
            return _with_facts(result, found, predictions, mean_loss(two, None, result.of_two))
        notes = [note for note in (found.note, _held(predictions, clip, result)) if note is not None]
        found = found._replace(note="; ".join(notes) or None)
        return _with_facts(result, found, predictions, mean_loss(predictions, clip, result.apply))

    return build


def _with_facts(result: Map, found: Solution, predictions: Predictions, losses: tuple[float, float]) -> Map:
    """The map with the record of its fit. losses: the mean NLL before and after it."""
    if not all(map(math.isfinite, losses)):
        raise InputError(f"{predictions.source.name}: the NLL is beyond the largest number; rescale the logits")
    facts = _fitted(predictions, result.fitted.objective, result.clip, *losses)
    return replace(result, fitted=replace(facts, note=found.note, search=found.search))


def _held(predictions: Predictions, clip: float | None, found: Map) -> str | None:
    """In how many rows the confidence is held at the probability of another class, in words; None if in none."""
    held = 0
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_scores(block.scores, predictions.kind, clip=clip, tolerance=predictions.tolerance).z
        held += held_rows(found, z)
    return HELD.format(rows=f"{held:,} of {predictions.n:,} rows") if held else None
