"""Every option of the command line, declared once: type, help and, through it, its message."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

INPUT = "Reading"
OUTPUT = "Output"

Dumps = Annotated[
    list[str],
    typer.Argument(metavar="DUMP...", help="Files of predictions; FILE#SPLIT names a split.", show_default=False),
]
Dump = Annotated[str, typer.Argument(metavar="DUMP", help="A file of predictions; FILE#SPLIT names a split.")]
Kind = Annotated[
    str | None, typer.Option(help="logits, probs or log_probs, whatever the array is called.", rich_help_panel=INPUT)
]
LogitsKey = Annotated[str | None, typer.Option(metavar="KEY", help="Array or column that holds the logits.")]
ProbsKey = Annotated[str | None, typer.Option(metavar="KEY", help="Array or column that holds the probabilities.")]
LabelsKey = Annotated[str | None, typer.Option(metavar="KEY", help="Array or column that holds the labels.")]
IdsKey = Annotated[str | None, typer.Option(metavar="KEY", help="Array or column that holds the rows' ids.")]
Labels = Annotated[Path | None, typer.Option(metavar="FILE", help="Another file that holds the labels.")]
ScoreColumns = Annotated[
    str | None, typer.Option(metavar="A,B,...", help="Columns that hold the scores, in the order of the classes.")
]
ClassNames = Annotated[Path | None, typer.Option(metavar="FILE", help="Text file with one class name a line.")]
IgnoreIndex = Annotated[int | None, typer.Option(metavar="LABEL", help="Leave out, and count, rows with this label.")]
MaxBytes = Annotated[int | None, typer.Option(metavar="N", min=1, help="Most bytes that a file may expand to.")]

MaxMemory = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Read larger arrays block by block (default: a quarter of memory)."),
]

NoCrc = Annotated[bool, typer.Option("--no-crc", help="Do not verify the checksums of a .pt file.")]

FitOn = Annotated[str | None, typer.Option(metavar="DUMP", help="Fit a map on this dump; show before and after.")]
CrossFit = Annotated[
    int | None, typer.Option(metavar="N", min=2, help="Fit out of fold, in N folds of each dump itself.")
]
Method = Annotated[str, typer.Option(metavar="NAME", help="temperature, platt, beta, vector, isotonic or auto.")]
Objective = Annotated[str, typer.Option(metavar="NAME", help="What a temperature optimises: nll, ece or accuracy.")]
Clip = Annotated[float | None, typer.Option(metavar="EPS", help="Raise smaller probabilities to this before fitting.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of everything random: the dealing of folds.")]
Group = Annotated[str | None, typer.Option(metavar="COLUMN", help="Rows that share a value stay in one fold.")]
AllowLeak = Annotated[bool, typer.Option("--allow-leak", help="Report although fitted and tested rows overlap.")]
MapFile = Annotated[Path, typer.Argument(metavar="MAP", help="A map that `calibeval fit` wrote.")]
MapOut = Annotated[Path | None, typer.Option("--out", "-o", metavar="MAP", help="Write the map to this JSON file.")]
DumpOut = Annotated[
    Path, typer.Option("--out", "-o", metavar="OUT", help="Write to this .npz, .csv, .tsv, .jsonl or .parquet.")
]

Figure = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the diagrams to this .svg, .png or .pdf.")]
Width = Annotated[float | None, typer.Option(metavar="INCHES", help="Width of the figure.")]

Bins = Annotated[
    int | None, typer.Option(metavar="N", help="Number of bins; by default the convention's own, 15 (netcal 10).")
]
Convention = Annotated[
    str,
    typer.Option(metavar="NAME", help="Compute as this tool does: guo, mbls, torchmetrics, netcal."),
]
ExplainConventions = Annotated[
    bool, typer.Option("--explain-conventions", help="The calibration errors under all conventions, side by side.")
]
Confidence = Annotated[float, typer.Option(metavar="LEVEL", help="Level of the intervals.")]
NoIntervals = Annotated[bool, typer.Option("--no-intervals", help="No confidence intervals.")]
Jobs = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Threads; all processors by default.", show_default=False)
]

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, and nothing else.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="DIR", help="Write report.html, report.json, bins.csv and diagrams to this folder."
    ),
]
Format = Annotated[str | None, typer.Option("--format", metavar="md|csv|latex", help="A table in this format instead.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no warnings.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
