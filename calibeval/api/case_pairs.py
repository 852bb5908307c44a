"""Folders of cases that are compared, or judged beside a baseline: the cases that all of them have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from calibeval.api.case_names import Named
from calibeval.api.cases import NOTHING, are_cases, as_layout
from calibeval.core.conventions.table import OWN
from calibeval.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from calibeval.api.gate_config import Asked
    from calibeval.api.image_options import ImageOptions
    from calibeval.core.comparison.baseline import Baseline
    from calibeval.core.comparison.comparison import Comparison
    from calibeval.core.data.notices import Notice
    from calibeval.core.dense.case import Cases
    from calibeval.core.gating.of_cases import CasesSubject
    from calibeval.core.report.report import Report
    from calibeval.core.report.settings import Settings
    from calibeval.core.sums.resources import Resources
    from calibeval.readers.cases.names import Layout
    from calibeval.readers.meaning.read_options import ReadOptions

LISTED = 3


class Opened(NamedTuple):
    """Folders with the cases that all of them have, in one order. region: that is looked at.

    units: the group of each case. columns: of slices.
    """

    cases: tuple[Cases, ...]
    region: str | None
    units: tuple[str, ...] | None
    columns: Mapping[str, Sequence[str]]
    settings: Settings


def are_named(folders: Sequence[Named], labels: object, layout: str | None) -> bool:
    """Whether these are folders of cases. Raises: as `are_cases`."""
    return are_cases([one.path for one in folders], labels, layout)


def opened(
    folders: Sequence[Named],
    options: ReadOptions,
    layout: Layout | None,
    settings: Settings,
    given: Mapping[str, object],
) -> Opened:
    """The folders, opened. given: options that cases cannot have, by their names.

    The group of the settings is a table of cases.
    Raises: UsageError for such options, and for folders of several regions of which none is named; InputError if no
    case is in all folders; as `Folder`.
    """
    from calibeval.core.data.notices import warning
    from calibeval.core.dense.case import ChosenCases
    from calibeval.readers.cases.folder import Folder
    from calibeval.readers.cases.units import read_columns, read_units

    for name, value in given.items():
        if value not in NOTHING:
            raise UsageError(f"{name} cannot be combined with a folder of cases")
    labels = Path(str(options.labels))
    found = [Folder(one.path, labels, options, layout) for one in folders]
    every = [set(one.facts.names) for one in found]
    names = [name for name in found[0].facts.names if all(name in one for one in every)]
    if not names:
        raise InputError(f"{folders[0].path} and {folders[1].path} have no case in common")
    alone = sorted(set.union(*every) - set(names))
    told: list[Notice] = []
    if alone:
        some = ", ".join(alone[:LISTED]) + (", ..." if len(alone) > LISTED else "")
        one = len(alone) == 1
        text = f"{len(alone):,} case{'' if one else 's'} that not all folders have {'is' if one else 'are'} left out"
        told.append(warning("cases_left_out", f"{text}: {some}"))
    units = None if settings.group is None else read_units(settings.group, names)
    columns = read_columns(settings.slices, names)
    settings = replace(settings, slices=tuple(columns))
    cases = [ChosenCases(one, names, named.title) for one, named in zip(found, folders, strict=True)]
    if told:
        cases[-1] = cases[-1].with_warnings(told)
    return Opened(
        _alike(cases, folders),
        _region(folders, found[0].facts.regions),
        None if units is None else units.names,
        columns,
        settings if units is None else replace(settings, group=units.column),
    )


def _alike(cases: Sequence[Cases], folders: Sequence[Named]) -> tuple[Cases, ...]:
    """The cases, checked to be of the same regions and labels. Raises: InputError."""
    first = cases[0].facts
    for one, named in zip(cases, folders, strict=True):
        facts = one.facts
        if (facts.regions is None) != (first.regions is None) or dict(facts.regions or {}) != dict(first.regions or {}):
            raise InputError(f"{named.path} and {folders[0].path} have other regions: {_said(facts)}, {_said(first)}")
        if facts.ignore_index != first.ignore_index:
            raise InputError(
                f"{named.path} and {folders[0].path} ignore other labels: {facts.ignore_index}, "
                f"{first.ignore_index}; say --ignore-index"
            )
    return tuple(cases)


def _said(facts: object) -> str:
    return ", ".join(getattr(facts, "regions", None) or ()) or "none"


def _region(folders: Sequence[Named], regions: Mapping[str, object] | None) -> str | None:
    """The region that is looked at. Raises: UsageError if it is not clear."""
    asked = {one.region for one in folders if one.region is not None}
    if len(asked) > 1:
        raise UsageError(f"one region of all folders can be compared, but {' and '.join(sorted(asked))} were named")
    if asked and not regions:
        raise UsageError(f"{folders[0].path}: has no regions, but {next(iter(asked))} was named")
    if regions and not asked:
        there = ", ".join(f"{folders[0].path}#{one}" for one in regions)
        raise UsageError(f"{folders[0].path}: holds {len(regions)} regions; say which: {there}")
    return next(iter(asked), None)


class Measuring(NamedTuple):
    """How cases are measured. bins: None: 15, or as in the report that is the base. group, slices: paths of tables."""

    bins: int | None
    level: float
    group: str | None
    slices: tuple[str, ...] = ()
    min_rows: int | None = None

    def settings(self, base: object, background: str | None) -> Settings:
        """The settings. base: that cases are compared with. Raises: UsageError."""
        from calibeval.core.evaluation.settings import checked
        from calibeval.core.report.report import Report

        bins = base.settings.bins if isinstance(base, Report) and self.bins is None else self.bins
        return checked(
            bins=bins,
            convention=OWN,
            level=self.level,
            slices=self.slices,
            min_rows=self.min_rows,
            group=self.group,
            background=background,
        )


def compare_folders(
    base: Named | Report,
    candidates: Sequence[Named],
    options: ReadOptions,
    how: ImageOptions,
    measuring: Measuring,
    resources: Resources,
    only: Collection[str] | None,
    given: Mapping[str, object],
) -> Comparison:
    """The comparison of folders of cases with a base, which is another one, or a report.

    Raises: as `opened` and `compare_cases`.
    """
    from calibeval.core.comparison.baseline import Baseline
    from calibeval.core.comparison.of_cases import compare_cases

    settings = measuring.settings(base, how.background)
    first = [base] if isinstance(base, Named) else []
    found = opened([*first, *candidates], how.reading(options), as_layout(how.layout), settings, given)
    one = found.cases[0] if isinstance(base, Named) else Baseline.of(base, settings.bins)
    return compare_cases(
        one,
        found.cases[len(first) :],
        found.settings,
        resources,
        only,
        region=found.region,
        units=found.units,
        columns=found.columns,
        renormalize=options.renormalize,
    )


def subject_of_folders(
    dump: Named,
    base: Named | Report | None,
    asked: Asked,
    options: ReadOptions,
    how: ImageOptions,
    bins: int | None,
    resources: Resources,
    given: Mapping[str, object],
) -> CasesSubject:
    """What a gate judges in a folder of cases, beside a baseline.

    Raises: as `opened` and `CasesSubject.of`; UsageError for a rule on a change without a baseline.
    """
    from calibeval.core.comparison.baseline import Baseline
    from calibeval.core.gating.of_cases import CasesSubject

    least = (asked.settings.min_rows or None) if asked.slices else None
    measuring = Measuring(bins, asked.settings.level, asked.group, asked.slices, least)
    settings = measuring.settings(base, how.background)
    first = [base] if isinstance(base, Named) else []
    without = {**given, "weights": asked.weights}
    found = opened([*first, dump], how.reading(options), as_layout(how.layout), settings, without)
    one: Cases | Baseline | None = found.cases[0] if isinstance(base, Named) else None
    if base is not None and not isinstance(base, Named):
        one = Baseline.of(base, settings.bins)
    return CasesSubject.of(
        found.cases[-1],
        one,
        asked.rules,
        found.settings,
        resources,
        region=found.region,
        units=found.units,
        columns=found.columns,
        renormalize=options.renormalize,
    )
