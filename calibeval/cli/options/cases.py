"""Options of segmentations, and of folders that hold one file a case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calibeval.cli.options import complete
from calibeval.cli.options.choices import either
from calibeval.cli.options.shared import MEASURE, OUTPUT, READING
from calibeval.core.errors import UsageError
from calibeval.core.report.left_out import BACKGROUNDS
from calibeval.readers.cases.names import LAYOUTS

if TYPE_CHECKING:
    from calibeval.api.pictures import Pictures
    from calibeval.readers.meaning.read_options import ReadOptions

Layout = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Cases as written by {either(LAYOUTS)}.",
        autocompletion=complete.one_of(LAYOUTS),
        rich_help_panel=READING,
    ),
]
Spacing = Annotated[
    str | None,
    typer.Option(
        metavar="Z,Y,X",
        help="Size of a voxel of cases, instead of the headers'.",
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
Show = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CASE",
        help="Of images, show this one in the page; may be repeated.",
        rich_help_panel=OUTPUT,
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Images, to be shown beside their labels.", rich_help_panel=OUTPUT),
]


def pictures(show: list[str] | None, images: Path | None, reading: ReadOptions, *, wanted: bool) -> Pictures:
    """What is shown of images. wanted: whether there is a page to show it in.

    Raises: UsageError for options without a page; as `Pictures`.
    """
    from calibeval.api.pictures import Pictures

    for flag, value in (("--show", show), ("--images", images)):
        if value is not None and not wanted:
            raise UsageError(f"{flag} belongs to -o, whose page shows images, or to --export pictures=FILE")
    return Pictures(show or (), images, reading.limits, wanted=wanted)
