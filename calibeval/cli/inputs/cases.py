"""Folders of cases on the command line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from calibeval.api.case_names import Named
from calibeval.api.cases import are_cases, as_layout, check_local, check_spacing, reports_of_cases

if TYPE_CHECKING:
    from calibeval.api.cases import CaseFitting
    from calibeval.api.pictures import Pictures
    from calibeval.core.report.report import DumpReport
    from calibeval.core.report.settings import Settings
    from calibeval.core.sums.resources import Resources
    from calibeval.readers.meaning.read_options import ReadOptions


def results_of_cases(
    dumps: Sequence[str],
    options: ReadOptions,
    layout: str | None,
    settings: Settings,
    only: Collection[str] | None,
    resources: Resources,
    given: Mapping[str, object],
    fitting: Callable[[], CaseFitting | None],
    pictures: Pictures | None = None,
) -> tuple[list[DumpReport], Settings] | None:
    """The results of folders of cases, and the settings under which they were measured; None for other dumps.

    given: the options that cases cannot have. fitting: of a map, if one is asked for. pictures: of some cases, which
    are read again.
    Raises: as `reports_of_cases`.
    """
    from calibeval.cli.inputs.titled import split_title

    named = [split_title(word) for word in dumps]
    known = as_layout(layout)
    check_local([one.file for one in named], options.labels)
    folders = [Named.of(one.title, one.file) for one in named]
    if not are_cases([one.path for one in folders], options.labels, layout):
        check_spacing(options.spacing)
        return None
    return reports_of_cases(folders, options, known, settings, resources, only, given, fitting(), pictures)
