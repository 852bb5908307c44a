"""The names of the files in a run folder; free of torch, so that a command can refuse at once to overwrite them."""

from __future__ import annotations

from pathlib import Path

from calibeval.core.heads.facts import FACTS_FILE
from calibeval.readers.features.head_weights import RUN_FILE

HISTORY, TABLE, REPORT, PAGE = "history.jsonl", "finetune.json", "report.json", "report.html"
CHECKPOINT = "checkpoint.safetensors"
DUMPS = {"val": "val_logits.npz", "test": "test_logits.npz"}
LOSS_FOLDERS = "losses"  # a folder with one subfolder for each loss, if there are several losses
OF_A_HEAD = (RUN_FILE, FACTS_FILE, *DUMPS.values())
EVERY = (HISTORY, *OF_A_HEAD, TABLE, PAGE, REPORT, CHECKPOINT)


def written(folder: Path) -> list[Path]:
    """The files that a run writes, replaces or removes."""
    return [folder / name for name in EVERY] + [
        one / name for one in (folder / LOSS_FOLDERS).glob("*/") for name in OF_A_HEAD if (one / name).exists()
    ]
