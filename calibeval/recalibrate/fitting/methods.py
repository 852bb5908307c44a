"""The table of recalibration methods, and fitting by name."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.data.check_values import check_values
from calibeval.core.data.labels_needed import check_labelled
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import scaled
from calibeval.core.errors import InputError, UsageError, nearest
from calibeval.core.sums.rows import BadValues
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.base.scores import Impossible, check_clip, impossible_error
from calibeval.recalibrate.fitting.building import MethodSpec, by_confidence, by_solver, by_temperature
from calibeval.recalibrate.fitting.lacking_options import lacking_options
from calibeval.recalibrate.fitting.rows_needed import check_classes_present, few_rows_instead
from calibeval.recalibrate.maps.beta import BetaMap, fit_beta
from calibeval.recalibrate.maps.ets import EtsMap, fit_ets
from calibeval.recalibrate.maps.identity import IdentityMap, fit_identity
from calibeval.recalibrate.maps.isotonic import IsotonicMap, fit_isotonic
from calibeval.recalibrate.maps.platt import PlattMap, fit_platt
from calibeval.recalibrate.maps.quadratic import QuadraticMap, fit_quadratic
from calibeval.recalibrate.maps.sms import SmsMap, fit_sms
from calibeval.recalibrate.maps.spline import SplineMap, fit_spline
from calibeval.recalibrate.maps.svs import SvsMap, fit_svs
from calibeval.recalibrate.maps.top_label import (
    TopBetaMap,
    TopIsotonicMap,
    TopPlattMap,
    TopSplineMap,
    TopTemperatureMap,
    fit_temperature,
)
from calibeval.recalibrate.maps.vector import VectorMap, fit_vector
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import TemperatureMap

NONE = "none"
AUTO = "auto"  # no method of its own: the simplest that is about as good as the best
METHODS: dict[str, MethodSpec] = {
    spec.name: spec
    for spec in (
        MethodSpec(
            NONE,
            "no map: scores as they are",
            IdentityMap,
            by_solver(IdentityMap, fit_identity, compared=False),
            parameters="0",
            source="none",
        ),
        MethodSpec(
            "temperature",
            "one number divides all logits; the predicted class stays the same",
            TemperatureMap,
            by_temperature,
            parameters="1",
            source="Guo et al., ICML 2017",
        ),
        MethodSpec(
            "ets",
            "probabilities at a temperature, the original ones and equal ones are mixed",
            EtsMap,
            by_solver(EtsMap, fit_ets, started=True),
            parameters="3",
            source="Zhang et al., ICML 2020",
        ),
        MethodSpec(
            "platt",
            "log-odds a s + b of the difference s of two logits",
            PlattMap,
            by_solver(PlattMap, fit_platt, started=True),
            parameters="2",
            source="Platt 1999",
            binary=True,
        ),
        MethodSpec(
            "beta",
            "log-odds a log(p) - b log(1 - p) + c of P(class 1)",
            BetaMap,
            by_solver(BetaMap, fit_beta, started=True),
            parameters="3",
            source="Kull et al., AISTATS 2017",
            binary=True,
        ),
        MethodSpec(
            "quadratic",
            "log-odds a s^2 + b s + c of the difference s of two logits",
            QuadraticMap,
            by_solver(QuadraticMap, fit_quadratic, started=True),
            parameters="3",
            source="Platt 1999, with a quadratic term",
            binary=True,
        ),
        MethodSpec(
            "spline",
            "log-odds along a smooth curve that never falls",
            SplineMap,
            by_solver(SplineMap, fit_spline, started=True),
            parameters="up to 21",
            source="Ramsay, Statistical Science 1988",
            binary=True,
        ),
        MethodSpec(
            "vector",
            "each class's logit gets a weight and a bias",
            VectorMap,
            by_solver(VectorMap, fit_vector, started=True),
            parameters="2 k",
            source="Guo et al., ICML 2017",
        ),
        MethodSpec(
            "svs",
            "each class's log-probability at a temperature gets a weight and a bias, with fixed penalties",
            SvsMap,
            by_solver(SvsMap, fit_svs, started=True),
            parameters="2 k",
            source="Berta et al., AISTATS 2026",
        ),
        MethodSpec(
            "sms",
            "a matrix maps the log-probabilities at a temperature, with fixed penalties",
            SmsMap,
            by_solver(SmsMap, fit_sms, started=True),
            parameters="k^2 + k",
            source="Berta et al., AISTATS 2026",
        ),
        MethodSpec(
            "isotonic",
            "a monotone curve of P(class 1), or of each class against the rest, normalised",
            IsotonicMap,
            by_solver(IsotonicMap, fit_isotonic),
            parameters="depends on the data",
            source="Zadrozny & Elkan, KDD 2002",
            by_class=True,
        ),
        MethodSpec(
            "top-temperature",
            "log-odds of the predicted class's confidence, divided by one number",
            TopTemperatureMap,
            by_confidence(TopTemperatureMap, TemperatureMap, fit_temperature, compared=False),
            parameters="1",
            source="Le Coz et al., NeurIPS 2024",
        ),
        MethodSpec(
            "top-platt",
            "log-odds a s + b of the log-odds s of the predicted class's confidence",
            TopPlattMap,
            by_confidence(TopPlattMap, PlattMap, fit_platt, started=True),
            parameters="2",
            source="Le Coz et al., NeurIPS 2024",
        ),
        MethodSpec(
            "top-beta",
            "log-odds a log(p) - b log(1 - p) + c of the predicted class's confidence p",
            TopBetaMap,
            by_confidence(TopBetaMap, BetaMap, fit_beta, started=True),
            parameters="3",
            source="Le Coz et al., NeurIPS 2024",
        ),
        MethodSpec(
            "top-spline",
            "log-odds of the predicted class's confidence along a smooth curve that never falls",
            TopSplineMap,
            by_confidence(TopSplineMap, SplineMap, fit_spline, started=True),
            parameters="up to 21",
            source="Le Coz et al., NeurIPS 2024",
        ),
        MethodSpec(
            "top-isotonic",
            "a monotone curve of the predicted class's confidence",
            TopIsotonicMap,
            by_confidence(TopIsotonicMap, IsotonicMap, fit_isotonic, by_class=True),
            parameters="depends on the data",
            source="Le Coz et al., NeurIPS 2024",
        ),
    )
}
TOP = "top-"  # before the name of a map for two classes that is applied to the confidence


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
    method_spec(method)
    check_objective(objective)
    if objective != "nll" and method != "temperature":
        raise UsageError(f'objective "{objective}" is for the method temperature only; {method} minimises nll')
    check_labelled(predictions, "to fit a map")
    spec = spec_for(predictions, method)
    if objective != "nll" and spec.top_label:
        raise UsageError(
            f'{predictions.source.name}: of the top label only, a temperature minimises nll, not "{objective}"'
        )
    k = predictions.k or 2
    if spec.binary and k != 2:
        more = f", or {TOP}{method} for the confidence of the predicted class" if TOP + method in METHODS else ""
        raise UsageError(f"{method} is for 2 classes, but {predictions.source.name} has {k}; use vector for more{more}")
    check_clip(clip, k)
    check_rows(predictions, spec.name)
    predictions = scaled(predictions)
    try:
        return _cautious(spec, predictions, spec.build(predictions, objective, clip))
    except BadValues:
        check_values(predictions)
        raise
    except Impossible:
        raise impossible_error(predictions) from None


def spec_for(predictions: Predictions, method: str) -> MethodSpec:
    """The method for these predictions: of the top label where only that is known, so that platt means top-platt.

    Raises: UsageError for a method that needs the scores of every class.
    """
    spec = method_spec(method)
    if predictions.k is not None or spec.map.takes_confidence:
        return spec
    if TOP + method in METHODS:
        return METHODS[TOP + method]
    fitting = ", ".join(name for name, one in METHODS.items() if one.top_label)
    raise UsageError(
        f"{predictions.source.name}: only the top label is known, but {method} needs the scores of every class; use "
        f"{fitting} or {AUTO}"
    )


def check_rows(predictions: Predictions, method: str) -> None:
    """Refuse a method that needs rows of each class where some have none, or options that answers lack.

    "auto" leaves such methods out.

    Raises: InputError.
    """
    why = lacking_options(predictions, method)
    if why is not None:
        instead = "use temperature, vector or a map of the top label, such as top-isotonic"
        raise InputError(f"{predictions.source.name}: {why}; {instead}")
    if method != AUTO and predictions.k is not None and method_spec(method).by_class:
        check_classes_present(predictions, method)


def _cautious(spec: MethodSpec, predictions: Predictions, found: Map) -> Map:
    """The map, with a note where classes have few rows to fit on."""
    caution = few_rows_instead(predictions, spec.name) if spec.by_class else None
    if caution is None:
        return found
    note = caution if found.fitted.note is None else f"{found.fitted.note}; {caution}"
    return replace(found, fitted=replace(found.fitted, note=note))
