"""Options about logs of language models and decision services."""

from __future__ import annotations

from typing import Annotated

import typer

from calibeval.cli.options import complete
from calibeval.cli.options.choices import either
from calibeval.cli.options.shared import READING
from calibeval.readers.logs.options import NORMALIZE

Normalize = Annotated[
    str | None,
    typer.Option(
        metavar="UNIT",
        help=f"Divide log-likelihoods of a log by {either(NORMALIZE, NORMALIZE[0])}.",
        show_default=False,
        autocompletion=complete.one_of(NORMALIZE),
        rich_help_panel=READING,
    ),
]
