"""The base of accumulated rows, and the joint sums of both models, in a file of saved sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.documents import Place, Wrong
from calibeval.core.data.notices import Notice
from calibeval.core.errors import InputError
from calibeval.core.evaluation.base_sums import BaseSums
from calibeval.core.evaluation.joint_sums import OUTCOMES, VALUES, JointSums
from calibeval.core.sums.binning import PARTS

if TYPE_CHECKING:
    from calibeval.core.evaluation.accumulation import Accumulation

Arrays = dict[str, npt.NDArray[Any]]
Saved = tuple[dict[str, Any], Arrays]
PREFIX, OPTIONAL = "base.", ("outcomes", "chances", "top", "binary", "classes", "cells")
ROUNDING = 1e-6


def with_base(saved: Saved, rows: Accumulation, least: int | None, save: Callable[[Accumulation], Saved]) -> Saved:
    """The header and arrays with those of the base, if there is one. save: gives those of its own sums.

    least: the least number of rows of a sum; then there are no tables of bins of both models.
    Raises: InputError if fewer rows are right by one model alone; as `save`, about the base.
    """
    if rows.base is None:
        return saved
    base, (header, arrays) = rows.base, saved
    joint = base.whole(rows)
    if joint is None:
        raise InputError("there are no rows that count")
    joint = joint if least is None else joint.without_cells(least)
    try:
        own, theirs = save(base.rows)
    except InputError as error:
        raise InputError(f"of the base, {error}") from None
    parts = {"mean": joint.mean, "products": joint.products, "counts": joint.counts}
    parts |= {name: part for name in OPTIONAL if (part := getattr(joint, name)) is not None}
    told = {
        "sums": own,
        "paired_by": base.by,
        "warnings": [[str(one), one.code] for one in base.warnings] if least is None else [],
        "files": base.files if least is None else {},
        "candidates": base.candidates if least is None else {},
        "identical": joint.identical,
        "alike": joint.alike,
    }
    arrays = arrays | {f"{PREFIX}{name}": part for name, part in theirs.items()}
    return {**header, "base": told}, arrays | {f"joint.{name}": part for name, part in parts.items()}


def take_base(
    rows: Accumulation,
    header: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    load: Callable[[Mapping[str, Any], Mapping[str, npt.NDArray[Any]]], Accumulation],
) -> None:
    """Give rows the base that is saved with them. load: gives its own sums. Raises: Wrong, and as `load`."""
    if header.get("base") is None:
        return
    place = Place(header["base"], "base", "the header")
    place["sums"]["schema"].one_of((header["schema"],))
    by = place["paired_by"].one_of(("id", "position"))
    files, candidates = ({key: one.text() for key, one in place[name].items()} for name in ("files", "candidates"))
    same, alike = place["identical"].truth(), place["alike"].truth()
    theirs = {name.removeprefix(PREFIX): own for name, own in arrays.items() if name.startswith(PREFIX)}
    base = BaseSums(load(place["sums"].object(), theirs), "id" if by == "id" else "position")
    base.files, base.candidates = files, candidates
    base.warnings = tuple(Notice(*one) for one in header["base"]["warnings"])
    base.joint = _joint(rows, base.rows, arrays, same=same, alike=alike)
    for one in (rows.running, base.rows.running):
        if one is not None:
            one.heard = []
    rows.base = base


def _joint(
    rows: Accumulation, base: Accumulation, arrays: Mapping[str, npt.NDArray[Any]], *, same: bool, alike: bool
) -> JointSums:
    """The joint sums, checked against those of each model. Raises: Wrong."""
    own, other, m, v = rows.running, base.running, rows.settings.bins, len(VALUES)
    if own is None or other is None or own.total is None or other.total is None:
        raise Wrong("base has no rows")
    n = own.counts.n
    if other.counts.n != n or base.settings.bins != m:
        raise Wrong(f"base has {other.counts.n:,} rows in {base.settings.bins} bins, but {n:,} in {m} are needed")
    k = own.facts.kinds.k or 0
    shapes = {
        "outcomes": (len(OUTCOMES), 2, 2, 2),
        "chances": (2,),
        "binary": (2, m, m),
        "classes": (2, 2, len(PARTS), m),
        "cells": (2 * k, 2 * k, m, m),
    }
    found = {
        name: _array(arrays, name, shape)
        for name, shape in {"mean": (v,), "products": (v, v), "counts": (4,), "top": (m, m), **shapes}.items()
        if name not in OPTIONAL or f"joint.{name}" in arrays
    }
    if ("top" in found) == (own.joined is not None):
        raise Wrong("joint.top belongs to sums whose cells may be of few rows")
    if ("top" in found and own.facts.kinds.k == other.facts.kinds.k == 2) != ("binary" in found and "classes" in found):
        raise Wrong("joint.binary and joint.classes belong to two classes")
    counts = found["counts"]
    if (counts < 0.0).any() or (np.floor(counts) != counts).any() or counts.sum() != n:
        raise Wrong(f"joint.counts are {counts.tolist()}, which no {n:,} rows are")
    right = [float(one.total.top.y.sum()) for one in (other, own) if one.total is not None]
    if [counts[0] + counts[2], counts[0] + counts[1]] != right:
        raise Wrong(f"joint.counts have {counts[0] + counts[1]:.0f} right rows of the candidate, not {right[1]:.0f}")
    squares = np.diagonal(found["products"])
    if (squares < 0.0).any() or abs(found["mean"][1] * n - (right[1] - right[0])) > ROUNDING * n:
        raise Wrong("joint.mean and joint.products are not those of these rows")
    joint = JointSums(
        n,
        found["mean"],
        found["products"],
        counts,
        found.get("outcomes"),
        found.get("chances"),
        found.get("top"),
        found.get("binary"),
        found.get("classes"),
        found.get("cells"),
        identical=same,
        alike=alike,
    )
    if joint.few != ("outcomes" in found and "chances" in found):
        raise Wrong("joint.outcomes belong to rows with few errors, or few right rows")
    return joint


def _array(arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: tuple[int, ...]) -> Floats:
    found = arrays.get(f"joint.{name}")
    if found is None or found.dtype != np.float64 or found.shape != shape:
        came = "missing" if found is None else f"{found.dtype} {found.shape}"
        raise Wrong(f"joint.{name} is {came}, but float64 {shape} is needed")
    if not np.isfinite(found).all() and name not in ("mean", "products"):
        raise Wrong(f"joint.{name} has values that are not finite")
    return found
