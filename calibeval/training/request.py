"""From a request and feature caches to a sweep, and from its heads to the heads that are saved."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.heads.features import BLOCK_ROWS, Features
from calibeval.core.heads.layers import HeadLogits, PlainLayer
from calibeval.core.heads.scores import scores_of
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.fit import fit
from calibeval.training.folding import cooled, folded, narrowed, unfolded
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import LossSpec
from calibeval.training.split import Split, Standard, no_standard, resident, staged, standard_of
from calibeval.training.sweep import Sweep, Task, Trained

SPARE = 0.8  # fraction of a device's free memory that features may take
# At most: the weight, its gradient, its best value, the state of the optimizer; the line of `further_scores`.
BYTES_A_WEIGHT = 36
LEAST_SPREAD = 1e-30  # standard deviation of a feature; below it, weights would overflow float32


@dataclass(frozen=True, slots=True)
class Request:
    """What to train, and how.

    hidden: units of the hidden layer, None for a linear head. start: the layers of a head to continue from, or None.
    standardize: whether features are standardised. device: "cpu" or "cuda". memory: the most bytes for one head, and
    for the features on a CPU; if the features take more, they stay where they are stored. The others: as in `Task`.
    """

    losses: tuple[LossSpec, ...]
    settings: TrainingSettings
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
class ScaledHead:
    """A head on raw features, without its temperature, and the temperature fitted on VAL."""

    layers: tuple[PlainLayer, ...]
    map: Map

    @property
    def temperature(self) -> float:
        """The temperature, which divides the logits."""
        return float(self.map.parameters()["temperature"])


@dataclass(frozen=True, slots=True, eq=False)
class FinishedHead(ScaledHead):
    """A trained head, in float32, and its training.

    rounding: the largest change of a logit of VAL by float32, relative to the largest logit, or to 1 if it is smaller.
    """

    trained: Trained
    rounding: float

    def saved(self, *, fold: bool) -> list[PlainLayer]:
        """The layers to save; fold: whether the last one is divided by the temperature.

        Raises: InputError if the temperature is so small that the divided weights overflow float32.
        """
        return narrowed(cooled(self.layers, self.temperature)) if fold else [*self.layers]


def prepare(train: Features, val: Features, k: int, request: Request) -> tuple[Sweep, Standard]:
    """The sweep for a request, and the standardisation of the features.

    The values of the features must have been checked before.
    Raises: InputError for a feature that hardly varies, a head to continue from whose weights overflow float32, or a
    head that is too large for the memory.
    """
    standard = standard_of(train.features, train.weights.values) if request.standardize else no_standard(train.d)
    least = int(standard.scale.argmin())
    if standard.scale[least] < LEAST_SPREAD:
        raise InputError(
            f"{train.source.name}: feature {least} has a standard deviation of {standard.scale[least]:.3g}, too small "
            "for weights in float32; multiply the features by a constant before saving them"
        )
    hidden = [] if request.hidden is None else [request.hidden]
    sizes = (train.d, *hidden, k) if request.start is None else (train.d, *(len(x.bias) for x in request.start))
    needed = BYTES_A_WEIGHT * sum(a * b for a, b in itertools.pairwise(sizes))
    if needed > request.memory:
        raise InputError(
            f"training a head of {' x '.join(map(str, sizes))} units takes about {needed / 2**30:.0f} GiB, "
            f"but {request.memory / 2**30:.1f} are allowed; lower --hidden, or raise --max-memory"
        )
    start = None if request.start is None else tuple(narrowed(unfolded(request.start, standard)))
    splits = _places((train, val), standard, request)
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


def finish(trained: Trained, standard: Standard, val: Features) -> FinishedHead | None:
    """A trained head on raw features, with the temperature that minimises the NLL on VAL; None if it diverged.

    Raises: InputError if its weights overflow float32.
    """
    if trained.epoch == 0:
        return None
    wide = folded(trained.layers, standard)
    layers = tuple(narrowed(wide))
    predictions = head_predictions(layers, val)
    return FinishedHead(layers, fit(predictions), trained, _rounding(wide, predictions, val))


def _rounding(wide: Sequence[PlainLayer], narrow: Predictions, val: Features) -> float:
    """The largest change of a logit by float32, relative to the largest logit, or to 1 if it is smaller."""
    exact = HeadLogits(wide, val.features if val.images is None else val.images.pixels)
    largest, change = 1.0, 0.0
    for start in range(0, exact.shape[0], BLOCK_ROWS):
        here = slice(start, min(start + BLOCK_ROWS, exact.shape[0]))
        own = exact[here]
        largest = max(largest, float(np.abs(own).max()))
        change = max(change, float(np.abs(narrow.scores[here] - own).max()))
    return change / largest


def scaled(layers: Sequence[PlainLayer], val: Features) -> ScaledHead:
    """A head as it is, with the temperature that minimises the NLL on VAL."""
    return ScaledHead(tuple(layers), fit(head_predictions(layers, val)))


def head_predictions(layers: Sequence[PlainLayer], features: Features) -> Predictions:
    """The predictions of a head for features, with their labels if they have any; those of images have their shape."""
    return Predictions(
        **scores_of(layers, features)._asdict(),
        class_names=features.class_names,
        labels_are="positions",
        ids=features.ids,
        columns=features.columns,
        weights=features.weights.column,
        source=features.source,
        keys=features.keys,
    )


def _places(splits: Sequence[Features], standard: Standard, request: Request) -> list[Split]:
    """The splits for training: copied to the device if all of them fit, else left where they are stored."""
    room = int(SPARE * torch.cuda.mem_get_info()[0]) if request.device == "cuda" else request.memory
    needed = sum(one.n * one.d + (0 if one.soft is None else one.soft.size) for one in splits)
    make = resident if 4 * needed <= room else staged
    placed = []
    for features in splits:
        labels = features.labels if features.soft is None else features.soft
        labels = np.zeros(features.n, np.int64) if labels is None else labels
        weights = features.weights.values
        split = make(features.features, labels, standard, request.device, torch.float32, weights)
        images = features.images
        placed.append(split if images is None else replace(split, images=features.image_rows, run=images.pixels.run))
    return placed
