"""One pass over the scores with the bins of another tool, accumulated in float64.

Rows that a tool leaves out of all bins are counted separately, because they stay in its denominator. Memory: a few MiB,
and 8 bytes per row if equal-mass edges need all confidences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.conventions.convention import Convention
from calibeval.core.conventions.edges import (
    Dtype,
    bin_slots,
    interpolated_edges,
    quantile_edges,
    slot_count,
    width_edges,
)
from calibeval.core.conventions.in_order import Chunks, between_midpoints, between_ranks, chunks
from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import Notice, reason
from calibeval.core.data.predictions import Block, Predictions
from calibeval.core.sums.binning import BinSums, sums_by_index
from calibeval.core.sums.equal_mass import confidence_keys
from calibeval.core.sums.pairs import Pairs
from calibeval.core.sums.resources import PLAIN, Resources

ToolFloats = npt.NDArray[Any]  # float32 or float64

BLOCK_SCORES = 2**18
PART, CHUNK = 2**16, 100
NO_MEMORY = reason("over_max_memory", "needs all confidences in memory, which the memory limit does not allow")


@dataclass(frozen=True, slots=True, eq=False)
class ToolBins:
    """Rows in bins: sums (m,) or, class by class, (k, m), with m + 1 edges; dropped: rows in no bin, () or (k,)."""

    sums: BinSums
    edges: Floats
    dropped: Floats

    @property
    def with_dropped(self) -> BinSums:
        """The sums with an additional bin for the dropped rows, without probabilities or outcomes.

        Its gap and variance are 0, so it only keeps its rows in every denominator.
        """
        s, nothing = self.sums, np.zeros_like(self.dropped)
        columns = ((s.count, self.dropped), (s.p, nothing), (s.pp, nothing), (s.y, nothing), (s.yp, nothing))
        return BinSums(*(np.concatenate((c, extra[..., None]), axis=-1) for c, extra in columns))


@dataclass(frozen=True, slots=True, eq=False)
class ConventionSums:
    """The sums that a tool's metrics are computed from, over n rows.

    width: top labels, or P(class 1), in equal-width bins. mass: in equal-mass bins; None if there are none, and then
    no_mass says why. classes: class-wise bins, one row per class that the tool counts; None without them.
    refused: why the tool has no binned number at all; None if it has. pairs: the rows themselves, for what the tool
    computes of them; None if it does not, or if they exceed the memory limit. chunks: the equal-mass bins of a tool
    that leaves out the last of them.
    """

    n: int
    width: ToolBins
    mass: ToolBins | None
    no_mass: Notice | None
    classes: ToolBins | None
    refused: Notice | None
    pairs: Pairs | None = None
    chunks: Chunks | None = None


def convention_sums(
    predictions: Predictions, convention: Convention, bins: int, resources: Resources = PLAIN
) -> ConventionSums:
    """All sums of the predictions in the tool's bins, in one pass over the scores.

    The values must have been checked before (with `check_values`, or by `summarise`).
    bins: number of bins. resources: if 8 bytes per row (chunks: 32) exceed the memory limit, there are no equal-mass
    bins.
    """
    positive = convention.binary == "P(class 1)" and predictions.k == 2
    dtype = _working_type(predictions.scores.dtype, convention)
    narrow = convention.top_float32 and not positive
    half = convention.edges == "confidence" and predictions.scores.dtype == np.float16
    top_type: Dtype = np.dtype(np.float32) if narrow else np.dtype(np.float16) if half else dtype
    edges = width_edges(convention, bins, top_type)
    class_edges = width_edges(convention, bins, np.dtype(np.float16) if half else dtype)
    counted = None if convention.classes is None else _counted_classes(predictions, convention)
    in_order = convention.equal_mass == "chunks"  # of rows, among those of equal confidence
    fits = resources.memory is None or (32 if in_order else 8) * predictions.n <= resources.memory
    needed = convention.equal_mass is not None or "smece" in convention.own_way
    keep = needed and fits
    keys = np.empty(predictions.n if keep else 0, np.uint64)
    width: BinSums | None = None
    classes: BinSums | None = None
    done = 0
    for block in predictions.blocks(max(1, BLOCK_SCORES // predictions.scores.shape[-1] if predictions.k else PART)):
        b = len(block.labels)
        probs = _probabilities(block, predictions.kind, dtype)
        probs = probs.astype(np.float16).astype(dtype) if half else probs  # the tool's softmax is as wide as its scores
        p, y = _measured(probs, block, positive=positive)
        p = p.astype(top_type).astype(np.float64)
        width = _added(width, _sums(p, y, edges, convention))
        if counted is not None:
            outcome = np.arange(counted) == block.labels[:, None]
            every = probs[:, :counted].astype(np.float64)
            classes = _added(classes, _class_sums(every, outcome, class_edges, convention))
        if keep:
            if positive and convention.equal_mass == "counts":
                p, y = _measured(probs, block, positive=False)
                p = p.astype(np.float32).astype(np.float64)
            keys[done : done + b] = confidence_keys(p, y)
        done += b
    mass, no_mass, pairs, found = None, None if keep else NO_MEMORY, None, None
    if in_order:
        keys = keys[np.argsort(keys >> np.uint64(1), kind="stable")]
    else:
        keys.sort()
    if keep and in_order:
        mass, no_mass, found = _chunks(keys, convention.name)
    elif keep and convention.equal_mass is not None:
        mass, no_mass = _equal_mass(keys, bins, convention, top_type)
    elif keep:
        outcomes = (keys & np.uint64(1)).astype(np.bool_)
        pairs = Pairs((keys >> np.uint64(1)).view(np.float64), outcomes)
    return ConventionSums(
        n=predictions.n,
        width=_split(width, edges, convention),
        mass=mass,
        no_mass=no_mass,
        classes=None if classes is None else _split(classes, class_edges, convention),
        refused=_refusal(predictions) if convention.counts_labels else None,
        pairs=pairs,
        chunks=found,
    )


def _working_type(stored: np.dtype[Any], convention: Convention) -> Dtype:
    wide = convention.softmax == "float64" or (stored.kind == "f" and stored.itemsize >= 8)
    return np.dtype(np.float64) if wide else np.dtype(np.float32)


def _counted_classes(predictions: Predictions, convention: Convention) -> int | None:
    """The number of classes in class-wise metrics; None if only the top label is known."""
    if predictions.k is None or convention.classes == "all":
        return predictions.k
    return int(_occurring(predictions).max()) + 1


def _occurring(predictions: Predictions) -> npt.NDArray[np.integer[Any]]:
    """The labels that occur, ascending."""
    labels = np.unique(predictions.labels)
    return labels[labels != predictions.ignore_index] if predictions.ignored else labels


def _refusal(predictions: Predictions) -> Notice | None:
    """Why netcal raises an error: it counts the labels that occur, so it may see two classes if there are more."""
    if predictions.k is None or predictions.k == 2:
        return None
    there = _occurring(predictions)
    if len(there) > 2:
        return None
    labels = " and ".join(map(str, there.tolist()))
    text = f"netcal takes this for two classes, since only labels {labels} occur, and refuses {predictions.k} columns"
    return reason("not_in_convention", text)


def _probabilities(block: Block, kind: str, dtype: Dtype) -> ToolFloats:
    """The block's probabilities in the working type, (b, k); (b,) if only the top label is known."""
    scores: ToolFloats = np.asarray(block.scores).astype(dtype)
    if kind in ("probs", "confidence"):
        return np.asarray(np.clip(scores, dtype.type(0), dtype.type(1)))
    with np.errstate(under="ignore", over="ignore"):
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
    return scores


def _measured(probs: ToolFloats, block: Block, *, positive: bool) -> tuple[ToolFloats, npt.NDArray[np.bool_]]:
    """The pair that top-label metrics measure: confidence and correctness, or P(class 1) and whether the label is 1."""
    if probs.ndim == 1:
        return probs, block.labels.astype(bool)
    if positive:
        return probs[:, 1], block.labels == 1
    predicted = probs.argmax(axis=1)
    return probs[np.arange(len(probs)), predicted], predicted == block.labels


def _sums(p: Floats, y: npt.NDArray[np.bool_], edges: Floats, convention: Convention) -> BinSums:
    return sums_by_index(bin_slots(p, edges, convention), slot_count(edges, convention), p, y)


def _class_sums(p: Floats, outcome: npt.NDArray[np.bool_], edges: Floats, convention: Convention) -> BinSums:
    """The sums of every column of p (b, k), as (k, slots)."""
    k, slots = p.shape[1], slot_count(edges, convention)
    index = bin_slots(p, edges, convention) + np.arange(k) * slots
    flat = sums_by_index(index.ravel(), k * slots, p.ravel(), outcome.ravel())
    return BinSums(*(column.reshape(k, slots) for column in (flat.count, flat.p, flat.pp, flat.y, flat.yp)))


def _added(total: BinSums | None, more: BinSums) -> BinSums:
    return more if total is None else total + more


def _split(sums: BinSums | None, edges: Floats, convention: Convention) -> ToolBins:
    """The bins without the dropped rows, with an additional edge if 1 has a separate bin."""
    if sums is None:  # pragma: no cover - Predictions have rows
        raise AssertionError
    columns = (sums.count, sums.p, sums.pp, sums.y, sums.yp)
    shown = np.append(edges, 1.0) if convention.one_apart else edges
    return ToolBins(BinSums(*(column[..., :-1] for column in columns)), shown, sums.count[..., -1])


def _equal_mass(
    keys: npt.NDArray[np.uint64], bins: int, convention: Convention, dtype: Dtype
) -> tuple[ToolBins | None, Notice | None]:
    """Equal-mass bins from the sorted keys of all rows, which are overwritten; or why the tool has none."""
    outcome = (keys & np.uint64(1)).astype(bool)
    keys >>= np.uint64(1)
    confidence = keys.view(np.float64)
    if convention.equal_mass == "counts":
        return _equal_counts(confidence, outcome, bins, convention.name)
    if convention.equal_mass == "midpoints":
        return ToolBins(*between_midpoints(confidence, outcome, bins), np.zeros(())), None
    if convention.equal_mass == "ranks":
        return ToolBins(*between_ranks(confidence, outcome, bins), np.zeros(())), None
    if convention.equal_mass == "interpolated":
        # The tool compares float32 confidences with edges rounded to float32.
        edges = interpolated_edges(confidence, bins).astype(dtype).astype(np.float64)
    else:
        least = float(np.finfo(dtype).eps)  # netcal clips to [eps, 1 - eps] before anything else
        np.clip(confidence, least, 1.0 - least, out=confidence)
        edges = quantile_edges(confidence, bins)
        if (edges[1:] <= edges[:-1]).any():
            text = f"{convention.name} refuses equal-mass bins where two edges are equal: too many rows tie"
            return None, reason("not_in_convention", text)
    total: BinSums | None = None
    for start in range(0, len(keys), PART):
        part = slice(start, start + PART)
        total = _added(total, _sums(confidence[part], outcome[part], edges, convention))
    return _split(total, edges, convention), None


def _equal_counts(
    confidence: Floats, outcome: npt.NDArray[np.bool_], bins: int, name: str
) -> tuple[ToolBins | None, Notice | None]:
    """Bins of n / bins rows, the first n % bins of them with one more, of sorted rows; or why there are none."""
    n = len(confidence)
    if n < bins:
        text = f"{name} has no number with fewer rows than bins"
        return None, reason("not_in_convention", text)
    counts = np.full(bins, n // bins)
    counts[: n % bins] += 1
    ends = np.cumsum(counts)
    inner = ends[:-1]
    split = inner[confidence[inner - 1] == confidence[inner]]
    first, last = (np.searchsorted(confidence, confidence[split], side=side) for side in ("left", "right"))
    if (outcome[first] != outcome[last - 1]).any():  # of equal confidences, wrong rows come first
        text = f"{name} ends a bin within a tie of right and wrong rows, so its number depends on their order"
        return None, reason("not_in_convention", text)
    sums = sums_by_index(np.repeat(np.arange(bins), counts), bins, confidence, outcome)
    return ToolBins(sums, np.append(confidence[0], confidence[ends - 1]), np.zeros(())), None


def _chunks(keys: npt.NDArray[np.uint64], name: str) -> tuple[ToolBins | None, Notice | None, Chunks | None]:
    """The chunks that count; or why there are none. keys: in ascending order of confidence, which they are in alone."""
    found = chunks((keys >> np.uint64(1)).view(np.float64), (keys & np.uint64(1)).astype(np.bool_), CHUNK)
    if found is None:
        text = f"{name} has no number below {CHUNK} rows: its script ends in an error, and copies of it print 0"
        return None, reason("not_in_convention", text), None
    return ToolBins(found.sums, found.edges, np.array(float(found.dropped))), None, found
