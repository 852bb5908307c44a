"""The options that only `calibeval gate` has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from calibeval.cli.options import complete
from calibeval.cli.options.choices import CELLS, DECIDE, METRICS, ON_INCONCLUSIVE, PRESETS, RISK, either
from calibeval.cli.options.shared import MEASURE, OUTPUT, RULES, export_option
from calibeval.core.data.ranges import MOST_ROWS
from calibeval.render.ci.exports import EXPORTS


def _limit(name: str, help: str) -> Any:
    return typer.Option(
        name,
        metavar="METRIC=LIMIT",
        help=f"{help}; repeatable.",
        autocompletion=complete.key_of(METRICS),
        rich_help_panel=RULES,
    )


Baseline = Annotated[
    str | None,
    typer.Option(metavar="BASE", help="Dump or report.json to compare with.", rich_help_panel=RULES),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Rules (default: calibeval.toml, pyproject.toml).", rich_help_panel=RULES),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Ready-made rules: {either(PRESETS)}.",
        autocompletion=complete.one_of(PRESETS),
        rich_help_panel=RULES,
    ),
]
Max = Annotated[list[str] | None, _limit("--max", "Largest value allowed")]
Min = Annotated[list[str] | None, _limit("--min", "Smallest value allowed")]
MaxIncrease = Annotated[list[str] | None, _limit("--max-increase", "Largest rise from the baseline")]
MaxDrop = Annotated[list[str] | None, _limit("--max-drop", "Largest fall from the baseline")]
Slice = Annotated[
    list[str] | None,
    typer.Option("--slice", metavar="COLUMN", help='Column whose slices a "worst" rule checks.', rich_help_panel=RULES),
]
Over = Annotated[
    str | None,
    typer.Option(metavar="AXES", help="Axes that rules are over (default: all).", rich_help_panel=RULES),
]
Cells = Annotated[
    str | None,
    typer.Option(
        metavar="WHICH",
        help=f"Judge the {either(CELLS, CELLS[0])} over cells.",
        autocompletion=complete.one_of(CELLS),
        rich_help_panel=RULES,
    ),
]
Where = Annotated[
    str | None,
    typer.Option(metavar="AXIS=VALUE", help="Judge only cells at these values.", rich_help_panel=RULES),
]
OnInconclusive = Annotated[
    str | None,
    typer.Option(
        metavar="ACTION",
        help="fail (exit 5), warn or pass (both exit 0).",
        autocompletion=complete.one_of(ON_INCONCLUSIVE),
        rich_help_panel=RULES,
    ),
]
Decide = Annotated[
    str | None,
    typer.Option(
        metavar="BY",
        help=f"Judge by the {either(DECIDE, DECIDE[0])}.",
        autocompletion=complete.one_of(DECIDE),
        rich_help_panel=RULES,
    ),
]
Level = Annotated[
    float | None,
    typer.Option(metavar="LEVEL", help="Level of the intervals (default: 0.95).", rich_help_panel=RULES),
]
MinRows = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        max=MOST_ROWS,
        help="Rows that a decision needs, also in each slice.",
        rich_help_panel=RULES,
    ),
]
Why = Annotated[
    bool,
    typer.Option("--why", help="Show what moved a metric, and try a temperature.", rich_help_panel=OUTPUT),
]
Plan = Annotated[
    bool,
    typer.Option("--plan", help="Show what this many rows can decide.", rich_help_panel=OUTPUT),
]
Init = Annotated[
    bool,
    typer.Option("--init", help="Write a configuration with limits from this dump.", rich_help_panel=OUTPUT),
]
Export = Annotated[list[str] | None, export_option((*EXPORTS, RISK))]
Github = Annotated[
    bool | None,
    typer.Option(
        "--github/--no-github",
        help="Annotate (default: where GITHUB_ACTIONS is true).",
        rich_help_panel=OUTPUT,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="DIR", help="Write page, report and verdict to this folder.", rich_help_panel=OUTPUT
    ),
]
Group = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Treat rows with equal values as dependent.", rich_help_panel=MEASURE),
]
