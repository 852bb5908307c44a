"""`calibeval finetune`: heads on cached features, trained with losses that keep them calibrated."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from calibeval.cli.options import finetune as own
from calibeval.cli.options import shared as options
from calibeval.cli.options.choices import TABLE_FORMATS, exclude, table_format
from calibeval.cli.options.outputs import JSON, TABLES, check_folder
from calibeval.cli.options.reading import FeatureFlags, refuse_overwriting, say, threads, with_feature_flags
from calibeval.cli.screen.command import environment
from calibeval.cli.screen.streams import put
from calibeval.runs.asked import USUAL, Asked
from calibeval.training.settings import HEADS, LINEAR, TEMPERATURES


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
    temperature: own.Temperature = TEMPERATURES[0],
    optimizer: own.Optimizer = USUAL.optimizer,
    lr: own.Rate = None,
    weight_decay: own.Decay = None,
    epochs: own.Epochs = None,
    batch_size: own.BatchSize = None,
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
    asked = Asked(
        losses=loss,
        head=head,
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
        clip_norm=clip_norm,
        patience=patience,
        mixup=mixup,
        standardize=standardize,
        amp=amp,
        device=device,
        resume=resume,
        overwrite=overwrite,
        allow_leak=allow_leak,
    )
    table = table_format(table, TABLE_FORMATS)
    exclude({"--json": json or None, "--format": table})
    inputs = [train, val, test, *flags.files, None if head in HEADS else head]
    from calibeval.runs import files

    check_folder(out, {**JSON, **TABLES})
    refuse_overwriting(inputs, files.written(out))
    from calibeval.runs.torch_setup import needs_torch, threads_that_wait

    threads_that_wait()
    needs_torch()
    from calibeval.cli.screen.training_progress import TrainingProgress
    from calibeval.render.tables.losses import LOSS_TABLES
    from calibeval.render.terminal.losses import terminal
    from calibeval.runs.command import command_of
    from calibeval.runs.run import run_command

    command = command_of(asked, train=train, val=val, test=test, out=out, reading=flags.options(), jobs=threads(jobs))
    found = run_command(command, say=partial(say, quiet=quiet), progress=TrainingProgress(quiet=quiet))
    if json:
        put(replace(found, environment=environment()).to_json())
    elif table is not None:
        if table == "csv":  # the other formats contain the warnings
            say([f"warning: {warning}" for warning in found.warnings], quiet=quiet)
        put(LOSS_TABLES[table](found))
    else:
        from calibeval.cli.screen.terminal import screen

        view = screen()
        put(terminal(found, width=view.width, color=view.color, ascii_only=view.ascii_only))
    return 0
