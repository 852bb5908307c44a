"""The table of recalibration methods, fitting by name, and reading maps from JSON."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from calibeval.core.data.check_values import check_values
from calibeval.core.data.documents import LONGEST, Place, read_document, shown
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.records import read_as, read_record
from calibeval.core.data.weighted import scaled
from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.core.sums.rows import BadValues
from calibeval.recalibrate.base.facts import Fitted
from calibeval.recalibrate.base.mapping import SCHEMA, Map
from calibeval.recalibrate.base.scores import Impossible, check_clip, count_clipped, impossible_error, number_of_classes
from calibeval.recalibrate.maps.beta import BetaMap, fit_beta
from calibeval.recalibrate.maps.binary import mean_loss
from calibeval.recalibrate.maps.isotonic import IsotonicMap, fit_isotonic
from calibeval.recalibrate.maps.platt import PlattMap, fit_platt
from calibeval.recalibrate.maps.vector import VectorMap, fit_vector
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import BOUND_NOTES, TemperatureMap

LEAST_LOSS = 1e-6  # below 0, by rounding


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One method: what commands, docs and `fit` need to know about it.

    build: fits the map for predictions, an objective and a clip. binary: for two classes only. keeps_top: whether the
    predicted class never changes. parameters: their number for k classes. The table goes from simple to flexible
    methods.
    """

    name: str
    title: str
    map: type[Map]
    build: Callable[[Predictions, str, float | None], Map]
    parameters: str
    source: str
    binary: bool = False

    @property
    def keeps_top(self) -> bool:
        """Whether the predicted class, and so the accuracy, never changes."""
        return self.map.keeps_top


def _fitted(predictions: Predictions, objective: str, clip: float | None, before: float, after: float) -> Fitted:
    """The record of a fit; this waits for the checks of the source."""
    source = predictions.settled_source()
    clipped = 0 if clip is None else count_clipped(predictions, clip)
    return Fitted(source.sha256, source.split, predictions.n, objective, before, after, clipped=clipped)


def _temperature(predictions: Predictions, objective: str, clip: float | None) -> Map:
    found = OBJECTIVES[objective].find(predictions, clip)
    facts = _fitted(predictions, objective, clip, found.nll_before, found.nll_after)
    facts = replace(facts, bound=found.bound, note=found.note)
    k = number_of_classes(predictions)
    return TemperatureMap(k, predictions.class_names, facts, found.temperature, clip=clip)


def _others(
    map_class: Callable[..., Map], fit_parameters: Callable[[Predictions, float | None], tuple[Any, str | None]]
) -> Callable[[Predictions, str, float | None], Map]:
    """A function that builds a map whose parameters are fitted from predictions and a clip."""

    def build(predictions: Predictions, objective: str, clip: float | None) -> Map:
        values, note = fit_parameters(predictions, clip)
        facts = Fitted(None, None, predictions.n, objective, 0.0, 0.0)
        result = map_class(number_of_classes(predictions), predictions.class_names, facts, *values, clip=clip)
        before, after = mean_loss(predictions, clip, result.apply)
        if not (math.isfinite(before) and math.isfinite(after)):
            raise InputError(f"{predictions.source.name}: the NLL is beyond the largest number; rescale the logits")
        return replace(result, fitted=replace(_fitted(predictions, objective, clip, before, after), note=note))

    return build


def _isotonic(predictions: Predictions, clip: float | None) -> tuple[tuple[Any, ...], str | None]:
    curves, note = fit_isotonic(predictions, clip)
    return (curves,), note


def _vector(predictions: Predictions, clip: float | None) -> tuple[tuple[Any, ...], str | None]:
    (weights, biases), note = fit_vector(predictions, clip)
    return (tuple(weights.tolist()), tuple(biases.tolist())), note


AUTO = "auto"  # no method of its own: the simplest that is about as good as the best
METHODS: dict[str, MethodSpec] = {
    spec.name: spec
    for spec in (
        MethodSpec(
            "temperature",
            "one number divides all logits; the predicted class stays the same",
            TemperatureMap,
            _temperature,
            parameters="1",
            source="Guo et al., ICML 2017",
        ),
        MethodSpec(
            "platt",
            "log-odds a s + b of the difference s of two logits",
            PlattMap,
            _others(PlattMap, fit_platt),
            parameters="2",
            source="Platt 1999",
            binary=True,
        ),
        MethodSpec(
            "beta",
            "log-odds a log(p) - b log(1 - p) + c of P(class 1)",
            BetaMap,
            _others(BetaMap, fit_beta),
            parameters="3",
            source="Kull et al., AISTATS 2017",
            binary=True,
        ),
        MethodSpec(
            "vector",
            "each class's logit gets a weight and a bias",
            VectorMap,
            _others(VectorMap, _vector),
            parameters="2 k",
            source="Guo et al., ICML 2017",
        ),
        MethodSpec(
            "isotonic",
            "a monotone curve of P(class 1), or of each class against the rest, normalised",
            IsotonicMap,
            _others(IsotonicMap, _isotonic),
            parameters="depends on the data",
            source="Zadrozny & Elkan, KDD 2002",
        ),
    )
}


def method_spec(name: str) -> MethodSpec:
    """The method of that name.

    Raises: UsageError with the nearest name.
    """
    if name not in METHODS:
        raise UsageError(
            f'method "{name}" is unknown{nearest(name, METHODS)}; methods are {", ".join(METHODS)}, {AUTO}'
        )
    return METHODS[name]


def check_objective(name: str) -> None:
    """Refuse an objective that is not in the table.

    Raises: UsageError with the nearest name.
    """
    if name not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise UsageError(f'objective "{name}" is unknown{nearest(name, OBJECTIVES)}; there are {known}')


def fit_method(predictions: Predictions, method: str, *, objective: str = "nll", clip: float | None = None) -> Map:
    """The map of one method, fitted on predictions.

    Raises: as `fit`.
    """
    spec = method_spec(method)
    check_objective(objective)
    if objective != "nll" and method != "temperature":
        raise UsageError(f'objective "{objective}" is for the method temperature only; {method} minimises nll')
    check_labelled(predictions, "to fit a map")
    k = number_of_classes(predictions)
    if spec.binary and k != 2:
        raise UsageError(f"{method} is for 2 classes, but {predictions.source.name} has {k}; use vector for more")
    check_clip(clip, k)
    predictions = scaled(predictions)
    try:
        return spec.build(predictions, objective, clip)
    except BadValues:
        check_values(predictions)
        raise
    except Impossible:
        raise impossible_error(predictions) from None


def from_json(text: str | bytes) -> Map:
    """The map that `to_json` wrote; its `to_json` gives the same text again. Bytes are UTF-8.

    Raises: InputError if the text is not a map of this schema, naming the first invalid field, or if a parameter is out
    of range or has the wrong length.
    """
    return read_document(text, SCHEMA, "map", _map)


def _map(whole: Place) -> Map:
    """The map in a document; its parameters are the fields of the map's class."""
    method, k = whole["method"].text(), whole["k"].count()
    if method not in METHODS:
        known = ", ".join(METHODS)
        raise InputError(
            f"the map's method {shown(method)} is unknown{nearest(method[:LONGEST], METHODS)}; methods are {known}"
        )
    if k < 2:
        raise InputError(f"the map's k is {k}, but a whole number of at least 2 is needed")
    if METHODS[method].binary and k != 2:
        raise InputError(f"{method} is for 2 classes, but the map's k is {k}")
    names: tuple[str, ...] | None = read_as(whole["class_names"], tuple[str, ...] | None)
    if names is not None and len(names) != k:
        raise InputError(f"the map has {len(names)} class names, but k is {k}")
    odd = next((name for name in names or () if not _is_text(name)), None)
    if odd is not None:
        raise InputError(f"the map's class name {shown(odd)} is not text: it contains half of a character")
    facts = read_record(whole, Fitted)
    _check_facts(whole, facts)
    if facts.objective not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise InputError(f"the map's objective {shown(facts.objective)} is unknown; objectives are {known}")
    result = read_record(whole["parameters"], METHODS[method].map, k=k, class_names=names, fitted=facts)
    if result.clip is not None and not 0 < result.clip < 1 / k:
        raise InputError(f'parameter "clip" is {result.clip:g}, but it must lie between 0 and 1/k = {1 / k:g}')
    if result.prior is not None:
        result.prior.check(k)
    result.check()
    return result


def _check_facts(whole: Place, facts: Fitted) -> None:
    """Check that the facts of a fit go together.

    Raises: Wrong for the first that does not.
    """
    on = whole["fitted_on"]
    if facts.n < 1:
        on["n"].refuse("a number of rows, at least 1")
    if facts.clipped > facts.n:
        whole["clipped"].refuse(f"at most {facts.n}, the number of rows,")
    for name in ("nll_before", "nll_after"):
        if getattr(facts, name) < -LEAST_LOSS:
            whole[name].refuse("a number, at least 0")
    if facts.bound not in (None, *BOUND_NOTES):
        whole["bound"].refuse(f"null or one of {', '.join(BOUND_NOTES)}")


def _is_text(name: str) -> bool:
    """Whether it can be written: JSON may hold half of a character."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
