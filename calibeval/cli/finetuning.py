"""The work of `calibeval finetune`: read, check, train, measure; each in its order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from calibeval.cli.reading import say
from calibeval.cli.run_folder import RunFolder, finished_run
from calibeval.cli.training_progress import TrainingProgress
from calibeval.core.errors import InputError
from calibeval.core.evaluate import check_settings, evaluate_dump
from calibeval.core.features import Features, shared_rows
from calibeval.core.finetuned import Finetuned, LossResult, SeedResult, metric_values
from calibeval.core.linear import PlainLayer
from calibeval.core.report import DumpReport, Recalibrated, Report
from calibeval.core.version import VERSION
from calibeval.readers import ReadOptions
from calibeval.readers.features import open_features
from calibeval.readers.head_weights import read_head
from calibeval.training.finetune import FinishedHead, Request, finish, predictions_of, prepare
from calibeval.training.sweep import Sweep

OPTIMISTIC = "these numbers are of VAL, which also stopped the training and fitted the temperature: they flatter"


@dataclass(frozen=True, slots=True)
class Command:
    """A finetune command after its options were checked. head: "linear", "mlp", or a file of weights."""

    train: str
    val: str
    test: str | None
    out: Path
    head: str
    request: Request
    reading: ReadOptions
    fold: bool
    resume: bool
    allow_leak: bool
    quiet: bool


@dataclass(frozen=True, slots=True)
class Data:
    """The splits, by name, the number of classes, and what is to be said of them."""

    splits: Mapping[str, Features]
    k: int
    start: tuple[PlainLayer, ...] | None
    warnings: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The split that results are of."""
        return "test" if "test" in self.splits else "val"


def run_command(command: Command) -> Finetuned:
    """Train, measure, and write the run's folder.

    Raises: InputError for data that cannot be used or a training that diverged; UsageError for a run that cannot be
    resumed; FileProblem for a folder that cannot be written.
    """
    data = _read(command)
    say([f"warning: {warning}" for warning in data.warnings], quiet=command.quiet)
    settings = _settings(command, data)
    if command.resume and (finished := finished_run(command.out, settings)) is not None:
        say([f"{command.out} is finished already"], quiet=command.quiet)
        return finished
    request = replace(command.request, start=data.start)
    sweep, standard = prepare(data.splits["train"], data.splits["val"], data.k, request)
    folder = RunFolder(command.out, settings, sweep, resume=command.resume)
    with TrainingProgress(quiet=command.quiet) as progress:
        while not sweep.done:
            step = sweep.step()
            folder.record(step, sweep)
            progress.show(step)
    heads = [finish(trained, standard, data.splits["val"]) for trained in sweep.heads]
    found, report = _results(command, data, sweep, heads, settings)
    folder.write(found, report, _saved(command, data, heads, found))
    return found


def _read(command: Command) -> Data:
    """The splits, checked against each other.

    Raises: InputError for splits that do not fit each other, share rows, or hold too many classes for the head.
    """
    names = {"train": command.train, "val": command.val} | ({} if command.test is None else {"test": command.test})
    splits = {split: open_features(name, command.reading) for split, name in names.items()}
    train = splits["train"]
    warnings = [f"{features.source.name}: {text}" for features in splits.values() for text in features.warnings]
    for features in splits.values():
        if features.d != train.d:
            raise InputError(
                f"{features.source.name} has {features.d} features a row, but {train.source.name} {train.d}"
            )
        if features.class_names != train.class_names:
            raise InputError(f"{features.source.name} and {train.source.name} differ in their class names")
    start, k = _head(command, splits, warnings)
    for features in splits.values():
        features.check_classes(k, "there are" if start is None else "the head has")
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        if other in splits:
            warnings += _leaks(splits[one], splits[other], allowed=command.allow_leak)
    absent = np.setdiff1d(np.arange(k), train.labels if train.labels is not None else [])
    if len(absent):
        few = ", ".join(str(c) for c in absent[:5]) + (", ..." if len(absent) > 5 else "")
        warnings.append(f"{len(absent)} of {k} classes have no row in {train.source.name}: {few}")
    return Data(splits, k, start, tuple(warnings))


def _head(
    command: Command, splits: Mapping[str, Features], warnings: list[str]
) -> tuple[tuple[PlainLayer, ...] | None, int]:
    """The layers to go on from, if there are any, and the number of classes."""
    train = splits["train"]
    if command.head in ("linear", "mlp"):
        k = max(features.k or 1 for features in splits.values())
        if k < 2:
            raise InputError(f"{train.source.name}: every label is 0, but a classifier needs two classes")
        return None, k
    limits = command.reading.limits
    head = read_head(command.head, max_bytes=limits.max_bytes, max_memory=limits.max_memory, checksums=limits.checksums)
    if head.d != train.d:
        raise InputError(f"{head.source.name} takes {head.d} features, but {train.source.name} has {train.d}")
    if train.class_names is not None and len(train.class_names) != head.k:
        raise InputError(
            f"{head.source.name} has {head.k} classes, but {train.source.name} names {len(train.class_names)}"
        )
    warnings += head.warnings
    return tuple(PlainLayer(layer.weight, layer.bias) for layer in head.layers), head.k


def _leaks(fitted: Features, tested: Features, *, allowed: bool) -> list[str]:
    leak = shared_rows(fitted, tested)
    if leak is None:
        return []
    if leak.certain and not allowed:
        raise InputError(f"{leak.text}: that would flatter the head. Say --allow-leak to train all the same.")
    return [leak.text]


def _settings(command: Command, data: Data) -> dict[str, Any]:
    """All that the outcome depends on, for the record and for --resume."""
    request, training = command.request, command.request.settings
    return {
        "losses": [str(loss) for loss in request.losses],
        "head": "mlp" if command.head == "mlp" else "linear" if data.start is None else "continued",
        "hidden": request.hidden if data.start is None else None,
        "classes": data.k,
        "optimizer": training.optimizer,
        "rate": request.rate,
        "decay": request.decay,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "schedule": training.schedule,
        "clip_norm": training.clip,
        "patience": training.patience,
        "mixup": training.mixup,
        "amp": training.amp,
        "standardize": request.standardize,
        "trials": request.trials,
        "select": training.select,
        "seeds": list(request.seeds),
        "fold": command.fold,
        "device": request.device,
        "sha256": {split: features.settled_source().sha256 for split, features in data.splits.items()},
        "splits": {split: features.source.split for split, features in data.splits.items()},
    }


def _results(
    command: Command, data: Data, sweep: Sweep, heads: list[FinishedHead], settings: dict[str, Any]
) -> tuple[Finetuned, Report]:
    """The table, and the report of the first seed's heads: one dump per loss and split."""
    losses = command.request.losses
    first: list[DumpReport] = []
    results: dict[str, list[SeedResult]] = {str(loss): [] for loss in losses}
    stamps = data.warnings if "test" in data.splits else (*data.warnings, OPTIMISTIC)
    for place, head in enumerate(heads):
        name = str(losses[place % len(losses)])
        dumps = {
            split: _measured(head, features, data.splits["val"], f"{name}#{split}")
            for split, features in data.splits.items()
            if split != "train"
        }
        first += dumps.values() if place < len(losses) else []
        shown = dumps[data.shown]
        after = shown.after() or shown
        trained = head.trained
        results[name].append(
            SeedResult(
                trained.seed,
                trained.epoch,
                trained.score,
                head.temperature,
                metric_values(shown.metrics),
                metric_values(after.metrics),
            )
        )
    table = tuple(
        LossResult(name, _parameters(heads[i]), tuple(results[name])) for i, name in enumerate(map(str, losses))
    )
    scores = [heads[i].trained.score for i in range(len(losses))]
    sources = {
        split: {"path": s.path, "split": s.split, "sha256": s.sha256, "n": features.n}
        for split, features in data.splits.items()
        for s in [features.settled_source()]
    }
    chosen = scores.index(min(scores))
    found = Finetuned(VERSION, settings, sources, data.shown, table, chosen, stamps)
    return found, Report(VERSION, check_settings(bins=None, convention="calibeval", confidence=0.95), tuple(first))


def _measured(head: FinishedHead, features: Features, val: Features, name: str) -> DumpReport:
    """One head on one split, before and after its temperature."""
    settings = check_settings(bins=None, convention="calibeval", confidence=0.95)
    predictions = predictions_of(head.layers, features)
    before = evaluate_dump(predictions, settings)
    after = evaluate_dump(head.map(predictions), settings)
    source = val.settled_source()
    facts = {"path": source.path, "split": source.split, "sha256": source.sha256, "n": val.n}
    warnings = before.warnings if features is not val else (*before.warnings, OPTIMISTIC)
    return replace(
        before,
        name=name,
        source=features.settled_source(),
        warnings=warnings,
        recalibrated=Recalibrated(
            "temperature", head.map.parameters(), facts, after.metrics, after.equal_width, after.equal_mass
        ),
    )


def _parameters(head: FinishedHead) -> dict[str, Any]:
    candidate = head.trained.candidate
    found = {name: value for name, value in candidate.loss.to_dict().items() if value is not None and name != "loss"}
    return {**found, "lr": candidate.rate, "weight_decay": candidate.decay}


def _saved(command: Command, data: Data, heads: list[FinishedHead], found: Finetuned) -> dict[str, dict[str, Any]]:
    """For each loss what its folder holds: layers, facts, and dumps of the first seed's head."""
    saved = {}
    for head, loss in zip(heads, found.losses, strict=False):
        layers = head.saved(fold=command.fold)
        facts = {
            "schema": "calibeval.head/1",
            "version": VERSION,
            "kind": "linear" if len(layers) == 1 else "mlp",
            "d": data.splits["train"].d,
            "k": data.k,
            "class_names": data.splits["train"].class_names,
            "loss": head.trained.candidate.loss.to_dict(),
            **{name: value for name, value in loss.parameters.items() if name in ("lr", "weight_decay")},
            "temperature": head.temperature,
            "temperature_folded": command.fold,
            "seed": head.trained.seed,
            "epoch": head.trained.epoch,
            "sources": found.sources,
        }
        lambd, rho = head.trained.multipliers
        if lambd:
            facts["multipliers"] = {"lambd": lambd, "rho": rho}
        dumps = {split: predictions_of(layers, features) for split, features in data.splits.items() if split != "train"}
        saved[loss.name] = {"layers": layers, "facts": facts, "dumps": dumps}
    return saved
