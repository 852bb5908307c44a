"""A cell after a map of another dump; rows on whose clean version the map was fitted are mapped out of fold."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from calibeval.core.comparison.pairing import pair_rows
from calibeval.core.data.notices import Notice, warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.row_ids import matchable, places_in
from calibeval.core.data.row_source import Kind, RowSource
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.mapping import Map, mapped, mapped_rows
from calibeval.recalibrate.fitting.cross_fit import CrossFitted, FoldRows, cross_fit
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.leak import check_leak

FOLDS = 5
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fitting:
    """How maps are fitted. Arguments: as for `calibeval.fit`. allow_leak: whether identical rows are no error."""

    method: str = "temperature"
    objective: str = "nll"
    clip: float | None = None
    seed: int = 0
    allow_leak: bool = False


class Repaired(NamedTuple):
    """The mapped predictions, and what is told of them."""

    predictions: Predictions
    notes: tuple[Notice, ...]


class FittedOn:
    """A dump with the maps that are fitted on it, each when it is first needed."""

    def __init__(self, dump: Predictions, how: Fitting) -> None:
        self.dump, self.how = dump, how

    @functools.cached_property
    def map(self) -> Map:
        """The map of all rows."""
        how = self.how
        return fit(self.dump, how.method, objective=how.objective, clip=how.clip, seed=how.seed)

    @functools.cached_property
    def crossed(self) -> CrossFitted:
        """The maps of all rows but those of one fold each."""
        how = self.how
        return cross_fit(self.dump, FOLDS, how.method, seed=how.seed, objective=how.objective, clip=how.clip)

    def applied(self, cell: Predictions) -> Repaired:
        """A cell after the map; each of its rows that the dump holds, too, after a map of the other folds.

        Raises: InputError for classes that differ, or for rows that are identical to those of the dump where neither
        ids nor positions tell which they are, unless this is allowed.
        """
        places = _places(self.dump, cell)
        if places is None or not (places >= 0).any():
            return self._by_all(cell)
        folds = np.where(places >= 0, self.crossed.folds[places], FOLDS).astype(np.int16)
        maps = [*self.crossed.maps, *([self.map] if (places < 0).any() else [])]
        rows = [mapped_rows(cell, one) for one in maps]
        mapped(cell, maps[0])  # checks the classes
        kind: Kind = rows[0][1]
        scores: RowSource = FoldRows(cell.scores, tuple(source for source, _ in rows), folds)
        held = "rows are" if (places >= 0).all() else "some rows are"
        text = f"{held} those on which the map is fitted, so each is mapped by a fit on others, in {FOLDS} folds"
        return Repaired(cell.with_scores(scores, kind), (warning("shared_ids", text),))

    def _by_all(self, cell: Predictions) -> Repaired:
        leak = check_leak(self.dump, cell)
        if leak is not None and leak.certain and not self.how.allow_leak:
            raise InputError(
                f"{leak.text}: that would make results too optimistic. Give both dumps ids, so that rows can be mapped "
                "by a fit on others, or use --allow-leak to see them anyway."
            )
        notes = () if leak is None or not leak.certain else (leak.notice,)
        return Repaired(mapped(cell, self.map), notes)


def _places(dump: Predictions, cell: Predictions) -> Places | None:
    """For each stored row of the cell, the same row of the dump, -1 where there is none; None if it is not known."""
    if dump.ids is not None and cell.ids is not None:
        ours, theirs = matchable(np.asarray(dump.ids), np.asarray(cell.ids))
        found = places_in(ours, theirs)
        pixels, own = dump.rows // len(ours), cell.rows // len(theirs)
        if pixels == own == 1:
            return found
        if pixels != own:
            return None
        every = found[:, None] * pixels + np.arange(pixels)
        return np.where(found[:, None] >= 0, every, -1).ravel()
    try:
        pair_rows(dump, cell)
    except InputError:
        return None
    return np.arange(cell.rows)
