"""The folder of a run: history while it trains, a checkpoint to go on from, and in the end heads, dumps and results."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from calibeval.cli import checkpoint
from calibeval.core.errors import FileProblem
from calibeval.core.finetuned import Finetuned
from calibeval.core.report import Report
from calibeval.training.sweep import Step, Sweep
from calibeval.writers.atomic import make_folder, write_file
from calibeval.writers.dump import write_dump
from calibeval.writers.tensors import write_tensors

HISTORY, TABLE, REPORT = "history.jsonl", "finetune.json", "report.json"
SECONDS = 5.0  # between two checkpoints
SECONDS_VARIABLE = "CALIBEVAL_CHECKPOINT_SECONDS"


class RunFolder:
    """The files of one run. resume: go on from the checkpoint there, whose command must have been the same.

    Raises: FileProblem if the folder cannot be written; UsageError for a checkpoint of another command.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], sweep: Sweep, *, resume: bool) -> None:
        make_folder(path)
        self._path, self._settings = path, settings
        self._history = path / HISTORY
        self._seconds = float(os.environ.get(SECONDS_VARIABLE, SECONDS))
        self._next = time.monotonic() + self._seconds
        length = checkpoint.restore(path, sweep, settings) if resume else None
        try:
            with self._history.open("ab") as file:
                file.truncate(length or 0)
        except OSError as error:
            raise FileProblem(f"{self._history}: cannot be written ({error.strerror or error})") from None

    def record(self, step: Step, sweep: Sweep) -> None:
        """Append an epoch to the history; from time to time, and at the end of a stage, write a checkpoint."""
        try:
            with self._history.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_line(step), allow_nan=False) + "\n")
                length = file.tell()
        except OSError as error:
            raise FileProblem(f"{self._history}: cannot be written ({error.strerror or error})") from None
        if time.monotonic() >= self._next or sweep.done:
            checkpoint.save(self._path, sweep, self._settings, length)
            self._next = time.monotonic() + self._seconds

    def write(self, found: Finetuned, report: Report, saved: Mapping[str, Mapping[str, Any]]) -> None:
        """Write heads, dumps and results; report.json comes last, and then the checkpoint goes."""
        chosen = found.losses[found.chosen].name
        if len(saved) > 1:
            make_folder(self._path / "losses")
            for name, parts in zip(folder_names(list(saved)), saved.values(), strict=True):
                make_folder(self._path / "losses" / name)
                _write_head(self._path / "losses" / name, parts)
        _write_head(self._path, saved[chosen])
        write_file(self._path / TABLE, found.to_json().encode())
        write_file(self._path / REPORT, report.to_json().encode())
        (self._path / checkpoint.FILE).unlink(missing_ok=True)


def folder_names(losses: list[str]) -> list[str]:
    """A folder for each loss, named so that no shell minds.

    >>> folder_names(["ce", "mbls(margin=6,alpha=0.1)"])
    ['ce', 'mbls-margin=6-alpha=0.1']
    """
    plain = [re.sub(r"[^\w.=+-]+", "-", loss).strip("-") for loss in losses]
    return [name if name not in plain[:i] else f"{name}-{i + 1}" for i, name in enumerate(plain)]


def _write_head(folder: Path, parts: Mapping[str, Any]) -> None:
    """Head, facts and dumps of one loss."""
    layers = parts["layers"]
    prefixes = [""] if len(layers) == 1 else ["0.", "2."]
    arrays: dict[str, npt.NDArray[Any]] = {}
    for prefix, layer in zip(prefixes, layers, strict=True):
        arrays |= {f"{prefix}weight": layer.weight, f"{prefix}bias": layer.bias}
    for split, predictions in parts["dumps"].items():
        write_dump(predictions, folder / f"{split}_logits.npz")
    write_file(folder / "head.json", (json.dumps(parts["facts"], indent=1, allow_nan=False) + "\n").encode())
    write_tensors(folder / "head.safetensors", arrays)


def _line(step: Step) -> dict[str, Any]:
    """One epoch of one stage, for history.jsonl; a number that diverged is null."""
    validation = step.epoch.validation
    numbers = zip(
        step.stage.candidates,
        step.epoch.losses,
        validation.nll,
        validation.nll_after,
        validation.accuracy,
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
                "loss": str(candidate.loss),
                "lr": candidate.rate,
                "weight_decay": candidate.decay,
                "train_loss": _finite(loss),
                "val_nll": _finite(nll),
                "val_nll_after_temperature": _finite(after),
                "val_accuracy": accuracy,
                "running": running,
            }
            for candidate, loss, nll, after, accuracy, running in numbers
        ],
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def finished_run(path: Path, settings: Mapping[str, Any]) -> Finetuned | None:
    """The results of a run that came to its end, where there are some.

    Raises: UsageError for those of another command; InputError for a damaged file.
    """
    table = path / TABLE
    if (path / checkpoint.FILE).exists() or not (path / REPORT).exists() or not table.exists():
        return None
    found = Finetuned.from_json(table.read_text(encoding="utf-8"))
    checkpoint.check_same(found.settings, settings, table)
    return found
