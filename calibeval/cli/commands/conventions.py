"""`calibeval conventions`: what other tools would print for a dump, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calibeval.cli.options import cases
from calibeval.cli.options import shared as options
from calibeval.cli.options.reading import ReadingFlags, say, threads, with_reading_flags
from calibeval.cli.screen.streams import put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calibeval.core.conventions.explained import CasesFacts
    from calibeval.core.conventions.metrics import Explained
    from calibeval.core.data.predictions import Predictions


@with_reading_flags
def conventions(
    dump: options.Dump,
    bins: options.Bins = None,
    json: options.Json = False,
    flags: ReadingFlags = ReadingFlags(),  # noqa: B008 - the decorator makes options of its fields
    jobs: options.Jobs = None,
    layout: cases.Layout = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Show the calibration errors that other tools would print."""
    from calibeval.api.cases import cases_in
    from calibeval.cli.screen.terminal import screen
    from calibeval.core.conventions.metrics import explain_conventions
    from calibeval.core.dense.tool_sums import explain_images
    from calibeval.core.dense.tools_of_cases import explain_cases
    from calibeval.core.evaluation.settings import checked
    from calibeval.readers.open import open_dump
    from calibeval.render.terminal.conventions import render, render_json

    if bins is not None:
        bins = checked(bins=bins).bins
    reading = flags.options()
    folder = cases_in(dump, reading, layout)
    predictions: Predictions | CasesFacts
    found: Sequence[Explained]
    if folder is None:
        predictions = open_dump(dump, reading)
        found = explain_conventions(predictions, bins=bins, jobs=threads(jobs), max_memory=reading.limits.max_memory)
        images = explain_images(predictions, bins=bins)
    else:
        (predictions, images), found = explain_cases(folder, bins=bins, renormalize=reading.renormalize), ()
    say([f"warning: {predictions.source.name}: {one}" for one in predictions.warnings], quiet=quiet)
    if json:
        put(render_json(predictions, found, images))
        return 0
    predictions.settled_source()
    view = screen()
    put(render(predictions, found, images, width=view.width, ascii_only=view.ascii_only))
    return 0
