"""The images of one model: from a case that was read to what is added up of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.probabilities import probabilities
from calibeval.core.dense.case import Case, Facts, region_labels
from calibeval.core.dense.image_sums import ImageAdder, ImageParts, ImageSums, Pixels, PooledBins
from calibeval.core.dense.remarks import Remarks
from calibeval.core.dense.results import Images
from calibeval.core.errors import InputError
from calibeval.core.report.settings import Settings
from calibeval.core.sums.binning import BinSums, rounded
from calibeval.core.sums.engine import edges_of

Cell = tuple[str, ...]  # the values that a case has in the columns of slices
UNUSED = -1  # marks pixels that do not count, where no label does


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


class Side:
    """The images of one model, or of one of its regions."""

    def __init__(self, facts: Facts, settings: Settings, channel: Channel) -> None:
        self.facts, self.channel = facts, channel
        self.mark = UNUSED if facts.ignore_index is None else facts.ignore_index
        self._settings = settings
        self._edges: Floats | None = None
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
    def options(self) -> dict[str, Any]:
        """Those of predictions that are the same for all cases."""
        facts, name = self.facts, self.channel.name
        return {
            "ignore_index": self.mark,
            "class_names": facts.class_names if name is None else ("outside", name),
            "labels_are": "positions",
        }

    def ready(self, case: Case) -> Ready:
        """What a thread computes of a case before its turn comes."""
        scores, labels, ignore = case.scores, case.labels, self.facts.ignore_index
        if self.channel.name is not None:
            if len(scores) <= self.channel.number:
                raise InputError(f"{case.name}: {len(scores)} channels, but region {self.channel.name} needs one more")
            scores = scores[self.channel.number : self.channel.number + 1]
            labels = region_labels(labels, self.channel.labels, ignore)
        marked = labels if ignore is not None else labels.astype(np.int32) if labels.dtype.kind == "u" else labels
        if self._settings.background == "exclude-label":
            marked = np.where(labels == 0, self.mark, marked)
        found = Ready(case._replace(labels=labels), scores, marked, None)
        return found if self._edges is None else found._replace(parts=self._parts(found, self._edges))

    def batch(self, ready: Ready) -> dict[str, Any]:
        """The case as a batch of one image."""
        flat = ready.scores.reshape(1, len(ready.scores), -1, ready.scores.shape[-1])
        return {self.facts.kind: flat, "labels": ready.marked.reshape(1, *flat.shape[2:])}

    def take(self, ready: Ready, kinds: Predictions | None, cell: Cell = ()) -> None:
        """Add the next case, in order. kinds: what its scores are. Raises: InputError naming it."""
        case = ready.case
        self.remarks.add(case)
        if kinds is None or kinds.k is None:
            raise InputError(f"{case.name}: the scores of every class are needed")
        if self._k not in (None, kinds.k):
            raise InputError(f"{case.name}: {kinds.k} classes, but {self.names[0]} has {self._k}")
        if self._edges is None:
            self._edges, self._k = edges_of(kinds, self._settings.bins)[1], kinds.k
        if cell not in self._adders:
            self._adders[cell], self._places[cell] = ImageAdder(kinds.k, self._settings.bins), []
        parts = ready.parts or self._parts(ready, self._edges)
        if parts is None:
            raise InputError(f"{case.name}: holds scores that are no numbers")
        self._adders[cell].add(parts)
        self._places[cell].append(len(self.names))
        self.names.append(case.name)

    def _parts(self, ready: Ready, edges: Floats) -> ImageParts | None:
        """The sums of an image; None if its values are wrong, which is said when it is added."""
        kind, marked = self.facts.kind, ready.marked.ravel()
        scores = ready.scores.reshape(len(ready.scores), -1)
        places = np.flatnonzero(marked != self.mark)
        if len(places) < len(marked):
            scores = scores[:, places]
        if len(scores) == 1:
            scores, kind = _two(scores, kind), "probs"
        p = rounded(probabilities(scores, kind, axis=0), kind)
        labels = marked[places].astype(np.intp)
        if len(places) and not (labels.min() >= 0 and labels.max() < len(p) and np.isfinite(p.sum())):
            return None
        return ImageParts.of(Pixels(p, labels, places, ready.case.labels, ready.case.spacing), edges)

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


def _two(scores: npt.NDArray[Any], kind: str) -> Floats:
    """The probabilities of two classes from the one channel of class 1."""
    values = np.asarray(scores, np.float64)
    if kind == "logits":
        with np.errstate(over="ignore"):
            values = 1.0 / (1.0 + np.exp(-values))
    elif kind == "log_probs":
        values = np.exp(values)
    p = np.clip(values, 0.0, 1.0)
    return np.concatenate([1.0 - p, p])
