"""A gate on files of saved sums, in Python."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath

from calibeval.api.base_file import is_report, open_base
from calibeval.api.dumps import Dump
from calibeval.api.gate_config import Asked
from calibeval.api.saved_sums import check_bins, check_settled
from calibeval.core.data.source import Source
from calibeval.core.errors import UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.settings import stamped
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.of_sums import subject_of_sums
from calibeval.core.report.report import Report
from calibeval.core.version import VERSION
from calibeval.readers.formats.sums_names import are_sums
from calibeval.readers.formats.sums_together import read_all, source_of
from calibeval.readers.meaning.read_options import ReadOptions

Opened = tuple[Accumulation, Source]


def judged_sums(
    opened: Opened,
    asked: Asked,
    bins: int | None,
    baseline: Dump | Report | None,
    given: Mapping[str, object],
    *,
    planned: bool = False,
) -> tuple[Asked, Subject]:
    """The rules and what they are about. given: what was given that needs rows, or was settled with the sums.

    Raises: UsageError for these, other bins, rules that need rows, and a baseline of rows; as `baseline_of`.
    """
    settled = {name: getattr(asked, name) for name in ("slices", "group", "weights", "positive")}
    check_settled(given)
    check_settled(settled)
    rows, source = opened
    check_bins(bins, rows)
    saved = baseline_of(baseline)
    candidate = rows.measurement(None, source).predictions
    asked = asked.for_dump(candidate, saved, "calibeval")
    return asked, subject_of_sums(rows, asked.rules, asked.settings, source, saved, planned=planned)


def baseline_of(baseline: Dump | Report | None) -> Report | None:
    """The baseline of sums as a report: a saved one, or that of other sums, none of whose rows are paired.

    Raises: UsageError for rows; InputError, FileProblem if it cannot be read.
    """
    if baseline is None or isinstance(baseline, Report):
        return baseline
    name = fspath(baseline) if isinstance(baseline, str | PathLike) else ""
    if name and are_sums([name]):
        found = read_all([name])
        dump, settings = found.dump(found.settings.level, found.chosen, source_of(found))
        return Report(VERSION, stamped(settings, dump.warnings), (dump,))
    opened = open_base(name, ReadOptions()) if is_report(name) else None
    if not isinstance(opened, Report):
        raise UsageError(
            "a baseline that holds rows cannot be combined with saved sums: make the sums with --base, or give a saved "
            "report.json, or other sums"
        )
    return opened
