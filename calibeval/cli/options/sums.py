"""Options of `calibeval sums`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calibeval.cli.options.shared import MEASURE, OUTPUT
from calibeval.core.data.ranges import MOST_ROWS

Out = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="FILE", help="Write the sums to this file, *.sums.", rich_help_panel=OUTPUT),
]
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Keep every confidence, and some scores and labels.",
        rich_help_panel=MEASURE,
    ),
]
Base = Annotated[
    list[str] | None,
    typer.Option(
        "--base",
        metavar="BASE",
        help="Add another model on the same rows, for compare.",
        show_default=False,
        rich_help_panel=MEASURE,
    ),
]
MinCell = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=2,
        max=MOST_ROWS,
        help="Join bins and cells of fewer than N rows.",
        show_default=False,
        rich_help_panel=MEASURE,
    ),
]
