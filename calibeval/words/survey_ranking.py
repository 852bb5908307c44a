"""A ranking of models in words: which of them may be the best, how they were compared, and the rows of its table."""

from __future__ import annotations

from calibeval.core.metrics.result import MetricResult
from calibeval.core.survey.axes import Value
from calibeval.core.survey.ranks import RankedModel, Ranking
from calibeval.words import digits
from calibeval.words.cells import plural
from calibeval.words.names import visible

_NAMED = 4
HEADS = ("NLL after", "interval", "ranks", "best?")


def sentence(found: Ranking) -> str:
    """Which models may be the best."""
    count, best = len(found.ranked), found.best
    if count < 2:
        return f"No ranking: {plural(count, 'model')} could be compared."
    if len(best) == 1:
        return f"{_name(best[0])} is certainly the best of {count} models by NLL after {_map(found)}."
    if len(best) == count:
        return f"None of {count} models is certainly worse than the best by NLL after {_map(found)}."
    some = ", ".join(map(_name, best[:_NAMED])) + (f" and {len(best) - _NAMED} more" if len(best) > _NAMED else "")
    return f"{len(best)} of {count} models may be the best by NLL after {_map(found)}: {some}."


def how(found: Ranking) -> str:
    """How they were compared."""
    pairs = plural(len(found.pairs), "paired difference")
    over = f", each the mean over {plural(found.cells, 'cell')}" if found.cells > 1 else ""
    level = f"{100.0 * found.level:g} %"
    return f"All ranks hold at once at {level}: {pairs} over {found.units:,} units with Holm's correction{over}"


def ranks(one: RankedModel) -> str:
    """The ranks that the sample leaves open.

    >>> ranks(RankedModel("a", 0.5, first=3, last=9)), ranks(RankedModel("a", 0.5, first=2, last=2))
    ('3–9', '2')
    """
    if one.first is None or one.last is None:
        return digits.NULL
    return f"{one.first}" if one.first == one.last else f"{one.first}–{one.last}"


def cells(one: RankedModel) -> tuple[str, str, str, str]:
    """NLL, interval, ranks, and whether it may be the best, or is the only one that may.

    >>> [cells(RankedModel("a", 0.5, first=1, last=last, best=True))[3] for last in (1, 2)]
    ['yes', 'may be']
    """
    nll = MetricResult("nll", one.nll, low=one.low, high=one.high)
    ends = digits.interval(nll)
    best = "" if not one.best else "yes" if one.last == 1 else "may be"
    return digits.value(nll), f"[{ends}]" if ends else "", ranks(one), best


def left_out(found: Ranking) -> list[str]:
    """The models that are not ranked, and why."""
    return [f"{_name(one.model)} is not ranked: {visible(str(one.reason))}" for one in found.models if one.reason]


def _name(model: Value) -> str:
    return visible(str(model))


def _map(found: Ranking) -> str:
    return "the map" if found.folds is None else f"a temperature (out of fold, {found.folds} folds)"
