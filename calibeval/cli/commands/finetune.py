"""`calibeval finetune`: heads on cached features, trained with losses that keep them calibrated."""

from __future__ import annotations

from functools import partial

from calibeval.cli.options import finetune as own
from calibeval.cli.options import shared as options
from calibeval.cli.options.choices import TABLE_FORMATS, check_choice
from calibeval.cli.options.reading import FeatureFlags, refuse_overwriting, say, threads, with_feature_flags
from calibeval.cli.screen.streams import put
from calibeval.core.errors import UsageError
from calibeval.training.settings import (
    DEVICES,
    HEADS,
    HIDDEN_UNITS,
    LINEAR,
    MLP,
    OPTIMIZERS,
    SCHEDULES,
    SCORES,
    TRIALS,
    TrainingSettings,
)

USUAL = TrainingSettings()


@with_feature_flags
def finetune(
    train: own.Train,
    val: own.Val,
    out: own.RunOut,
    test: own.Test = None,
    loss: own.Losses = "mbls",
    head: own.HeadKind = LINEAR,
    hidden: own.Hidden = None,
    tune: own.Tune = False,
    trials: own.Trials = None,
    tune_on: own.TuneOn = USUAL.select,
    seed: own.TrainSeed = 0,
    seeds: own.Seeds = 1,
    temperature: own.Temperature = own.TEMPERATURES[0],
    optimizer: own.Optimizer = USUAL.optimizer,
    lr: own.Rate = None,
    weight_decay: own.Decay = None,
    epochs: own.Epochs = USUAL.epochs,
    batch_size: own.BatchSize = USUAL.batch_size,
    schedule: own.Schedule = USUAL.schedule,
    clip_norm: own.ClipNorm = USUAL.clip or 0.0,
    patience: own.Patience = USUAL.patience or 0,
    mixup: own.Mixup = USUAL.mixup,
    standardize: own.Standardize = True,
    amp: own.Amp = False,
    device: own.Device = "auto",
    resume: own.Resume = False,
    overwrite: own.Overwrite = False,
    allow_leak: own.TrainLeak = False,
    json: options.Json = False,
    table: options.Format = None,
    flags: FeatureFlags = FeatureFlags(),  # noqa: B008 - the decorator makes options of its fields
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Train a head on cached features, with losses for calibration.

    Several losses give one table; a temperature fitted on VAL is folded in.
    """
    check_choice("--temperature", temperature, own.TEMPERATURES)
    check_choice("--tune-on", tune_on, SCORES)
    check_choice("--optimizer", optimizer, OPTIMIZERS)
    check_choice("--schedule", schedule, SCHEDULES)
    check_choice("--device", device, DEVICES)
    if table is not None:
        check_choice("--format", table, TABLE_FORMATS)
        if json:
            raise UsageError("--json and --format exclude each other")
    _positive("--lr", lr)
    _not_negative("--weight-decay", weight_decay)
    _not_negative("--clip-norm", clip_norm)
    _not_negative("--mixup", mixup)
    if hidden is not None and head != MLP:
        raise UsageError(f"--hidden belongs to --head {MLP}")
    if trials is not None and not tune:
        raise UsageError("--trials belongs to --tune")
    if tune and (lr is not None or weight_decay is not None):
        raise UsageError("--tune chooses the rate and the weight decay; leave out --lr and --weight-decay")
    inputs = [train, val, test, flags.class_names, None if head in HEADS else head]
    from calibeval.runs import files

    refuse_overwriting(inputs, files.written(out))
    from calibeval.runs.torch_setup import pick_device

    place = pick_device(device, threads(jobs))
    from calibeval.cli.screen.training_progress import TrainingProgress
    from calibeval.render.tables.losses import LOSS_TABLES
    from calibeval.render.terminal.losses import terminal
    from calibeval.runs.data import Command
    from calibeval.runs.run import run_command
    from calibeval.training.request import Request
    from calibeval.training.spec import parse_losses

    reading = flags.options()
    request = Request(
        losses=parse_losses(loss),
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
        memory=reading.limits.max_memory,
    )
    command = Command(
        train=train,
        val=val,
        test=test,
        out=out,
        head=head,
        request=request,
        reading=reading,
        fold=temperature == "fold",
        resume=resume,
        overwrite=overwrite,
        allow_leak=allow_leak,
    )
    found = run_command(command, say=partial(say, quiet=quiet), progress=TrainingProgress(quiet=quiet))
    if json:
        put(found.to_json())
    elif table is not None:
        if table == "csv":  # the other formats contain the warnings
            say([f"warning: {warning}" for warning in found.warnings], quiet=quiet)
        put(LOSS_TABLES[table](found))
    else:
        from calibeval.cli.screen.terminal import screen

        view = screen()
        put(terminal(found, width=view.width, color=view.color, ascii_only=view.ascii_only))
    return 0


def _positive(flag: str, value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        raise UsageError(f"{flag} is {value:g}, but it must be above 0")


def _not_negative(flag: str, value: float | None) -> None:
    if value is not None and not 0 <= value < float("inf"):
        raise UsageError(f"{flag} is {value:g}, but it must be at least 0")
