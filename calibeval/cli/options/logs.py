"""Options about logs of language models and decision services."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from calibeval.cli.options import complete
from calibeval.cli.options.choices import either
from calibeval.cli.options.shared import READING
from calibeval.readers.logs.options import MEANINGS, MISSING, NORMALIZE, UNITS


def _of_logs(help: str, metavar: str, known: tuple[str, ...] = ()) -> Any:
    return typer.Option(
        metavar=metavar,
        help=help,
        show_default=False,
        autocompletion=complete.one_of(known) if known else None,
        rich_help_panel=READING,
    )


Normalize = Annotated[
    str | None,
    _of_logs(f"Divide scores by {either(NORMALIZE, NORMALIZE[0])}.", "UNIT", NORMALIZE),
]
Gold = Annotated[Path | None, _of_logs("Right answers to the questions of a log.", "FILE")]
Missing = Annotated[
    str | None,
    _of_logs(f"Answers without one: {either(MISSING, MISSING[0])}.", "WHAT", MISSING),
]
Unit = Annotated[str | None, _of_logs(f"Of stated confidences: {either(UNITS)}.", "UNIT", UNITS)]
Means = Annotated[
    str | None,
    _of_logs("What a confidence alone is in a log: probability.", "WHAT", MEANINGS),
]
