"""The checkpoint from which `finetune` resumes: one file with a checksum and without pickles."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calibeval.core.data.documents import read_document
from calibeval.core.data.records import read_record
from calibeval.core.errors import InputError, UsageError, cut
from calibeval.core.heads.settings import RunSettings
from calibeval.core.version import VERSION
from calibeval.readers.formats.safetensors import read_with_texts
from calibeval.readers.small_files import is_there
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from calibeval.runs.files import CHECKPOINT
from calibeval.training.sweep import Sweep
from calibeval.writers.tensors import write_tensors

SCHEMA = "calibeval.checkpoint/1"
HISTORY_LENGTH = "history"  # name of the tensor with the bytes of history.jsonl


@dataclass(frozen=True, slots=True)
class Saved:
    """The content of a checkpoint except its tensors: version, settings of the command, and state of the sweep."""

    schema: str
    version: str
    settings: Mapping[str, Any]
    state: Mapping[str, Any]


def save(folder: Path, sweep: Sweep, settings: RunSettings, history: int) -> None:
    """Write the state of a sweep. settings: those of the command. history: length of history.jsonl so far, in bytes.

    Raises: FileProblem if it cannot be written.
    """
    tensors, plain = sweep.state()
    arrays = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    arrays[HISTORY_LENGTH] = np.array([history])  # also ensures that the file has a tensor, which the format needs
    text = json.dumps(
        {"schema": SCHEMA, "version": VERSION, "settings": settings.to_dict(), "state": plain},
        allow_nan=False,
    )
    write_tensors(folder / CHECKPOINT, arrays, {"state": text, "sha256": _digest(arrays, text)})


def restore(folder: Path, sweep: Sweep, settings: RunSettings) -> int | None:
    """Set a sweep to the state in its checkpoint; return the length of history.jsonl then, None without a checkpoint.

    Raises: InputError for a damaged checkpoint; UsageError, with the differences, for one of another command.
    """
    path = folder / CHECKPOINT
    if not is_there(path):
        return None
    try:
        arrays, texts = read_with_texts(SteadyFile.of(path), Limits())
        text = texts["state"]
        if texts["sha256"] != _digest(arrays, text):
            raise InputError("its SHA-256 differs")
        saved = read_document(text, SCHEMA, "checkpoint", lambda whole: read_record(whole, Saved))
        length = _history_length(arrays.pop(HISTORY_LENGTH, None))
    except (InputError, KeyError) as error:
        raise _damaged(path, error) from None
    check_same({"version": saved.version, **saved.settings}, {"version": VERSION, **settings.to_dict()}, path)
    tensors: dict[str, Tensor] = {name: torch.from_numpy(np.array(values)) for name, values in arrays.items()}
    try:
        sweep.restore(tensors, saved.state)
    except InputError as error:
        raise _damaged(path, error) from None
    return length


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: not a checkpoint, or damaged ({error}); start again without --resume")


def _history_length(values: np.ndarray[Any, Any] | None) -> int:
    """The bytes of history.jsonl.

    Raises: InputError unless they are one number from 0 on.
    """
    if values is None or values.shape != (1,) or values.dtype != np.int64 or values[0] < 0:
        raise InputError(f'tensor "{HISTORY_LENGTH}" must be one number of bytes')
    return int(values[0])


def check_same(then: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> None:
    """Refuse to resume a run with a command that differs from the one that started it.

    Raises: UsageError that lists the differences.
    """
    plain = json.loads(json.dumps(now))
    names = [name for name in {**then, **plain} if then.get(name) != plain.get(name)]
    if names:
        differences = "; ".join(
            f"{cut(name)}: {cut(str(then.get(name)))} there, {cut(str(plain.get(name)))} here" for name in names
        )
        raise UsageError(f"{path}: belongs to a different command ({differences}); start again without --resume")


def _digest(arrays: Mapping[str, np.ndarray[Any, Any]], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name, values in arrays.items():
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
