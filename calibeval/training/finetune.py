"""From feature caches to a sweep, and from its heads to what is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from calibeval.core.errors import InputError, UsageError
from calibeval.core.features import Features
from calibeval.core.linear import PlainLayer, logits_of
from calibeval.core.predictions import Predictions
from calibeval.recalibrate import Map, fit
from calibeval.training.finished import cooled, folded, narrowed, unfolded
from calibeval.training.spec import LossSpec
from calibeval.training.split import Split, Standard, no_standard, resident, staged, standard_of
from calibeval.training.sweep import Sweep, Task, Trained
from calibeval.training.trainer import Settings

SPARE = 0.8  # of the free memory of a device may hold features


@dataclass(frozen=True, slots=True)
class Request:
    """What a head is to be like, and how it is found. device: "cpu" or "cuda". memory: bytes of features on a CPU.

    hidden: units of the hidden layer, None for a linear head. start: the layers of a head to go on from, or None.
    The others are those of `Task`.
    """

    losses: tuple[LossSpec, ...]
    settings: Settings
    hidden: int | None = None
    start: tuple[PlainLayer, ...] | None = None
    standardize: bool = True
    rate: float | None = None
    decay: float | None = None
    trials: int = 0
    seeds: tuple[int, ...] = (0,)
    device: str = "cpu"
    memory: int = 2**33


@dataclass(frozen=True, slots=True, eq=False)
class FinishedHead:
    """A head on raw features, in float64 and without its temperature; the temperature fitted on VAL; how it came."""

    trained: Trained
    layers: tuple[PlainLayer, ...]
    map: Map

    @property
    def temperature(self) -> float:
        """What the logits are divided by."""
        return float(self.map.parameters()["temperature"])

    def saved(self, *, fold: bool) -> list[PlainLayer]:
        """The layers as they are saved, in float32; fold: with the temperature in the last one."""
        return narrowed(cooled(self.layers, self.temperature) if fold else self.layers)


def prepare(train: Features, val: Features, k: int, request: Request) -> tuple[Sweep, Standard]:
    """The sweep over a request, and what is done to the features.

    Raises: InputError for features that are no finite numbers, a head that does not fit them, or too little memory;
    UsageError for a device that is not there.
    """
    if request.device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda, but there is no GPU that torch can use; say --device cpu")
    for features in (train, val):
        features.check_values()
    standard = standard_of(train.features) if request.standardize else no_standard(train.d)
    start = None if request.start is None else tuple(unfolded(request.start, standard))
    try:
        splits = _places((train, val), standard, request)
    except torch.OutOfMemoryError:
        raise InputError("the features do not fit into the device's memory; say --device cpu") from None
    hidden = [] if request.hidden is None else [request.hidden]
    sizes = (train.d, *hidden, k) if start is None else (train.d, *(len(layer.bias) for layer in start))
    task = Task(
        train=splits[0],
        val=splits[1],
        sizes=sizes,
        losses=request.losses,
        settings=request.settings,
        start=start,
        rate=request.rate,
        decay=request.decay,
        trials=request.trials,
        seeds=request.seeds,
    )
    return Sweep(task), standard


def finish(trained: Trained, standard: Standard, val: Features) -> FinishedHead:
    """A trained head on raw features, with the temperature that minimises the NLL of VAL.

    Raises: InputError where the training diverged.
    """
    if trained.epoch == 0:
        raise InputError(f"{trained.candidate.loss}: the training diverged in every epoch; lower --lr")
    layers = tuple(folded(trained.layers, 0, standard))
    return FinishedHead(trained, layers, fit(predictions_of(layers, val)))


def predictions_of(layers: Sequence[PlainLayer], features: Features) -> Predictions:
    """The predictions of a head for features; where there are no labels, every one is 0."""
    return Predictions(
        logits=logits_of(layers, features.features),
        labels=np.zeros(features.n, np.int64) if features.labels is None else features.labels,
        class_names=features.class_names,
        ids=features.ids,
        columns=features.columns,
        source=features.source,
    )


def _places(splits: Sequence[Features], standard: Standard, request: Request) -> list[Split]:
    """The splits where training reads them: on the device if all of them fit, else where they are stored."""
    room = int(SPARE * torch.cuda.mem_get_info()[0]) if request.device == "cuda" else request.memory
    make = resident if sum(features.n * features.d * 4 for features in splits) <= room else staged
    placed = []
    for features in splits:
        labels = np.zeros(features.n, np.int64) if features.labels is None else features.labels
        placed.append(make(features.features, labels, standard, request.device, torch.float32))
    return placed
