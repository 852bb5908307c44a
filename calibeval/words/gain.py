"""What recalibration is worth, in words: the share of the scores that it would gain, and their parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from calibeval.core.metrics.result import MetricResult
from calibeval.words.digits import NULL, interval
from calibeval.words.signs import signed

TITLE = "What would recalibration gain?"
# By the score: the metric, and the score's name in a sentence and in a table.
_OF = {"phi_nll": ("the NLL", "NLL"), "phi_brier": ("the Brier score", "Brier")}
# What there is too little of, by the code of the reason.
_FEW = {"few_errors": "are wrong", "few_rows_per_class": "are of one class"}
_MAPS = {
    "temperature": "a temperature",
    "isotonic": "isotonic regression of P(class 1)",
    "top-isotonic": "isotonic regression of the confidence",
}


class GainCells(NamedTuple):
    """A score and its two parts, with the share of the second, in percent, and its interval."""

    score: str
    now: str
    left: str
    gained: str
    share: str
    interval: str


def gain_said(metrics: Mapping[str, MetricResult]) -> str:
    """What recalibration would gain, in a sentence; empty if that was not measured.

    Without an interval because there are few wrong rows, few right ones or few of a class, it cannot be told.

    >>> gain_said({"phi_nll": MetricResult("phi_nll", 0.031, low=0.025, high=0.038, map="temperature")})
    'Recalibration would gain 3.1 % of the NLL [2.5, 3.8] (a temperature, out of fold).'
    """
    found = _measured(metrics)
    if not found:
        return ""
    first = found[0]
    few = _too_few(first)
    if few:
        accuracy = metrics.get("accuracy")
        if few == _FEW["few_errors"] and accuracy is not None and (accuracy.value or 0.0) < 0.5:
            few = "are right"
        return f"Too few rows {few} to tell what recalibration would gain."
    if first.map == "none":
        most = "" if first.high is None else f" (at most {_percent(first.high, first)} % of {_OF[first.name][0]})"
        how = "out of fold, neither a temperature nor isotonic regression does better"
        return f"Recalibration would gain nothing: {how}{most}."
    by = f"{_MAPS.get(first.map or '', first.map)}, out of fold"
    shares = " and ".join(f"{_percent(one.value or 0.0, one)} % of {_OF[one.name][0]}{_ends(one)}" for one in found)
    if first.high is not None and first.high < 0.0:
        return f"Recalibration would do harm: its gain is {shares} ({by})."
    if (first.value or 0.0) <= 0.0 or (first.low is not None and first.low <= 0.0):
        return f"Recalibration would gain nothing beyond noise: {shares} ({by})."
    return f"Recalibration would gain {shares} ({by})."


def gaining(metrics: Mapping[str, MetricResult]) -> tuple[str, str] | None:
    """The map that would gain beyond noise, as `--method` names it, and what it gains; None where none does.

    >>> gaining({"phi_nll": MetricResult("phi_nll", 0.031, low=0.025, high=0.038, map="top-isotonic")})
    ('top-isotonic', 'isotonic regression of the confidence would gain 3.1 % of the NLL')
    """
    first = next(iter(_measured(metrics)), None)
    if first is None or first.map not in _MAPS or _too_few(first):
        return None
    least = first.value if first.low is None else first.low
    if least is None or least <= 0.0:
        return None
    return first.map, f"{_MAPS[first.map]} would gain {_percent(first.value or 0.0, first)} % of {_OF[first.name][0]}"


def within_noise(metrics: Mapping[str, MetricResult]) -> bool:
    """Whether it was measured that no map gains anything beyond noise.

    >>> within_noise({"phi_nll": MetricResult("phi_nll", 0.01, low=-0.02, high=0.04, map="temperature")})
    True
    >>> within_noise({})
    False
    """
    first = next(iter(_measured(metrics)), None)
    return first is not None and not _too_few(first) and gaining(metrics) is None


def gain_cells(metrics: Mapping[str, MetricResult]) -> list[GainCells]:
    """The scores and their parts; those after rounding add up."""
    rows = []
    for one in _measured(metrics):
        if one.refinement is None or one.calibration is None:
            continue
        now, gained = round(one.refinement + one.calibration, 4), round(one.calibration, 4)
        rows.append(
            GainCells(
                _OF[one.name][1],
                f"{now:.4f}",
                f"{now - gained:.4f}",
                _number(gained, 4),
                _percent(one.value or 0.0, one),
                _ends(one).strip() or NULL,
            )
        )
    return rows


def parts_said(metrics: Mapping[str, MetricResult]) -> list[str]:
    """The scores as sums of two parts, a line each."""
    return [
        f"{one.score} {one.now} = {one.left} refinement (left after the map) + {one.gained} calibration (taken away)"
        for one in gain_cells(metrics)
    ]


def _too_few(one: MetricResult) -> str:
    """What rows that are too few for an interval are; empty where they are not."""
    code = None if one.low is not None or one.reason is None else one.reason.code
    return _FEW.get(code or "", "")


def _measured(metrics: Mapping[str, MetricResult]) -> list[MetricResult]:
    found = (metrics.get(name) for name in _OF)
    return [one for one in found if one is not None and one.value is not None]


def _ends(one: MetricResult) -> str:
    """The interval, with the digits that tables give it."""
    ends = interval(one)
    return f" [{ends.replace(' – ', ', ').replace(' to ', ', ').replace('+', '')}]" if ends else ""


def _percent(share: float, one: MetricResult) -> str:
    """A share in percent with one decimal; two where all is below 1 %."""
    largest = max(abs(x) for x in (one.value, one.low, one.high) if x is not None)
    return _number(100.0 * share, 1 if largest >= 0.01 else 2)


def _number(value: float, places: int) -> str:
    return signed(value, places).removeprefix("+")
