"""The folder of a run: history and checkpoint during training; heads, dumps and results at the end."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import FileProblem, InputError, UsageError
from calibeval.core.heads.facts import FACTS_FILE
from calibeval.core.heads.history import epochs_of
from calibeval.core.heads.results import Finetuned
from calibeval.core.heads.settings import RunSettings
from calibeval.core.report.report import Report
from calibeval.readers.features.head_weights import RUN_FILE
from calibeval.readers.small_files import is_there, read_small
from calibeval.render.page import training as html
from calibeval.runs import checkpoint, files
from calibeval.runs.data import Command
from calibeval.runs.read_back import write_checked
from calibeval.runs.results import SavedHead
from calibeval.training.request import head_predictions
from calibeval.training.saved import finite
from calibeval.training.sweep import StageEpoch, Sweep
from calibeval.writers.append import appending, check_own
from calibeval.writers.atomic import make_folder, write_file
from calibeval.writers.dump import write_dump
from calibeval.writers.temporary import remove_left
from calibeval.writers.tensors import write_tensors

SECONDS = 5.0  # between two checkpoints
SECONDS_VARIABLE = "CALIBEVAL_CHECKPOINT_SECONDS"


class RunFolder:
    """The files of one run. resume: continue from the checkpoint in the folder, if it is from the same command.

    resumed: whether there was a checkpoint.
    Raises: FileProblem if the folder cannot be written; UsageError for a checkpoint of another command, or if
    CALIBEVAL_CHECKPOINT_SECONDS is not a number; InputError for a damaged checkpoint, or a history that does not match
    it.
    """

    def __init__(self, path: Path, settings: RunSettings, sweep: Sweep, *, resume: bool) -> None:
        make_folder(path)
        _remove_half_written(path)
        self._path, self._settings = path, settings
        self._history = path / files.HISTORY
        self._seconds = _seconds(os.environ.get(SECONDS_VARIABLE))
        length = checkpoint.restore(path, sweep, settings) if resume else None
        self.resumed = length is not None
        if length is None:  # from now on, nobody can mistake results of an earlier run for results of this one
            checkpoint.save(path, sweep, settings, 0)
        self._next = time.monotonic() + self._seconds
        with appending(self._history) as file:
            there = file.seek(0, os.SEEK_END)
            file.truncate(min(there, length or 0))
        if length is not None and there < length:
            raise InputError(
                f"{self._history}: has {there} bytes, but had {length} when the checkpoint was written; "
                "start again without --resume"
            )

    def record(self, step: StageEpoch, sweep: Sweep) -> None:
        """Append an epoch to the history; every few seconds, and at the end of training, write a checkpoint."""
        with appending(self._history) as file:
            file.write(json.dumps(_line(step), allow_nan=False).encode() + b"\n")
            length = file.tell()
        if time.monotonic() >= self._next or sweep.done:
            checkpoint.save(self._path, sweep, self._settings, length)
            self._next = time.monotonic() + self._seconds

    def write(self, found: Finetuned, report: Report, saved: Mapping[str, SavedHead]) -> Finetuned:
        """Write heads, dumps and results; report.json is written last, then the checkpoint is removed.

        Files of an earlier run that this one does not replace are removed.
        Returns the results with warnings about columns that the dumps lack.
        """
        folders = {self._path: saved[found.losses[found.chosen].name]}
        if len(found.losses) > 1:
            names = folder_names([loss.name for loss in found.losses])
            each = zip(names, found.losses, strict=True)
            folders |= {
                self._path / files.LOSS_FOLDERS / name: saved[loss.name] for name, loss in each if loss.name in saved
            }
        dropped: list[Notice] = []
        for folder, head in folders.items():
            make_folder(folder)
            dropped += _write_head(folder, head)
        found = replace(found, warnings=(*found.warnings, *dict.fromkeys(dropped)))
        for folder in (self._path, *(self._path / files.LOSS_FOLDERS).glob("*/")):
            _remove_stale(folder, folders.get(folder))
        write_file(self._path / files.TABLE, found.to_json().encode())
        epochs = epochs_of(self._history.read_text(encoding="utf-8"), found.losses)
        own = saved[found.losses[found.chosen].name].dump
        write_file(self._path / files.PAGE, html.render(found, report, own, epochs).encode())
        write_file(self._path / files.REPORT, report.to_json().encode())
        (self._path / files.CHECKPOINT).unlink(missing_ok=True)
        return found


def folder_names(losses: list[str]) -> list[str]:
    """A folder name for each loss, without characters that need quoting in a shell.

    >>> folder_names(["ce", "mbls(margin=6,alpha=0.1)"])
    ['ce', 'mbls-margin=6-alpha=0.1']
    """
    plain = [re.sub(r"[^\w.=+-]+", "-", loss).strip("-") for loss in losses]
    return [name if name not in plain[:i] else f"{name}-{i + 1}" for i, name in enumerate(plain)]


def _write_head(folder: Path, head: SavedHead) -> list[Notice]:
    """Write the head, the facts and the dumps of one loss; return warnings about columns that the dumps lack."""
    prefixes = [""] if len(head.layers) == 1 else ["0.", "2."]
    arrays: dict[str, npt.NDArray[Any]] = {}
    for prefix, layer in zip(prefixes, head.layers, strict=True):
        arrays |= {f"{prefix}weight": layer.weight, f"{prefix}bias": layer.bias}
    dropped: list[Notice] = []
    for split, features in head.splits.items():
        dropped += _write_dump(head_predictions(head.layers, features), folder / files.DUMPS[split])
    write_file(folder / FACTS_FILE, head.facts.to_json().encode())
    write_tensors(folder / RUN_FILE, arrays)
    return dropped


def _write_dump(predictions: Predictions, path: Path) -> list[Notice]:
    """The dump, in a style that can be read back, if there is one: a training is not lost for an odd column."""
    try:
        return [text.reworded(f"{path.name}: {text}") for text in write_checked(predictions, path)]
    except UsageError:
        write_dump(predictions, path, labelled=predictions.labelled)
        return []


def _remove_stale(folder: Path, head: SavedHead | None) -> None:
    """Remove the files of heads of earlier runs; head: the head of this run in the folder, or None."""
    wanted = {files.DUMPS[split] for split in head.splits} | {FACTS_FILE, RUN_FILE} if head is not None else set()
    try:
        for name in {*files.OF_A_HEAD} - wanted:
            (folder / name).unlink(missing_ok=True)
        if head is None and not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise FileProblem(f"{folder}: files of an earlier run cannot be removed ({error.strerror or error})") from None


def _remove_half_written(path: Path) -> None:
    """Remove the temporary files of a killed run; those of several runs could fill a disk."""
    for folder in (path, *(path / files.LOSS_FOLDERS).glob("*/")):
        for name in files.EVERY:
            remove_left(folder / name)


def _seconds(text: str | None) -> float:
    """The seconds between two checkpoints, from the environment variable."""
    try:
        seconds = SECONDS if text is None else float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise UsageError(f'{SECONDS_VARIABLE} is "{text}", but a number of at least 0 is needed')
    return seconds


def _line(step: StageEpoch) -> dict[str, Any]:
    """One epoch of one stage, for history.jsonl; numbers of a diverged head are null."""
    validation = step.epoch.validation
    numbers = zip(
        step.stage.recipes,
        step.epoch.losses,
        validation.nll,
        validation.nll_after,
        validation.accuracy,
        validation.ece,
        step.epoch.running,
        strict=True,
    )
    return {
        "stage": step.number,
        "trial": step.stage.trial,
        "seed": step.stage.seed,
        "epoch": step.epoch.number,
        "heads": [
            {
                "loss": str(recipe.loss),
                "lr": recipe.rate,
                "weight_decay": recipe.decay,
                "train_loss": finite(loss),
                "val_nll": finite(nll),
                "val_nll_after_temperature": finite(after),
                "val_accuracy": accuracy if math.isfinite(nll) else None,
                "val_ece": ece if math.isfinite(nll) else None,
                "running": running,
            }
            for recipe, loss, nll, after, accuracy, ece, running in numbers
        ],
    }


def check_overwriting(command: Command) -> None:
    """Check that no finished run and no foreign file would be lost without consent, and that the history is no link.

    Raises: UsageError; FileProblem for a history that is a link.
    """
    if command.resume and command.overwrite:
        raise UsageError("--resume and --overwrite exclude each other")
    if not command.resume and not command.overwrite and _is_finished(command.out):
        raise UsageError(
            f"{command.out}: holds a finished run. Name another folder, or say --overwrite "
            "to replace it, or --resume to see its results again"
        )
    check_own(command.out / files.HISTORY)
    _check_foreign(command)


def _check_foreign(command: Command) -> None:
    foreign = None if command.overwrite else files.foreign_file(command.out)
    if foreign is not None:
        raise UsageError(
            f"{foreign}: is there already, and no run of calibeval finetune wrote it. Name another folder, or say "
            "--overwrite (in Python overwrite=True) to replace it"
        )


def _is_finished(path: Path) -> bool:
    return all(is_there(path / name) for name in (files.REPORT, files.TABLE)) and not is_there(path / files.CHECKPOINT)


def finished_run(path: Path, settings: RunSettings) -> Finetuned | None:
    """The results of a finished run; None if the run in the folder is not finished.

    Raises: UsageError for results of another command; InputError for a damaged file.
    """
    table = path / files.TABLE
    if not _is_finished(path):
        return None
    content = read_small(table)
    try:
        found = Finetuned.from_json(content)
    except InputError as error:
        raise InputError(f"{table}: {error}; start again without --resume") from None
    checkpoint.check_same(found.settings.to_dict(), settings.to_dict(), table)
    return found
