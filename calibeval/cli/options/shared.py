"""Every option of the command line, declared once: type, help and, through it, its message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from calibeval.cli.options.choices import LOSSES, METHODS, OBJECTIVES, either
from calibeval.training.settings import DEVICES, HEADS, HIDDEN_UNITS, OPTIMIZERS, SCORES, TRIALS, OptimizerEntry

AUTO = "auto"
TEMPERATURES = ("fold", "none")
INPUT = "Reading"
OUTPUT = "Output"


def _usual(value: Callable[[OptimizerEntry], float]) -> str:
    """What each optimizer usually takes."""
    return ", ".join(f"{name} {value(known):g}" for name, known in OPTIMIZERS.items())


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
FeaturesKey = Annotated[str | None, typer.Option(metavar="KEY", help="Array or columns that hold the features.")]
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
Method = Annotated[str, typer.Option(metavar="NAME", help=f"{either((*METHODS, AUTO))}.")]
Objective = Annotated[str, typer.Option(metavar="NAME", help=f"What a temperature optimises: {either(OBJECTIVES)}.")]
Clip = Annotated[float | None, typer.Option(metavar="EPS", help="Raise smaller probabilities to this before fitting.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Random seed for assigning rows to folds.")]
Group = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Rows that share a value depend on each other: kept in one fold, one unit of intervals."
    ),
]
Slice = Annotated[
    list[str] | None,
    typer.Option(
        "--slice",
        metavar="COLUMN",
        help="Measure each value of this column (or class, predicted) on its own; repeatable.",
        show_default=False,
    ),
]
MinRows = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Name, but do not measure, smaller slices (default: 100).")
]
AllowLeak = Annotated[bool, typer.Option("--allow-leak", help="Report although fitted and tested rows overlap.")]
MapFile = Annotated[Path, typer.Argument(metavar="MAP", help="A map that `calibeval fit` wrote.")]
MapOut = Annotated[Path | None, typer.Option("--out", "-o", metavar="MAP", help="Write the map to this JSON file.")]
DumpOut = Annotated[
    Path, typer.Option("--out", "-o", metavar="OUT", help="Write to this .npz, .csv, .tsv, .jsonl or .parquet.")
]

Train = Annotated[str, typer.Argument(metavar="TRAIN", help="Features to train on; FILE#SPLIT names a split.")]
Val = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Validation features: they pick the epoch, stop training and fit the temperature.",
        show_default=False,
    ),
]
Test = Annotated[str | None, typer.Option(metavar="FILE", help="Test features, evaluated once at the end.")]
RunOut = Annotated[
    Path, typer.Option("--out", "-o", metavar="RUN", help="Write head, history and results to this folder.")
]
Losses = Annotated[str, typer.Option(metavar="LIST", help=f"{', '.join(LOSSES)}; as in 'ce,mbls(margin=6,alpha=0.1)'.")]
HeadKind = Annotated[
    str, typer.Option(metavar="|".join((*HEADS, "FILE")), help="A new head, or the weights to continue from.")
]
Hidden = Annotated[
    int | None, typer.Option(metavar="N", min=1, help=f"Units of the hidden layer of an mlp (default: {HIDDEN_UNITS}).")
]
Optimizer = Annotated[str, typer.Option(metavar="NAME", help="adamw, or sgd with momentum 0.9.")]
Rate = Annotated[
    float | None,
    typer.Option("--lr", metavar="RATE", help=f"Learning rate (default: {_usual(lambda known: known.rate)})."),
]
Decay = Annotated[
    float | None,
    typer.Option(
        "--weight-decay",
        metavar="X",
        help=f"Of the weights, never of biases (default: {_usual(lambda known: known.decay)}).",
    ),
]
Epochs = Annotated[int, typer.Option(metavar="N", min=1, help="Most epochs.")]
BatchSize = Annotated[int, typer.Option(metavar="N", min=1, help="Rows of a batch.")]
Schedule = Annotated[str, typer.Option(metavar="NAME", help="Of the learning rate: cosine, down to 0, or constant.")]
ClipNorm = Annotated[float, typer.Option("--clip-norm", metavar="X", help="Largest norm of a gradient; 0: no limit.")]
Patience = Annotated[
    int, typer.Option(metavar="N", min=0, help="Stop after so many epochs without a better VAL; 0: never.")
]
Mixup = Annotated[
    float, typer.Option(metavar="ALPHA", min=0, help="Mix pairs of rows by Beta(ALPHA, ALPHA); 0: do not.")
]
Standardize = Annotated[
    bool, typer.Option("--standardize/--no-standardize", help="Train on features of mean 0 and deviation 1.")
]
Amp = Annotated[bool, typer.Option("--amp", help="Products in bfloat16.")]
Device = Annotated[str, typer.Option(metavar="|".join(DEVICES), help="Where to train.")]
Seeds = Annotated[int, typer.Option(metavar="N", min=1, help="Train each loss so many times; show mean and deviation.")]
Tune = Annotated[bool, typer.Option("--tune", help="Choose rate, weight decay and each loss's own parameters on VAL.")]
Trials = Annotated[
    int | None,
    typer.Option(metavar="N", min=2, help=f"Candidates that --tune tries for each loss (default: {TRIALS})."),
]
TuneOn = Annotated[str, typer.Option(metavar="SCORE", help=f"What VAL chooses and stops by: {either(SCORES)}.")]
Temperature = Annotated[
    str, typer.Option(metavar="|".join(TEMPERATURES), help="Fold the temperature into the last layer, or not.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a finished run in this folder.")]
TrainSeed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of first weights and row orders.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that `calibeval finetune` wrote, or a head.")]
FeatureFile = Annotated[str, typer.Argument(metavar="FEATURES", help="A feature cache; FILE#SPLIT names a split.")]

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
Level = Annotated[float, typer.Option(metavar="LEVEL", help="Level of the intervals.")]
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
