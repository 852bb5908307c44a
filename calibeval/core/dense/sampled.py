"""Pixels of cases as predictions, for maps: all of them, or an even sample of those that memory would not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.notices import warning
from calibeval.core.data.predictions import Predictions
from calibeval.core.dense.case import Cases
from calibeval.core.errors import InputError

MOST_SCORES = 2**24
CASE = "case"  # the column of the cases' numbers
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: multiples of it are spread evenly


class PixelSample:
    """Every pixel of the cases that were added; once these have too many scores, every second, fourth, ... of them.

    most: the most scores to keep. seen: labelled pixels that were added.
    """

    def __init__(self, most: int = MOST_SCORES) -> None:
        self._most, self._halvings, self.seen = most, 0, 0
        self._parts: list[tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.uint64], int]] = []

    def add(self, scores: npt.NDArray[Any], labels: npt.NDArray[Any], number: int) -> None:
        """The pixels of a case: scores (k, n) and labels (n,)."""
        places = np.arange(self.seen, self.seen + len(labels), dtype=np.uint64) * GOLDEN
        self.seen += len(labels)
        kept = self._kept(places)
        self._parts.append((scores[:, kept].T.copy(), labels[kept], places[kept], number))
        while sum(part.size for part, *_ in self._parts) > self._most:
            self._halvings += 1
            self._parts = [
                (part[kept], labels[kept], places[kept], number)
                for part, labels, places, number in self._parts
                for kept in [self._kept(places)]
            ]

    def _kept(self, places: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which of these multiples of GOLDEN are in the first 2^-halvings of all numbers."""
        if not self._halvings:
            return np.ones(len(places), np.bool_)
        return np.asarray(places >> np.uint64(64 - self._halvings) == 0)

    def rows(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Scores (n, k), labels (n,), and the number of each row's case."""
        scores, labels, _, numbers = zip(*self._parts, strict=True)
        of_case = np.repeat(np.array(numbers, np.int64), [len(part) for part in labels])
        return np.concatenate(scores), np.concatenate(labels), of_case


def sampled(cases: Cases, most: int = MOST_SCORES) -> Predictions:
    """The labelled pixels of all cases, or an even sample of them; the column `case` has the number of their case.

    most: the most scores to keep; a sample gets a warning with the code "sampled_pixels".
    Raises: InputError for channels that are regions, or without labelled pixels; as `Cases.read`.
    """
    facts, sample, k = cases.facts, PixelSample(most), 0
    if facts.regions is not None:
        names = ", ".join(facts.regions)
        raise InputError(
            f"{facts.source.name}: its channels are regions that may overlap ({names}), and a map is for classes of "
            "which every pixel has one"
        )
    for number, name in enumerate(facts.names):
        case = cases.read(number)
        if k and len(case.scores) != k:
            raise InputError(f"{name}: {len(case.scores)} classes, but {facts.names[0]} has {k}")
        k = len(case.scores)
        scores, labels = case.scores.reshape(k, -1), case.labels.reshape(-1)
        if facts.ignore_index is not None:
            there = labels != facts.ignore_index
            scores, labels = scores[:, there], labels[there]
        sample.add(scores, labels, number)
    scores, labels, of_case = sample.rows()
    if not len(labels):
        raise InputError(f"{facts.source.name}: there are no labelled pixels")
    told = list(facts.warnings)
    if len(labels) < sample.seen:
        text = f"fitted on {len(labels):,} of {sample.seen:,} pixels, an even sample"
        told.append(warning("sampled_pixels", text))
    return Predictions(
        **{facts.kind: scores},  # type: ignore[arg-type]  # the kinds are keywords for scores
        labels=labels,
        class_names=facts.class_names,
        labels_are="positions",
        columns={CASE: of_case},
        source=cases.source(()),
        warnings=told,
    )
