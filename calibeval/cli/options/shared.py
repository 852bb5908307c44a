"""Every option that commands share, declared once: type, help, group in `--help-all`, what a shell completes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from calibeval.cli.options import complete
from calibeval.cli.options.choices import (
    EVERY_METRIC,
    FORMATS,
    KINDS,
    LABELS_ARE,
    METHODS,
    METRICS,
    OBJECTIVES,
    REPORT_EXPORTS,
    REQUESTED,
    RISK,
    SOME_EXPORTS,
    TABLE_EXPORTS,
    TABLE_FORMATS,
    either,
)
from calibeval.cli.options.sizes import size, size_above_zero
from calibeval.core.conventions.images import IMAGE_CONVENTIONS
from calibeval.core.conventions.table import CONVENTIONS
from calibeval.core.data.ranges import LEAST_LABEL, MOST_JOBS, MOST_LABEL, MOST_ROWS, MOST_SEED
from calibeval.readers.meaning.named import ROLES

AUTO = "auto"

READING = "Reading"
MEASURE = "What to measure"
RULES = "Rules"
MAP = "Recalibration"
DATA = "Data"
HEAD = "Head and loss"
TRAINING = "Training"
TUNING = "Tuning"
OUTPUT = "Output"
RUNNING = "Running"
GROUPS = (DATA, RULES, HEAD, TUNING, TRAINING, MEASURE, MAP, OUTPUT, READING, RUNNING)


def _named(help: str, *, metavar: str = "NAME", **settings: Any) -> Any:
    """An option of the group Reading that names an array or column."""
    return typer.Option(metavar=metavar, help=help, rich_help_panel=READING, **settings)


Dumps = Annotated[
    list[str],
    typer.Argument(
        metavar="DUMP...", help="Predictions; FILE#SPLIT names a split, NAME=FILE the dump.", show_default=False
    ),
]
Dump = Annotated[str, typer.Argument(metavar="DUMP", help="A file of predictions; FILE#SPLIT names a split.")]
Kind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help=f"Scores: {either(KINDS)}.",
        autocompletion=complete.one_of(KINDS),
        rich_help_panel=READING,
    ),
]
Key = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ROLE=NAME",
        help="Array for a role, such as labels=y; repeatable.",
        autocompletion=complete.key_of(ROLES),
        rich_help_panel=READING,
    ),
]
LogitsKey = Annotated[str | None, _named("Short for --key logits=NAME.")]
ProbsKey = Annotated[str | None, _named("Short for --key probs=NAME.")]
LabelsKey = Annotated[str | None, _named("Short for --key labels=NAME.")]
FeaturesKey = Annotated[str | None, _named("Short for --key features=NAME.")]
IdsKey = Annotated[str | None, _named("Short for --key ids=NAME.")]
Labels = Annotated[Path | None, _named("Another file that holds the labels.", metavar="FILE")]
ScoreColumns = Annotated[str | None, _named("Columns of scores: cat,dog or p0..p9 or '*,!id'.", metavar="A,B")]
ClassNames = Annotated[Path | None, _named("Class names, one per line, or id2label in .json.", metavar="FILE")]
LabelsAre = Annotated[
    str | None,
    _named(
        f"Labels that could be both: {either(LABELS_ARE)}.", metavar="WHAT", autocompletion=complete.one_of(LABELS_ARE)
    ),
]
IgnoreIndex = Annotated[
    int | None,
    _named("Leave out rows with this label, and count them.", metavar="LABEL", min=LEAST_LABEL, max=MOST_LABEL),
]
Renormalize = Annotated[
    bool,
    typer.Option("--renormalize", help="Divide rows of probabilities by their sums.", rich_help_panel=READING),
]
DropDuplicates = Annotated[
    bool,
    typer.Option("--drop-duplicates", help="Leave out rows whose id an earlier one has.", rich_help_panel=READING),
]
ReadAs = Annotated[
    str | None,
    _named(
        "Format of the dumps, whatever their suffix.",
        metavar="FORMAT",
        autocompletion=complete.one_of(FORMATS),
    ),
]
Decimal = Annotated[str | None, _named("Decimal sign in csv and tsv: , or .", metavar="SIGN")]
MaxBytes = Annotated[
    int | None, _named("Largest size that a file may expand to, such as 8G.", metavar="SIZE", parser=size_above_zero)
]
MaxMemory = Annotated[
    int | None, _named("Read larger arrays in blocks (default: 1/4 of RAM).", metavar="SIZE", parser=size)
]
NoCrc = Annotated[
    bool, typer.Option("--no-crc", help="Do not verify the checksums of a .pt file.", rich_help_panel=READING)
]

FitOn = Annotated[
    str | None,
    typer.Option(metavar="DUMP", help="Fit a map on this dump; show before and after.", rich_help_panel=MAP),
]
SavedMap = Annotated[
    Path | None,
    typer.Option("--map", metavar="MAP", help="Apply a saved map; show before and after.", rich_help_panel=MAP),
]
CrossFit = Annotated[
    int | None,
    typer.Option(metavar="N", min=2, help="Fit a map out of fold, in N folds of each dump.", rich_help_panel=MAP),
]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="temperature (default), vector, auto; all: --help-all.",
        show_default=False,
        autocompletion=complete.one_of((*METHODS, AUTO)),
        rich_help_panel=MAP,
    ),
]
Objective = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Optimise {either(OBJECTIVES, OBJECTIVES[0])}.",
        show_default=False,
        autocompletion=complete.one_of(OBJECTIVES),
        rich_help_panel=MAP,
    ),
]
Clip = Annotated[
    float | None,
    typer.Option(metavar="EPS", help="Raise smaller probabilities to EPS before fitting.", rich_help_panel=MAP),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        max=MOST_SEED,
        help="Random seed for assigning rows to folds (default: 0).",
        rich_help_panel=MAP,
    ),
]
Group = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Treat rows with equal values as dependent.", rich_help_panel=MEASURE),
]
Slice = Annotated[
    list[str] | None,
    typer.Option(
        "--slice",
        metavar="COLUMN",
        help="By column, class, predicted, shots:FILE or auto.",
        show_default=False,
        rich_help_panel=MEASURE,
    ),
]
MinRows = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=MOST_ROWS,
        help="List smaller slices without measuring them (default: 100).",
        rich_help_panel=MEASURE,
    ),
]
AllowLeak = Annotated[
    bool,
    typer.Option("--allow-leak", help="Report even if fitted and tested rows overlap.", rich_help_panel=MAP),
]
MapFile = Annotated[Path, typer.Argument(metavar="MAP", help="A map that `calibeval fit` wrote.")]
MapOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="MAP", help="Write the map to this JSON file.", rich_help_panel=OUTPUT),
]
DumpOut = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="OUT",
        help="File: .npz, .csv, .jsonl, .parquet, .pt, ...",
        rich_help_panel=OUTPUT,
    ),
]

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder from `calibeval finetune`, or head weights.")]
FeatureFile = Annotated[str, typer.Argument(metavar="FEATURES", help="A feature cache; FILE#SPLIT names a split.")]

Bins = Annotated[
    int | None,
    typer.Option(metavar="N", help="Number of bins (default: the convention's, 15).", rich_help_panel=MEASURE),
]
Convention = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Compute as another tool does.",
        autocompletion=complete.one_of([*CONVENTIONS, *IMAGE_CONVENTIONS]),
        rich_help_panel=MEASURE,
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="As ece,nll, or all; the names: --help-all.",
        autocompletion=complete.list_of((*METRICS, *REQUESTED, EVERY_METRIC)),
        rich_help_panel=MEASURE,
    ),
]
Level = Annotated[
    float | None,
    typer.Option(metavar="LEVEL", help="Level of the intervals (default: 0.95).", rich_help_panel=MEASURE),
]
NoIntervals = Annotated[
    bool, typer.Option("--no-intervals", help="Compute no confidence intervals.", rich_help_panel=MEASURE)
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=MOST_JOBS,
        help="Threads (default: one per processor).",
        show_default=False,
        rich_help_panel=RUNNING,
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.", rich_help_panel=OUTPUT)]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Write report.html, report.json, bins.csv, diagrams.",
        rich_help_panel=OUTPUT,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=f"Print a table instead: {either(TABLE_FORMATS)}.",
        autocompletion=complete.one_of(TABLE_FORMATS),
        rich_help_panel=OUTPUT,
    ),
]


def export_option(kinds: Iterable[str], said: str | None = None) -> Any:
    """The option that writes by-products of these kinds. said: some of them, where all take more than a line."""
    return typer.Option(
        "--export",
        metavar="KIND=FILE",
        help=f"Write {said or either(kinds)}.",
        autocompletion=complete.key_of(kinds),
        rich_help_panel=OUTPUT,
    )


Export = Annotated[list[str] | None, export_option((*TABLE_EXPORTS, RISK))]
ReportExport = Annotated[list[str] | None, export_option(REPORT_EXPORTS, SOME_EXPORTS)]
Full = Annotated[
    bool, typer.Option("--full", help="Print more metrics, all bins, classes, slices.", rich_help_panel=OUTPUT)
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress and no warnings.", rich_help_panel=RUNNING)
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=RUNNING)]
