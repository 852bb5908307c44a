"""The names of the files in a run folder; free of torch, so that a command can refuse at once to overwrite them."""

from __future__ import annotations

from pathlib import Path

from calibeval.core.errors import FileProblem
from calibeval.core.heads.facts import FACTS_FILE
from calibeval.readers.features.head_weights import RUN_FILE
from calibeval.readers.small_files import is_there, read_beginning

HISTORY, TABLE, REPORT, PAGE = "history.jsonl", "finetune.json", "report.json", "report.html"
CHECKPOINT = "checkpoint.safetensors"
DUMPS = {"val": "val_logits.npz", "test": "test_logits.npz"}
LOSS_FOLDERS = "losses"  # a folder with one subfolder for each loss, if there are several losses
OF_A_HEAD = (RUN_FILE, FACTS_FILE, *DUMPS.values())
EVERY = (HISTORY, *OF_A_HEAD, TABLE, PAGE, REPORT, CHECKPOINT)

_MARKS = {TABLE: (b"calibeval.training/", b"calibeval.finetune/"), CHECKPOINT: (b"calibeval.checkpoint/",)}
_MARKS[HISTORY] = (b'{"stage": ',)
_HEAD_BYTES = 2**16


def foreign_file(path: Path) -> Path | None:
    """A file in a folder that a run would replace or remove, and that no run has written; None where there is none.

    A folder is a run's from its first moment, when the checkpoint is written, to its end, when the table is.
    """
    if any(_is_marked(path / name, marks) for name, marks in _MARKS.items()):
        return None
    own = (path / name for name in EVERY)
    of_losses = (folder / name for folder in sorted(path.glob(f"{LOSS_FOLDERS}/*/")) for name in OF_A_HEAD)
    return next((file for file in (*own, *of_losses) if is_there(file)), None)


def written(path: Path) -> list[Path]:
    """The files in a folder that a run writes, replaces or removes."""
    of_losses = (folder / name for folder in sorted(path.glob(f"{LOSS_FOLDERS}/*/")) for name in OF_A_HEAD)
    return [*(path / name for name in EVERY), *(file for file in of_losses if file.exists())]


def _is_marked(path: Path, marks: tuple[bytes, ...]) -> bool:
    try:
        beginning = read_beginning(path, _HEAD_BYTES)
    except FileProblem:
        return False
    return any(mark in beginning for mark in marks)
