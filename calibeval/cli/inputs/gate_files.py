"""The files of a gate: the dump, or sums of dumps, and its baseline, which is a dump or a saved report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from calibeval.cli.inputs.titled import open_named, open_named_base, split_title
from calibeval.core.conventions.table import OWN
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import weighted
from calibeval.core.errors import UsageError
from calibeval.core.report.report import Report
from calibeval.readers.formats.sums_names import are_sums
from calibeval.readers.meaning.read_options import ReadOptions

if TYPE_CHECKING:
    from calibeval.api.gate_config import Asked
    from calibeval.core.data.source import Source
    from calibeval.core.evaluation.accumulation import Accumulation
    from calibeval.core.gating.gate import Subject


def open_both(
    dump: str, baseline: str | None, reading: ReadOptions, weights: str | None = None
) -> tuple[Predictions, Predictions | Report | None]:
    """The dump and its baseline, if there is one, each under its title if it is given as `name=file`.

    weights: the column of weights that a configuration names; --key weights=COLUMN wins.

    Raises: UsageError if both are standard input; InputError and FileProblem as the readers.
    """
    if split_title(dump).file == "-" and baseline is not None and split_title(baseline).file == "-":
        raise UsageError('standard input, "-", can be read only once')
    predictions = open_named(dump, reading)
    base = None if baseline is None else open_named_base(baseline, reading)
    if reading.keys.weights is not None:
        return predictions, base
    return weighted(predictions, weights), weighted(base, weights) if isinstance(base, Predictions) else base


def opened_sums(dump: str) -> tuple[Accumulation, Source] | None:
    """The rows of a file of sums, or of a pattern of several, and where they came from; None for other dumps.

    Raises: as `read_all`.
    """
    if not are_sums([dump]):
        return None
    from calibeval.readers.formats.sums_together import read_all, source_of

    found = split_title(dump)
    rows = read_all([found.file])
    source = source_of(rows)
    return rows, source if found.title is None else replace(source, title=found.title)


def judged_sums(
    rows: tuple[Accumulation, Source], asked: Asked, bins: int | None, given: Mapping[str, object], *, planned: bool
) -> tuple[Asked, Subject]:
    """The rules and their subject. given: the options that need rows, or that were settled when the sums were made.

    Raises: UsageError for these, and for rules that need rows; as `baseline_of`.
    """
    from calibeval.api.gate_sums import baseline_of
    from calibeval.api.saved_sums import check_bins, check_settled
    from calibeval.core.gating.of_sums import subject_of_sums

    settled = {"--slice": asked.slices, "--group": asked.group, "--positive": asked.positive, "weights": asked.weights}
    check_settled({**given, **settled})
    check_bins(bins, rows[0], "--bins")
    saved = baseline_of(asked.baseline)
    asked = asked.for_dump(rows[0].measurement(None, rows[1]).predictions, saved, OWN)
    return asked, subject_of_sums(rows[0], asked.rules, asked.settings, rows[1], saved, planned=planned)
