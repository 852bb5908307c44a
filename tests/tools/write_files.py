"""Write predictions with the tools that people use, and note what a right reading of each file gives.

    python -m tests.tools.write_files             # all files, into tests/tools/files/
    python -m tests.tools.write_files sklearn.npz # this file alone; the notes about the others stay
    python -m tests.tools.write_files --page      # only put the table into docs/reference/inputs.md

The first two forms need the tools: requirements.txt in this folder says which. The files are kept in the repository,
so the suite needs none of them. The notes, files.json, hold accuracy and ECE computed by numpy from the
predictions before they were written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.tools import boosting_files, frame_files, other_files, sklearn_files, torch_files
from tests.tools.made import Writer
from tests.tools.page import PAGE, with_table

HERE = Path(__file__).resolve().parent
FILES, NOTES = HERE / "files", HERE / "files.json"
WRITERS: tuple[Writer, ...] = (
    *sklearn_files.WRITERS,
    *boosting_files.WRITERS,
    *frame_files.WRITERS,
    *torch_files.WRITERS,
    *other_files.WRITERS,
)


def note(writer: Writer) -> dict[str, Any]:
    """Write a file, and say what it is and what it must give."""
    truth = writer.write(FILES / writer.file)
    return {
        **described(writer),
        "versions": {name: version(name) for name in writer.packages},
        "rows": len(truth.labels),
        "classes": None if writer.top else truth.probs.shape[1],
        "accuracy": truth.accuracy,
        "ece": truth.ece,
    }


def described(writer: Writer) -> dict[str, Any]:
    """What is said of a file."""
    names = ("file", "tool", "call", "content", "options")
    return {**{name: getattr(writer, name) for name in names}, "also": list(writer.also)}


def version(name: str) -> str:
    """The version of a Python package, or of R."""
    return other_files.version_of_r() if name == "R" else metadata.version(name)


def main(arguments: Sequence[str]) -> None:
    """Write the chosen files, the notes and the table."""
    notes = {one["file"]: one for one in json.loads(NOTES.read_text("utf-8"))} if NOTES.exists() else {}
    chosen = [w for w in WRITERS if not arguments or w.file in arguments] if "--page" not in arguments else []
    FILES.mkdir(exist_ok=True)
    for writer in chosen:
        notes[writer.file] = note(writer)
    known = [notes[w.file] | described(w) for w in WRITERS if w.file in notes]
    NOTES.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), known), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
