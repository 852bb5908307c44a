"""Options about figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calibeval.cli.options.shared import OUTPUT

Figure = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Save the diagrams to this .svg, .png or .pdf.", rich_help_panel=OUTPUT),
]
Png = Annotated[
    bool,
    typer.Option("--png", help="With -o, write reliability.png, too.", rich_help_panel=OUTPUT),
]
Width = Annotated[float | None, typer.Option(metavar="INCHES", help="Width of the figure.", rich_help_panel=OUTPUT)]
