"""Saved heads compared on the rows of the shown split: which of the best in the table are certainly best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from calibeval.core.comparison.compare import compare
from calibeval.core.data.predictions import Predictions
from calibeval.core.heads.deployed import DEPLOYED
from calibeval.core.heads.features import Features
from calibeval.core.heads.pairs import LossPair
from calibeval.core.heads.results import SHOWN, LossResult, best_of, rival_of
from calibeval.training.request import ScaledHead, head_predictions


def loss_pairs(
    rows: Sequence[LossResult], chosen: str, heads: Mapping[str, ScaledHead], features: Features, *, fold: bool
) -> tuple[LossPair, ...]:
    """The chosen loss against its rival, as they are saved; with one seed, also the best of every column against all.

    rows: of the table, the deployed head among them, if there is one. chosen: the name of the loss.
    heads: those that are saved, by loss, and the deployed one. features: of the shown split. fold: whether heads are
    saved with their temperatures.
    With several seeds, the table shows means over seeds, which no comparison of single heads can judge.
    """

    def predictions(name: str, *, after: bool) -> Predictions:
        found = head_predictions(heads[name].layers, features)
        return heads[name].map(found) if after else found

    pairs = []
    for base, candidate, after in dict.fromkeys(_wanted(rows, chosen, fold=fold)):
        both = (predictions(name, after=after) for name in (base, candidate))
        differences = compare(next(both), [next(both)], only=SHOWN).candidates[0].differences
        pairs.append(LossPair(candidate, base, after, differences))
    return tuple(pairs)


def deployed_pair(chosen: str, head: ScaledHead, deployed: ScaledHead, features: Features) -> LossPair:
    """The chosen head against the deployed one, by NLL, both with their temperatures; features: of the shown split."""
    base, candidate = (one.map(head_predictions(one.layers, features)) for one in (deployed, head))
    return LossPair(chosen, DEPLOYED, True, compare(base, [candidate], only=("nll",)).candidates[0].differences)


def _wanted(rows: Sequence[LossResult], chosen: str, *, fold: bool) -> Iterator[tuple[str, str, bool]]:
    """Base, candidate, and whether with their temperatures."""
    losses = [row for row in rows if row.name != DEPLOYED]
    rival = rival_of(losses, [loss.name for loss in losses].index(chosen))
    if rival is not None:
        yield losses[rival].name, chosen, fold
    if len(losses[0].seeds) > 1:
        return
    for after in (False, True):
        for metric in SHOWN:
            best = best_of(rows, metric, after=after)
            others = (one for one in rows if best is not None and one.mean(metric, after=after) is not None)
            yield from ((rows[best or 0].name, one.name, after) for one in others if one is not rows[best or 0])
