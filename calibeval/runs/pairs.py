"""Saved heads compared on the rows of the shown split: which of the best in the table are certainly best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from calibeval.core.comparison.compare import compare
from calibeval.core.data.predictions import Predictions
from calibeval.core.heads.features import Features
from calibeval.core.heads.pairs import LossPair
from calibeval.core.heads.results import SHOWN, LossResult, best_of, rival_of
from calibeval.training.request import FinishedHead, head_predictions


def loss_pairs(
    losses: Sequence[LossResult], chosen: int, heads: Mapping[str, FinishedHead], features: Features, *, fold: bool
) -> tuple[LossPair, ...]:
    """The chosen loss against its rival, as they are saved; with one seed, also the best of every column against all.

    heads: those that are saved, by loss. features: of the shown split. fold: whether they have their temperatures.
    With several seeds, the table shows means over seeds, which no comparison of single heads can judge.
    """

    def predictions(name: str, *, after: bool) -> Predictions:
        found = head_predictions(heads[name].layers, features)
        return heads[name].map(found) if after else found

    pairs = []
    for base, candidate, after in dict.fromkeys(_wanted(losses, chosen, fold=fold)):
        both = (predictions(name, after=after) for name in (base, candidate))
        differences = compare(next(both), [next(both)], only=SHOWN).candidates[0].differences
        pairs.append(LossPair(candidate, base, after, differences))
    return tuple(pairs)


def _wanted(losses: Sequence[LossResult], chosen: int, *, fold: bool) -> Iterator[tuple[str, str, bool]]:
    """Base, candidate, and whether with their temperatures."""
    rival = rival_of(losses, chosen)
    if rival is not None:
        yield losses[rival].name, losses[chosen].name, fold
    if len(losses[0].seeds) > 1:
        return
    for after in (False, True):
        for metric in SHOWN:
            best = best_of(losses, metric, after=after)
            others = (one for one in losses if best is not None and one.mean(metric, after=after) is not None)
            yield from ((losses[best or 0].name, one.name, after) for one in others if one is not losses[best or 0])
