"""The files of a gate: the dump, and its baseline, which is a dump or a saved report."""

from __future__ import annotations

from calibeval.cli.inputs.titled import open_named, open_named_base, split_title
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weighted import weighted
from calibeval.core.errors import UsageError
from calibeval.core.report.report import Report
from calibeval.readers.meaning.assemble import ReadOptions


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
