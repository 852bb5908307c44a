"""Folders of cases where `compare` and `gate` take paths in Python."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibeval.api.case_names import Named
from calibeval.api.case_pairs import Measuring, are_named, compare_folders, subject_of_folders
from calibeval.api.cases import as_layout
from calibeval.core.errors import UsageError

if TYPE_CHECKING:
    from calibeval.api.gate_config import Asked
    from calibeval.api.image_options import ImageOptions
    from calibeval.core.comparison.comparison import Comparison
    from calibeval.core.gating.of_cases import CasesSubject
    from calibeval.core.report.report import Report
    from calibeval.core.sums.resources import Resources


def compared_paths(
    base: object,
    candidates: Sequence[object],
    reading: Mapping[str, Any],
    how: ImageOptions,
    measuring: Measuring,
    resources: Resources,
    only: Collection[str] | None,
    given: Mapping[str, object],
) -> Comparison | None:
    """The comparison of folders of cases in Python; None for other dumps. reading: options of `read`.

    Raises: as `compare_folders`.
    """
    from calibeval.readers.said import options_of

    report = _report(base)
    paths = [*([] if report is not None else [base]), *candidates]
    found = named_paths(paths, reading, how)
    if found is None:
        return None
    own = measuring._replace(group=table_of(measuring.group))
    options, first = options_of(**reading), found[0] if report is None else report()
    others = found[1:] if report is None else found
    return compare_folders(first, others, options, how, own, resources, only, given)


def gated_paths(
    candidate: object,
    base: object,
    asked: Asked,
    reading: Mapping[str, Any],
    how: ImageOptions,
    measuring: tuple[int | None, object],
    resources: Resources,
    given: Mapping[str, object],
) -> CasesSubject | None:
    """What a gate judges in a folder of cases in Python; None for other dumps. Arguments: as for `compared_paths`.

    measuring: the bins and the group. Raises: as `subject_of_folders`.
    """
    from calibeval.readers.said import options_of

    found = named_paths([candidate], reading, how)
    if found is None:
        return None
    if measuring[1] is not None:
        asked = asked._replace(group=table_of(measuring[1]))
    saved = _report(base)
    against: Report | Named | None = None
    if saved is not None:
        against = saved()
    elif base is not None:
        (against,) = named_paths([base], reading, how) or (None,)
        if against is None:
            raise UsageError("the baseline of a folder of cases is another folder of cases, or a saved report")
    options = options_of(**reading)
    return subject_of_folders(found[0], against, asked, options, how, measuring[0], resources, given)


def named_paths(paths: Sequence[object], reading: Mapping[str, Any], how: ImageOptions) -> list[Named] | None:
    """The folders of cases at these paths; None for other dumps. Raises: as `are_cases`."""
    labels, layout = reading.get("labels"), as_layout(how.layout)
    found = [Named.of(None, fspath(one)) for one in paths if isinstance(one, str | PathLike)]
    every = bool(found) and len(found) == len(paths)
    if every and isinstance(labels, str | PathLike) and are_named(found, Path(labels), layout):
        return found
    how.refuse()
    return None


def table_of(group: object) -> str | None:
    """The path of the table of groups. Raises: UsageError for a group of another sort."""
    if group is None or isinstance(group, str | PathLike):
        return None if group is None else fspath(group)
    raise UsageError("group of a folder of cases is the path of a table, such as patients.csv")


def _report(base: object) -> Callable[[], Report] | None:
    """What opens the report that is the base; None for another base."""
    from calibeval.api.base_file import is_report, saved_report
    from calibeval.core.report.report import Report
    from calibeval.readers.meaning.read_options import ReadOptions

    if isinstance(base, Report):
        return lambda: base
    if not isinstance(base, str | PathLike) or not is_report(fspath(base)):
        return None
    return partial(saved_report, fspath(base), ReadOptions())
