"""All that the results of a training depend on, for the record and for --resume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from calibeval.runs.data import Command, Data


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of a run, in the order in which they are written.

    losses: as the command line takes them. head: "linear", "mlp" or "continued"; start: where that one comes from.
    rate, decay: None where the optimizer's own, or --tune, decide. sha256, splits: of the features of each split.
    """

    losses: tuple[str, ...]
    head: str
    start: Mapping[str, str | None] | None
    hidden: int | None
    classes: int
    class_names: tuple[str, ...] | None
    optimizer: str
    rate: float | None
    decay: float | None
    epochs: int
    batch_size: int
    schedule: str
    clip_norm: float | None
    patience: int | None
    mixup: float
    amp: bool
    standardize: bool
    trials: int
    select: str
    seeds: tuple[int, ...]
    fold: bool
    device: str
    features_key: str | None
    labels_key: str | None
    ignore_index: int | None
    sha256: Mapping[str, str | None]
    splits: Mapping[str, str | None]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        values = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def run_settings(command: Command, data: Data) -> RunSettings:
    """The settings of a command on the data that it read."""
    request, training = command.request, command.request.settings
    keys, start = command.reading.keys, data.start
    return RunSettings(
        losses=tuple(str(loss) for loss in request.losses),
        head=command.head if start is None else "continued",
        start=None if start is None else {"sha256": start.source.sha256, "split": start.source.split},
        hidden=request.hidden if start is None else None,
        classes=data.k,
        class_names=data.train.class_names,
        optimizer=training.optimizer,
        rate=request.rate,
        decay=request.decay,
        epochs=training.epochs,
        batch_size=training.batch_size,
        schedule=training.schedule,
        clip_norm=training.clip,
        patience=training.patience,
        mixup=training.mixup,
        amp=training.amp,
        standardize=request.standardize,
        trials=request.trials,
        select=training.select,
        seeds=request.seeds,
        fold=command.fold,
        device=request.device,
        features_key=keys.features,
        labels_key=keys.labels,
        ignore_index=command.reading.ignore_index,
        sha256={split: features.settled_source().sha256 for split, features in data.splits.items()},
        splits={split: features.source.split for split, features in data.splits.items()},
    )
