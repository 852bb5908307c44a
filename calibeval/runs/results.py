"""The results of `calibeval finetune`: the table of the losses, a report on every head, and what is saved per loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from calibeval.core.data.notices import Notice, reason, warning
from calibeval.core.evaluation.settings import checked
from calibeval.core.heads.deployed import DEPLOYED
from calibeval.core.heads.facts import HeadFacts, LastMultipliers
from calibeval.core.heads.features import Features
from calibeval.core.heads.layers import PlainLayer
from calibeval.core.heads.results import (
    SHOWN,
    Finetuned,
    LossResult,
    SeedResult,
    chosen_of,
    metric_values,
    overlap_values,
    row_of,
)
from calibeval.core.heads.settings import RunSettings
from calibeval.core.report.report import DumpReport, Report
from calibeval.core.version import VERSION
from calibeval.runs.convergence import merged, not_converged
from calibeval.runs.data import Command, Data
from calibeval.runs.deployed import MeasuredDeployed
from calibeval.runs.measured import OPTIMISTIC, MeasuredHead
from calibeval.runs.pairs import deployed_pair, loss_pairs
from calibeval.training.request import FinishedHead, ScaledHead
from calibeval.training.settings import LINEAR, MLP
from calibeval.training.sweep import Trained

DIVERGED = "training diverged in every epoch, so there is no head; lower --lr"
NOTABLE_ROUNDING = 1e-3  # of the largest logit: a larger rounding error gives a warning


@dataclass(frozen=True, slots=True, eq=False)
class SavedHead:
    """The content of a loss's folder: layers, the facts of head.json, and the splits whose logits are written.

    dump: the report on the head as it is saved, on the shown split.
    """

    layers: Sequence[PlainLayer]
    facts: HeadFacts
    splits: Mapping[str, Features]
    dump: DumpReport


def results(
    command: Command,
    data: Data,
    heads: Sequence[MeasuredHead],
    deployed: MeasuredDeployed | None,
    settings: RunSettings,
) -> tuple[Finetuned, Report, dict[str, SavedHead]]:
    """The table, the report with one dump for each loss and split, and what is saved for each loss.

    heads: for each seed, every loss in its order. deployed: the head that they continue from.
    Raises: InputError if every training diverged.
    """
    names = [str(loss) for loss in command.request.losses]
    own = {name: heads[i :: len(names)] for i, name in enumerate(names)}
    table = tuple(
        LossResult(name, _parameters(found[0].trained), tuple(_seed(one, data.shown) for one in found))
        for name, found in own.items()
    )
    chosen = chosen_of(table)
    warnings = [*data.warnings, *([] if deployed is None else _doubts_of_map(DEPLOYED, deployed.head))]
    warnings += merged([text for name, found in own.items() for text in _doubts(name, found, data, settings)])
    stamps = [] if "test" in data.splits else [OPTIMISTIC]
    kept = {name: next((o for o in own[name] if o.head is not None), None) for name in names}
    ready = {name: o.head for name, o in kept.items() if o is not None and o.head is not None}
    shown, name = data.splits[data.shown], table[chosen].name
    baseline, rows, scaled = None, [*table], dict[str, ScaledHead](ready)
    dumps = [dump for o in kept.values() if o is not None for dump in o.dumps.values()]
    if deployed is not None:
        pair = deployed_pair(name, ready[name], deployed.head, shown)
        baseline = deployed.row(data.shown, command.request.settings.select, pair)
        rows, scaled[DEPLOYED] = [row_of(baseline), *table], deployed.head
        dumps = [*deployed.dumps.values(), *dumps]
    pairs = loss_pairs(rows, name, scaled, shown, fold=command.fold)
    stamped = (*warnings, *stamps)
    found = Finetuned(VERSION, settings, data.sources(), data.shown, table, chosen, stamped, pairs, baseline)
    report = Report(VERSION, checked(), tuple(dumps))
    saved = {name: _saved(command, data, o, o.head, found) for name, o in kept.items() if o is not None and o.head}
    return found, report, saved


def _seed(one: MeasuredHead, shown: str) -> SeedResult:
    trained, head = one.trained, one.head
    if head is None:
        nothing = dict.fromkeys(SHOWN)
        return SeedResult(trained.seed, 0, None, None, nothing, nothing, reason("diverged", DIVERGED))
    dump = one.dumps[shown]
    before, after = metric_values(dump.metrics), metric_values((dump.after() or dump).metrics)
    own = overlap_values(dump.per_image)
    return SeedResult(trained.seed, trained.epoch, trained.score, head.temperature, before, after, overlap=own)


def _doubts(name: str, heads: Sequence[MeasuredHead], data: Data, settings: RunSettings) -> list[Notice]:
    """Warnings about the heads of a loss."""
    notices = []
    for one in heads:
        trained, head = one.trained, one.head
        who = name if len(heads) == 1 else f"{name}, seed {trained.seed}"
        if head is None:
            notices.append(warning("diverged", f"{who}: {DIVERGED}"))
            continue
        if trained.diverged:
            text = f"{who}: training diverged in epoch {trained.diverged}; the head of epoch {trained.epoch} is kept"
            notices.append(warning("diverged_later", text))
        notices += not_converged(who, trained, data.val.n, select=settings.select, tuned=settings.trials > 0)
        notices += _doubts_of_map(who, head)
        if head.rounding > NOTABLE_ROUNDING:
            text = (
                f"{who}: saving the head in float32 changes its logits by up to {100 * head.rounding:.2g} % of the "
                "largest; subtract the mean of each feature before saving the features"
            )
            notices.append(warning("rounded_weights", text))
    return notices


def _doubts_of_map(who: str, head: ScaledHead) -> list[Notice]:
    """A warning about a temperature that is not an ordinary optimum."""
    note = head.map.fitted.note
    return [] if note is None else [warning("map_note", f"{who}: temperature {head.temperature:.3g}: {note}")]


def _parameters(trained: Trained) -> dict[str, Any]:
    recipe = trained.recipe
    found = {name: value for name, value in recipe.loss.to_dict().items() if value is not None and name != "loss"}
    return {**found, "lr": recipe.rate, "weight_decay": recipe.decay}


def _saved(command: Command, data: Data, one: MeasuredHead, head: FinishedHead, found: Finetuned) -> SavedHead:
    layers, trained = head.saved(fold=command.fold), head.trained
    lambd, rho = trained.multipliers
    facts = HeadFacts(
        version=VERSION,
        kind=LINEAR if len(layers) == 1 else MLP,
        d=data.train.d,
        k=data.k,
        class_names=data.train.class_names,
        loss=trained.recipe.loss.to_dict(),
        lr=trained.recipe.rate,
        weight_decay=trained.recipe.decay,
        temperature=head.temperature,
        temperature_folded=command.fold,
        seed=trained.seed,
        epoch=trained.epoch,
        sources=found.sources,
        multipliers=LastMultipliers(lambd, rho or None) if lambd else None,
    )
    raw = replace(one.dumps[data.shown], name=f"{trained.recipe.loss} on {data.shown.upper()}", recalibrated=None)
    return SavedHead(layers, facts, data.measured, (one.after or raw) if command.fold else raw)
