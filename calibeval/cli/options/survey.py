"""Options of `calibeval survey`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calibeval.cli.options.shared import DATA, MEASURE, OUTPUT, RUNNING
from calibeval.core.data.ranges import MOST_JOBS

Patterns = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATTERN...",
        help="Paths with axes in braces: '{corruption}_{severity}.npz'.",
        show_default=False,
    ),
]
Index = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A table of paths; its other columns are axes.", rich_help_panel=DATA),
]
Blocks = Annotated[
    str | None,
    typer.Option(metavar="AXIS=N", help="Each dump holds N equal blocks of rows.", rich_help_panel=DATA),
]
Reference = Annotated[
    str | None,
    typer.Option(metavar="WHAT", help="Compare cells with AXIS=VALUE or DUMP.", rich_help_panel=MEASURE),
]
Rank = Annotated[
    str | None,
    typer.Option(metavar="AXIS", help="Rank models by NLL after a temperature.", rich_help_panel=MEASURE),
]
Rows = Annotated[str | None, typer.Option(metavar="AXIS", help="Axis down the printed table.", rich_help_panel=OUTPUT)]
Columns = Annotated[str | None, typer.Option(metavar="AXIS", help="Axis across it.", rich_help_panel=OUTPUT)]
Metric = Annotated[
    str, typer.Option(metavar="NAME", help="Metric in it (default: ece).", show_default=False, rich_help_panel=OUTPUT)
]
SurveyOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Write page, figures, tables and JSON.", rich_help_panel=OUTPUT),
]
SurveyFull = Annotated[bool, typer.Option("--full", help="Print all rows and all cells.", rich_help_panel=OUTPUT)]
SurveyFormat = Annotated[
    str | None,
    typer.Option("--format", metavar="csv", help="Print the table of cells as csv.", rich_help_panel=OUTPUT),
]
Processes = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=MOST_JOBS,
        help="Processes (default: one per processor).",
        show_default=False,
        rich_help_panel=RUNNING,
    ),
]
