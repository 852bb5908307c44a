"""Files of saved sums where a dump may be named: a path, a pattern, or a list of such, which are one dump together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import Any, NamedTuple

from calibeval.api.base_file import SUFFIX as REPORTS
from calibeval.api.base_file import file_of, open_base
from calibeval.core.data.source import Source
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.settings import stamped
from calibeval.core.report.report import Report
from calibeval.core.report.several import together
from calibeval.core.version import VERSION
from calibeval.readers.formats.sums_names import are_sums
from calibeval.readers.formats.sums_together import read_all, source_of
from calibeval.readers.meaning.read_options import ReadOptions

NOTHING: tuple[Any, ...] = (None, False, ())


def names_of_sums(dumps: object) -> list[str] | None:
    """The names, if these are paths of saved sums, or patterns; None for other dumps. Raises: as `are_sums`."""
    every: Sequence[object] = dumps if isinstance(dumps, list | tuple) else [dumps]
    names = [fspath(one) if isinstance(one, str | PathLike) else "" for one in every]
    return [str(name) for name in names] if names and are_sums([str(name) for name in names]) else None


def report_of_sums(
    dumps: object, level: float | None, only: tuple[str, ...] | None, bins: int | None, given: Mapping[str, object]
) -> Report | None:
    """The report of saved sums, all of which are one dump, or of several by their names in a dict; None for others.

    Arguments: as for `opened_sums`. Raises: as `opened_sums`; UsageError for sums by names with other settings.
    """
    every: Mapping[str | None, object] = dumps if isinstance(dumps, Mapping) else {None: dumps}
    names = {name: names_of_sums(one) for name, one in every.items()}
    if not all(names.values()):
        if any(names.values()):
            raise UsageError("some of these are saved sums and others are not: evaluate them apart")
        return None
    found, settings = [], None
    for title, files in names.items():
        rows, source = opened_sums(files or (), bins, given)
        dump, own = rows.dump(level, rows.chosen if only is None else only, source)
        if settings is not None and own != settings:
            raise UsageError(f'the sums of "{title}" have other settings than those before: evaluate them apart')
        settings = own
        found.append(dump if title is None else replace(dump, name=title))
    if settings is None:
        raise AssertionError("there are names")
    return Report(VERSION, stamped(settings, *(one.warnings for one in found)), together(found))


class SumsAndReport(NamedTuple):
    """The names of sums that are compared with a report, or with the base that they hold."""

    names: list[str]
    report: Report | None


def sums_and_report(base: object, candidates: Sequence[object]) -> SumsAndReport | None:
    """What is compared if these are saved sums, or sums behind a saved report; None for other dumps.

    Raises: as `are_sums` and `open_base`.
    """
    name = str(fspath(base)) if isinstance(base, str | PathLike) else ""
    is_report = isinstance(base, Report) or file_of(name).lower().endswith(REPORTS)
    if not candidates or not is_report:
        names = names_of_sums([base, *candidates])
        return None if names is None else SumsAndReport(names, None)
    names = names_of_sums([*candidates])
    if names is None:
        return None
    saved = base if isinstance(base, Report) else open_base(name, ReadOptions())
    return SumsAndReport(names, saved if isinstance(saved, Report) else None)


def opened_sums(names: Sequence[str], bins: int | None, given: Mapping[str, object]) -> tuple[Accumulation, Source]:
    """The rows of all files, and where they came from. given: what needs rows, or was settled with the sums.

    Raises: UsageError for these, and other bins; as `read_all`.
    """
    check_settled(given)
    rows = read_all(names)
    check_bins(bins, rows)
    return rows, source_of(rows)


def check_settled(given: Mapping[str, object]) -> None:
    """Check that nothing was given that needs rows, or was settled with the sums. Raises: UsageError."""
    for name, value in given.items():
        if not any(value is one or (one == () and isinstance(value, tuple | list) and not value) for one in NOTHING):
            raise UsageError(f"{name} cannot be combined with saved sums, which hold no rows and their own settings")


def check_bins(bins: int | None, rows: Accumulation, name: str = "bins") -> None:
    """Check that no other bins were asked for than those of the sums. name: of the argument. Raises: UsageError."""
    if bins not in (None, rows.settings.bins):
        raise UsageError(f"{name} is {bins}, but these sums have {rows.settings.bins}: bins cannot be changed later")
