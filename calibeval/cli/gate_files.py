"""The files of a gate: the dump, and its baseline, which is a dump or a saved report."""

from __future__ import annotations

from pathlib import Path

from calibeval.core.errors import FileProblem, InputError, UsageError
from calibeval.core.predictions import Predictions
from calibeval.core.report import Report
from calibeval.readers import ReadOptions, open_dump


def open_both(dump: str, baseline: str | None, reading: ReadOptions) -> tuple[Predictions, Predictions | Report | None]:
    """The dump and its baseline, where there is one.

    Raises: UsageError if both are standard input; InputError and FileProblem as the readers.
    """
    if dump == "-" and baseline == "-":
        raise UsageError('standard input, "-", can be read once only')
    predictions = open_dump(dump, reading)
    return predictions, None if baseline is None else _opened_base(baseline, reading)


def _opened_base(name: str, reading: ReadOptions) -> Predictions | Report:
    """A baseline: a dump, or a saved report, as no dump is JSON."""
    path = Path(name)
    if path.suffix.lower() != ".json":
        return open_dump(name, reading)
    try:
        return Report.from_json(path.read_bytes().decode("utf-8"))
    except OSError as error:
        problem = (
            "there is no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        )
        raise FileProblem(f"{name}: {problem}") from None
    except (UnicodeDecodeError, InputError) as error:
        raise InputError(f"{name}: {error}") from None
