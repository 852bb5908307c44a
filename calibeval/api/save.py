"""Saving reports, comparisons, verdicts, maps and predictions; each file is written completely or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from calibeval.api.dumps import as_path, as_place
from calibeval.api.outputs import check_outputs
from calibeval.api.show import RISK, drawn, has_risk
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.data.arguments import path as path_argument
from calibeval.core.data.arguments import truth
from calibeval.core.data.predictions import Predictions, Source
from calibeval.core.data.public import public
from calibeval.core.errors import InputError
from calibeval.core.gating.verdict import Verdict
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.report import Report
from calibeval.readers.small_files import read_small
from calibeval.recalibrate.base.mapping import Map
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.words.next_step import Step
from calibeval.writers.atomic import make_folder, write_file

Folder = str | PathLike[str]


def save_report(
    report: Report,
    folder: Folder,
    *,
    png: bool = False,
    step: Step | None = None,
) -> Path:
    """Write the files of a report; report.json is last, so that its presence means that the others are complete.

    png: whether to write reliability.png, too. step: what to do next, for the page.
    Raises: UsageError if one of them is also an input; FileProblem if they cannot be written.
    """
    from calibeval.render.page.page import render
    from calibeval.render.tables import bins_csv

    truth("png", png)
    as_path(folder, "folder")
    files = {
        "bins.csv": bins_csv.render(report).encode("utf-8", "backslashreplace"),
        "reliability.svg": drawn(report, ".svg"),
        **({"reliability.png": drawn(report, ".png")} if png else {}),
        **({"risk.svg": drawn(report, ".svg", of=RISK)} if has_risk(report) else {}),
        "report.html": render(report, step=step).encode(),
        "report.json": report.to_json().encode(),
    }
    sources = [dump.source for dump in report.dumps]
    fitted = [dump.recalibrated.fitted_on for dump in report.dumps if dump.recalibrated is not None]
    paths = [one.path for one in fitted if isinstance(one, FittedOn)]
    return _written(files, folder, [*paths, *_paths(*sources)])


def save_comparison(comparison: Comparison, folder: Folder) -> Path:
    """Write the files of a comparison; compare.json is last.

    Raises: UsageError if one of them is also an input; FileProblem if they cannot be written.
    """
    from calibeval.render.page.comparison import render
    from calibeval.render.tables.comparison import markdown

    files = {
        "compare.html": render(comparison).encode(),
        "compare.md": markdown(comparison).encode("utf-8", "backslashreplace"),
        "compare.json": comparison.to_json().encode(),
    }
    return _written(files, folder, _paths(comparison.base.source, *(one.dump.source for one in comparison.candidates)))


def save_verdict(verdict: Verdict, folder: Folder) -> Path:
    """Write the files of a verdict; verdict.json is last.

    Raises: UsageError if one of them is also an input; FileProblem if they cannot be written.
    """
    files: dict[str, bytes] = {}
    if verdict.report is not None:
        from calibeval.render.page.page import render

        files["report.html"] = render(verdict.report, verdict=verdict).encode()
        files["report.json"] = verdict.report.to_json().encode()
    sources = [side for side in (verdict.dump, verdict.baseline) if side is not None]
    paths = [side.get("source", {}).get(key) for side in sources for key in ("path", "labels_path")]
    return _written({**files, "verdict.json": verdict.to_json().encode()}, folder, [*paths, verdict.config])


def save_map(mapping: Map, path: str | PathLike[str]) -> None:
    """Write a map as JSON.

    Raises: UsageError for a folder or a socket; FileProblem if it cannot be written.
    """
    check_outputs([as_path(path)], [])
    write_file(as_path(path), mapping.to_json().encode())


@public({"path": path_argument})
def read_map(path: str | PathLike[str]) -> Map:
    """Read a map from a file that `Map.save` or `calibeval fit` wrote.

    Raises: InputError for a file that is not a map; FileProblem if it cannot be read.
    """
    file = as_place(path)
    content = read_small(file)
    try:
        return from_json(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"{file.name}: a map must be JSON in UTF-8") from None
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from None


def save_predictions(predictions: Predictions, path: str | PathLike[str]) -> None:
    """Write predictions as a dump that every command can read; a UserWarning names each column that is left out.

    Raises: UsageError for a suffix that cannot be written, a format that cannot hold the predictions, or the file from
    which they were read; FileProblem if the file cannot be written.
    """
    from calibeval.runs.read_back import write_checked
    from calibeval.writers.dump import check_format

    file = as_path(path)
    check_format(file)
    check_outputs([file], _paths(predictions.source))
    for text in write_checked(predictions, file):
        warnings.warn(f"{file.name}: {text}", UserWarning, stacklevel=3)  # at the call of Predictions.save


def _paths(*sources: Source) -> list[str | None]:
    """The files that predictions were read from."""
    return [path for source in sources for path in (source.path, source.labels_path)]


def _written(files: dict[str, bytes], folder: Folder, inputs: Iterable[str | None]) -> Path:
    """Write files in their order, and return the folder; all were made before the first is written.

    inputs: the files from which the results come.
    """
    place = as_path(folder, "folder")
    check_outputs([place / name for name in files], inputs)
    make_folder(place)
    for name, content in files.items():
        write_file(place / name, content)
    return place
