"""The options of `calibeval gate`, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Baseline = Annotated[
    str | None, typer.Option(metavar="BASE", help="A dump to compare with, or its report.json (not paired).")
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Rules and settings; else calibeval.toml, or [tool.calibeval.gate]."),
]
Preset = Annotated[str | None, typer.Option(metavar="NAME", help="Ready rules: recommended or strict.")]
Max = Annotated[
    list[str] | None, typer.Option("--max", metavar="METRIC=LIMIT", help="At most so much; may be repeated.")
]
Min = Annotated[list[str] | None, typer.Option("--min", metavar="METRIC=LIMIT", help="At least so much.")]
MaxIncrease = Annotated[
    list[str] | None, typer.Option("--max-increase", metavar="METRIC=LIMIT", help="Not up by more, from the baseline.")
]
MaxDrop = Annotated[
    list[str] | None, typer.Option("--max-drop", metavar="METRIC=LIMIT", help="Not down by more, from the baseline.")
]
Slice = Annotated[
    list[str] | None, typer.Option("--slice", metavar="COLUMN", help="A column for rules on the worst slice.")
]
OnInconclusive = Annotated[
    str | None, typer.Option(metavar="fail|warn|pass", help="What an undecided rule does to the exit code.")
]
Decide = Annotated[str | None, typer.Option(metavar="interval|point", help="Decide by the interval or the value.")]
Level = Annotated[float | None, typer.Option(metavar="LEVEL", help="Level of the intervals, 0.95.")]
MinRows = Annotated[int | None, typer.Option(metavar="N", min=0, help="Fewer rows are no evidence.")]
Why = Annotated[bool, typer.Option("--why", help="Name what moved a metric, and try a temperature on it.")]
Init = Annotated[bool, typer.Option("--init", help="Write a configuration with limits from this dump, a baseline.")]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit test report.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a pull-request comment.")]
Github = Annotated[bool, typer.Option("--github", help="Annotations, step summary and outputs for GitHub Actions.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Write page, report and verdict to this folder."),
]
Group = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Rows that share a value depend on each other (videos, patients).")
]

EXAMPLES = """\b
Examples:
  $ calibeval gate sample_data/diamonds.npz#test --max ece=0.15 --min accuracy=0.7
  $ calibeval gate sample_data/digits_test.npz --max ece=0.08 --junit gate.xml
  $ calibeval gate sample_data/diamonds.npz#test --init --slice color
  $ calibeval gate sample_data/diamonds.npz#test --why
"""
