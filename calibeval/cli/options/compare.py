"""The options that only `calibeval compare` has, and its examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Base = Annotated[
    str,
    typer.Argument(metavar="BASE", help="Predictions to compare with, or a saved report.json.", show_default=False),
]
Candidates = Annotated[
    list[str],
    typer.Argument(metavar="CAND...", help="Predictions of other models on the same rows.", show_default=False),
]
CompareOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Write compare.html, compare.md and compare.json to this folder."),
]
Bins = Annotated[int | None, typer.Option(metavar="N", help="Number of bins (default: 15, or those of the report).")]
Slices = Annotated[
    list[str] | None,
    typer.Option("--slice", metavar="COLUMN", help="Compare within each value of this column, or within each class."),
]
MinRows = Annotated[
    int | None, typer.Option("--min-rows", metavar="N", min=1, help="Fewest rows of a slice (default: 100).")
]
Group = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Intervals take groups of rows that share a value, not rows, for independent."),
]

EXAMPLES = """\b
Examples:
  $ calibeval compare sample_data/diamonds.npz#test repaired.npz
  $ calibeval compare sample_data/diamonds.npz#test repaired.npz --slice color --out comparison
  $ calibeval compare release/report.json sample_data/digits_test.csv --format md
"""
