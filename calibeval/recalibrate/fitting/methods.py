"""The one table of recalibration methods, fitting by name, and maps from their JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from calibeval.core.data.check_values import check_values
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.core.sums.rows import BadValues
from calibeval.recalibrate.base.mapping import SCHEMA, Fitted, Map, MethodScore, Parameters, is_number
from calibeval.recalibrate.base.scores import Impossible, check_clip, count_clipped, impossible_error, number_of_classes
from calibeval.recalibrate.maps.beta import BetaMap, fit_beta
from calibeval.recalibrate.maps.binary import mean_loss
from calibeval.recalibrate.maps.isotonic import IsotonicMap, fit_isotonic
from calibeval.recalibrate.maps.platt import PlattMap, fit_platt
from calibeval.recalibrate.maps.vector import VectorMap, fit_vector
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import TemperatureMap


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One method: what commands, docs and `fit` need to know of it.

    build: the map of predictions, an objective and a clip. binary: for two classes only. keeps_top: whether the
    predicted class never changes. parameters: how many are fitted, for k classes. The table goes from simple to rich.
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
    """The facts of a fit; the source's checks are waited for."""
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
    """The builder of a map whose parameters come from a function of predictions and clip."""

    def build(predictions: Predictions, objective: str, clip: float | None) -> Map:
        values, note = fit_parameters(predictions, clip)
        facts = Fitted(None, None, predictions.n, objective, 0.0, 0.0)
        result = map_class(number_of_classes(predictions), predictions.class_names, facts, *values, clip=clip)
        before, after = mean_loss(predictions, clip, result.apply)
        return replace(result, fitted=replace(_fitted(predictions, objective, clip, before, after), note=note))

    return build


def _isotonic(predictions: Predictions, clip: float | None) -> tuple[tuple[Any, ...], str | None]:
    curves, note = fit_isotonic(predictions, clip)
    return (curves,), note


def _vector(predictions: Predictions, clip: float | None) -> tuple[tuple[Any, ...], str | None]:
    (weights, biases), note = fit_vector(predictions, clip)
    return (tuple(weights.tolist()), tuple(biases.tolist())), note


METHODS: dict[str, MethodSpec] = {
    spec.name: spec
    for spec in (
        MethodSpec(
            "temperature",
            "one number divides all logits; the predicted class stays",
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
            "a rising curve of P(class 1), or of each class against the rest, normalised",
            IsotonicMap,
            _others(IsotonicMap, _isotonic),
            parameters="as the data say",
            source="Zadrozny & Elkan, KDD 2002",
        ),
    )
}


def method_spec(name: str) -> MethodSpec:
    """The method of that name.

    Raises: UsageError with the nearest name.
    """
    if name not in METHODS:
        raise UsageError(f'method "{name}" is unknown{nearest(name, METHODS)}; methods are {", ".join(METHODS)}, auto')
    return METHODS[name]


def fit_method(predictions: Predictions, method: str, *, objective: str = "nll", clip: float | None = None) -> Map:
    """The map of one method, fitted on predictions.

    Raises: as `fit`.
    """
    spec = method_spec(method)
    if objective not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise UsageError(f'objective "{objective}" is unknown{nearest(objective, OBJECTIVES)}; there are {known}')
    if objective != "nll" and method != "temperature":
        raise UsageError(f'objective "{objective}" is for the temperature only; {method} minimises nll')
    k = number_of_classes(predictions)
    if spec.binary and k != 2:
        raise UsageError(f"{method} is for 2 classes, but {predictions.source.name} has {k}; vector is for more")
    check_clip(clip, k)
    try:
        return spec.build(predictions, objective, clip)
    except BadValues:
        check_values(predictions)
        raise
    except Impossible:
        raise impossible_error(predictions) from None


def from_json(text: str) -> Map:
    """The map that `to_json` wrote; its own JSON is the same text again.

    Raises: InputError if the text is no map of this schema, or a parameter cannot be: not finite, not positive where
    it must be, or of the wrong length.
    """
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"this is no map: {error}") from None
    if not isinstance(document, dict):
        raise InputError(f"this is no map: a JSON object with schema {SCHEMA} is needed")
    schema = document.get("schema")
    if schema != SCHEMA:
        came = "no schema came" if schema is None else f'schema "{schema}" came'
        raise InputError(f'{came}, but "{SCHEMA}" is needed')
    method = document.get("method")
    if not isinstance(method, str) or method not in METHODS:
        known = ", ".join(METHODS)
        raise InputError(f'the map\'s method "{method}" is unknown{nearest(str(method), METHODS)}; methods are {known}')
    k, names = document.get("k"), document.get("class_names")
    if isinstance(k, bool) or not isinstance(k, int) or k < 2:
        raise InputError(f"the map's k is {k!r}, but a whole number from 2 on is needed")
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise InputError("the map's class_names must be null or a list of names")
    if names is not None and len(names) != k:
        raise InputError(f"the map has {len(names)} class names, but k is {k}")
    values = document.get("parameters")
    if not isinstance(values, Mapping):
        raise InputError("the map has no object of parameters")
    parameters = Parameters(method, values)
    clip = parameters.number("clip", positive=True) if "clip" in values else None
    if clip is not None and clip >= 1 / k:
        raise InputError(f'parameter "clip" is {clip:g}, but it must lie below 1/k = {1 / k:g}')
    class_names = None if names is None else tuple(names)
    result = METHODS[method].map.from_parameters(parameters, k, class_names, _facts(document), clip)
    allowed = [*result.parameters(), "clip"]
    for key in values:
        if key not in allowed:
            raise InputError(f'parameter "{key}" is unknown{nearest(key, allowed)}; {method} has {", ".join(allowed)}')
    return result


def _facts(document: Mapping[str, Any]) -> Fitted:
    """Where the map of a JSON object comes from.

    Raises: InputError for a fact that is missing or cannot be.
    """
    fitted_on = document.get("fitted_on")
    if not isinstance(fitted_on, Mapping):
        raise InputError("the map does not say what it was fitted on")
    texts = {"sha256": fitted_on.get("sha256"), "split": fitted_on.get("split")}
    told = {"bound": document.get("bound"), "note": document.get("note")}
    for key, value in {**texts, **told}.items():
        if value is not None and not isinstance(value, str):
            raise InputError(f"the map's {key} is {value!r}, but text or null is needed")
    n, objective, clipped = fitted_on.get("n"), document.get("objective"), document.get("clipped", 0)
    for key, count in {"n": n, "clipped": clipped}.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InputError(f"the map's {key} is {count!r}, but a number of rows is needed")
    if objective not in OBJECTIVES:
        raise InputError(f'the map\'s objective "{objective}" is unknown; there are {", ".join(OBJECTIVES)}')
    losses = [document.get(key) for key in ("nll_before", "nll_after")]
    if not all(is_number(loss) for loss in losses):
        raise InputError(f"the map's nll_before and nll_after are {losses}, but finite numbers are needed")
    before, after = (float(loss) for loss in losses if loss is not None)
    rows = document.get("selection", [])
    if not isinstance(rows, list):
        raise InputError(f"the map's selection is {rows!r}, but a list is needed")
    selection = tuple(_candidate(row) for row in rows)
    return Fitted(
        **texts, n=int(n or 0), objective=str(objective), nll_before=before, nll_after=after, **told, clipped=clipped,
        selection=selection,
    )  # fmt: skip


def _candidate(row: object) -> MethodScore:
    """One row of the table from which a method was chosen.

    Raises: InputError for a value that cannot be.
    """
    kinds: dict[str, Callable[[object], bool]] = {
        "method": lambda value: isinstance(value, str),
        "nll": lambda value: value is None or is_number(value),
        "excess": lambda value: value is None or is_number(value),
        "standard_error": lambda value: value is None or is_number(value),
        "chosen": lambda value: isinstance(value, bool),
        "reason": lambda value: value is None or isinstance(value, str),
    }
    if not isinstance(row, dict) or "method" not in row:
        raise InputError(f"the map's selection holds {row!r}, but objects with a method are needed")
    for key, value in row.items():
        if key not in kinds:
            raise InputError(f'the map\'s selection holds "{key}"{nearest(key, kinds)}; known are {", ".join(kinds)}')
        if not kinds[key](value):
            raise InputError(f"the map's selection: {key} cannot be {value!r}")
    return MethodScore(**{"nll": None, "excess": None, "standard_error": None, **row})


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
