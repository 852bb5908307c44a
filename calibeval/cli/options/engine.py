"""The option that says who reads the rows."""

from __future__ import annotations

from typing import Annotated

import typer

from calibeval.cli.options import complete
from calibeval.cli.options.shared import RUNNING
from calibeval.engines.choice import NAMES

EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="Who reads rows: local, dask or dask=ADDRESS.",
        autocompletion=complete.one_of(NAMES),
        rich_help_panel=RUNNING,
    ),
]
