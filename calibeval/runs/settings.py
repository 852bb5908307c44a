"""The settings of a run, from its command and its data."""

from __future__ import annotations

from dataclasses import replace

from calibeval.core.heads.settings import RunSettings, StartFile
from calibeval.runs.data import Command, Data
from calibeval.training.settings import usual_batch_size, usual_images, usual_pixels


def sized(command: Command, data: Data) -> Command:
    """The command with the batches of its rows."""
    if not command.small_batches:
        return command
    images = data.train.image_rows
    if images is None:
        size = usual_batch_size(data.train.n)
    elif any(loss.entry.imagewise for loss in command.request.losses):
        size = usual_images(len(images))
    else:
        size = usual_pixels(data.train.n)
    settings = replace(command.request.settings, batch_size=size)
    return replace(command, request=replace(command.request, settings=settings))


def run_settings(command: Command, data: Data) -> RunSettings:
    """The settings of a command with the data that it has read."""
    request, training = command.request, command.request.settings
    keys, start = command.reading.keys, data.start
    labels = {split: features.settled_source().labels_sha256 for split, features in data.splits.items()}
    return RunSettings(
        losses=tuple(str(loss) for loss in request.losses),
        head=command.head if start is None else "continued",
        start=None if start is None else StartFile(start.source.sha256, start.source.split),
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
        sha256={split: features.settled_source().content for split, features in data.splits.items()},
        splits={split: features.source.split for split, features in data.splits.items()},
        weights_key=keys.weights,
        labels_sha256=labels if any(labels.values()) else None,
    )
