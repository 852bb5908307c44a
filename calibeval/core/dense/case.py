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
from calibeval.core.errors import InputError, UsageError, nearest

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
        """Where all cases came from, under the title, with the hashes of the chosen ones."""
        source = self._cases.source(found)
        chosen = None if source.cases is None else tuple(source.cases[one] for one in self._places)
        return replace(source, title=self._title, cases=chosen)


class RegionCases:
    """One region of cases as two classes: outside, and the region."""

    def __init__(self, cases: Cases, region: str) -> None:
        facts, regions = cases.facts, cases.facts.regions or {}
        self._cases, self._number, self._labels = cases, list(regions).index(region), regions[region]
        self._source = replace(facts.source, split=region)
        self._ignore, self._regions = facts.ignore_index, regions
        mark = None if self._ignore is None else NEITHER
        self._facts = replace(
            facts, regions=None, class_names=("outside", region), source=self._source, ignore_index=mark
        )

    @property
    def facts(self) -> Facts:
        """What is the same for all."""
        return self._facts

    def read(self, number: int) -> Case:
        """A case with the channel of the region, (1, ...). Raises: as of the cases, and `check_regions`."""
        case, here = self._cases.read(number), self._number
        check_regions(case, self._regions)
        labels = region_labels(case.labels, self._labels, self._ignore)
        return case._replace(scores=case.scores[here : here + 1], labels=labels)

    def source(self, found: Sequence[str]) -> Source:
        """Where the cases came from."""
        return replace(self._cases.source(found), split=self._source.split)


def region_of(cases: Cases, region: str | None) -> Cases:
    """The cases, or this region of them. Raises: UsageError if it is not clear which one."""
    regions, name = cases.facts.regions, cases.facts.source.path or "cases"
    if region is None and not regions:
        return cases
    there = ", ".join(f"#{one}" for one in regions or ())
    if not regions:
        raise UsageError(f"{name}: has no regions, but {region} was named")
    if region is None:
        raise UsageError(f"{name}: holds {len(regions)} regions that may overlap; a map is for one: {there}")
    if region not in regions:
        raise UsageError(f'{name}: there is no region "{region}"{nearest(region, regions)}; there are {there}')
    return RegionCases(cases, region)


def check_regions(case: Case, regions: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a case whose channels are not the regions. Raises: InputError naming it."""
    if len(case.scores) != len(regions):
        channels = f"{len(case.scores)} channel{'' if len(case.scores) == 1 else 's'}"
        raise InputError(
            f"{case.name}: the scores have {channels}, but dataset.json has {len(regions)} regions "
            f"({', '.join(regions)}), of which each needs its own, in this order"
        )


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
