"""From the reading options of a command line to predictions."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calibeval.core.errors import FileProblem, InputError, UsageError
from calibeval.render.names import visible

if TYPE_CHECKING:
    from calibeval.readers import ReadOptions


def read_options(
    *,
    kind: str | None,
    logits_key: str | None,
    probs_key: str | None,
    labels_key: str | None,
    ids_key: str | None,
    labels: Path | None,
    score_columns: str | None,
    class_names: Path | None,
    ignore_index: int | None,
    max_bytes: int | None,
    max_memory: int | None,
    no_crc: bool,
) -> ReadOptions:
    """The options as the readers take them.

    Raises: UsageError for an unknown kind; FileProblem or InputError for the file of class names.
    """
    from calibeval.core.row_source import as_kind
    from calibeval.readers import Keys, Limits, ReadOptions
    from calibeval.readers.limits import quarter_of_memory

    return ReadOptions(
        kind=None if kind is None else as_kind(kind),
        keys=Keys(logits=logits_key, probs=probs_key, labels=labels_key, ids=ids_key),
        labels=labels,
        score_columns=() if score_columns is None else tuple(name.strip() for name in score_columns.split(",")),
        class_names=None if class_names is None else _lines(class_names),
        ignore_index=ignore_index,
        limits=Limits(max_bytes, quarter_of_memory() if max_memory is None else max_memory, checksums=not no_crc),
    )


def refuse_overwriting(inputs: Sequence[str | Path | None], outputs: Sequence[Path]) -> None:
    """Refuse outputs that are also inputs, or would lie in a folder that is one; None is no input.

    Raises: UsageError.
    """
    from calibeval.readers.open import split_name

    read = {split_name(str(name))[0].resolve() for name in inputs if name is not None}
    for output in outputs:
        if not read.isdisjoint((output.resolve(), output.resolve().parent)):
            raise UsageError(f"{output}: is an input, too, and would be overwritten; name another output")


def threads(jobs: int | None) -> int:
    """The number of threads asked for, or one for each processor that this process may use."""
    return jobs if jobs is not None else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def say(lines: Sequence[str], *, quiet: bool) -> None:
    """Talk on standard error: warnings, and what was written."""
    if not quiet and sys.stderr is not None:
        for line in lines:
            sys.stderr.write(f"{visible(line)}\n")


def _lines(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: class names are one a line, in UTF-8 text") from None
    return tuple(line.strip() for line in text.splitlines() if line.strip())
