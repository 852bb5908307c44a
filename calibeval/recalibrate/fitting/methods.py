"""The table of recalibration methods, and fitting by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from calibeval.core.data.check_values import check_values
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import scaled
from calibeval.core.errors import UsageError, nearest
from calibeval.core.sums.rows import BadValues
from calibeval.recalibrate.base.facts import Fitted, Solution
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import Impossible, check_clip, count_clipped, impossible_error, number_of_classes
from calibeval.recalibrate.fitting.promise import best_temperature, kept, said
from calibeval.recalibrate.fitting.rows_needed import check_classes_present, few_rows
from calibeval.recalibrate.maps.beta import BetaMap, fit_beta
from calibeval.recalibrate.maps.ets import EtsMap, fit_ets
from calibeval.recalibrate.maps.identity import IdentityMap, fit_identity
from calibeval.recalibrate.maps.isotonic import IsotonicMap, fit_isotonic
from calibeval.recalibrate.maps.platt import PlattMap, fit_platt
from calibeval.recalibrate.maps.quadratic import QuadraticMap, fit_quadratic
from calibeval.recalibrate.maps.sms import SmsMap, fit_sms
from calibeval.recalibrate.maps.svs import SvsMap, fit_svs
from calibeval.recalibrate.maps.vector import VectorMap, fit_vector
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import TemperatureMap

Build = Callable[[Predictions, str, float | None], Map]


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One method: what commands, docs and `fit` need to know about it.

    build: fits the map for predictions, an objective and a clip. binary: for two classes only. keeps_top: whether the
    predicted class never changes. parameters: their number for k classes. by_class: whether each class has parameters
    that only its own rows determine. The table goes from simple to flexible methods.
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
    solution = Solution((found.temperature,), found.note, found.search)
    facts = replace(facts, bound=found.bound, note=said(solution), search=found.search)
    k = number_of_classes(predictions)
    return TemperatureMap(k, predictions.class_names, facts, found.temperature, clip=clip)


def _others(
    map_class: Callable[..., Map], solve: Callable[..., Solution], *, started: bool = False, compared: bool = True
) -> Build:
    """A function that builds a map whose parameters are found from predictions and a clip.

    started: whether `solve` also takes the best temperature, which it starts from. compared: whether the NLL of the map
    must not be above that of a temperature.
    """

    def build(predictions: Predictions, objective: str, clip: float | None) -> Map:
        best = best_temperature(predictions, clip) if compared else None
        found = solve(predictions, clip, best) if started else solve(predictions, clip)
        facts = Fitted(None, None, predictions.n, objective, 0.0, 0.0)
        made = partial(map_class, number_of_classes(predictions), predictions.class_names, facts, clip=clip)
        end = kept(predictions, clip, found, made, best)
        facts = _fitted(predictions, objective, clip, end.before, end.after)
        return replace(end.map, fitted=replace(facts, note=end.note, search=end.search))

    return build


NONE = "none"
AUTO = "auto"  # no method of its own: the simplest that is about as good as the best
METHODS: dict[str, MethodSpec] = {
    spec.name: spec
    for spec in (
        MethodSpec(
            NONE,
            "no map: scores as they are",
            IdentityMap,
            _others(IdentityMap, fit_identity, compared=False),
            parameters="0",
            source="none",
        ),
        MethodSpec(
            "temperature",
            "one number divides all logits; the predicted class stays the same",
            TemperatureMap,
            _temperature,
            parameters="1",
            source="Guo et al., ICML 2017",
        ),
        MethodSpec(
            "ets",
            "probabilities at a temperature, the original ones and equal ones are mixed",
            EtsMap,
            _others(EtsMap, fit_ets),
            parameters="3",
            source="Zhang et al., ICML 2020",
        ),
        MethodSpec(
            "platt",
            "log-odds a s + b of the difference s of two logits",
            PlattMap,
            _others(PlattMap, fit_platt, started=True),
            parameters="2",
            source="Platt 1999",
            binary=True,
        ),
        MethodSpec(
            "beta",
            "log-odds a log(p) - b log(1 - p) + c of P(class 1)",
            BetaMap,
            _others(BetaMap, fit_beta, started=True),
            parameters="3",
            source="Kull et al., AISTATS 2017",
            binary=True,
        ),
        MethodSpec(
            "quadratic",
            "log-odds a s^2 + b s + c of the difference s of two logits",
            QuadraticMap,
            _others(QuadraticMap, fit_quadratic),
            parameters="3",
            source="Platt 1999, with a quadratic term",
            binary=True,
        ),
        MethodSpec(
            "vector",
            "each class's logit gets a weight and a bias",
            VectorMap,
            _others(VectorMap, fit_vector, started=True),
            parameters="2 k",
            source="Guo et al., ICML 2017",
        ),
        MethodSpec(
            "svs",
            "each class's log-probability at a temperature gets a weight and a bias, with fixed penalties",
            SvsMap,
            _others(SvsMap, fit_svs, started=True),
            parameters="2 k",
            source="Berta et al., AISTATS 2026",
        ),
        MethodSpec(
            "sms",
            "a matrix maps the log-probabilities at a temperature, with fixed penalties",
            SmsMap,
            _others(SmsMap, fit_sms, started=True),
            parameters="k^2 + k",
            source="Berta et al., AISTATS 2026",
        ),
        MethodSpec(
            "isotonic",
            "a monotone curve of P(class 1), or of each class against the rest, normalised",
            IsotonicMap,
            _others(IsotonicMap, fit_isotonic),
            parameters="depends on the data",
            source="Zadrozny & Elkan, KDD 2002",
            by_class=True,
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
    check_rows(predictions, method)
    predictions = scaled(predictions)
    try:
        return _cautious(spec, predictions, spec.build(predictions, objective, clip))
    except BadValues:
        check_values(predictions)
        raise
    except Impossible:
        raise impossible_error(predictions) from None


def check_rows(predictions: Predictions, method: str) -> None:
    """Refuse a method that needs rows of each class where some have none; "auto" leaves such methods out.

    Raises: InputError.
    """
    if method != AUTO and method_spec(method).by_class:
        check_classes_present(predictions, method)


def _cautious(spec: MethodSpec, predictions: Predictions, found: Map) -> Map:
    """The map, with a note where classes have few rows to fit on."""
    caution = few_rows(predictions, spec.name) if spec.by_class else None
    if caution is None:
        return found
    note = caution if found.fitted.note is None else f"{found.fitted.note}; {caution}"
    return replace(found, fitted=replace(found.fitted, note=note))
