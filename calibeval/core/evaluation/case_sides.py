"""The images of one model: from a case that was read to what is added up of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.row_source import Kind
from calibeval.core.dense.case import NEITHER, OF_CASES, Case, Cases, Facts, check_regions, marked_labels, region_labels
from calibeval.core.dense.image_sums import ImageAdder, ImageParts, ImageSums, PooledBins
from calibeval.core.dense.remarks import Remarks
from calibeval.core.dense.results import Images
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.batches import read_batch
from calibeval.core.evaluation.image_work import image_work
from calibeval.core.evaluation.mergeable import check_alike
from calibeval.core.evaluation.running import Running
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.binning import BinSums

Cell = tuple[str, ...]  # the values that a case has in the columns of slices
UNUSED = -(2**31)  # marks pixels that do not count, where no label does


class Channel(NamedTuple):
    """What is measured of each case: all classes (name None), or one region by the number of its channel."""

    name: str | None
    number: int
    labels: tuple[int, ...]


class Ready(NamedTuple):
    """A case whose values were read, and may be computed on. marked: labels, with the mark where they do not count."""

    case: Case
    scores: npt.NDArray[Any]
    marked: npt.NDArray[Any]
    parts: ImageParts | None


def channels_of(cases: Cases) -> list[Channel]:
    """The regions of cases, or all their classes."""
    regions = cases.facts.regions or {}
    return [Channel(name, i, labels) for i, (name, labels) in enumerate(regions.items())] or [Channel(None, 0, ())]


def mark_of(facts: Facts, channel: Channel) -> int:
    """The label of pixels that do not count."""
    if channel.name is not None:
        return NEITHER
    return UNUSED if facts.ignore_index is None else facts.ignore_index


def options_of(facts: Facts, channel: Channel) -> dict[str, Any]:
    """Options of predictions that are the same for all cases."""
    return {
        "ignore_index": mark_of(facts, channel),
        "class_names": facts.class_names if channel.name is None else ("outside", channel.name),
        "labels_are": "positions",
        "source": OF_CASES,
    }


def measured_of(
    case: Case, facts: Facts, channel: Channel, background: str | None
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """What is measured of a case: scores, labels, and the labels with the mark where pixels do not count.

    Raises: InputError naming the case if its channels are not the regions, or a label is the mark.
    """
    scores, labels = case.scores, case.labels
    if channel.name is not None:
        check_regions(case, facts.regions or {})
        scores = scores[channel.number : channel.number + 1]
        labels = region_labels(labels, channel.labels, facts.ignore_index)
    elif facts.ignore_index is None and labels.dtype.kind == "i" and (labels == UNUSED).any():
        raise InputError(f"{case.name}: a label is {UNUSED}, but labels are the numbers of classes")
    marked = labels
    if background == "exclude-label":
        marked = marked_labels(labels, case.labels == 0, mark_of(facts, channel))
    return scores, labels, marked


def as_batch(kind: Kind, scores: npt.NDArray[Any], marked: npt.NDArray[Any]) -> dict[str, Any]:
    """A case as a batch of one image."""
    flat = scores.reshape(1, len(scores), -1, scores.shape[-1])
    return {kind: flat, "labels": marked.reshape(1, *flat.shape[2:])}


def codes_of(units: Sequence[str] | None, count: int) -> Codes:
    """The number of the independent unit of each of so many cases. units: their names; None: the cases.

    >>> codes_of(["b", "a", "b"], 3).tolist(), codes_of(None, 3).tolist()
    ([1, 0, 1], [0, 1, 2])
    """
    if units is None:
        return np.arange(count, dtype=np.intp)
    return np.asarray(np.unique(np.array(units), return_inverse=True)[1], np.intp)


def with_unit(report: DumpReport, unit: str | None) -> DumpReport:
    """The report of cases whose independent units are called so; None: they are the cases."""
    if unit is None or report.groups is None:
        return report
    return replace(report, groups=replace(report.groups, column=unit))


class Side:
    """The images of one model, or of one of its regions. options: of the predictions of every case."""

    def __init__(self, facts: Facts, settings: Settings, channel: Channel, options: Mapping[str, Any]) -> None:
        self.facts, self.channel = facts, channel
        self._settings, self._options = settings, options
        self._running: Running | None = None
        self._k: int | None = None
        self._adders: dict[Cell, ImageAdder] = {}
        self._places: dict[Cell, list[int]] = {}
        self.names: list[str] = []
        self.remarks = Remarks()

    @property
    def spaced(self) -> bool:
        """Whether the spacing of the pixels of every image is known."""
        return bool(self.remarks.spaced)

    @property
    def warnings(self) -> tuple[Notice, ...]:
        """What was told of the folder and of single cases."""
        return (*self.facts.warnings, *(warning("map_note", one) for one in self.remarks.texts()))

    def ready(self, case: Case) -> Ready:
        """What a thread computes of a case before its turn comes."""
        scores, labels, marked = measured_of(case, self.facts, self.channel, self._settings.background)
        found = Ready(case._replace(labels=labels), scores, marked, None)
        return found if self._running is None else found._replace(parts=self._parts(found, self._running))

    def batch(self, ready: Ready) -> dict[str, Any]:
        """The case as a batch of one image."""
        return as_batch(self.facts.kind, ready.scores, ready.marked)

    def take(self, ready: Ready, running: Running | None, cell: Cell = ()) -> None:
        """Add the next case, in order. running: what its rows were added to. Raises: InputError naming it."""
        case, k = ready.case, None if running is None else running.facts.kinds.k
        self.remarks.add(case)
        if running is None or k is None:
            raise InputError(f"{case.name}: the scores of every class are needed")
        if self._k not in (None, k):
            raise InputError(f"{case.name}: {k} classes, but {self.names[0]} has {self._k}")
        if self._running is None:
            self._running, self._k = running, k
        if cell not in self._adders:
            self._adders[cell], self._places[cell] = ImageAdder(k, self._settings.bins), []
        parts = ready.parts or self._parts(ready, self._running)
        if parts is None:
            raise InputError(f"{case.name}: holds scores that are no numbers")
        self._adders[cell].add(parts)
        self._places[cell].append(len(self.names))
        self.names.append(case.name)

    def _parts(self, ready: Ready, running: Running) -> ImageParts | None:
        """The sums of an image; None if its values are wrong, which is said when it is added."""
        groups = None if running.facts.settings.group is None else np.array([ready.case.name])
        try:
            batch = read_batch(self.batch(ready), "labels", groups, None, self._options)
            check_alike(running.facts, batch, weighted=False)
        except (InputError, UsageError):
            return None
        return image_work(batch, ready.case, running).parts

    def images(self, codes: Codes, unit: str | None, cells: Collection[Cell] | None = None) -> Images:
        """The sums of all images, or of those of some cells. codes, unit: of the groups of all images.

        Raises: InputError if there are none.
        """
        chosen = [cell for cell in self._adders if cells is None or cell in cells]
        if not chosen:
            raise InputError("there are no cases")
        places = np.concatenate([self._places[cell] for cell in chosen]).astype(np.intp)
        order = np.argsort(places, kind="stable")
        every = [self._adders[cell].sums() for cell in chosen]
        stacked = zip(*(sums.parts for sums, _ in every), strict=True)
        parts = (np.concatenate(part)[order] for part in stacked)
        pooled = PooledBins(*(_added(bins) for bins in zip(*(bins for _, bins in every), strict=True)))
        own = places[order]
        return Images(ImageSums(*parts), pooled, [self.names[one] for one in own], codes[own], unit)


def _added(bins: Sequence[BinSums]) -> BinSums:
    """The sums of all together."""
    fields = ((one.count, one.p, one.pp, one.y, one.yp) for one in bins)
    return BinSums(*(np.sum(part, axis=0) for part in zip(*fields, strict=True)))
