"""All that a report needs of rows that come chunk by chunk and are not kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from calibeval.core.data.amended import with_warnings
from calibeval.core.data.arrays import Codes, Floats
from calibeval.core.data.best_first import contradiction
from calibeval.core.data.block import Block
from calibeval.core.data.copied import copied
from calibeval.core.data.divided import Division
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Predictions
from calibeval.core.data.weights import Weights
from calibeval.core.errors import InputError
from calibeval.core.evaluation.chunk_work import Ready, Worked, worked
from calibeval.core.evaluation.class_noise import with_sampled_spread
from calibeval.core.evaluation.doubts import zeros_notice
from calibeval.core.evaluation.joint_cells import ClassGaps
from calibeval.core.evaluation.measurement import Measurement
from calibeval.core.evaluation.part_doubts import PartDoubt, PartDoubts, joined, sampled_doubts
from calibeval.core.evaluation.running_facts import Chunk, Counts, Facts, Heard
from calibeval.core.evaluation.running_groups import RunningGroups, fit_totals, with_fit
from calibeval.core.evaluation.running_ids import RunningIds
from calibeval.core.evaluation.running_looks import RunningCurves, RunningLooks
from calibeval.core.sums.at_temperatures import AtTemperatures
from calibeval.core.sums.engine import edges_of, tie_slack
from calibeval.core.sums.fitted import fitted_cox, fitted_optimum
from calibeval.core.sums.joined_cells import JoinedCells
from calibeval.core.sums.optimum import Optimum
from calibeval.core.sums.reweighted import reweighted, reweighted_second
from calibeval.core.sums.running_keys import RunningKeys
from calibeval.core.sums.running_sample import RunningSample, weights_of_sample
from calibeval.core.sums.sample import Sample
from calibeval.core.sums.second_pass import SecondSums
from calibeval.core.sums.sums import Sums
from calibeval.core.uncertainty.joints import Joints

NO_COUNT = "it needs the probabilities of every row, which are not kept here"


class Running:
    """The sums of all chunks so far, which give a report at any time."""

    def __init__(self, facts: Facts) -> None:
        kinds, k = facts.kinds, facts.kinds.k
        self.facts, self.counts = facts, Counts()
        self.edges, self.compared = edges_of(kinds, facts.settings.bins)
        self.total: Sums | None = None
        self.second: SecondSums | None = None
        self.keys = RunningKeys(tie_slack(kinds), exact=facts.exact)
        self.sample = None if k is None else RunningSample(k)
        self.curves = RunningCurves()
        self.looks = RunningLooks(k, kinds.kind)
        self.groups = RunningGroups(facts.settings.group, k, self.compared) if facts.grouped else None
        self.warnings: tuple[Notice, ...] = ()
        self.even: float | None = None  # the weight of every row so far; None: there are none, or they differ
        self.uneven = False
        self.joined: JoinedCells | None = None  # of small bins
        self.heard: list[Heard] | None = None  # the results of rows that nobody has taken; None: they are not kept
        self.tempered: AtTemperatures | None = None  # of rows of which there is no sample
        self.doubts: PartDoubts = ()  # about such rows
        self.ids: RunningIds | None = None  # None if some rows have none

    def copy(self) -> Running:
        """The same sums, to which rows can be added."""
        other = Running.__new__(Running)
        other.__dict__.update(self.__dict__)
        other.counts, other.keys, other.curves = replace(self.counts), self.keys.copy(), self.curves.copy()
        other.looks, other.heard = self.looks.copy(), None if self.heard is None else [*self.heard]
        other.sample = None if self.sample is None else self.sample.copy()
        other.groups = None if self.groups is None else self.groups.copy()
        return other

    def add(self, chunk: Chunk) -> None:
        """The next rows, whose values are known to suit their kind."""
        ready = self.ready(chunk)
        if ready is not None:
            self.take(self.work(ready))

    def ready(self, chunk: Chunk) -> Ready | None:
        """The next rows that count, all chunks in their order; None if there are none."""
        keep, stored = chunk.keep, self.counts.stored
        self.counts.stored += len(keep)
        if not keep.any():
            return None
        weights, codes = self._weights(chunk), chunk.codes
        scores, labels = chunk.scores, chunk.labels
        if not keep.all():
            scores, labels, codes = scores[keep], labels[keep], None if codes is None else codes[keep]
        return Ready(Block(scores, labels, 0, weights), codes, keep, stored)

    def work(self, ready: Ready) -> Worked:
        """Their sums, which threads may compute. Raises: BadValues."""
        return worked(ready, self.facts, self.edges, self.compared)

    def take(self, done: Worked) -> None:
        """Add them, in the order of chunks."""
        ready, sums, keys, rows, cells, second, _ = done
        block, codes = ready.block, ready.codes
        if sums.impossible_row is not None:
            row = sums.impossible_row if ready.whole else int(np.flatnonzero(ready.keep)[sums.impossible_row])
            sums = replace(sums, impossible_row=ready.stored + row)
        if self.heard is not None:
            # By groups, their totals say more.
            gaps = ClassGaps.of(block, self.facts.kinds.kind, self.compared) if self.groups is None else None
            self.heard.append(Heard(rows, block.labels.copy(), gaps))  # the array is written again
        self.total = replace(sums, rows=None) if self.total is None else self.total + sums
        self.keys.add(keys, block.weights, codes)
        self.curves.add(cells)
        if self.sample is not None:
            self.sample.add(block, self.counts.n, codes)
            self.looks.add(block, ready.keep)
        if second is not None:
            self.second = second if self.second is None else self.second + second
        if self.groups is not None and codes is not None:
            self.groups.take(done, self.facts.kinds.kind)
        self.counts.n += len(block.labels)

    def join(self, other: Running) -> None:
        """Add all rows of another one, whose facts are the same."""
        differ = self.uneven or other.uneven or self.even != other.even
        if differ and other.total is not None and self.total is not None:
            other = other.copy()
            self.make_uneven()
            other.make_uneven()
        if other.total is not None:
            row = other.total.impossible_row
            total = replace(other.total, impossible_row=None if row is None else row + self.counts.stored)
            if self.total is None:
                self.even, self.uneven = other.even, other.uneven
            self.total = total if self.total is None else self.total + total
        codes = None if self.groups is None or other.groups is None else self.groups.join(other.groups)
        self.counts = self.counts.joined(other.counts)
        self.keys.join(other.keys, codes)
        self.curves.join(other.curves)
        self.looks.join(other.looks)
        if self.sample is not None and other.sample is not None:
            self.sample.join(other.sample, self.counts.n, codes)
        if other.second is not None:
            self.second = other.second if self.second is None else self.second + other.second
        self.warn(other.warnings)
        if other.counts.stored:
            self.ids = None if self.ids is None or other.ids is None else self.ids.joined(other.ids)
        self.doubts = joined(self.doubts, other.doubts)
        if other.tempered is not None:
            self.tempered = other.tempered if self.tempered is None else self.tempered.joined(other.tempered)
        if other.joined is not None:
            self.joined = other.joined if self.joined is None else self.joined.with_others(other.joined)

    def warn(self, more: Iterable[Notice]) -> None:
        """Add the warnings about further rows."""
        for one in more:
            same = [own for own in self.warnings if own.code == one.code and isinstance(own, Division)]
            if isinstance(one, Division) and same:
                self.warnings = tuple(own.joined(one) if own is same[0] else own for own in self.warnings)
            elif one not in self.warnings:
                self.warnings = (*self.warnings, one)

    def check_order(self) -> None:
        """Check that scores are not lists of the best ones. Raises: InputError."""
        listed = contradiction(self.looks.order.found(), self.looks.support, "positions")
        if listed is not None and not self.facts.columns_sure:
            raise listed

    def measurement(self) -> Measurement:
        """The sums as a measurement, which gives the report.

        Raises: InputError if there are no rows, or if they are lists of the best scores.
        """
        settings, kinds, n = self.facts.settings, self.facts.kinds, self.counts.n
        if self.total is None:
            ignored = f" except {self.counts.stored} ignored ones" if self.counts.stored else ""
            raise InputError(f"there are no rows{ignored}")
        self.check_order()
        samples, sampled = ([], None) if self.sample is None else self.sample.of(n)
        groups, places = (None, None) if self.groups is None else self.groups.final()
        by_groups = groups is not None and groups.refused is None
        sums = replace(
            self.total,
            impossible_place=self._impossible_place(),
            optimum=self._optimum(samples, keep_rows=by_groups),
            cox=None if self.tempered is not None else fitted_cox(samples, self.total, kinds.kind),
            equal_mass=self.keys.equal_mass(settings.bins),
            without_rows=True,
            joined=self.joined,
        ).finished()
        if groups is None and settings.level is not None:
            sums = with_sampled_spread(sums, samples, kinds.kind)
        own = None if places is None or sampled is None else places[sampled]
        joints = self._joints(sums, samples, own) if by_groups else None
        if self.facts.pairs and (self.keys.kept or not (self.uneven or self.joined)):
            coded = self.keys.codes if self.keys.kept else None
            codes = None if places is None or coded is None else places[coded]
            sums = replace(sums, pairs=self.keys.pairs(sums.scale, codes))
        if self.second is not None:
            second = self.second if sums.top.squared is None else self.second.scaled(sums.scale)
            sums = replace(sums, second=replace(second, no_count=NO_COUNT if self.facts.second.by_count else None))
        return Measurement(
            predictions=self._predictions(sums, samples),
            settings=settings,
            sums=sums,
            groups=groups,
            joints=joints,
            columns=(),
            tool=None,
            curves=self.curves,
            support=self.looks.support if kinds.k is not None else None,
        )

    def at_temperatures(self) -> AtTemperatures | None:
        """The slopes of the NLL of all rows at fixed temperatures; None if only the top label is known."""
        if self.sample is None or self.total is None:
            return None
        known, kind = self.tempered, self.facts.kinds.kind
        rows = self.counts.n - (0 if known is None else known.rows)
        if known is not None and not rows:
            return known
        if self.uneven or self.total.excess is None:
            own = AtTemperatures(rows, 0, 0.0, None)
        else:
            own = AtTemperatures.of(self.sample.of(self.counts.n)[0], kind, rows)
        return own if known is None else known.joined(own)

    def _optimum(self, samples: list[Sample], *, keep_rows: bool) -> Optimum | None:
        """The temperature with the smallest NLL: of the sample, or from fixed ones if it lacks some rows."""
        if self.total is None or self.total.excess is None:
            return None
        if self.tempered is None:
            return fitted_optimum(samples, self.total, self.facts.kinds.kind, keep_rows=keep_rows)
        found = self.at_temperatures()
        return None if found is None else found.optimum()

    def _impossible_place(self) -> str:
        """Where the first row is whose label has probability 0."""
        if self.total is None or not self.total.impossible:
            return ""
        row = self.total.impossible_row
        return "a row that the sums do not tell" if row is None else self.counts.place(row)

    def _joints(self, sums: Sums, samples: list[Sample], sampled: Codes | None) -> Joints | None:
        if self.groups is None:
            return None
        own = weights_of_sample(samples)
        fit = fit_totals(sums.optimum, sampled, None if own is None else own * sums.scale)
        return with_fit(self.groups.joints(sums, self.keys, weighted=self.uneven), fit)

    def _predictions(self, sums: Sums, samples: list[Sample]) -> Predictions:
        """Predictions with what a report says of all rows, but only the sampled rows, which show doubts of all."""
        kinds, counts = self.facts.kinds, self.counts
        doubts = tuple(one.told(counts.n) for one in self.all_doubts(sums, samples))
        zeros = zeros_notice(self.looks.zeros, self.looks.looked, sums)
        joined = None if self.joined is None else self.joined.notice(sums.weights.total, kinds.k)
        weights = None
        if self.facts.weights is not None:
            effective = sums.n if self.uneven else float(counts.n)
            nothing = np.empty(0, np.int64)
            weights = Weights(self.facts.weights, np.empty(0), not self.uneven, effective, counts.zero, nothing, None)
        layout = (counts.images, *counts.shapes[-1][2]) if counts.shapes else (counts.stored,)
        divided = (one.of_rows(counts.n) if isinstance(one, Division) else one for one in self.warnings)
        whole = copied(kinds, ignored=counts.stored - counts.n, layout=layout, weights=weights)
        twice = () if self.ids is None else (self.ids.notice(),)
        return with_warnings(whole, (*filter(None, twice), *doubts, *divided, *filter(None, (zeros, joined))))

    def all_doubts(self, sums: Sums, samples: list[Sample]) -> PartDoubts:
        """Doubts whether scores and labels belong together. sums: finished ones."""
        told = self.tempered
        own = sampled_doubts(self.facts.kinds, samples, sums if told is None else None)
        rows = self.counts.n - (0 if told is None else told.rows)
        return joined(self.doubts, tuple(PartDoubt(one, rows) for one in own))

    def _weights(self, chunk: Chunk) -> Floats | None:
        """The weights of the rows that count; None while all rows have the same."""
        if chunk.weights is None:
            return None
        own = chunk.weights[chunk.keep]
        if not self.uneven and self.even is None:
            self.even = float(own[0])
        if not self.uneven and not (own == self.even).all():
            self.make_uneven()
        return own if self.uneven else None

    def make_uneven(self) -> None:
        """Give every row its weight, which so far was the same for all."""
        if self.uneven:
            return
        factor, self.uneven, self.even = self.even or 1.0, True, None
        if self.total is None:
            return
        self.total = reweighted(self.total, factor)
        self.second = None if self.second is None else reweighted_second(self.second, factor)
        self.tempered = None if self.tempered is None else self.tempered._replace(table=None)
        self.joined = None if self.joined is None else self.joined.reweighted(factor)
        for part in (self.keys, self.sample, self.curves, self.groups):
            if part is not None:
                part.reweight(factor)
