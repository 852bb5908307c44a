"""Folders of cases where dumps may be named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from calibeval.api.case_names import Named
from calibeval.core.errors import UsageError, nearest
from calibeval.readers.cases.names import LAYOUTS, as_spacing

if TYPE_CHECKING:
    from calibeval.api.pictures import Pictures
    from calibeval.core.dense.case import Cases
    from calibeval.core.report.report import DumpReport, Report
    from calibeval.core.report.settings import Settings
    from calibeval.core.sums.resources import Resources
    from calibeval.readers.cases.folder import Folder
    from calibeval.readers.cases.names import Layout
    from calibeval.readers.cases.units import CaseUnits
    from calibeval.readers.meaning.read_options import ReadOptions
    from calibeval.recalibrate.base.mapping import Map
    from calibeval.recalibrate.fitting.before_after import Plan

OF_CASES = ("--group", "--slice", "--convention")
HELD = ("group", "slices", "min_rows", "convention", "fit_on", "cross_fit", "map")
NOTHING: tuple[Any, ...] = (None, False, ())


def as_layout(layout: str | None) -> Layout | None:
    """Who wrote the files. Raises: UsageError for an unknown name.

    >>> as_layout("monai")
    'monai'
    """
    if layout is None:
        return None
    for known in LAYOUTS:
        if layout == known:
            return known
    raise UsageError(f'layout "{layout}" is unknown{nearest(layout, LAYOUTS)}; there are {" and ".join(LAYOUTS)}')


def are_cases(folders: Sequence[Path], labels: object, layout: str | None) -> bool:
    """Whether these are folders of cases, with a folder of labels.

    Raises: UsageError if a layout was named, but they are not, or if some are and others are not.
    """
    from calibeval.readers.cases.stems import is_folder

    there = [isinstance(one, Path) and is_folder(one) for one in folders]
    if not (isinstance(labels, Path) and labels.is_dir() and any(there)):
        if layout is not None:
            raise UsageError(f"layout {layout} is for a folder of cases, with --labels FOLDER")
        if any(there):
            _check_no_cases([one for one, is_one in zip(folders, there, strict=True) if is_one], labels)
        return False
    from calibeval.readers.cases.recognised import holds_cases

    found = [
        is_one and (layout is not None or holds_cases(one, labels)) for one, is_one in zip(folders, there, strict=True)
    ]
    if any(found) and not all(found):
        other = folders[found.index(False)]
        raise UsageError(f"{other} is no folder of cases, but others are: report it by itself")
    return all(found)


def _check_no_cases(folders: Sequence[Path], labels: object) -> None:
    """Refuse folders of images whose labels are in no folder. Raises: UsageError."""
    from calibeval.readers.cases.recognised import holds_images

    for folder in folders:
        if holds_images(folder):
            came = "there are none" if labels is None else f"{labels} is no folder"
            raise UsageError(f"{folder}: holds one file for each case, so --labels must be a folder, too, but {came}")


def check_local(dumps: Sequence[object], labels: object) -> None:
    """Refuse remote folders of cases, whose labels are images in a folder here. Raises: UsageError."""
    if not isinstance(labels, str | PathLike) or not Path(labels).is_dir():
        return
    from calibeval.readers.cases.recognised import holds_images
    from calibeval.readers.stored.place import as_shown, is_remote

    far = [one for one in dumps if isinstance(one, str) and is_remote(one)]
    if far and holds_images(Path(labels)):
        raise UsageError(
            f"{as_shown(far[0])}: folders of cases are read from a disk only: copy this one here, for example with "
            "`aws s3 cp --recursive` or `gsutil cp -r`, and name the copy"
        )


def cases_in(dump: object, options: ReadOptions, layout: str | None) -> Cases | None:
    """The cases of a folder, with labels in another one; None for another dump.

    Raises: UsageError, InputError, FileProblem.
    """
    known = as_layout(layout)
    if not isinstance(dump, str | PathLike):
        no_cases(known, None)
        return None
    check_local([dump], options.labels)
    if not are_cases([Path(dump)], options.labels, layout):
        return None
    from calibeval.readers.cases.folder import Folder

    return Folder(Path(dump), Path(str(options.labels)), options, known)


def no_cases(layout: str | None, spacing: object) -> None:
    """Refuse what is said of a folder of cases where there is none. Raises: UsageError."""
    if as_layout(layout) is not None:
        raise UsageError(f"layout {layout} is for a folder of cases, with labels= another folder")
    check_spacing(spacing)


def check_spacing(spacing: object) -> None:
    """Refuse a size of voxels for other dumps than folders of cases. Raises: UsageError."""
    if spacing is not None:
        raise UsageError("a spacing is for a folder of cases, with another folder of labels")


def report_of_cases(
    dumps: object,
    reading: Mapping[str, Any],
    layout: str | None,
    spacing: str | Sequence[float] | None,
    settings: Settings,
    resources: Resources,
    only: Collection[str] | None,
    given: Mapping[str, object],
    fitting: Callable[[], CaseFitting | None] = lambda: None,
    pictures: Pictures | None = None,
) -> Report | None:
    """The report of folders of cases: a path, several, or several by their names in a dict; None for other dumps.

    reading: options of `read`. spacing: the size of a voxel along (z,) y and x. Other arguments: as for
    `reports_of_cases`.
    """
    check_local([dumps], reading.get("labels"))
    every = dumps.values() if isinstance(dumps, Mapping) else dumps if isinstance(dumps, list | tuple) else [dumps]
    names = list(dumps) if isinstance(dumps, Mapping) else [None] * len(every)
    known, labels = as_layout(layout), reading.get("labels")
    titles = [name if isinstance(name, str) else None for name in names]
    folders = [
        Named.of(name, str(one)) for name, one in zip(titles, every, strict=True) if isinstance(one, str | PathLike)
    ]
    there = bool(folders) and len(folders) == len(every)
    paths = [one.path for one in folders]
    if not (there and isinstance(labels, str | PathLike) and are_cases(paths, Path(labels), layout)):
        no_cases(known, spacing)
        return None
    from calibeval.core.report.report import Report
    from calibeval.core.report.several import together
    from calibeval.core.version import VERSION
    from calibeval.readers.said import options_of

    group = given.get("group")
    if group is not None and not isinstance(group, str | PathLike):
        raise UsageError("group of a folder of cases is the path of a table, such as patients.csv")
    own = settings if group is None else replace(settings, group=str(group))
    without = {name: value for name, value in given.items() if name not in (*reading, *HELD)}
    opened = replace(options_of(**reading), spacing=as_spacing(spacing))
    found, used = reports_of_cases(folders, opened, known, own, resources, only, without, fitting(), pictures)
    dumps_of_all = together(found)
    return Report(VERSION, used, dumps_of_all, cases={} if pictures is None else pictures.by_name(dumps_of_all))


class CaseFitting(NamedTuple):
    """How folders of cases are recalibrated: by a saved map, one fitted on another folder, or out of fold."""

    plan: Plan
    fit_on: Path | None
    saved: Map | None


def reports_of_cases(
    folders: Sequence[Named],
    options: ReadOptions,
    layout: Layout | None,
    settings: Settings,
    resources: Resources,
    only: Collection[str] | None,
    given: Mapping[str, object],
    fitting: CaseFitting | None = None,
    pictures: Pictures | None = None,
) -> tuple[list[DumpReport], Settings]:
    """The results of folders of cases, each with the same folder of labels, and their settings.

    given: options that cases cannot have, by their names. The group of the settings is a table of cases, as are slices.
    fitting: of a map, whose results are reported, too. pictures: of some cases, which are read again.
    Raises: as `evaluate_cases` and `recalibrated_cases`; UsageError for such options.
    """
    for name, value in given.items():
        if name not in OF_CASES and value not in NOTHING:
            raise UsageError(f"{name} cannot be combined with a folder of cases")
    from calibeval.core.dense.case import region_of
    from calibeval.core.evaluation.of_cases import evaluate_cases
    from calibeval.readers.cases.folder import Folder
    from calibeval.readers.cases.units import read_columns, read_units

    found: list[DumpReport] = []
    labels = Path(str(options.labels))
    for title, path, region in folders:
        cases = Folder(path, labels, options, layout)
        if region is not None:
            region_of(cases, region)
        if pictures is not None:
            pictures.check(cases)
        units = None if settings.group is None else read_units(settings.group, cases.facts.names)
        own = settings if units is None else replace(settings, group=units.column)
        columns = read_columns(settings.slices, cases.facts.names)
        own = replace(own, slices=tuple(columns))
        every = evaluate_cases(
            cases,
            own,
            resources,
            only,
            units=None if units is None else units.names,
            columns=columns,
            renormalize=options.renormalize,
        )
        every = tuple(one for one in every if region in (None, one.source.split))
        if fitting is not None:
            mapped = _mapped_regions(every, fitting)
            every = tuple(
                _with_map(one, cases, fitting, options, layout, own, resources, only, units) if one in mapped else one
                for one in every
            )
        if pictures is not None:
            for one in every:
                pictures.add(one, cases)
        every = tuple(map(_with_rows, every)) if len(folders) > 1 else every
        found += [_named(one, title or path.name) for one in every]
        last = own
    return found, last


def _mapped_regions(every: Sequence[DumpReport], fitting: CaseFitting) -> list[DumpReport]:
    """Those that get a map: all, or the region that a saved map was fitted on."""
    of_map = None if fitting.saved is None else fitting.saved.fitted.split
    return [one for one in every if of_map is not None and one.source.split == of_map] or list(every)


def _with_map(
    before: DumpReport,
    cases: Folder,
    fitting: CaseFitting,
    options: ReadOptions,
    layout: Layout | None,
    settings: Settings,
    resources: Resources,
    only: Collection[str] | None,
    units: CaseUnits | None,
) -> DumpReport:
    """The report with the results after the map. Raises: as `recalibrated_cases`."""
    from calibeval.core.dense.case import region_of
    from calibeval.core.dense.divided import renormalized
    from calibeval.core.evaluation.of_cases import evaluate_cases
    from calibeval.readers.cases.folder import Folder
    from calibeval.recalibrate.fitting.of_cases import by_map, recalibrated_cases

    plain, names = replace(settings, slices=(), min_rows=None), None if units is None else units.names

    def evaluate(mapped: Cases) -> DumpReport:
        return evaluate_cases(mapped, plain, resources, only, units=names, renormalize=options.renormalize)[0]

    region = before.source.split
    own = renormalized(region_of(cases, region), renormalize=options.renormalize)
    if fitting.saved is not None:
        after, told = by_map(own, fitting.saved, evaluate, allow_leak=fitting.plan.allow_leak)
    else:
        labels, other = Path(str(options.labels)), None
        if fitting.fit_on is not None:
            other = region_of(Folder(fitting.fit_on, labels, options, layout), region)
            other = renormalized(other, renormalize=options.renormalize)
        after, told = recalibrated_cases(own, other, fitting.plan, evaluate, names)
    return replace(before, recalibrated=after, warnings=(*before.warnings, *told))


def _with_rows(dump: DumpReport) -> DumpReport:
    """The report with a hash of the labels of its cases, by which those of the same ones are known."""
    source = dump.source
    if source.labels_sha256 is None:
        return dump
    import hashlib

    text = "\0".join(map(str, ("cases", source.labels_sha256, source.split, dump.n, dump.ignored)))
    return replace(dump, rows_sha256=hashlib.sha256(text.encode()).hexdigest())


def _named(dump: DumpReport, name: str) -> DumpReport:
    region = dump.source.split
    return replace(dump, name=name if region is None else f"{name}#{region}")
