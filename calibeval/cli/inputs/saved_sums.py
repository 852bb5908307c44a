"""Saved sums on the command line: all files together are one dump, of which no row is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from calibeval.core.errors import UsageError
from calibeval.readers.formats.sums_names import are_sums

if TYPE_CHECKING:
    from calibeval.core.comparison.comparison import Comparison
    from calibeval.core.data.source import Source
    from calibeval.core.evaluation.accumulation import Accumulation
    from calibeval.core.report.report import DumpReport
    from calibeval.core.report.settings import Settings


def results_of(
    dumps: Sequence[str],
    level: float | None,
    only: Collection[str] | None,
    bins: int | None,
    given: Mapping[str, object],
) -> tuple[list[DumpReport], Settings] | None:
    """The results of the rows of all files, and the settings under which they were added up; None for other dumps.

    only: limits the metrics to these; None: those for which the sums were made. bins: that were asked for. given: the
    options that need rows, or that were settled when the sums were made.
    Raises: as `are_sums` and `read_all`; UsageError for such options, and another number of bins.
    """
    if not are_sums(dumps):
        return None
    from calibeval.cli.inputs.titled import split_title

    named = [split_title(word) for word in dumps]
    titles = {one.title for one in named if one.title is not None}
    if len(titles) > 1:
        raise UsageError(f"all files of sums are one dump, but it has the names {', '.join(sorted(titles))}: give one")
    whole, source = opened([one.file for one in named], bins, given)
    source = replace(source, title=next(iter(titles), source.title))
    dump, settings = whole.dump(level, whole.chosen if only is None else only, source)
    return [dump], settings


def compared_sums(
    words: Sequence[str],
    level: float,
    only: Collection[str] | None,
    bins: int | None,
    given: Mapping[str, object],
) -> Comparison | None:
    """The comparison of the rows of all files with their base, or with a report that is named first.

    None for other dumps. Arguments: as for `results_of`.

    Raises: as `results_of`; UsageError for sums without a base.
    """
    if not any(are_sums([word]) for word in words):
        return None
    from calibeval.api.saved_sums import sums_and_report

    found = sums_and_report(words[0], words[1:])
    if found is None:
        return None
    from calibeval.core.comparison.of_sums import compare_sums

    whole, source = opened(found.names, bins, given)
    return compare_sums(whole, source, level=level, only=only, saved=found.report)


def opened(dumps: Sequence[str], bins: int | None, given: Mapping[str, object]) -> tuple[Accumulation, Source]:
    """The rows of all files, and where they came from. bins, given: as for `results_of`.

    Raises: as `read_all`; UsageError for such options, and another number of bins.
    """
    from calibeval.api.saved_sums import check_bins, check_settled
    from calibeval.readers.formats.sums_together import read_all, source_of

    check_settled(given)
    whole = read_all(dumps)
    check_bins(bins, whole, "--bins")
    return whole, source_of(whole)
