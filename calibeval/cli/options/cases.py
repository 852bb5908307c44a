"""Options of segmentations, and of folders that hold one file a case."""

from __future__ import annotations

from typing import Annotated

import typer

from calibeval.cli.options import complete
from calibeval.cli.options.choices import either
from calibeval.cli.options.shared import MEASURE, READING
from calibeval.core.report.left_out import BACKGROUNDS
from calibeval.readers.cases.names import LAYOUTS

Layout = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Who wrote a folder of cases: {either(LAYOUTS)}.",
        autocompletion=complete.one_of(LAYOUTS),
        rich_help_panel=READING,
    ),
]
Spacing = Annotated[
    str | None,
    typer.Option(
        metavar="Z,Y,X",
        help="Size of a voxel of cases, instead of that in headers.",
        rich_help_panel=READING,
    ),
]
Background = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="Class 0 of images: include, exclude-label, exclude-class.",
        autocompletion=complete.one_of(BACKGROUNDS),
        rich_help_panel=MEASURE,
    ),
]
