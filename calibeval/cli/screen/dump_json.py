"""What commands that write a dump print of it under `--json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from calibeval.core.version import VERSION

SCHEMA = "calibeval.dump/1"


def written_json(path: Path, rows: int, kind: str, warnings: Sequence[str]) -> str:
    """The dump that was written, in one line."""
    from calibeval.core.data.notices import Notice

    told = [Notice.of(text).to_dict() for text in warnings]
    facts = {"written": str(path), "rows": rows, "kind": kind, "warnings": told}
    return json.dumps({"schema": SCHEMA, "version": VERSION, **facts}) + "\n"
