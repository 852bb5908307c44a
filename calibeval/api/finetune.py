"""`finetune`: train heads on cached features with losses that keep them calibrated, as the command does."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from calibeval.api.arguments import OF_TRAININGS
from calibeval.api.dumps import FeatureReading, as_path, features_of, features_read_by
from calibeval.api.outputs import check_outputs
from calibeval.core.data.progress import Progress
from calibeval.core.data.public import public
from calibeval.core.heads.features import Features
from calibeval.core.heads.results import Finetuned
from calibeval.readers.features.features import feature_options
from calibeval.runs import files
from calibeval.runs.asked import USUAL, Asked
from calibeval.runs.torch_setup import needs_torch
from calibeval.training.settings import HEADS, LINEAR, TEMPERATURES

if TYPE_CHECKING:
    from calibeval.training.sweep import StageEpoch

FeatureSource = Features | str | PathLike[str]


@public(OF_TRAININGS, FeatureReading.__annotations__)
def finetune(
    train: FeatureSource,
    *,
    val: FeatureSource,
    test: FeatureSource | None = None,
    out: str | PathLike[str],
    losses: str | Sequence[str] = "mbls",
    head: str | PathLike[str] = LINEAR,
    hidden: int | None = None,
    tune: bool = False,
    trials: int | None = None,
    tune_on: str = USUAL.select,
    seed: int = 0,
    seeds: int = 1,
    temperature: str = TEMPERATURES[0],
    optimizer: str = USUAL.optimizer,
    lr: float | None = None,
    weight_decay: float | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    schedule: str = USUAL.schedule,
    clip_norm: float | None = USUAL.clip,
    patience: int | None = USUAL.patience,
    mixup: float = USUAL.mixup,
    standardize: bool = True,
    amp: bool = False,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    allow_leak: bool = False,
    jobs: int = 1,
    max_memory: int | None = None,
    progress: Progress | None = None,
    **reading: Unpack[FeatureReading],
) -> Finetuned:
    """Train a head on cached features, or continue one, with one loss or several, and fit its temperature. Needs torch.

    train, val, test: paths such as "cache.npz#train", or Features. val picks the epoch, stops training and fits the
    temperature; without test, results are measured on val, which is optimistic. out: the folder of the run.
    losses: "ce,mbls(margin=6)", or a list of losses. head: "linear", "mlp" (hidden: its units), or a file of weights to
    continue from. tune: choose learning rate, weight decay and each loss's parameters on val. trials: number of
    recipes tried for each loss, with tune. tune_on: the score on val that chooses the epoch and the recipe.
    epochs: the most of each training, of candidates and of heads that are kept alike; None: 40, or 10 with tune.
    batch_size: rows per batch; None: 128, or fewer for less than 3,200 rows. lr: None: the default of the optimizer, or
    more for a new linear head on few features.
    seed, seeds: the first seed, and the number of seeds. temperature: "fold" folds it into the last layer, "none" does
    not. optimizer, weight_decay, schedule, clip_norm, patience, mixup, standardize, amp, device: as for
    the command. resume: continue an interrupted run. overwrite: replace a finished run. allow_leak: train even if the
    splits share rows. jobs: number of threads. progress: a `Progress`, called for each stage and epoch. max_memory,
    reading: as for `read_features`.
    Raises: UsageError for settings that cannot work, a finished run that would be overwritten, or a missing torch;
    InputError for data that cannot be used; FileProblem.
    """
    features_read_by(reading, [train, val, test])
    asked = Asked(
        losses=losses if isinstance(losses, str) else ",".join(losses),
        head=fspath(head),
        hidden=hidden,
        tune=tune,
        trials=trials,
        tune_on=tune_on,
        seed=seed,
        seeds=seeds,
        temperature=temperature,
        optimizer=optimizer,
        lr=lr,
        weight_decay=weight_decay,
        epochs=epochs,
        batch_size=batch_size,
        schedule=schedule,
        clip_norm=clip_norm or 0.0,
        patience=patience or 0,
        mixup=mixup,
        standardize=standardize,
        amp=amp,
        device=device,
        resume=resume,
        overwrite=overwrite,
        allow_leak=allow_leak,
    )
    inputs = [_path_of(one) for one in (train, val, test)]
    check_outputs(files.written(as_path(out)), [*inputs, None if head in HEADS else fspath(head)])
    needs_torch()
    from calibeval.runs.command import command_of
    from calibeval.runs.run import run_command

    command = command_of(
        asked,
        train=_source(train, reading, max_memory),
        val=_source(val, reading, max_memory),
        test=None if test is None else _source(test, reading, max_memory),
        out=as_path(out),
        reading=feature_options(max_memory=max_memory, **reading),
        jobs=jobs,
    )
    return run_command(command, say=lambda _: None, progress=Epochs(progress))


class Epochs:
    """Passes the stages and epochs of a training to a Progress."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._stage = progress, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to close."""

    def show(self, step: StageEpoch) -> None:
        """Called after each epoch."""
        if self._progress is None:
            return
        if step.number != self._stage:
            self._stage = step.number
            self._progress.start(f"training, stage {step.number} of {step.stages}", step.epochs)
        self._progress.advance(1)


def _source(features: FeatureSource, reading: FeatureReading, max_memory: int | None) -> str | Features:
    """Features, or a path, which the run itself reads."""
    if isinstance(features, str | PathLike):
        return fspath(features)
    return features_of(features, reading, max_memory)


def _path_of(features: object) -> str | None:
    """The file that features are read from."""
    if isinstance(features, str | PathLike):
        return fspath(features)
    return features.source.path if isinstance(features, Features) else None
