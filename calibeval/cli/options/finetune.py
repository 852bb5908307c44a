"""The options of `finetune` alone: type, help, group in `--help-all`, what a shell completes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from calibeval.cli.options import complete
from calibeval.cli.options.choices import (
    LOSSES,
    either,
)
from calibeval.cli.options.shared import DATA, HEAD, OUTPUT, RUNNING, TRAINING, TUNING
from calibeval.training.settings import (
    BATCH_SIZE,
    DEVICES,
    HEADS,
    HIDDEN_UNITS,
    MOST_RATE,
    OPTIMIZERS,
    RANGES,
    SCHEDULES,
    SCORES,
    TEMPERATURES,
    TRIALS,
    TUNED_EPOCHS,
    USUAL_EPOCHS,
    OptimizerEntry,
)


def _usual(value: Callable[[OptimizerEntry], float | str]) -> str:
    """The default of each optimizer, as text."""
    return ", ".join(f"{name} {value(known)}" for name, known in OPTIMIZERS.items())


def _rates(known: OptimizerEntry) -> str:
    """The usual rate; AdamW has a range."""
    return f"{known.rate:g}" + (f" to {MOST_RATE:g}" if known is OPTIMIZERS["adamw"] else "")


def _range(name: str) -> dict[str, Any]:
    """The least and the greatest number that an option takes."""
    least, most = RANGES[name]
    return {"min": least, "max": most}


Train = Annotated[str, typer.Argument(metavar="TRAIN", help="Features to train on; FILE#SPLIT names a split.")]
Val = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Features that pick the epoch and temperature.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Test = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Test features, evaluated once at the end.", rich_help_panel=DATA),
]
RunOut = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="RUN", help="Folder for head, history and results.", rich_help_panel=OUTPUT),
]
Losses = Annotated[
    str,
    typer.Option(
        metavar="LIST",
        help="As ce,cals; the names: --help-all (default: mbls).",
        show_default=False,
        autocompletion=complete.list_of(LOSSES),
        rich_help_panel=HEAD,
    ),
]
HeadKind = Annotated[
    str,
    typer.Option(
        metavar="HEAD",
        help=f"{HEADS[0]} (default), {', '.join(HEADS[1:])}, or weights to continue from.",
        show_default=False,
        autocompletion=complete.one_of(HEADS),
        rich_help_panel=HEAD,
    ),
]
Hidden = Annotated[
    int | None,
    typer.Option(
        metavar="N", **_range("hidden"), help=f"Hidden units of an mlp (default: {HIDDEN_UNITS}).", rich_help_panel=HEAD
    ),
]
Optimizer = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"{either(OPTIMIZERS)}; sgd has momentum 0.9.",
        autocompletion=complete.one_of(OPTIMIZERS),
        rich_help_panel=TRAINING,
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--lr",
        metavar="RATE",
        help=f"Learning rate (default: {_usual(_rates)}).",
        rich_help_panel=TRAINING,
    ),
]
Decay = Annotated[
    float | None,
    typer.Option(
        "--weight-decay",
        metavar="X",
        help=f"Weight decay (default: {_usual(lambda known: known.decay)}).",
        rich_help_panel=TRAINING,
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        **_range("epochs"),
        help=f"Most epochs (default: {USUAL_EPOCHS}; {TUNED_EPOCHS} with --tune).",
        rich_help_panel=TRAINING,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        **_range("batch_size"),
        help=f"Rows per batch (default: {BATCH_SIZE}, fewer for few rows).",
        rich_help_panel=TRAINING,
    ),
]
Schedule = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"Learning rate over time: {either(SCHEDULES, SCHEDULES[0])}.",
        show_default=False,
        autocompletion=complete.one_of(SCHEDULES),
        rich_help_panel=TRAINING,
    ),
]
ClipNorm = Annotated[
    float,
    typer.Option("--clip-norm", metavar="X", help="Maximum norm of a gradient; 0: no limit.", rich_help_panel=TRAINING),
]
Patience = Annotated[
    int,
    typer.Option(
        metavar="N",
        **_range("patience"),
        help="Stop after N epochs without gain; 0: never.",
        show_default=True,
        rich_help_panel=TRAINING,
    ),
]
Mixup = Annotated[
    float,
    typer.Option(metavar="ALPHA", min=0, help="Mix pairs of rows by Beta(ALPHA, ALPHA).", rich_help_panel=TRAINING),
]
Standardize = Annotated[
    bool,
    typer.Option(
        "--standardize/--no-standardize", help="Scale features to mean 0, deviation 1 (default).", rich_help_panel=HEAD
    ),
]
Amp = Annotated[bool, typer.Option("--amp", help="Multiply matrices in bfloat16.", rich_help_panel=TRAINING)]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"Where to train: {either(DEVICES, DEVICES[0])}.",
        show_default=False,
        autocompletion=complete.one_of(DEVICES),
        rich_help_panel=RUNNING,
    ),
]
Seeds = Annotated[
    int,
    typer.Option(
        metavar="N", **_range("seeds"), help="Runs per loss; shows mean and deviation.", rich_help_panel=TRAINING
    ),
]
Tune = Annotated[
    bool,
    typer.Option("--tune", help="Tune learning rate, decay and loss parameters on VAL.", rich_help_panel=TUNING),
]
Trials = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        **_range("trials"),
        help=f"Candidates per loss for --tune (default: {TRIALS}).",
        rich_help_panel=TUNING,
    ),
]
TuneOn = Annotated[
    str,
    typer.Option(
        metavar="SCORE",
        help=f"{either(SCORES, SCORES[0])}, on VAL.",
        show_default=False,
        autocompletion=complete.one_of(SCORES),
        rich_help_panel=TUNING,
    ),
]
Temperature = Annotated[
    str,
    typer.Option(
        metavar="HOW",
        help=f"{TEMPERATURES[0]} (default) into the last layer, or {TEMPERATURES[1]}.",
        show_default=False,
        autocompletion=complete.one_of(TEMPERATURES),
        rich_help_panel=HEAD,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.", rich_help_panel=RUNNING)]
TrainLeak = Annotated[
    bool, typer.Option("--allow-leak", help="Train even if the splits share rows.", rich_help_panel=DATA)
]
TrainSeed = Annotated[
    int,
    typer.Option(
        "--seed", metavar="N", **_range("seed"), help="Random seed for weights and row order.", rich_help_panel=TRAINING
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a finished run in this folder.", rich_help_panel=RUNNING)
]
