"""The options that only `calibeval compare` has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calibeval.cli.options.shared import MEASURE, OUTPUT

Base = Annotated[
    str,
    typer.Argument(
        metavar="BASE",
        help="Predictions, a saved report.json, or sums with a base.",
        show_default=False,
    ),
]
Candidates = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CAND]...", help="Predictions of other models on the same rows.", show_default=False),
]
CompareOut = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Write compare.html, compare.md and compare.json.",
        rich_help_panel=OUTPUT,
    ),
]
Bins = Annotated[
    int | None,
    typer.Option(metavar="N", help="Number of bins (default: 15, or as in the report).", rich_help_panel=MEASURE),
]
Slices = Annotated[
    list[str] | None,
    typer.Option(
        "--slice", metavar="COLUMN", help="Compare within each value of a column, or class.", rich_help_panel=MEASURE
    ),
]
MinRows = Annotated[
    int | None,
    typer.Option(
        "--min-rows",
        metavar="N",
        min=1,
        help="Skip smaller slices (default: 100).",
        rich_help_panel=MEASURE,
    ),
]
Group = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Treat rows with equal values as dependent.", rich_help_panel=MEASURE),
]
