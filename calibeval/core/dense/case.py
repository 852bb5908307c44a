"""Cases: images that lie in files of their own, with their labels, and that may differ in size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import Notice
from calibeval.core.data.row_source import Kind
from calibeval.core.data.source import Source

OF_CASES = Source("cases", title="predictions")  # of a case as predictions, whose messages name options
NEITHER = 2  # the label of pixels to ignore among those of a region, which are 0 and 1


class Case(NamedTuple):
    """One image, read into memory.

    scores: (k, h, w) or (k, d, h, w); one channel of a region is (1, ...). labels: (h, w) or (d, h, w). spacing: of the
    pixels along these axes; None if it is unknown. told: remarks on this case. from_x: whether axes are (x, y) or (x,
    y, z), so that a picture shows them transposed.
    """

    name: str
    scores: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    spacing: tuple[float, ...] | None = None
    told: tuple[str, ...] = ()
    from_x: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is the same for all cases.

    names: of the cases, in their order. kind: of the scores. class_names: in class order; None: they have none.
    ignore_index: the label of pixels that do not count. regions: if channels are regions that may overlap, the labels
    that each of them consists of. recognised: short sentences on how the files are read.
    """

    names: tuple[str, ...]
    kind: Kind
    class_names: tuple[str, ...] | None = None
    ignore_index: int | None = None
    regions: Mapping[str, tuple[int, ...]] | None = None
    source: Source = field(default_factory=Source)
    warnings: tuple[Notice, ...] = ()
    recognised: tuple[str, ...] = ()


class Cases(Protocol):
    """Cases that are read one at a time."""

    @property
    def facts(self) -> Facts:
        """What is the same for all."""

    def read(self, number: int) -> Case:
        """A case by its number. Raises: InputError, FileProblem naming its file."""

    def source(self, found: Sequence[str]) -> Source:
        """Where the cases came from, once all were read. found: what `read` told of their contents."""


class ChosenCases:
    """Some of the cases, in an order of their own."""

    def __init__(self, cases: Cases, names: Sequence[str], title: str | None = None) -> None:
        places = {name: number for number, name in enumerate(cases.facts.names)}
        self._cases, self._places, self._title = cases, [places[name] for name in names], title
        self._facts = replace(cases.facts, names=tuple(names), source=replace(cases.facts.source, title=title))

    @property
    def facts(self) -> Facts:
        """What is the same for all, with the names of the chosen ones."""
        return self._facts

    def with_warnings(self, told: Sequence[Notice]) -> ChosenCases:
        """The same cases with further warnings."""
        made = ChosenCases(self._cases, self._facts.names, self._title)
        made._facts = replace(self._facts, warnings=(*self._facts.warnings, *told))
        return made

    def read(self, number: int) -> Case:
        """A case by its number among the chosen ones."""
        return self._cases.read(self._places[number])

    def source(self, found: Sequence[str]) -> Source:
        """Where all cases came from, under the title."""
        return replace(self._cases.source(found), title=self._title)


def region_labels(labels: npt.NDArray[Any], region: tuple[int, ...], ignore_index: int | None) -> npt.NDArray[Any]:
    """The labels of a region: 1 inside, 0 outside, and 2 for pixels to ignore, whatever their label is.

    >>> region_labels(np.array([[0, 1, 2, 9]]), (1, 2), 9).tolist()
    [[0, 1, 1, 2]]
    """
    found = np.isin(labels, region).astype(np.uint8)
    if ignore_index is not None:
        found[labels == ignore_index] = NEITHER
    return found


def marked_labels(labels: npt.NDArray[Any], where: npt.NDArray[np.bool_], mark: int) -> npt.NDArray[Any]:
    """Labels with a mark at some places, in a type of whole numbers that holds all of them.

    >>> marked_labels(np.array([0, 7], np.uint8), np.array([True, False]), 257).tolist()
    [257, 7]
    """
    held = np.promote_types(labels.dtype, np.min_scalar_type(mark))
    whole = held if held.kind in "iu" else np.dtype(np.int64)
    return np.where(where, np.asarray(mark, whole), labels.astype(whole, copy=False))


def two_classes(scores: npt.NDArray[Any], kind: str) -> Floats:
    """The probabilities (2, ...) of two classes from the one channel (1, ...) of class 1.

    >>> two_classes(np.array([[0.25]]), "probs").tolist()
    [[0.75], [0.25]]
    """
    values = np.asarray(scores, np.float64)
    if kind == "logits":
        with np.errstate(over="ignore"):
            values = 1.0 / (1.0 + np.exp(-values))
    elif kind == "log_probs":
        values = np.exp(values)
    p = np.clip(values, 0.0, 1.0)
    return np.concatenate([1.0 - p, p])
