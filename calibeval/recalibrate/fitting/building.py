"""How maps are built: what the table of methods needs to know of each, and the record of a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial

from calibeval.core.data.predictions import Predictions
from calibeval.recalibrate.base.facts import Fitted, Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import chunk_rows, count_clipped, log_scores
from calibeval.recalibrate.base.top_label import held_rows, right_or_wrong
from calibeval.recalibrate.fitting.promise import best_temperature, kept, said
from calibeval.recalibrate.fitting.rows_needed import few_right_or_wrong
from calibeval.recalibrate.maps.binary import mean_loss
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import TemperatureMap

Build = Callable[[Predictions, str, float | None], Map]
OF_ALL = [one.name for one in fields(Map)]
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
    build: Build
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
    solution = Solution((found.temperature,), found.note, found.search)
    facts = replace(facts, bound=found.bound, note=said(solution), search=found.search)
    return TemperatureMap(predictions.k, predictions.class_names, facts, found.temperature, clip=clip)


def by_solver(
    map_class: Callable[..., Map], solve: Callable[..., Solution], *, started: bool = False, compared: bool = True
) -> Build:
    """A function that builds a map whose parameters are found from predictions and a clip.

    started: whether `solve` also takes the best temperature, which it starts from. compared: whether the NLL of the map
    must not be above that of a temperature. Where only the top label is known, see `by_confidence`.
    """

    def build(predictions: Predictions, objective: str, clip: float | None) -> Map:
        if predictions.k is None:
            of_two = by_confidence(map_class, map_class, solve, started=started, compared=compared)
            return of_two(predictions, objective, clip)
        best = best_temperature(predictions, clip) if compared else None
        found = solve(predictions, clip, best) if started else solve(predictions, clip)
        facts = Fitted(None, None, predictions.n, objective, 0.0, 0.0)
        made = partial(map_class, predictions.k, predictions.class_names, facts, clip=clip)
        end = kept(predictions, clip, found, made, best)
        facts = _fitted(predictions, objective, clip, end.before, end.after)
        return replace(end.map, fitted=replace(facts, note=end.note, search=end.search))

    return build


def by_confidence(
    map_class: Callable[..., Map],
    two_class: Callable[..., Map],
    solve: Callable[..., Solution],
    *,
    started: bool = False,
    compared: bool = True,
    by_class: bool = False,
) -> Build:
    """A function that builds a map of the top label, whose parameters are found for two classes, wrong and right.

    two_class: the map of two classes with these parameters. by_class: whether it needs rows of each, so that a note
    tells if they are few. The others: as for `by_solver`.
    """

    def build(predictions: Predictions, objective: str, clip: float | None) -> Map:
        two = right_or_wrong(predictions, clip)
        best = best_temperature(two, None) if compared else None
        found = solve(two, None, best) if started else solve(two, None)
        facts = Fitted(None, None, predictions.n, objective, 0.0, 0.0)
        end = kept(two, None, found, partial(two_class, 2, None, facts), best)
        values = [getattr(end.map, one.name) for one in fields(end.map) if one.name not in OF_ALL]
        result = map_class(predictions.k, predictions.class_names, facts, *values, clip=clip)
        notes, losses = [end.note], (end.before, end.after)
        if predictions.k is not None:
            losses = mean_loss(predictions, clip, result.apply)
            notes.append(_held(predictions, clip, result))
        if by_class:
            notes.append(few_right_or_wrong(two, result.method))
        note = "; ".join(one for one in notes if one is not None) or None
        facts = _fitted(predictions, objective, clip, *losses)
        return replace(result, fitted=replace(facts, note=note, search=end.search))

    return build


def _held(predictions: Predictions, clip: float | None, found: Map) -> str | None:
    """In how many rows the confidence is held at the probability of another class, in words; None if in none."""
    held = 0
    for block in predictions.blocks(chunk_rows(predictions)):
        z = log_scores(block.scores, predictions.kind, clip=clip, tolerance=predictions.tolerance).z
        held += held_rows(found, z)
    return HELD.format(rows=f"{held:,} of {predictions.n:,} rows") if held else None
