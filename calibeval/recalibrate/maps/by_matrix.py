"""The NLL of logits z + W z + b with a penalised matrix W: its derivatives, and rough solutions with its Hessian.

Products of matrices are those of BLAS: the last digits depend on its number of threads, which commands set to 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats
from calibeval.recalibrate.maps.parts import Part, Parts, softmax_

Singles = npt.NDArray[np.float32]


def strengths(k: int) -> Floats:
    """Second derivatives of the penalty for n rows, (k, k + 1): of W, and of b in the last column.

    >>> strengths(3).tolist()
    [[6.0, 12.0, 12.0, 6.0], [12.0, 6.0, 12.0, 6.0], [12.0, 12.0, 6.0, 6.0]]
    """
    found = np.full((k, k + 1), 2.0 * k * (k - 1))
    found[:, k] = found[np.arange(k), np.arange(k)] = 2.0 * k
    return found


@dataclass(frozen=True)
class View:
    """The summed NLL at some values, (k (k + 1),): the rows of W with b in the last column; a `Point`.

    slope: the gradient of the NLL, (k, k + 1). bends: sums over rows of p (1 - p), (k,). seconds: mean of products of
    z and 1 over rows, weighted by how uncertain each is, (k + 1, k + 1). kept: z and p of each part in single
    precision, for products with the Hessian, which only choose directions; None if they are computed again.
    """

    parts: Parts
    values: Floats
    strength: Floats
    nll: float
    slope: Floats
    bends: Floats
    seconds: Floats
    rows: float
    kept: tuple[tuple[Singles, Singles], ...] | None

    @property
    def loss(self) -> float:
        """The NLL and the penalty."""
        w = self.values.reshape(self.strength.shape)
        return self.nll + float((self.strength * w * w).sum()) / 2.0

    @cached_property
    def gradient(self) -> Floats:
        """The gradient of the loss."""
        return (self.slope + self.strength * self.values.reshape(self.strength.shape)).ravel()

    @property
    def steepness(self) -> float:
        """The largest entry of the gradient of the mean loss, for entries of W in terms of typical z."""
        typical = np.sqrt(np.maximum(np.diag(self.seconds), 1.0))
        return float((np.abs(self.gradient.reshape(self.strength.shape)) / typical).max()) / self.rows

    def times(self, direction: Floats) -> Floats:
        """The Hessian of the loss times a vector."""
        k = len(self.strength)
        given = direction.reshape(self.strength.shape)
        single, found = given.astype(np.float32), np.zeros_like(given)
        for part, z, p in self._singles():
            moved = single[:, :k] @ z
            moved += single[:, k:]
            moved -= np.einsum("ji,ji->i", p, moved)
            moved *= p
            if part.weights is not None:
                moved *= part.weights.astype(np.float32)
            found[:, :k] += moved @ z.T
            found[:, k] += np.add.reduce(moved, axis=1)
        return np.asarray((found + self.strength * given).ravel())

    def _singles(self) -> Iterable[tuple[Part, Singles, Singles]]:
        if self.kept is not None:
            return ((part, *both) for part, both in zip(self.parts, self.kept, strict=True))
        return ((part, *_single(part, _probabilities(part, self.values)[0])) for part in self.parts)

    def solve(self, direction: Floats) -> Floats:
        """The solution for one class at a time, as if the bends of its rows were equally distributed."""
        return self._rough.solve(direction.reshape(self.strength.shape)).ravel()

    @cached_property
    def _rough(self) -> _Rough:
        return _Rough.of(self.bends, self.seconds, self.strength)


@dataclass(frozen=True, slots=True)
class _Rough:
    """The matrices c S + D of each class: a number c, one S of all classes, and the diagonal D of the penalty.

    D is one number except for the entries of the class itself and of its bias, which a correction of rank 2 takes into
    account. axes: eigenvectors of S. shares: (k, k + 1), the inverse eigenvalues of c S + D without that correction.
    own, bias: the columns of the inverses of the two entries. corner: 2 x 2 matrices that mix them.
    """

    axes: Floats
    shares: Floats
    own: Floats
    bias: Floats
    corner: tuple[Floats, Floats, Floats] | None

    @classmethod
    def of(cls, bends: Floats, seconds: Floats, strength: Floats) -> _Rough:
        """The matrices for c = bends and S = seconds."""
        k = len(bends)
        most, apart = float(strength.max()), float(strength.min() - strength.max())
        values, axes = np.linalg.eigh(seconds)
        shares = 1.0 / (bends[:, None] * np.maximum(values, 0.0) + most)
        own, bias = (axes[:k] * shares) @ axes.T, (axes[k] * shares) @ axes.T
        if not apart:
            return cls(axes, shares, own, bias, None)
        here = np.arange(k)
        a, b, c = 1.0 / apart + own[here, here], own[:, k], 1.0 / apart + bias[:, k]
        room = a * c - b * b
        return cls(axes, shares, own, bias, (c / room, -b / room, a / room))

    def solve(self, given: Floats) -> Floats:
        """The solutions (k, k + 1) for given vectors (k, k + 1)."""
        found = ((given @ self.axes) * self.shares) @ self.axes.T
        if self.corner is None:
            return np.asarray(found)
        k, (a, b, c) = len(given), self.corner
        own, bias = found[np.arange(k), np.arange(k)], found[:, k]
        found -= (a * own + b * bias)[:, None] * self.own + (b * own + c * bias)[:, None] * self.bias
        return np.asarray(found)


def view(parts: Parts, values: Floats, strength: Floats) -> View:
    """The NLL at some values, from one pass. What products need is kept if the rows are."""
    k, kept = len(strength), []
    nll, rows, bends, seconds, slope = 0.0, 0.0, np.zeros(k), np.zeros((k + 1, k + 1)), np.zeros((k, k + 1))
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        for part in parts:
            p, own = _probabilities(part, values)
            nll += own
            counts = np.ones(len(part.labels)) if part.weights is None else part.weights
            rows += float(np.add.reduce(counts))
            if parts.kept is not None:
                kept.append(_single(part, p))
            squares = p * p
            bends += np.einsum("ji,i->j", p, counts) - np.einsum("ji,i->j", squares, counts)
            unsure = (1.0 - np.add.reduce(squares, axis=0)) * counts
            seconds[:k, :k] += (unsure * part.z) @ part.z.T
            seconds[k, :k] += np.einsum("ji,i->j", part.z, unsure)
            seconds[k, k] += np.add.reduce(unsure)
            p.ravel()[part.at_label] -= 1.0
            if part.weights is not None:
                p *= counts
            slope[:, :k] += p @ part.z.T
            slope[:, k] += np.add.reduce(p, axis=1)
    seconds[:k, k] = seconds[k, :k]
    seconds /= max(float(seconds[k, k]), np.finfo(np.float64).tiny)
    return View(parts, values, strength, nll, slope, bends, seconds, rows, None if parts.kept is None else tuple(kept))


def _single(part: Part, p: Floats) -> tuple[Singles, Singles]:
    return part.z.astype(np.float32), p.astype(np.float32)


def _probabilities(part: Part, values: Floats) -> tuple[Floats, float]:
    """The mapped probabilities (k, b), and the summed NLL."""
    k = len(part.z)
    w = values.reshape(k, k + 1)
    scores = w[:, :k] @ part.z
    scores += part.z
    scores += w[:, k:]
    return softmax_(scores, part)
