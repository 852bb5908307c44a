"""Who measures the cells of a survey: this process, several, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from calibeval.core.data.progress import Progress
from calibeval.engines.processes import Processes, processes
from calibeval.readers.open import split_name
from calibeval.runs.surveying.measure import Measured, Task, forget, measure

LEAST_BYTES = 2**27  # of numbers, for which another process is worth its start
TEXT = 16  # how much longer a byte of text takes
OF_TEXT = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt", ".gz")


def measured(tasks: Sequence[Task], jobs: int, engine: Any, progress: Progress | None) -> Iterator[Measured]:
    """The results of all cells, in their order. jobs: of processes. engine: whose workers measure; None: this machine.

    Raises: UsageError; what is wrong with a cell is told in it.
    """
    if progress is not None:
        progress.start("cells", len(tasks))
    with _workers(tasks, jobs, engine) as working:
        for one in map(measure, tasks) if working is None else working.in_order(measure, tasks):
            if progress is not None:
                progress.advance(1)
            yield one
    forget()


def _workers(tasks: Sequence[Task], jobs: int, engine: Any) -> AbstractContextManager[Processes | Any | None]:
    if engine is not None:
        return nullcontext(engine)
    count = min(jobs, len(tasks), int(_bytes(tasks) // LEAST_BYTES) + 1)
    return nullcontext(None) if count < 2 else processes(count)


def _bytes(tasks: Sequence[Task]) -> int:
    """How large the dumps are together, about; where it is not known, as large as is worth a process."""
    sizes: dict[str, int] = {}
    for task in tasks:
        path, _ = split_name(task.cell.found.dump)
        if str(path) not in sizes:
            known = isinstance(path, Path) and path.is_file()
            size = path.stat().st_size if isinstance(path, Path) and known else LEAST_BYTES
            sizes[str(path)] = size * (TEXT if path.suffix.lower() in OF_TEXT else 1)
    return sum(sizes.values())
