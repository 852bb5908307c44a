"""The work of `calibeval finetune`: read, check, train, measure; each in its order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from calibeval.cli.finetuning_data import Command, Data, read_data
from calibeval.cli.finetuning_results import measured, results
from calibeval.cli.options.reading import say
from calibeval.cli.run_folder import RunFolder, finished_run
from calibeval.cli.screen.training_progress import TrainingProgress
from calibeval.cli.torch_setup import few_threads, memory_is_told
from calibeval.core.heads.finetuned import Finetuned
from calibeval.training.finetune import finish, prepare


def run_command(command: Command) -> Finetuned:
    """Train, measure, and write the run's folder.

    Raises: InputError for data that cannot be used, trainings that all diverged, or too little memory; UsageError for a
    run that cannot be resumed; FileProblem for a folder that cannot be written.
    """
    data = read_data(command)
    say([f"warning: {warning}" for warning in data.warnings], quiet=command.quiet)
    settings = _settings(command, data)
    if command.resume and (finished := finished_run(command.out, settings)) is not None:
        say([f"{command.out} is finished already"], quiet=command.quiet)
        return finished
    request = replace(command.request, start=data.layers())
    with memory_is_told():
        sweep, standard = prepare(data.train, data.val, data.k, request)
        few_threads(sweep.work)
        folder = RunFolder(command.out, settings, sweep, resume=command.resume)
        if command.resume and not folder.resumed:
            say([f"{command.out} holds no checkpoint; training starts from the beginning"], quiet=command.quiet)
        with TrainingProgress(quiet=command.quiet) as progress:
            while not sweep.done:
                step = sweep.step()
                folder.record(step, sweep)
                progress.show(step)
    outcomes = []
    for i, trained in enumerate(sweep.heads):
        name = str(request.losses[i % len(request.losses)])
        outcomes.append(measured(name, trained, finish(trained, standard, data.val), data))
    found, report, saved = results(command, data, outcomes, settings)
    folder.write(found, report, saved)
    say([f"written to {command.out}"], quiet=command.quiet)
    return found


def _settings(command: Command, data: Data) -> dict[str, Any]:
    """All that the outcome depends on, for the record and for --resume."""
    request, training = command.request, command.request.settings
    keys, start = command.reading.keys, data.start
    return {
        "losses": [str(loss) for loss in request.losses],
        "head": command.head if start is None else "continued",
        "start": None if start is None else {"sha256": start.source.sha256, "split": start.source.split},
        "hidden": request.hidden if start is None else None,
        "classes": data.k,
        "class_names": None if data.train.class_names is None else list(data.train.class_names),
        "optimizer": training.optimizer,
        "rate": request.rate,
        "decay": request.decay,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "schedule": training.schedule,
        "clip_norm": training.clip,
        "patience": training.patience,
        "mixup": training.mixup,
        "amp": training.amp,
        "standardize": request.standardize,
        "trials": request.trials,
        "select": training.select,
        "seeds": list(request.seeds),
        "fold": command.fold,
        "device": request.device,
        "features_key": keys.features,
        "labels_key": keys.labels,
        "ignore_index": command.reading.ignore_index,
        "sha256": {split: features.settled_source().sha256 for split, features in data.splits.items()},
        "splits": {split: features.source.split for split, features in data.splits.items()},
    }
