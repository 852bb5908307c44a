"""From cases to reports: one pass, with one case in memory for each thread."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.conventions.table import OWN
from calibeval.core.data.arrays import Floats
from calibeval.core.data.notices import warning
from calibeval.core.data.probabilities import probabilities
from calibeval.core.dense.case import Case, Cases, region_labels
from calibeval.core.dense.image_sums import ImageAdder, ImageParts, Pixels
from calibeval.core.dense.of_dump import with_block
from calibeval.core.dense.remarks import Remarks
from calibeval.core.dense.results import Images, per_image
from calibeval.core.errors import InputError, UsageError
from calibeval.core.evaluation.accumulation import Accumulation
from calibeval.core.report.report import DumpReport
from calibeval.core.report.settings import Settings
from calibeval.core.sums.binning import rounded
from calibeval.core.sums.engine import edges_of
from calibeval.core.sums.resources import PLAIN, Resources
from calibeval.core.sums.threads import in_order

UNUSED = -1  # marks pixels that do not count, where no label does
_PLACE = re.compile(r"^(?:batch \d+: )?(?:image \d+(?: \(image \d+ of this batch\))?, )?")


class Channel(NamedTuple):
    """What is measured of each case: all classes (name None), or one region by the number of its channel."""

    name: str | None
    number: int
    labels: tuple[int, ...]


class Ready(NamedTuple):
    """A case whose values were read, and may be computed on. keep: (pixels,), which of them count."""

    case: Case
    scores: npt.NDArray[Any]
    marked: npt.NDArray[Any]
    parts: ImageParts | None


def evaluate_cases(
    cases: Cases,
    settings: Settings,
    resources: Resources = PLAIN,
    only: Collection[str] | None = None,
    *,
    units: Sequence[str] | None = None,
    renormalize: bool = False,
) -> tuple[DumpReport, ...]:
    """The results of all cases: one dump, or one for each region.

    units: what names the independent unit of each case, such as its patient; None: the case.
    Raises: InputError, FileProblem naming the case; UsageError for settings that cases do not have.
    """
    facts = cases.facts
    if settings.slices or settings.convention != OWN:
        raise UsageError("folders of cases have no slices, and are measured by calibeval's own convention")
    regions = facts.regions or {}
    channels = [Channel(name, i, labels) for i, (name, labels) in enumerate(regions.items())] or [Channel(None, 0, ())]
    runs = [_Run(cases, settings, only, one, units, renormalize=renormalize) for one in channels]
    if resources.progress is not None:
        resources.progress.start(facts.source.path or "cases", len(facts.names))
    for read in in_order(partial(_read, cases, runs), range(len(facts.names)), min(resources.jobs, 2)):
        for run, ready in zip(runs, read, strict=True):
            run.add(ready)
        if resources.progress is not None:
            resources.progress.advance(1)
    source = cases.source(())
    return tuple(run.report(replace(source, split=run.channel.name)) for run in runs)


def _read(cases: Cases, runs: Sequence[_Run], number: int) -> list[Ready]:
    """The work of a thread on one case."""
    case = cases.read(number)
    return [run.ready(case) for run in runs]


class _Run:
    """One channel, or all classes, of all cases."""

    def __init__(
        self,
        cases: Cases,
        settings: Settings,
        only: Collection[str] | None,
        channel: Channel,
        units: Sequence[str] | None,
        *,
        renormalize: bool,
    ) -> None:
        self._facts, self._settings, self.channel, self._units = cases.facts, settings, channel, units
        ignore = self._facts.ignore_index
        self._mark = UNUSED if ignore is None else ignore
        options = {
            "ignore_index": self._mark,
            "class_names": self._facts.class_names if channel.name is None else ("outside", channel.name),
            "labels_are": "positions",
            "renormalize": renormalize,
        }
        plain = replace(settings, slices=(), min_rows=None, group=None, background=None)
        chosen = None if only is None else tuple(only)
        self._rows, self._only = Accumulation(None, chosen, plain, options, exact=None), chosen
        self._adder: ImageAdder | None = None
        self._names: list[str] = []
        self._edges: Floats | None = None
        self._remarks = Remarks()

    def ready(self, case: Case) -> Ready:
        """What a thread computes of a case before its turn comes."""
        scores, labels, ignore = case.scores, case.labels, self._facts.ignore_index
        if self.channel.name is not None:
            if len(scores) <= self.channel.number:
                raise InputError(f"{case.name}: {len(scores)} channels, but region {self.channel.name} needs one more")
            scores = scores[self.channel.number : self.channel.number + 1]
            labels = region_labels(labels, self.channel.labels, ignore)
        marked = labels if ignore is not None else labels.astype(np.int32) if labels.dtype.kind == "u" else labels
        if self._settings.background == "exclude-label":
            marked = np.where(labels == 0, self._mark, marked)
        found = Ready(case._replace(labels=labels), scores, marked, None)
        return found if self._edges is None else found._replace(parts=self._parts(found, self._edges))

    def add(self, ready: Ready) -> None:
        """The next case, in order. Raises: InputError naming it."""
        case, kind = ready.case, self._facts.kind
        self._remarks.add(case)
        flat = ready.scores.reshape(1, len(ready.scores), -1, ready.scores.shape[-1])
        labels = ready.marked.reshape(1, *flat.shape[2:])
        unit = None if self._units is None else np.array([self._units[len(self._names)]])
        try:
            self._rows.look()
            self._rows.add({kind: flat, "labels": labels}, "labels", unit)
        except InputError as error:
            text = _PLACE.sub("", str(error)).removeprefix("predictions: ")
            raise InputError(f"{case.name}: {text}") from None
        running = self._rows.running
        kinds = running.facts.kinds if running is not None else None
        if kinds is None or kinds.k is None:
            raise InputError(f"{case.name}: the scores of every class are needed")
        if self._adder is None or self._edges is None:
            self._edges, self._adder = edges_of(kinds, self._settings.bins)[1], ImageAdder(kinds.k, self._settings.bins)
        parts = ready.parts or self._parts(ready, self._edges)
        if parts is None:
            raise InputError(f"{case.name}: holds scores that are no numbers")
        self._adder.add(parts)
        self._names.append(case.name)

    def _parts(self, ready: Ready, edges: Floats) -> ImageParts | None:
        """The sums of an image; None if its values are wrong, which is said when it is added."""
        kind, marked = self._facts.kind, ready.marked.ravel()
        scores = ready.scores.reshape(len(ready.scores), -1)
        places = np.flatnonzero(marked != self._mark)
        if len(places) < len(marked):
            scores = scores[:, places]
        if len(scores) == 1:
            scores, kind = _two(scores, kind), "probs"
        p = rounded(probabilities(scores, kind, axis=0), kind)
        labels = marked[places].astype(np.intp)
        if len(places) and not (labels.min() >= 0 and labels.max() < len(p) and np.isfinite(p.sum())):
            return None
        return ImageParts.of(Pixels(p, labels, places, ready.case.labels, ready.case.spacing), edges)

    def report(self, source: Any) -> DumpReport:
        """The report of all cases."""
        if self._adder is None:
            raise InputError("there are no cases")
        settings = self._settings
        dump, _ = self._rows.dump(settings.level, self._only, source)
        sums, pooled = self._adder.sums()
        codes = np.arange(len(self._names))
        if self._units is not None:
            codes = np.unique(np.array(self._units), return_inverse=True)[1]
        images = Images(sums, pooled, self._names, np.asarray(codes, np.intp), settings.group)
        names = [one.name for one in dump.per_class]
        background = settings.background or "include"
        block = per_image(images, settings.level, names, background=background, spaced=bool(self._remarks.spaced))
        told = (*self._facts.warnings, *(warning("map_note", one) for one in self._remarks.texts()))
        return replace(with_block(dump, images, block), warnings=(*told, *dump.warnings))


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
