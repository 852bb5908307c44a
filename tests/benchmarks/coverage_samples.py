"""Populations whose true calibration errors are known, and samples of them, for the simulations of coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from calibeval.core.sums.binning import (
    BinSums,
    Floats,
    bin_index,
    bin_sums,
    equal_mass_edges,
    equal_mass_ranks,
    equal_width_edges,
)
from calibeval.core.sums.sums import EqualMass, Moments, Sums

BINS = 15
EDGES = equal_width_edges(BINS)
# True logits are stated logits times the sharpness plus a bias per class.
LOGIT_MAPS = {
    "perfect": (1.0, 0.0),
    "slightly over": (0.9, 0.0),
    "over": (0.7, 0.0),
    "strongly over": (0.5, 0.0),
    "under": (1.3, 0.0),
    "class bias": (1.0, 0.4),
    "over, class bias": (0.85, 0.3),
}
# The true top-label probability is the confidence plus height * sin(9 confidence) plus shift.
WAVE_MAPS = {"wave": (0.1, 0.0), "small wave": (0.03, 0.0), "wave, mostly under": (0.06, 0.05)}

Labels = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Truths:
    """The true value of every metric; bin_gaps holds |gap| of the equal-width bins, of which the MCE is a maximum."""

    values: dict[str, float]
    bin_gaps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Rows of a population: stated and true probabilities, (rows, k) each."""

    stated: Floats
    true: Floats

    @property
    def top(self) -> Labels:
        return np.asarray(self.stated.argmax(axis=1), np.intp)

    def truths(self) -> Truths:
        rows, k = self.stated.shape
        confidence, hit = self.stated.max(axis=1), self.true[np.arange(rows), self.top]
        bins = bin_index(confidence, EDGES)
        gap = np.bincount(bins, weights=hit - confidence, minlength=BINS) / rows
        count = np.maximum(np.bincount(bins, minlength=BINS), 1) / rows
        mean = np.bincount(bins, weights=confidence, minlength=BINS) / rows / count
        mass_bins = bin_index(confidence, mass_edges(np.sort(confidence)))
        cells = bin_index(self.stated, EDGES) + BINS * np.arange(k)
        class_gap = np.bincount(cells.ravel(), weights=(self.true - self.stated).ravel(), minlength=BINS * k)
        values = {
            "ece": np.abs(gap).sum(),
            "aece": np.abs(np.bincount(mass_bins, weights=hit - confidence)).sum() / rows,
            "rmsce": np.sqrt(np.sum(gap**2 / count)),
            "oe": np.sum(mean * np.maximum(-gap, 0.0)),
            "cwce": np.abs(class_gap).sum() / (rows * k),
            "nll": -np.sum(self.true * np.log(self.stated)) / rows,
            "brier": 1.0 + np.sum(self.stated**2 - 2.0 * self.true * self.stated) / rows,
            "accuracy": hit.mean(),
            "confidence_gap": np.mean(confidence - hit),
        }
        return Truths({name: float(value) for name, value in values.items()}, np.abs(gap) / count)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What the intervals of n rows are made of: values of single rows, and sums of bins. risk: as in `RowScores`."""

    n: int
    nll: Floats
    brier: Floats
    risk: Floats
    correct: Floats
    top: BinSums
    mass: EqualMass
    classes: BinSums

    def sums(self) -> Sums:
        """What the engine sums up of these rows."""
        return Sums(
            n=self.n,
            k=len(self.classes.count),
            weights=Moments(float(self.n), float(self.n)),
            edges=EDGES,
            compared=EDGES,
            top=self.top,
            classes=self.classes,
            nll=Moments.of(self.nll),
            brier=Moments.of(self.brier),
            impossible=0,
            impossible_row=None,
            equal_mass=self.mass,
            risk=float(self.risk.sum()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sampler:
    """A pool with its rows by ascending confidence, and what every sample needs of them.

    ends: (rows * k,) of the row's number plus the cumulated true probabilities, among which a label is looked up.
    top, squares: (rows,) the predicted class, and the sum of squared probabilities.
    cells: (rows, k) class-wise bins; of_cells: the matrices that turn counts of rows into their sums of 1, p and p².
    """

    stated: Floats
    confidence: Floats
    top: Labels
    squares: Floats
    ends: Floats
    cells: Labels
    of_cells: tuple[csr_array, csr_array, csr_array]

    @classmethod
    def of(cls, pool: Pool) -> Sampler:
        order = np.argsort(pool.stated.max(axis=1), kind="stable")
        stated, ends = pool.stated[order], pool.true[order].cumsum(axis=1)
        rows, k = stated.shape
        ends[:, -1] = 1.0
        cells = bin_index(stated, EDGES) + BINS * np.arange(k)
        owner = np.repeat(np.arange(rows), k)
        one, p, square = (
            csr_array((weights.ravel(), (cells.ravel(), owner)), shape=(BINS * k, rows))
            for weights in (np.ones_like(stated), stated, stated * stated)
        )
        ends = (ends + np.arange(rows)[:, None]).ravel()
        squares = np.einsum("ij,ij->i", stated, stated)
        return cls(stated, stated.max(axis=1), stated.argmax(axis=1), squares, ends, cells, (one, p, square))

    def draw(self, n: int, rng: np.random.Generator) -> Sample:
        """n rows with replacement, and labels by their true probabilities."""
        rows, k = self.stated.shape
        chosen = np.sort(rng.integers(0, rows, n))
        labels = np.searchsorted(self.ends, chosen + rng.random(n), side="right") - chosen * k
        labels = np.minimum(labels, k - 1)
        own, confidence = self.stated[chosen, labels], self.confidence[chosen]
        correct = (labels == self.top[chosen]).astype(np.float64)
        edges = mass_edges(confidence)
        with np.errstate(divide="ignore"):
            risk = np.log(confidence * (1.0 - confidence) / (self.squares[chosen] - confidence**2))
        return Sample(
            n,
            nll=-np.log(own),
            brier=1.0 - 2.0 * own + self.squares[chosen],
            risk=risk,
            correct=correct,
            top=bin_sums(confidence, correct, EDGES),
            mass=EqualMass(bin_sums(confidence, correct, edges), edges),
            classes=self._classes(chosen, self.cells[chosen, labels], own),
        )

    def _classes(self, chosen: Labels, cells: Labels, own: Floats) -> BinSums:
        rows, k = self.stated.shape
        counts = np.bincount(chosen, minlength=rows).astype(np.float64)
        happened = (np.bincount(cells, weights=w, minlength=BINS * k) for w in (np.ones(len(own)), own))
        return BinSums(*(part.reshape(k, BINS) for part in (*(sums @ counts for sums in self.of_cells), *happened)))


def mass_edges(ascending: Floats) -> Floats:
    return equal_mass_edges(ascending[equal_mass_ranks(len(ascending), BINS)])


def softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def make_pool(k: int, name: str) -> Pool:
    """The population of k classes whose true probabilities come from the stated ones by the map of this name."""
    rng = np.random.default_rng(k)
    rows = 60_000 if k < 50 else 20_000
    logits = (2.5 if k < 50 else 3.0) * rng.normal(size=(rows, k))
    stated = softmax(logits)
    if name in LOGIT_MAPS:
        sharpness, bias = LOGIT_MAPS[name]
        return Pool(stated, softmax(logits * sharpness + bias * rng.normal(size=k)))
    height, shift = WAVE_MAPS[name]
    confidence = stated.max(axis=1)
    hit = np.clip(confidence + height * np.sin(9.0 * confidence) + shift, 0.01, 0.99)
    true = stated * ((1.0 - hit) / (1.0 - confidence))[:, None]
    true[np.arange(rows), stated.argmax(axis=1)] = hit
    return Pool(stated, true)
