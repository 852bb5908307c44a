"""Maps of folders of cases: fitted on the pixels of one, and applied to the files of another."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calibeval.api.case_names import Named
from calibeval.api.cases import are_cases, as_layout
from calibeval.core.errors import UsageError

if TYPE_CHECKING:
    from calibeval.core.data.predictions import Predictions
    from calibeval.readers.meaning.read_options import ReadOptions
    from calibeval.recalibrate.base.mapping import Map


def pixels_of_cases(dump: str, options: ReadOptions, layout: str | None) -> Predictions | None:
    """The labelled pixels of a folder of cases, or an even sample of them, for maps; None for another dump.

    dump: also one region, `folder#region`. Raises: UsageError, InputError, FileProblem.
    """
    known, named = as_layout(layout), Named.of(None, dump)
    if not are_cases([named.path], options.labels, layout):
        return None
    from calibeval.core.dense.case import region_of
    from calibeval.core.dense.divided import renormalized
    from calibeval.core.dense.sampled import sampled
    from calibeval.readers.cases.folder import Folder

    cases = region_of(Folder(named.path, Path(str(options.labels)), options, known), named.region)
    return sampled(renormalized(cases, renormalize=options.renormalize))


class Pixels(NamedTuple):
    """The pixels of cases, and the column that keeps those of a case in one fold."""

    predictions: Predictions
    column: str


def pixels_of_paths(dump: object, reading: dict[str, Any], layout: str | None) -> Pixels | None:
    """The same in Python, where a dump may also be predictions. reading: options of `read`. Raises: likewise."""
    from calibeval.core.dense.sampled import CASE
    from calibeval.readers.said import options_of

    if isinstance(dump, str | PathLike) and isinstance(reading.get("labels"), str | PathLike):
        found = pixels_of_cases(fspath(dump), options_of(**reading), layout)
        return None if found is None else Pixels(found, CASE)
    if layout is not None:
        raise UsageError(f"layout {layout} is for a folder of cases, with labels= another folder")
    return None


def apply_to_folder(
    found: Map, folder: str | PathLike[str], out: str | PathLike[str], layout: str | None, reading: dict[str, Any]
) -> Path:
    """Write every case of a folder to another one with mapped scores. Raises: as `map_cases`."""
    from calibeval.readers.cases.stems import is_folder
    from calibeval.readers.said import options_of
    from calibeval.runs.cases import map_cases

    place = Named.of(None, fspath(folder))
    if not is_folder(place.path):
        raise UsageError(f"{place.path}: is no folder; of one dump, call the map, and save what it returns")
    map_cases(found, place.path, Path(out), options_of(**reading), as_layout(layout), place.region)
    return Path(out)
