"""Accumulated rows as a header and arrays that can be written to a file."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.divided import Division
from calibeval.core.data.notices import Notice
from calibeval.core.data.row_source import BinaryColumns
from calibeval.core.errors import InputError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.saved_base import with_base
from calibeval.core.evaluation.small_cells import without_small_cells
from calibeval.core.sums.binning import PARTS, BinSums
from calibeval.core.sums.cells import Cells
from calibeval.core.sums.sums import Sums
from calibeval.core.version import VERSION

SCHEMA = "calibeval.sums/1"

Arrays = dict[str, npt.NDArray[Any]]


def to_saved(rows: Accumulation, *, exact: bool, least: int | None = None) -> tuple[dict[str, Any], Arrays]:
    """The header, of plain values, and the arrays. exact: with the confidence of every row and the sampled scores.

    least: no sum is of fewer rows, as `without_small_cells` makes them; then nothing is exact.
    Raises: InputError if there are no rows; UsageError, InputError as `without_small_cells`.
    """
    running = rows.whole()
    if running is None or running.total is None:
        raise InputError("there are no rows yet: call update() before save()")
    running.check_order()
    running = running.copy() if least is None else without_small_cells(running, least)
    total, facts, kinds = running.total, running.facts, running.facts.kinds
    if total is None:
        raise AssertionError("copied")
    arrays: Arrays = {"support": running.looks.support}
    _put_bins(arrays, "top", total.top)
    if total.classes is not None:
        _put_bins(arrays, "classes", total.classes)
    for rank, own in ({} if running.second is None else running.second.ranks).items():
        _put_bins(arrays, f"second.{rank.place}.{int(rank.cumulative)}", own)
    for limit, own in ({} if running.second is None else running.second.small).items():
        _put_bins(arrays, f"small.{limit!r}", own)
    for name, cells in running.curves.cells.items():
        arrays |= {f"curves.{name}.{part.name}": getattr(cells, part.name) for part in fields(Cells)}
    exact = exact and running.keys.kept
    sampled: list[float] | None = None
    if exact:
        _put_rows(arrays, running)
    else:
        sampled = _put_cells(arrays, running)
    groups = running.groups
    if groups is not None:
        j = len(groups.names)
        arrays |= {"groups.sizes": groups.sizes[:j], "groups.rows": np.array([one[:j] for one in groups.rows])}
        if groups.top is not None:
            arrays["groups.top"] = groups.top.totals[:j]
        if groups.classes is not None:
            stated, hits = groups.classes.sums
            arrays |= {"groups.stated": stated[:j], "groups.hits": hits[:j]}
    settings = rows.settings
    header = {
        "schema": SCHEMA,
        "version": VERSION,
        "settings": {
            "bins": settings.bins,
            "level": settings.level,
            "positive": settings.positive,
            "classes": None if settings.classes is None else list(settings.classes),
        },
        "k": rows.k,
        "metrics": None if rows.chosen is None else list(rows.chosen),
        "options": {
            name: list(value) if isinstance(value, tuple | list) else value for name, value in rows.options.items()
        },
        "exact": exact,
        "rows": {
            "kind": kinds.kind,
            "k": kinds.k,
            "dtype": str(kinds.scores.dtype),
            "precision": kinds.precision,
            "one_column": isinstance(kinds.scores, BinaryColumns),
            "class_names": None if kinds.class_names is None else list(kinds.class_names),
            "positive": kinds.positive,
            "classes": list(facts.classes),
            "weights": facts.weights,
            "group": facts.settings.group,
            "grouped": facts.grouped,
            "dense": facts.dense,
        },
        "batches": rows.batches,
        "dumps": {key: name if least is None else "" for key, name in rows.dumps.items()},
        "counts": {
            "stored": running.counts.stored,
            "n": running.counts.n,
            "zero": running.counts.zero,
            "images": running.counts.images,
            "shapes": [[row, image, list(shape)] for row, image, shape in running.counts.shapes],
        },
        "zeros": [running.looks.zeros, running.looks.looked],
        "even": running.even,
        "uneven": running.uneven,
        "sums": {
            "n": total.n,
            "weights": list(total.weights),
            "nll": [_number(one) for one in total.nll],
            "brier": list(total.brier),
            "impossible": total.impossible,
            "impossible_row": total.impossible_row,
            "excess": None if total.excess is None else [_number(one) for one in total.excess],
            "risk": _number(total.risk),
        },
        "sampled": sampled,
        "joined": None if running.joined is None else [*running.joined, running.keys.displaced, running.keys.mixed],
        "groups": None if groups is None else [*groups.names],
        "doubts": [] if exact or least is not None else _doubts(running, total),
        "warnings": [_warning(one) for one in running.warnings],
    }
    return with_base((header, arrays), rows, least, lambda base: to_saved(base, exact=exact, least=least))


def _number(value: float | None) -> float | str | None:
    """The number, as text if it is not finite, which JSON cannot hold."""
    return value if value is None or math.isfinite(value) else str(value)


def _doubts(running: Running, total: Sums) -> list[list[Any]]:
    """Doubts whether scores and labels belong together, which cannot be seen without scores."""
    samples = [] if running.sample is None else running.sample.of(running.counts.n)[0]
    found = running.all_doubts(total.finished(), samples)
    return [[str(one.notice), one.notice.code, one.rows] for one in found]


def _warning(one: Notice) -> list[Any]:
    """A warning as a list: its numbers if rows were divided, so that it can be joined with others."""
    return [*one.__getnewargs__()] if isinstance(one, Division) else [str(one), one.code]


def _put_bins(arrays: Arrays, name: str, sums: BinSums) -> None:
    arrays |= {f"{name}.{part}": getattr(sums, part) for part in PARTS}
    if sums.squared is not None:
        arrays |= {f"{name}.squared.{part}": getattr(sums.squared, part) for part in PARTS}
    if sums.rows is not None:
        arrays[f"{name}.rows"] = sums.rows


def _put_cells(arrays: Arrays, running: Running) -> list[float] | None:
    """What stands for single rows; the number of rows, and of errors, that are known at fixed temperatures."""
    running.keys.fold()
    if running.keys.cells is not None:
        arrays["cells"] = np.flatnonzero(running.keys.cells.count > 0.0)
        _put_bins(arrays, "cells", running.keys.cells.at(arrays["cells"]))
    tempered = running.at_temperatures()
    if tempered is None or tempered.table is None:
        return None
    arrays["temperatures"] = tempered.table
    return [tempered.sampled, tempered.errors]


def _put_rows(arrays: Arrays, running: Running) -> None:
    arrays["keys"] = running.keys.keys
    weights, codes = running.keys.weights, running.keys.codes
    arrays |= {} if weights is None else {"keys.weights": weights}
    arrays |= {} if codes is None else {"keys.codes": codes}
    if running.sample is None:
        return
    parts, sampled = running.sample.of(running.counts.n)
    arrays["sample.lengths"] = np.array([len(part.labels) for part in parts], np.int64)
    arrays["sample.scores"] = np.concatenate([part.scores for part in parts])
    arrays["sample.labels"] = np.concatenate([part.labels for part in parts]).astype(np.int64)
    arrays["sample.places"] = np.concatenate([part.places for part in parts]).astype(np.int64)
    own = [part.weights for part in parts if part.weights is not None]
    arrays |= {"sample.weights": np.concatenate(own)} if own else {}
    arrays |= {} if sampled is None else {"sample.codes": sampled.astype(np.int64)}
