"""The table of docs/reference/inputs.md that says what other tools write and which command reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "inputs.md"
BEGINNING = "<!-- made by tests/tools/write_files.py -->\n"
END = "<!-- end of what it makes -->\n"


def table(notes: Iterable[Mapping[str, Any]]) -> str:
    """One row a file: the tool and its call, what it writes, the command that reads it."""
    rows = ["| tool | call | what it writes | read with `calibeval report` |", "|---|---|---|---|"]
    for one in notes:
        command = f"{one['file']} {one['options']}".strip()
        rows.append(f"| {one['tool']} | `{_cell(one['call'])}` | {one['content']} | `{_cell(command)}` |")
    return "\n".join(rows) + "\n"


def with_table(page: str, notes: Iterable[Mapping[str, Any]]) -> str:
    """The page with the table between its marks."""
    before, _, rest = page.partition(BEGINNING)
    _, _, after = rest.partition(END)
    return f"{before}{BEGINNING}{table(notes)}{END}{after}"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
