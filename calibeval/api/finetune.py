"""`finetune`: heads on cached features, trained with losses that keep them calibrated; what the command does."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from calibeval.api.dumps import FeatureReading, as_path, features_of
from calibeval.core.data.progress import Progress
from calibeval.core.data.ranges import MOST_JOBS, check_whole
from calibeval.core.errors import UsageError, nearest
from calibeval.core.heads.features import Features
from calibeval.core.heads.results import Finetuned
from calibeval.readers.features.features import feature_options
from calibeval.runs.torch_setup import pick_device
from calibeval.training.settings import (
    DEVICES,
    HIDDEN_UNITS,
    LINEAR,
    MLP,
    OPTIMIZERS,
    RANGES,
    SCHEDULES,
    SCORES,
    TRIALS,
    TrainingSettings,
)

if TYPE_CHECKING:
    from calibeval.training.sweep import StageEpoch

FeatureSource = Features | str | PathLike[str]
USUAL = TrainingSettings()
TEMPERATURES = ("fold", "none")


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
    epochs: int = USUAL.epochs,
    batch_size: int = USUAL.batch_size,
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
    """Train a head on cached features, or continue one, with one loss or several; then its temperature. Needs torch.

    train, val, test: paths such as "cache.npz#train", or Features. val picks the epoch, stops training and fits the
    temperature; without test, results are of val, which flatters them. out: the folder of the run.
    losses: "ce,mbls(margin=6)", or a list of such. head: "linear", "mlp" (hidden: its units), or a file of weights to
    continue from. tune: choose learning rate, weight decay and each loss's parameters on val, from so many trials.
    tune_on: what val chooses and stops by. seed, seeds: the first seed, and how many. temperature: "fold" puts it into
    the last layer, "none" leaves it out. optimizer, lr, weight_decay, epochs, batch_size, schedule, clip_norm,
    patience, mixup, standardize, amp, device: as for the command. resume: go on where an interrupted run stopped.
    overwrite: replace a finished run. allow_leak: train although splits share rows.
    jobs: threads. progress: hears of each stage, and of its epochs. max_memory, reading: as for `read_features`.
    Raises: UsageError for settings that cannot work, a finished run that would be overwritten, or a missing torch;
    InputError for data that cannot be used; FileProblem.
    """
    for name, value, known in (
        ("temperature", temperature, TEMPERATURES),
        ("tune_on", tune_on, SCORES),
        ("optimizer", optimizer, OPTIMIZERS),
        ("schedule", schedule, SCHEDULES),
        ("device", device, DEVICES),
    ):
        _choice(name, value, known)
    check_whole("jobs", jobs, 1, MOST_JOBS)
    for name, count in (("seeds", seeds), ("seed", seed), ("epochs", epochs), ("batch_size", batch_size)):
        check_whole(name, count, *RANGES[name])
    for name, amount in (("hidden", hidden), ("patience", patience), ("trials", trials)):
        if amount is not None:
            check_whole(name, amount, *RANGES[name])
    for name, size in (("weight_decay", weight_decay), ("clip_norm", clip_norm), ("mixup", mixup)):
        _number(name, size, allow_zero=True)
    _number("lr", lr, allow_zero=False)
    if hidden is not None and head != MLP:
        raise UsageError(f'hidden belongs to head="{MLP}"')
    if trials is not None and not tune:
        raise UsageError("trials belongs to tune=True")
    if tune and (lr is not None or weight_decay is not None):
        raise UsageError("tune=True chooses the rate and the weight decay; leave out lr and weight_decay")
    place = pick_device(device, jobs)
    from calibeval.runs.data import Command
    from calibeval.runs.run import run_command
    from calibeval.training.request import Request
    from calibeval.training.spec import parse_losses

    options = feature_options(max_memory=max_memory, **reading)
    request = Request(
        losses=parse_losses(losses if isinstance(losses, str) else ",".join(losses)),
        settings=TrainingSettings(
            optimizer=optimizer,
            epochs=epochs,
            batch_size=batch_size,
            schedule=schedule,
            clip=clip_norm or None,
            mixup=mixup,
            patience=patience or None,
            select=tune_on,
            amp=amp,
        ),
        hidden=(hidden or HIDDEN_UNITS) if head == MLP else None,
        standardize=standardize,
        rate=lr,
        decay=weight_decay,
        trials=(trials or TRIALS) if tune else 0,
        seeds=tuple(range(seed, seed + seeds)),
        device=place,
        memory=options.limits.max_memory,
    )
    command = Command(
        train=_source(train, reading, max_memory),
        val=_source(val, reading, max_memory),
        test=None if test is None else _source(test, reading, max_memory),
        out=as_path(out),
        head=fspath(head),
        request=request,
        reading=options,
        fold=temperature == TEMPERATURES[0],
        resume=resume,
        allow_leak=allow_leak,
        overwrite=overwrite,
    )
    return run_command(command, say=lambda _: None, progress=Epochs(progress))


class Epochs:
    """Tells a Progress of the stages of a training, and of their epochs."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._stage = progress, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to close."""

    def show(self, step: StageEpoch) -> None:
        """One epoch is done."""
        if self._progress is None:
            return
        if step.number != self._stage:
            self._stage = step.number
            self._progress.start(f"training, stage {step.number} of {step.stages}", step.epochs)
        self._progress.advance(1)


def _source(features: FeatureSource, reading: FeatureReading, max_memory: int | None) -> str | Features:
    """A path stays one, so that the run reads it in its own order."""
    if isinstance(features, str | PathLike):
        return fspath(features)
    return features_of(features, reading, max_memory)


def _choice(name: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise UsageError(f'{name} "{value}" is unknown{nearest(str(value), known)}; there are {", ".join(known)}')


def _number(name: str, value: float | None, *, allow_zero: bool) -> None:
    if value is None:
        return
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max
    if not right or (value == 0 and not allow_zero):
        raise UsageError(f"{name} is {value!r}, but it must be {'at least 0' if allow_zero else 'above 0'}")
