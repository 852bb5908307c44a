"""Folders of cases that are compared, or judged, on the command line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.api.case_names import Named
from calibeval.api.case_pairs import Measuring, are_named, compare_folders
from calibeval.api.cases import as_layout
from calibeval.core.errors import UsageError

if TYPE_CHECKING:
    from calibeval.api.gate_config import Asked
    from calibeval.api.image_options import ImageOptions
    from calibeval.core.comparison.comparison import Comparison
    from calibeval.core.gating.of_cases import CasesSubject
    from calibeval.core.report.report import Report
    from calibeval.core.sums.resources import Resources
    from calibeval.readers.meaning.read_options import ReadOptions


def compared_cases(
    base: str,
    candidates: Sequence[str],
    options: ReadOptions,
    how: ImageOptions,
    measured: Measuring,
    resources: Resources,
    only: Collection[str] | None,
    given: Mapping[str, object],
) -> Comparison | None:
    """The comparison of folders of cases; None for other dumps.

    given: the options that cases cannot have. Raises: as `compare_folders`.
    """
    from calibeval.api.base_file import is_report

    layout = as_layout(how.layout)
    others, first = named(candidates), named([base])[0]
    folders = others if is_report(str(first.path)) else [first, *others]
    if not others or not are_named(folders, options.labels, layout):
        how.refuse()
        return None
    own = base_of(base, options)
    return compare_folders(own, others, options, how, measured, resources, only, given)


def named(words: Sequence[str]) -> list[Named]:
    """The folders of these words, each under its title if it is given as `name=folder`."""
    from calibeval.cli.inputs.titled import split_title

    return [Named.of(*split_title(word)) for word in words]


def refuse_folder(word: str, labels: Path | None, option: str) -> None:
    """Refuse an option for a folder of cases. Raises: UsageError."""
    if are_named(named([word]), labels, None):
        raise UsageError(f"{option} cannot be combined with a folder of cases")


def gated_cases(
    dump: str,
    asked: Asked,
    options: ReadOptions,
    how: ImageOptions,
    bins: int | None,
    resources: Resources,
    given: Mapping[str, object],
) -> CasesSubject | None:
    """What a gate judges in a folder of cases, beside its baseline; None for other dumps.

    given: the options that cases cannot have. Raises: as `subject_of_folders`.
    """
    from calibeval.api.case_pairs import subject_of_folders

    layout = as_layout(how.layout)
    own = named([dump])[0]
    if not are_named([own], options.labels, layout):
        how.refuse()
        return None
    base = None if asked.baseline is None else base_of(asked.baseline, options)
    return subject_of_folders(own, base, asked, options, how, bins, resources, given)


def base_of(word: str, options: ReadOptions) -> Named | Report:
    """What cases are compared with: a saved report if the file is .json, else another folder of cases."""
    from calibeval.api.base_file import is_report, saved_report

    found = named([word])[0]
    return saved_report(str(found.path), options) if is_report(str(found.path)) else found
