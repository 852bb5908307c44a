"""What files of saved sums contain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from calibeval.core.data.inspection import Inspection, Reading
from calibeval.core.errors import CalibevalError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.running import Running
from calibeval.readers.formats.sums import read_sums
from calibeval.readers.formats.sums_together import files_of
from calibeval.readers.stored.place import Place


def inspect_sums(name: str) -> Inspection:
    """What a file of sums holds, or each of those that a pattern names.

    Raises: FileProblem if there is none.
    """
    files = files_of([name])
    return Inspection(
        path=name,
        format="sums",
        size=sum(file.stat().st_size for file in files if isinstance(file, Path)),
        arrays=(),
        splits=(),
        readings=tuple(map(_reading, files)),
    )


def _reading(file: Place) -> Reading:
    try:
        rows = read_sums(file)
    except CalibevalError as error:
        return Reading(str(file), error=str(error))
    running, (digest,) = rows.running, rows.files
    if running is None:
        raise AssertionError("saved sums have rows")
    kinds = running.facts.kinds
    return Reading(
        str(file),
        kind=f"sums of {kinds.kind}",
        n=running.counts.n,
        k=kinds.k,
        ignored=running.counts.stored - running.counts.n,
        classes=kinds.class_names or (),
        warnings=running.warnings,
        sha256=digest,
        recognised=tuple(_told(rows, running)),
    )


def _told(rows: Accumulation, running: Running) -> Sequence[str]:
    """How the sums were made, and what they hold besides."""
    told = [f"{rows.settings.bins} bins"]
    told += [] if rows.chosen is None else [f"metrics {', '.join(rows.chosen)}"]
    told += ["every confidence"] if running.keys.kept else []
    if running.keys.kept and running.sample is not None:
        sampled = sum(len(part.labels) for part in running.sample.of(running.counts.n)[0])
        told += [f"scores and labels of {sampled:,} sampled rows"]
    told += [] if running.joined is None else [f"no cell of fewer than {running.joined.least} rows"]
    told += [] if running.facts.weights is None else ["weighted rows"]
    told += [] if running.groups is None else [f"{len(running.groups.names):,} groups"]
    if rows.base is not None:
        names = ", ".join(sorted(set(rows.base.files.values())))
        told.append(f"joint sums with a base{names and f', {names}'}, paired by {rows.base.by}")
    return told
