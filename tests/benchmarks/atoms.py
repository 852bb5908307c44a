"""Populations of finitely many confidences, from which sums of bins are drawn without drawing single rows.

The rows of an atom share their confidence and their true chance, so that a sample of n rows is a multinomial count of
atoms and a binomial count of right rows in each. A sample of 50,000 rows costs no more than one of 500.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.binning import BinSums, bin_index, equal_mass_edges, equal_mass_ranks, equal_width_edges
from calibeval.core.sums.sums import EqualMass, Moments, Sums

Places = npt.NDArray[np.intp]
# The largest number of numbers in memory, of all samples that are drawn together.
_TOGETHER = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Atoms:
    """A population: the share of its rows, the stated and the true probability of every atom, (a,) each.

    If binary, probabilities are those of class 1. Otherwise they are the confidence and the chance that the prediction
    is right, the rest of a row's probability is spread evenly over its other classes, and one of these is true.
    """

    share: Floats
    stated: Floats
    true: Floats
    k: int
    binary: bool

    @classmethod
    def of(
        cls, stated: Floats, true: Floats, k: int = 2, share: Floats | None = None, *, binary: bool = False
    ) -> Atoms:
        """Atoms in the order of their confidence, of equal shares by default."""
        stated, true = (np.clip(np.broadcast_to(x, np.shape(stated)), 0.0, 1.0) for x in (stated, true))
        share = np.ones_like(stated) if share is None else np.asarray(share, np.float64)
        order = np.argsort(np.maximum(stated, 1.0 - stated) if binary else stated, kind="stable")
        return cls(share[order] / share.sum(), stated[order], true[order], k, binary)

    @property
    def confidence(self) -> Floats:
        """The largest probability of every atom, ascending."""
        return np.maximum(self.stated, 1.0 - self.stated) if self.binary else self.stated

    @property
    def hit(self) -> Floats:
        """The chance that the prediction is right; of equal probabilities, the first class is predicted."""
        return np.where(self.stated > 0.5, self.true, 1.0 - self.true) if self.binary else self.true

    def losses(self) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """NLL and Brier score of an atom's right and of its wrong rows."""
        c, others = self.confidence, self.k - 1.0
        rest = (1.0 - c) / others
        with np.errstate(divide="ignore"):
            nll = -np.log(c), -np.log(rest)
        return nll, ((1.0 - c) ** 2 + others * rest**2, c**2 + (1.0 - rest) ** 2 + (others - 1.0) * rest**2)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """True values of the metrics. bin_gaps: |gap| of the equal-width bins, of which the MCE is a maximum."""

    values: dict[str, float]
    bin_gaps: Floats

    def of_mass(self, atoms: Atoms, edges: Floats) -> float:
        """The population's error on these equal-mass bins."""
        return _mass_error(atoms, edges)


def truth_of(atoms: Atoms, bins: int) -> Truth:
    """The true values of a population."""
    edges, share, c, hit = equal_width_edges(bins), atoms.share, atoms.confidence, atoms.hit
    places = bin_index(c, edges)
    weight, mean, gap = (np.bincount(places, weights=share * x, minlength=bins) for x in (c * 0 + 1, c, hit - c))
    filled = np.maximum(weight, 1e-300)
    values = {
        "accuracy": share @ hit,
        "confidence_gap": share @ (c - hit),
        "ece": np.abs(gap).sum(),
        "oe": (mean / filled) @ np.maximum(-gap, 0.0),
        "rmsce": np.sqrt((gap**2 / filled).sum()),
        "aece": _mass_error(atoms, _mass_edges(np.cumsum(share) * 1e9, c, bins)),
    }
    for name, (right, wrong) in zip(("nll", "brier"), atoms.losses(), strict=True):
        with np.errstate(invalid="ignore"):
            values[name] = np.nansum(share * hit * right) + np.sum((share * (1.0 - hit) * wrong)[hit < 1.0])
    if atoms.binary:
        errors = [
            np.abs(np.bincount(bin_index(p, edges), weights=share * (y - p), minlength=bins)).sum()
            for p, y in ((1.0 - atoms.stated, 1.0 - atoms.true), (atoms.stated, atoms.true))
        ]
        values |= {"ece_positive": errors[1], "cwce": 0.5 * (errors[0] + errors[1])}
    return Truth({name: float(value) for name, value in values.items()}, np.abs(gap) / filled)


def samples(atoms: Atoms, n: int, bins: int, count: int, rng: np.random.Generator) -> Iterator[Sums]:
    """The sums of that many samples of n rows."""
    at_once = max(1, _TOGETHER // len(atoms.share))
    drawing = Drawing.of(atoms, bins)
    for start in range(0, count, at_once):
        counts = rng.multinomial(n, atoms.share, size=min(at_once, count - start))
        right = rng.binomial(counts, atoms.hit)
        for rows, hits in zip(counts.astype(np.float64), right.astype(np.float64), strict=True):
            yield drawing.sums(n, rows, hits)


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Atoms with the bins and losses of every atom."""

    atoms: Atoms
    edges: Floats
    top: Places
    classes: tuple[Places, Places] | None
    losses: tuple[tuple[Floats, Floats], tuple[Floats, Floats]]

    @classmethod
    def of(cls, atoms: Atoms, bins: int) -> Drawing:
        edges = equal_width_edges(bins)
        both = (bin_index(1.0 - atoms.stated, edges), bin_index(atoms.stated, edges)) if atoms.binary else None
        return cls(atoms, edges, bin_index(atoms.confidence, edges), both, atoms.losses())

    def sums(self, n: int, rows: Floats, right: Floats) -> Sums:
        """What the engine would sum up. rows: number of rows of every atom. right: of these, how many are right."""
        atoms, bins, c = self.atoms, len(self.edges) - 1, self.atoms.confidence
        there = rows > 0
        nll, brier = (_moments(rows, right, *losses, there) for losses in self.losses)
        edges = _mass_edges(np.cumsum(rows), c, bins)
        mass = _binned(bin_index(c, edges), len(edges) - 1, c, rows, right)
        classes = None
        if self.classes is not None:
            first = np.where(atoms.stated > 0.5, right, rows - right)
            sides = (1.0 - atoms.stated, rows - first), (atoms.stated, first)
            parts = [_binned(where, bins, p, rows, y) for where, (p, y) in zip(self.classes, sides, strict=True)]
            fields = ("count", "p", "pp", "y", "yp")
            classes = BinSums(*(np.stack([getattr(part, field) for part in parts]) for field in fields))
        impossible = int((rows - right)[c >= 1.0].sum())
        return Sums(
            n=n,
            k=atoms.k,
            weights=Moments(float(n), float(n)),
            edges=self.edges,
            compared=self.edges,
            top=_binned(self.top, bins, c, rows, right),
            classes=classes,
            nll=nll,
            brier=brier,
            impossible=impossible,
            impossible_row=0 if impossible else None,
            risk=float(rows[there] @ (self.losses[0][1] - self.losses[0][0])[there]),
            equal_mass=EqualMass(mass, edges),
        )


def _binned(places: Places, bins: int, p: Floats, rows: Floats, right: Floats) -> BinSums:
    weights = rows, rows * p, rows * p * p, right, right * p
    return BinSums(*(np.bincount(places, weights=w, minlength=bins) for w in weights))


def _moments(rows: Floats, right: Floats, if_right: Floats, if_wrong: Floats, there: npt.NDArray[np.bool_]) -> Moments:
    wrong = rows - right
    happened = there & np.isfinite(if_wrong)
    total = right[there] @ if_right[there] + wrong[happened] @ if_wrong[happened]
    squares = right[there] @ if_right[there] ** 2 + wrong[happened] @ if_wrong[happened] ** 2
    return Moments(float(total), float(squares))


def _mass_edges(cumulated: Floats, confidence: Floats, bins: int) -> Floats:
    """Edges of equal-mass bins. cumulated: rows up to and with every atom."""
    ranks = equal_mass_ranks(round(float(cumulated[-1])), bins)
    at = np.minimum(np.searchsorted(np.round(cumulated), ranks, side="right"), len(confidence) - 1)
    return equal_mass_edges(confidence[at])


def _mass_error(atoms: Atoms, edges: Floats) -> float:
    gaps = atoms.share * (atoms.hit - atoms.confidence)
    return float(np.abs(np.bincount(bin_index(atoms.confidence, edges), weights=gaps)).sum())
