"""Losses side by side in words and cells, for every medium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calibeval.core.heads.results import SHOWN, Finetuned, LossResult
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import metric_named
from calibeval.words import cells


@dataclass(frozen=True, slots=True)
class RankedCell:
    """One number as text, and its rank among the losses: 0 is the best, 1 the second."""

    text: str
    place: int = -1


@dataclass(frozen=True, slots=True)
class Half:
    """The table before or after temperature scaling: headings, and the cells of every loss."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[RankedCell, ...]], ...]


def halves(found: Finetuned) -> tuple[Half, Half]:
    """The table before and after each head's temperature. Accuracy is the same in both."""
    return _half(found, after=False), _half(found, after=True)


def sentence(found: Finetuned) -> str:
    """The result of the table in one sentence: the loss that is best on VAL, and cross entropy if it was trained."""
    chosen = found.losses[found.chosen]
    accuracy, ece, nll = (_mean(chosen, name) for name in ("accuracy", "ece", "nll"))
    who = f"Best on VAL is {chosen.name}" if len(found.losses) > 1 else chosen.name
    text = f"{who}: accuracy {accuracy} %, ECE {ece} %, NLL {nll}"
    plain = next((loss for loss in found.losses if loss.name == "ce"), None)
    if plain is None or plain is chosen:
        return f"{text} after temperature scaling."
    accuracy, ece, nll = (_mean(plain, name) for name in ("accuracy", "ece", "nll"))
    return f"{text} after temperature scaling (cross entropy: {accuracy} %, {ece} %, {nll})."


def notes(found: Finetuned) -> list[str]:
    """What the numbers mean."""
    lines = [f"metrics of {found.shown.upper()}; accuracy, ECE, AECE and CWCE in %, NLL in nats"]
    seeds = len(found.losses[0].seeds)
    if seeds > 1:
        lines.append(f"mean ± standard deviation of {seeds} seeds")
    lines += [f"{loss.name}: trained with {_parameters(loss)}" for loss in found.losses]
    return [*lines, *found.warnings]


def _half(found: Finetuned, *, after: bool) -> Half:
    names = [name for name in SHOWN if not (after and name == "accuracy")]
    places = {name: _places([loss.mean(name, after=after) for loss in found.losses], name) for name in names}
    if len(found.losses) == 1:
        places = {name: [-1] for name in names}  # one loss alone is not marked as best
    rows = []
    for i, loss in enumerate(found.losses):
        line = [RankedCell(_cell(loss, name, after=after), places[name][i]) for name in names]
        if after:
            line.insert(0, RankedCell(_temperature(loss)))
        rows.append((loss.name, tuple(line)))
    headings = [*(["T"] if after else []), *(cells.label(name) for name in names)]
    return Half("after temperature" if after else "before", tuple(headings), tuple(rows))


def _places(means: Sequence[float | None], name: str) -> list[int]:
    """The rank of every mean as shown, from 0; means that look equal share a rank; -1 without a mean.

    >>> _places([0.12341, 0.1, 0.12339, None], "ece"), _places([0.9, None, 0.8], "accuracy")
    ([1, 0, 1, -1], [0, -1, 1])
    """
    sign = -1.0 if metric_named(name).better == "higher" else 1.0
    shown = [None if mean is None else sign * float(cells.value(MetricResult(name, mean))) for mean in means]
    order = sorted({number for number in shown if number is not None})
    return [-1 if number is None else order.index(number) for number in shown]


def _cell(loss: LossResult, name: str, *, after: bool) -> str:
    mean, deviation = loss.mean(name, after=after), loss.deviation(name, after=after)
    text = cells.value(MetricResult(name, mean))
    if deviation is None or mean is None:
        return text
    places = len(text.partition(".")[2])
    scaled = 100 * deviation if cells.unit(name) == "%" else deviation
    return f"{text} ± {scaled:.{places}f}"


def _mean(loss: LossResult, name: str) -> str:
    """The mean after temperature scaling, which does not change the accuracy."""
    return cells.value(MetricResult(name, loss.mean(name, after=True)))


def _temperature(loss: LossResult) -> str:
    mean = loss.temperature()
    return cells.NULL if mean is None else f"{mean:.3g}"


def _parameters(loss: LossResult) -> str:
    shown = [(name, value) for name, value in loss.parameters.items() if not isinstance(value, bool)]
    return ", ".join(f"{name} {value:g}" for name, value in shown if isinstance(value, float | int))
