"""Saving reports, comparisons, verdicts, maps and predictions; each file is written completely or not at all."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from calibeval.api.dumps import as_path
from calibeval.api.show import before_and_after
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.data.arguments import path as path_argument
from calibeval.core.data.arguments import truth
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.public import public
from calibeval.core.errors import InputError, UsageError
from calibeval.core.gating.verdict import Verdict
from calibeval.core.report.report import Report
from calibeval.readers.small_files import read_small
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.methods import from_json
from calibeval.writers.atomic import make_folder, write_file

Folder = str | PathLike[str]


def save_report(report: Report, folder: Folder, *, png: bool = False, hint: str = "") -> Path:
    """Write the files of a report; report.json is last, so that its presence means that the others are complete.

    png: whether to write reliability.png, too. hint: a line to add to the page.
    Raises: FileProblem if they cannot be written.
    """
    from calibeval.render.figure.backend import import_matplotlib

    import_matplotlib()
    from calibeval.render.figure.figure import figure_bytes, reliability_figure
    from calibeval.render.page.page import render
    from calibeval.render.tables import bins_csv

    truth("png", png)
    as_path(folder, "folder")
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
    """Write the files of a comparison; compare.json is last.

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
    """Write the files of a verdict; verdict.json is last.

    Raises: FileProblem if they cannot be written.
    """
    files: dict[str, bytes] = {}
    if verdict.report is not None:
        from calibeval.render.page.page import render

        files["report.html"] = render(verdict.report, verdict=verdict).encode()
        files["report.json"] = verdict.report.to_json().encode()
    return _written({**files, "verdict.json": verdict.to_json().encode()}, folder)


def save_map(mapping: Map, path: str | PathLike[str]) -> None:
    """Write a map as JSON.

    Raises: FileProblem if it cannot be written.
    """
    write_file(as_path(path), mapping.to_json().encode())


@public({"path": path_argument})
def read_map(path: str | PathLike[str]) -> Map:
    """Read a map from a file that `Map.save` or `calibeval fit` wrote.

    Raises: InputError for a file that is not a map; FileProblem if it cannot be read.
    """
    file = as_path(path)
    content = read_small(file)
    try:
        return from_json(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"{file.name}: a map must be JSON in UTF-8") from None
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from None


def save_predictions(predictions: Predictions, path: str | PathLike[str]) -> None:
    """Write predictions as a dump that every command can read.

    Raises: UsageError for a suffix that cannot be written, or the file from which they were read; FileProblem if the
    file cannot be written.
    """
    from calibeval.writers.dump import check_format, write_dump

    file, source = as_path(path), predictions.source.path
    check_format(file)
    if source is not None and Path(source).resolve() == file.resolve():
        raise UsageError(f"{file}: these predictions were read from this file; name another one")
    write_dump(predictions, file)


def _written(files: dict[str, Any], folder: Folder) -> Path:
    """Write files in their order, and return the folder; all were made before the first is written."""
    place = as_path(folder, "folder")
    make_folder(place)
    for name, content in files.items():
        write_file(place / name, content)
    return place
