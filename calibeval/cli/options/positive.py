"""The options that choose classes: the positive one of two, or some of more."""

from __future__ import annotations

from typing import Annotated

import typer

from calibeval.cli.options.shared import MEASURE, READING

Positive = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The positive class of two (default: class 1).", rich_help_panel=READING),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="NAME,...",
        help="One-vs-rest diagrams of these classes.",
        show_default=False,
        rich_help_panel=MEASURE,
    ),
]
