"""The files of a gate: the dump, or sums of dumps, and its baseline, which is a dump or a saved report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from calibeval.cli.inputs.saved_sums import opened
from calibeval.cli.inputs.titled import open_named, open_named_base, split_title
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import weighted
from calibeval.core.errors import UsageError
from calibeval.core.report.report import Report
from calibeval.readers.formats.sums_names import are_sums
from calibeval.readers.meaning.assemble import ReadOptions

if TYPE_CHECKING:
    from calibeval.api.gate_config import Asked
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


def judged_sums(
    dump: str, asked: Asked, bins: int | None, convention: str, given: Mapping[str, object]
) -> tuple[Asked, Subject] | None:
    """The rules and their subject, if the dump is a file of sums, or a pattern of several; else None.

    given: the options that need rows, or that were settled when the sums were made.
    Raises: UsageError for these, and for rules that need rows; as `read_all`.
    """
    if not are_sums([dump]):
        return None
    from calibeval.core.gating.of_sums import subject_of_sums

    settled = {
        "a baseline": asked.baseline,
        "--slice": asked.slices,
        "--group": asked.group,
        "--positive": asked.positive,
        "weights": asked.weights,
    }
    rows, source = opened([dump], bins, {**given, **settled})
    asked = asked.for_dump(rows.measurement(None, source).predictions, None, convention)
    return asked, subject_of_sums(rows, asked.rules, asked.settings, source)
