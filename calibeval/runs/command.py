"""From what was asked to the command that a run carries out; the command line and Python make it here."""

from __future__ import annotations

from pathlib import Path

from calibeval.core.heads.features import Features
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.runs.asked import Asked
from calibeval.runs.data import Command
from calibeval.runs.torch_setup import pick_device
from calibeval.training.request import Request
from calibeval.training.settings import (
    BATCH_SIZE,
    HIDDEN_UNITS,
    MLP,
    TEMPERATURES,
    TRIALS,
    TUNED_EPOCHS,
    USUAL_EPOCHS,
    TrainingSettings,
)
from calibeval.training.spec import parse_losses


def command_of(
    asked: Asked,
    *,
    train: str | Features,
    val: str | Features,
    test: str | Features | None,
    out: Path,
    reading: ReadOptions,
    jobs: int,
) -> Command:
    """The command. train, val, test: paths, or features in memory. jobs: threads.

    Raises: UsageError for losses that cannot be, or a device that is not there.
    """
    device = pick_device(asked.device, jobs)
    request = Request(
        losses=parse_losses(asked.losses, tuned=asked.tune),
        settings=TrainingSettings(
            optimizer=asked.optimizer,
            epochs=asked.epochs or (TUNED_EPOCHS if asked.tune else USUAL_EPOCHS),
            batch_size=asked.batch_size or BATCH_SIZE,
            schedule=asked.schedule,
            clip=asked.clip_norm or None,
            mixup=asked.mixup,
            patience=asked.patience or None,
            select=asked.tune_on,
            amp=asked.amp,
        ),
        hidden=(asked.hidden or HIDDEN_UNITS) if asked.head == MLP else None,
        standardize=asked.standardize,
        rate=asked.lr,
        decay=asked.weight_decay,
        trials=(asked.trials or TRIALS) if asked.tune else 0,
        seeds=tuple(range(asked.seed, asked.seed + asked.seeds)),
        device=device,
        memory=reading.limits.max_memory,
    )
    return Command(
        train=train,
        val=val,
        test=test,
        out=out,
        head=asked.head,
        request=request,
        reading=reading,
        fold=asked.temperature == TEMPERATURES[0],
        resume=asked.resume,
        allow_leak=asked.allow_leak,
        overwrite=asked.overwrite,
        small_batches=asked.batch_size is None,
    )
