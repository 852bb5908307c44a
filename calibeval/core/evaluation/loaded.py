"""Accumulated rows from the header and arrays that `saved` made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.copied import copied
from calibeval.core.data.divided import Division
from calibeval.core.data.documents import Wrong
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_source import BinaryColumns, as_kind
from calibeval.core.data.source import Source
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.evaluation.part_doubts import PartDoubt
from calibeval.core.evaluation.rechunked import Rechunked
from calibeval.core.evaluation.running import Running
from calibeval.core.evaluation.running_facts import Counts, Facts
from calibeval.core.evaluation.saved_base import take_base
from calibeval.core.evaluation.saved_header import check_header
from calibeval.core.evaluation.saved_sums import check_sums
from calibeval.core.evaluation.saved_totals import read_number
from calibeval.core.metrics.table import needs_pairs, wanted_by
from calibeval.core.report.settings import Settings
from calibeval.core.sums.at_temperatures import COLUMNS, PLACES, AtTemperatures
from calibeval.core.sums.binning import PARTS, BinSums
from calibeval.core.sums.by_group import RowTotals
from calibeval.core.sums.cells import CELLS, Cells
from calibeval.core.sums.engine import chunk_rows
from calibeval.core.sums.excess import Excess
from calibeval.core.sums.joined_cells import JoinedCells
from calibeval.core.sums.key_cells import CELLS as KEY_CELLS
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.second_pass import Rank, SecondSums
from calibeval.core.sums.sums import Moments, Sums


def from_saved(header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Accumulation:
    """The accumulated rows.

    Raises: Wrong naming the field or array that `to_saved` never makes so; KeyError, TypeError, ValueError, InputError.
    """
    check_header(header)
    own, told = header["settings"], header["rows"]
    settings = Settings(
        own["bins"],
        level=own["level"],
        positive=own["positive"],
        classes=None if own["classes"] is None else tuple(own["classes"]),
    )
    chosen = None if header["metrics"] is None else tuple(header["metrics"])
    exact = None if header["exact"] else False
    options = {name: tuple(one) if isinstance(one, list) else one for name, one in header["options"].items()}
    rows = Accumulation(header["k"], chosen, settings, options, exact=exact)
    facts = Facts(
        kinds=_kinds(told),
        settings=Settings(
            settings.bins,
            level=settings.level,
            group=told["group"],
            positive=settings.positive,
            classes=settings.classes,
        ),
        pairs=needs_pairs(chosen),
        second=wanted_by(chosen),
        classes=tuple(told["classes"]),
        weights=told["weights"],
        grouped=bool(told["grouped"]),
        dense=bool(told["dense"]),
        columns_sure=options.get("labels_are") is not None,
        exact=exact,
    )
    running, m, k = Running(facts), settings.bins, told["k"]
    counts = header["counts"]
    shapes = tuple((row, image, tuple(shape)) for row, image, shape in counts["shapes"])
    running.counts = Counts(counts["stored"], counts["n"], counts["zero"], counts["images"], shapes)
    running.even, running.uneven = header["even"], bool(header["uneven"])
    found = header["sums"]
    running.total = Sums(
        n=found["n"],
        k=k,
        positive=told["positive"],
        weights=Moments(*found["weights"]),
        edges=running.edges,
        compared=running.compared,
        top=_bins(arrays, "top", (m,)),
        classes=None if k is None else _bins(arrays, "classes", (k, m)),
        nll=Moments(*map(read_number, found["nll"])),
        brier=Moments(*found["brier"]),
        impossible=found["impossible"],
        impossible_row=found["impossible_row"],
        excess=None if found["excess"] is None else Excess(*map(read_number, found["excess"])),
        risk=read_number(found["risk"]),
    )
    if facts.second and k is not None and k > 1:
        ranks = [rank for rank in facts.second.ranks if rank.exists(k)]
        running.second = SecondSums(
            {rank: _bins(arrays, _rank(rank), (m,)) for rank in ranks},
            {limit: _bins(arrays, f"small.{limit!r}", (k, m)) for limit in facts.second.limits},
        )
    running.looks.closed(_array(arrays, "support", (k or 0,), np.int64), *header["zeros"])
    names: list[str | int] = ["top", *(["positive"] if k == 2 else []), *facts.classes]
    running.curves.cells = {
        name: Cells(*(_array(arrays, f"curves.{name}.{part.name}", (CELLS,)) for part in fields(Cells)))
        for name in names
    }
    if header["exact"]:
        _take_rows(arrays, running)
    else:
        there = _array(arrays, "cells", None, np.int64)
        if len(there) and not (there.min() >= 0 and there.max() < KEY_CELLS and (np.diff(there) > 0).all()):
            raise Wrong("cells are no ascending numbers of cells")
        some = _bins(arrays, "cells", (len(there),))
        running.keys.take(some.each(lambda part: _spread(part, there)), found["n"])
        if k is not None:
            running.tempered = _tempered(header.get("sampled"), arrays, found["n"])
    joined = header.get("joined")
    if joined is not None:
        running.joined = JoinedCells(int(joined[0]), *map(float, joined[1:5]))
        running.keys.displaced, running.keys.mixed = map(float, joined[5:])
    if running.groups is not None:
        _take_groups(header["groups"], arrays, running)
    running.warnings = tuple(Division(*one) if len(one) > 2 else Notice(*one) for one in header["warnings"])
    told = header.get("doubts") or ()
    running.doubts = tuple(PartDoubt(Notice(text, code), n) for text, code, n in told)
    rows.running, rows.waiting = running, Rechunked(chunk_rows(facts.kinds))
    rows.batches, rows.dumps = header["batches"], dict(header.get("dumps") or {})
    check_sums(running)
    take_base(rows, header, arrays, from_saved)
    return rows


def _kinds(told: Mapping[str, Any]) -> Predictions:
    """Predictions of that kind without rows."""
    kind, k, dtype = as_kind(told["kind"]), told["k"], np.dtype(told["dtype"])
    if dtype.kind not in "fiub":
        raise ValueError("dtype")
    scores: Any = np.full(1, 0.5) if k is None else np.full((1, k), 1.0 / k)
    outcome: dict[str, Any] = {"correct": [0]} if k is None else {"labels": np.zeros(1, np.int64)}
    made = Predictions(**{"confidence" if k is None else "probs": scores}, **outcome, source=Source())
    empty: Any = np.empty((0,) if k is None else (0, k), dtype)
    return copied(
        made,
        scores=BinaryColumns(np.empty(0, dtype), kind) if told["one_column"] else empty,
        kind=kind,
        labels=np.empty(0, np.int64),
        class_names=None if told["class_names"] is None else tuple(told["class_names"]),
        precision=float(told["precision"]),
        positive=told["positive"],
        layout=(0,),
    )


def _bins(arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: tuple[int, ...]) -> BinSums:
    first = [_array(arrays, f"{name}.{part}", shape) for part in PARTS]
    if f"{name}.rows" not in arrays:
        return BinSums(*first)
    squared = BinSums(*(_array(arrays, f"{name}.squared.{part}", shape) for part in PARTS))
    return BinSums(*first, squared=squared, rows=_array(arrays, f"{name}.rows", shape))


def _take_rows(arrays: Mapping[str, npt.NDArray[Any]], running: Running) -> None:
    n = running.counts.n
    weights = _array(arrays, "keys.weights", (n,)) if "keys.weights" in arrays else None
    codes = _array(arrays, "keys.codes", (n,), np.int32).astype(np.intp) if "keys.codes" in arrays else None
    running.keys.add(_array(arrays, "keys", (n,), np.uint64), weights, codes)
    if running.sample is None:
        return
    lengths = _array(arrays, "sample.lengths", None, np.int64)
    m = int(lengths.sum())
    k = running.facts.kinds.k or 0
    scores = arrays["sample.scores"]
    if scores.shape != (m, k) or scores.dtype.kind not in "fiub" or (lengths < 0).any():
        raise Wrong(f"sample.scores is {scores.dtype} {scores.shape}, but numbers {(m, k)} are needed")
    labels, places = (_array(arrays, f"sample.{name}", (m,), np.int64) for name in ("labels", "places"))
    if m and not (labels.min() >= 0 and labels.max() < k):
        raise Wrong(f"sample.labels has labels outside 0 to {k - 1}")
    own = _array(arrays, "sample.weights", (m,)) if "sample.weights" in arrays else None
    sampled = _array(arrays, "sample.codes", (m,), np.int64) if "sample.codes" in arrays else None
    ends = np.cumsum(lengths)
    for start, stop in zip((ends - lengths).tolist(), ends.tolist(), strict=True):
        here = slice(start, stop)
        part = Sample(scores[here], labels[here], places[here], None if own is None else own[here])
        running.sample.take(part, None if sampled is None else sampled[here])


def _take_groups(names: Sequence[Any], arrays: Mapping[str, npt.NDArray[Any]], running: Running) -> None:
    groups, j = running.groups, len(names)
    if groups is None:
        return
    groups.names = {name: i for i, name in enumerate(names)}
    if len(groups.names) != j:
        raise Wrong("groups has a name twice")
    groups.make_room()
    room = len(groups.sizes) - j
    groups.sizes = np.pad(_array(arrays, "groups.sizes", (j,)), (0, room))
    groups.rows = RowTotals._make(np.pad(one, (0, room)) for one in _array(arrays, "groups.rows", (6, j)))
    every = np.arange(j)
    if groups.top is not None:
        groups.top.join(_array(arrays, "groups.top", (j, len(running.compared) - 1)), every)
    if groups.classes is not None and "groups.hits" in arrays:
        for own, name in zip(groups.classes.sums, ("groups.stated", "groups.hits"), strict=True):
            own[:j] += _array(arrays, name, (j, own.shape[1]))


def _tempered(told: Sequence[Any] | None, arrays: Mapping[str, npt.NDArray[Any]], rows: int) -> AtTemperatures:
    """Sums at fixed temperatures, which files of earlier versions do not have."""
    if told is None:
        return AtTemperatures(rows, 0, 0.0, None)
    return AtTemperatures(rows, told[0], float(told[1]), _array(arrays, "temperatures", (len(PLACES), COLUMNS)))


def _rank(rank: Rank) -> str:
    return f"second.{rank.place}.{int(rank.cumulative)}"


def _spread(part: npt.NDArray[np.float64], there: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    whole = np.zeros(KEY_CELLS)
    whole[there] = part
    return whole


def _array(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: tuple[int, ...] | None, dtype: Any = np.float64
) -> npt.NDArray[Any]:
    """An array of that name, shape and type. Raises: Wrong."""
    if name not in arrays:
        raise Wrong(f"there is no array {name}")
    found = arrays[name]
    if found.dtype != np.dtype(dtype) or (found.ndim != 1 if shape is None else found.shape != shape):
        needed = f"{np.dtype(dtype)} {'in one dimension' if shape is None else shape}"
        raise Wrong(f"{name} is {found.dtype} {found.shape}, but {needed} is needed")
    return found
