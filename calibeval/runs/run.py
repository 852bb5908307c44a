"""The steps of `calibeval finetune`: read, check, train, measure, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from calibeval.core.heads.results import Finetuned
from calibeval.runs.data import Command, read_data
from calibeval.runs.deployed import measured_deployed
from calibeval.runs.folder import RunFolder, check_overwriting, finished_run
from calibeval.runs.measured import measured
from calibeval.runs.results import results
from calibeval.runs.settings import run_settings, sized
from calibeval.runs.torch_setup import few_threads, memory_is_told
from calibeval.training.request import finish, prepare
from calibeval.training.sweep import StageEpoch


class Watcher(Protocol):
    """Receives the progress of a training."""

    def show(self, step: StageEpoch) -> None:
        """Called after each epoch."""


def run_command(
    command: Command, *, say: Callable[[Sequence[str]], None], progress: AbstractContextManager[Watcher]
) -> Finetuned:
    """Train, measure, and write the run folder.

    say: shows lines of text to the user. progress: a context that is entered while heads are trained.
    Raises: InputError for data that cannot be used, if all trainings diverge, or for too little memory; UsageError for
    a run that cannot be resumed, or a finished one that would be overwritten; FileProblem for a folder that cannot be
    written.
    """
    check_overwriting(command)
    data = read_data(command)
    say([f"warning: {warning}" for warning in data.warnings])
    command = sized(command, data)
    settings = run_settings(command, data)
    if command.resume and (finished := finished_run(command.out, settings)) is not None:
        say([f"{command.out} is already finished"])
        return finished
    request = replace(command.request, start=data.layers())
    with memory_is_told():
        sweep, standard = prepare(data.train, data.val, data.k, request)
        few_threads(sweep.work)
        folder = RunFolder(command.out, settings, sweep, resume=command.resume)
        if command.resume and not folder.resumed:
            say([f"{command.out} has no checkpoint; training starts from the beginning"])
        with progress as watcher:
            while not sweep.done:
                step = sweep.step()
                folder.record(step, sweep)
                watcher.show(step)
    heads = []
    for i, trained in enumerate(sweep.heads):
        name = str(request.losses[i % len(request.losses)])
        heads.append(measured(name, trained, finish(trained, standard, data.val), data))
    found, report, saved = results(command, data, heads, measured_deployed(data), settings)
    found = folder.write(found, report, saved)
    say([f"written to {command.out}"])
    return found
