"""The option that orders several dumps."""

from __future__ import annotations

from typing import Annotated

import typer

from calibeval.cli.options.shared import OUTPUT

Sort = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC",
        help='Order of dumps: by a metric, best first, or by "name".',
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
