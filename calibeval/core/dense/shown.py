"""Which images are shown: those that were asked for, and the worst ones; each is read again, one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.predictions import Predictions
from calibeval.core.data.source import Source
from calibeval.core.dense.case import Case, Cases, Facts
from calibeval.core.dense.maps import Asked, CaseMaps, maps_of
from calibeval.core.dense.of_dump import image_names
from calibeval.core.errors import UsageError, nearest
from calibeval.core.report.report import DumpReport
from calibeval.core.report.views import by_image

Image = Callable[[str], npt.NDArray[Any] | None]


class DumpCases:
    """The images of predictions in one array, as cases."""

    def __init__(self, predictions: Predictions) -> None:
        self._predictions = predictions
        ignore = predictions.ignore_index if predictions.ignored else None
        self.facts = Facts(image_names(predictions), predictions.kind, predictions.class_names, ignore)

    def read(self, number: int) -> Case:
        """An image by its number."""
        space = self._predictions.layout[1:]
        size = math.prod(space)
        here = slice(number * size, (number + 1) * size)
        scores = np.asarray(self._predictions.scores[here]).T.reshape(-1, *space)
        labels = np.asarray(self._predictions.labels[here]).reshape(space)
        return Case(self.facts.names[number], scores, labels)

    def source(self, found: Sequence[str] = ()) -> Source:
        """Where the images came from."""
        del found
        return self._predictions.source


def shown_maps(dump: DumpReport, cases: Cases, show: Sequence[str], image: Image | None = None) -> tuple[CaseMaps, ...]:
    """The maps of the cases `show`, then of the three with the largest ECE.

    dump: what was measured of these cases; of a region, if the name of one is its split. image: by the name of a case.
    Raises: UsageError for a name that no case has; as `Cases.read`.
    """
    block, facts = dump.per_image, cases.facts
    if block is None:
        return ()
    numbers = [found_case(word, facts.names) for word in show]
    judged = by_image(dump)
    worst = [] if judged is None or judged.lead is None else [one.image for one in judged.lead.worst]
    places = {name: number for number, name in enumerate(facts.names)}
    every = dict.fromkeys([*numbers, *(places[name] for name in worst if name in places)])
    region = None
    if facts.regions is not None:
        listed = list(facts.regions)
        name = dump.source.split if dump.source.split in listed else listed[0]
        region = listed.index(name), facts.regions[name]
    unused = (0,) if block.background == "exclude-label" else ()
    asked = Asked(facts.kind, facts.ignore_index, region, unused)
    found = []
    for number in every:
        name = facts.names[number]
        maps = maps_of(cases.read(number), asked, None if image is None else image(name))
        rank = worst.index(name) + 1 if name in worst else None
        found.append(maps._replace(asked=number in numbers, rank=rank))
    return tuple(found)


def found_case(word: str, names: Sequence[str]) -> int:
    """The number of the case with this name, or with this number from 0 if no case has such a name.

    Raises: UsageError, with the nearest name.

    >>> found_case("b", ["a", "b"]), found_case("0", ["a", "b"])
    (1, 0)
    """
    if word in names:
        return list(names).index(word)
    if word.isascii() and word.isdigit() and len(word) < 10 and int(word) < len(names):
        return int(word)
    few = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    raise UsageError(
        f'--show names "{word}", but there is no such case{nearest(word, names)}; the {len(names):,} are {few}'
    )
