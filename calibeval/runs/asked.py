"""What somebody asks of a training, before anything is read; no torch here, so that wrong words are refused at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from calibeval.core.data.ranges import check_whole
from calibeval.core.errors import UsageError, nearest
from calibeval.training.settings import (
    DEVICES,
    LINEAR,
    MLP,
    OPTIMIZERS,
    RANGES,
    SCHEDULES,
    SCORES,
    TEMPERATURES,
    TrainingSettings,
)

USUAL = TrainingSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What `calibeval finetune` and `calibeval.finetune` take, but for the data and how they are read.

    losses: "ce,mbls(margin=6)". head: "linear", "mlp", or a file of weights. hidden: units of "mlp"; None: the usual.
    trials: with `tune`, None for the usual. epochs: None for the usual number, which is lower with `tune`.
    batch_size: None: by the number of rows (`usual_batch_size`).
    temperature: "fold", or "none" leaves it out of the weights. clip_norm, patience: 0 for none. The others: as in
    TrainingSettings and Task.

    Raises: UsageError for a word that is unknown, a number out of range, or what does not go together; messages name
    the options of the command line.
    """

    losses: str = "mbls"
    head: str = LINEAR
    hidden: int | None = None
    tune: bool = False
    trials: int | None = None
    tune_on: str = USUAL.select
    seed: int = 0
    seeds: int = 1
    temperature: str = TEMPERATURES[0]
    optimizer: str = USUAL.optimizer
    lr: float | None = None
    weight_decay: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    schedule: str = USUAL.schedule
    clip_norm: float = USUAL.clip or 0.0
    patience: int = USUAL.patience or 0
    mixup: float = USUAL.mixup
    standardize: bool = True
    amp: bool = False
    device: str = DEVICES[0]
    resume: bool = False
    overwrite: bool = False
    allow_leak: bool = False

    def __post_init__(self) -> None:
        _choice("--temperature", self.temperature, TEMPERATURES)
        _choice("--tune-on", self.tune_on, SCORES)
        _choice("--optimizer", self.optimizer, OPTIMIZERS)
        _choice("--schedule", self.schedule, SCHEDULES)
        _choice("--device", self.device, DEVICES)
        for name, bounds in RANGES.items():
            if (count := getattr(self, name)) is not None:
                check_whole(f"--{name.replace('_', '-')}", count, *bounds)
        if self.lr is not None and not 0 < self.lr < float("inf"):
            raise UsageError(f"--lr is {self.lr:g}, but it must be above 0")
        sizes = {"--weight-decay": self.weight_decay, "--clip-norm": self.clip_norm, "--mixup": self.mixup}
        for option, size in sizes.items():
            if size is not None and not 0 <= size < float("inf"):
                raise UsageError(f"{option} is {size:g}, but it must be at least 0")
        if self.hidden is not None and self.head != MLP:
            raise UsageError(f"--hidden belongs to --head {MLP}")
        if self.trials is not None and not self.tune:
            raise UsageError("--trials belongs to --tune")
        if self.tune and (self.lr is not None or self.weight_decay is not None):
            raise UsageError("--tune chooses the rate and the weight decay; leave out --lr and --weight-decay")


def _choice(option: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise UsageError(f'{option} "{value}" is unknown{nearest(value, known)}; there are {", ".join(known)}')
