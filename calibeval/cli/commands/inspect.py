"""`calibeval inspect`: what is in a file, and how it will be read."""

from __future__ import annotations

from calibeval.cli.options import shared as options
from calibeval.cli.options.reading import ReadingFlags, with_reading_flags
from calibeval.cli.screen.streams import put


@with_reading_flags
def inspect(
    dump: options.Dump,
    json: options.Json = False,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Show what is in a file and how it will be read.

    Arrays, splits, kind of scores, classes, slice columns.
    """
    from calibeval.cli.screen.terminal import screen
    from calibeval.readers.describe import inspect_dump
    from calibeval.render.terminal.inspection import render

    reading = flags.options()
    inspection = inspect_dump(dump, reading)
    view = screen()
    shown = inspection.to_json() if json else render(inspection, width=view.width, ascii_only=view.ascii_only)
    put(shown)
    return 0
