"""A pass over the blocks of a dump: in threads of this process, or by the workers of an engine.

Results come in the order of the blocks, and blocks do not depend on who reads them, so sums do not either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import TypeVar

from calibeval.core.data.far_rows import Engine, Part, Span, all_spans, engine_of, parts_of
from calibeval.core.data.predictions import Predictions
from calibeval.core.errors import InputError
from calibeval.core.sums.threads import in_order

Result = TypeVar("Result")


def over_blocks(predictions: Predictions, rows: int, work: Callable[[Span], Result], jobs: int = 1) -> Iterator[Result]:
    """The results of the work on each block of `rows` stored rows that has rows, in their order.

    work: is sent to the workers of an engine by pickle, so it is a function of a module, or a `partial` of one.
    jobs: number of threads, if this process reads the rows.
    """
    engine = engine_of(predictions)
    if engine is None:
        return in_order(work, all_spans(predictions, rows), jobs)
    return _elsewhere(engine, predictions, rows, work)


def _elsewhere(engine: Engine, predictions: Predictions, rows: int, work: Callable[[Span], Result]) -> Iterator[Result]:
    """The same by workers, who know rows by their place in a part: this process finds the place of a wrong value."""
    parts = parts_of(predictions, rows, engine.workers)
    try:
        yield from chain.from_iterable(engine.in_order(partial(_of_part, work), parts))
    except InputError:
        for _ in in_order(work, all_spans(predictions, rows), 1):
            pass
        raise


def _of_part(work: Callable[[Span], Result], part: Part) -> list[Result]:
    return [work(span) for span in part.spans()]
