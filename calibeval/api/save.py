"""Files of reports, comparisons, verdicts, maps and predictions; each appears whole or not at all."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from calibeval.api.dumps import as_path
from calibeval.api.show import before_and_after
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError, UsageError
from calibeval.core.gating.verdict import Verdict
from calibeval.core.report.report import Report
from calibeval.readers.small_files import read_small
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.methods import from_json
from calibeval.writers.atomic import make_folder, write_file

Folder = str | PathLike[str]


def save_report(report: Report, folder: Folder, *, png: bool = False, hint: str = "") -> Path:
    """The files of a report; report.json comes last, so that it vouches for the others. hint: a line for the page.

    Raises: FileProblem if they cannot be written.
    """
    from calibeval.render.figure.backend import import_matplotlib

    import_matplotlib()
    from calibeval.render.figure.figure import figure_bytes, reliability_figure
    from calibeval.render.page.page import render
    from calibeval.render.tables import bins_csv

    figure = reliability_figure(before_and_after(report))
    files = {
        "bins.csv": bins_csv.render(report).encode("utf-8", "backslashreplace"),
        "reliability.svg": figure_bytes(figure, "svg"),
        **({"reliability.png": figure_bytes(figure, "png")} if png else {}),
        "report.html": render(report, hint=hint).encode(),
        "report.json": report.to_json().encode(),
    }
    return _written(files, folder)


def save_comparison(comparison: Comparison, folder: Folder) -> Path:
    """The files of a comparison; compare.json comes last.

    Raises: FileProblem if they cannot be written.
    """
    from calibeval.render.page.comparison import render
    from calibeval.render.tables.comparison import markdown

    files = {
        "compare.html": render(comparison).encode(),
        "compare.md": markdown(comparison).encode("utf-8", "backslashreplace"),
        "compare.json": comparison.to_json().encode(),
    }
    return _written(files, folder)


def save_verdict(verdict: Verdict, folder: Folder) -> Path:
    """The files of a verdict; verdict.json comes last.

    Raises: FileProblem if they cannot be written.
    """
    files: dict[str, bytes] = {}
    if verdict.report is not None:
        from calibeval.render.page.page import render

        files["report.html"] = render(verdict.report, verdict=verdict).encode()
        files["report.json"] = verdict.report.to_json().encode()
    return _written({**files, "verdict.json": verdict.to_json().encode()}, folder)


def save_map(mapping: Map, path: str | PathLike[str]) -> None:
    """The map as JSON.

    Raises: FileProblem if it cannot be written.
    """
    write_file(as_path(path), mapping.to_json().encode())


def read_map(path: str | PathLike[str]) -> Map:
    """The map in a file that `save` or `calibeval fit` wrote.

    Raises: InputError for a file that holds no map; FileProblem if it cannot be read.
    """
    file = as_path(path)
    content = read_small(file)
    try:
        return from_json(content)
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from None


def save_predictions(predictions: Predictions, path: str | PathLike[str]) -> None:
    """The predictions as a dump that every command reads.

    Raises: UsageError for a suffix that is not written, or the file they were read from; FileProblem if it cannot be
    written.
    """
    from calibeval.writers.dump import check_format, write_dump

    file, source = as_path(path), predictions.source.path
    check_format(file)
    if source is not None and Path(source).resolve() == file.resolve():
        raise UsageError(f"{file}: these predictions were read from it; name another file")
    write_dump(predictions, file)


def _written(files: dict[str, Any], folder: Folder) -> Path:
    """The files in their order; all were made before the first is written."""
    place = as_path(folder)
    make_folder(place)
    for name, content in files.items():
        write_file(place / name, content)
    return place
