"""Validation of heads that train together: NLL, accuracy, ECE, and the NLL of each head after temperature scaling."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from calibeval.training.head_losses import HeadLosses
from calibeval.training.heads import Heads
from calibeval.training.split import Split

LOGITS = 2**24  # the most logits that are kept between passes; if there are more, each pass computes them again
BLOCK = 2**22  # numbers of a block of rows at once
FIRST_PASSES, LATER_PASSES = 12, 4  # at most
CLOSE = 1e-3  # a Newton step in the logarithm of the temperature; after it, the NLL is right to 1e-6 of itself
FARTHEST = 12.0  # largest absolute logarithm of a temperature
BINS = 15  # of the ECE, which is only shown


@dataclass(frozen=True, slots=True)
class Validation:
    """For every recipe, NLL in nats before and after temperature scaling (inf if it diverged), accuracy and ECE.

    The ECE is that before temperature scaling, in [0, 1]. It is only shown: nothing is chosen by it.
    """

    nll: tuple[float, ...]
    nll_after: tuple[float, ...]
    accuracy: tuple[float, ...]
    ece: tuple[float, ...]


class Validator:
    """Measures heads on the validation rows; `start` (c,): the logarithms of the last inverse temperatures."""

    def __init__(self, val: Split, count: int) -> None:
        self.val = val
        self._worth = val.n if val.weights is None else val.weights.sum(dtype=torch.float64)
        self.start = torch.zeros(count, dtype=torch.float64, device=val.labels.device)

    def keep(self, rows: Tensor) -> None:
        """Go on with the heads of these numbers."""
        self.start = self.start.index_select(0, rows)

    def measure(self, heads: Heads, head_losses: HeadLosses | None, *, first: bool) -> Validation:
        """A pass at temperature 1, and Newton steps to the best temperature.

        head_losses: they see the logits, for their multipliers. first: whether there is no earlier temperature to start
        from.
        """
        n, width = self._worth, heads.count * heads.classes
        size = max(1, min(BLOCK // heads.widest, self.val.n))
        kept: list[_Block] | None = [] if self.val.n * width <= LOGITS else None
        nll, right = torch.zeros_like(self.start), torch.zeros_like(self.start)
        gaps = torch.zeros((BINS, heads.count), dtype=torch.float64, device=nll.device)
        for logits, labels, weights in self._logits(heads, size):
            if head_losses is not None:
                head_losses.observe(logits, weights)
            hits = logits.argmax(dim=2) == labels.unsqueeze(1)
            block = _block(logits, labels, weights)
            total = block.shifted.exp().sum(dim=2)
            nll += _weighted(total.log() - block.chosen, weights).sum(dim=0)
            right += _weighted(hits, weights).sum(dim=0)
            gaps += _gaps(total.reciprocal().double(), hits, weights)
            if kept is not None:
                kept.append(block)
        after = nll / n
        for _ in range(FIRST_PASSES if first else LATER_PASSES):
            value, slope, curvature = torch.zeros((3, heads.count), dtype=torch.float64, device=nll.device)
            beta = self.start.exp()
            for block in kept or (_block(*one) for one in self._logits(heads, size)):
                part = _scaled(block, beta)
                value, slope, curvature = value + part[0], slope + part[1], curvature + part[2]
            after = torch.fmin(after, value / n)
            step = _newton(slope / n, curvature / n, beta).nan_to_num_(0.0)
            self.start.add_(step).clamp_(-FARTHEST, FARTHEST)
            if float(step.abs().max()) < CLOSE:
                break
        nll, after = nll / n, torch.where(nll.isfinite(), after, math.inf)
        found = torch.stack([nll, after, right / n, gaps.abs().sum(dim=0) / n]).tolist()
        return Validation(*(tuple(x if math.isfinite(x) else math.inf for x in row) for row in found))

    def _logits(self, heads: Heads, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        for x, labels, weights, _ in self.val.batches(None, size):
            yield heads.forward(x)[0], labels, weights


class _Block(NamedTuple):
    """Logits below the largest of their row, (b, c, k), those of the labels, (b, c), and weights (b,); None: all 1."""

    shifted: Tensor
    chosen: Tensor
    weights: Tensor | None


def _block(logits: Tensor, labels: Tensor, weights: Tensor | None) -> _Block:
    """The block of logits, which are changed in place."""
    shifted = logits.sub_(logits.amax(dim=2, keepdim=True))
    chosen = shifted.gather(2, labels.view(-1, 1, 1).expand(-1, logits.shape[1], 1)).squeeze(2)
    return _Block(shifted, chosen, weights)


def _weighted(values: Tensor, weights: Tensor | None) -> Tensor:
    """Values (b, c), each times the weight of its row."""
    return values if weights is None else values * weights.unsqueeze(1)


def _gaps(confidence: Tensor, hits: Tensor, weights: Tensor | None) -> Tensor:
    """The sum of confidence - hit in every bin, (bins, c); bin by bin, so that it is the same in every run on a GPU."""
    place, gap = (BINS * confidence).ceil().clamp(1, BINS), _weighted(confidence - hits.double(), weights)
    return torch.stack([torch.where(place == b, gap, 0.0).sum(dim=0) for b in range(1, BINS + 1)])


def _scaled(block: _Block, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sums over the rows of the NLL and its first and second derivatives by the inverse temperature, (c,) each."""
    scale = beta.to(block.shifted.dtype)
    p = (block.shifted * scale.view(1, -1, 1)).exp_()
    total = p.sum(dim=2)
    mean = p.mul_(block.shifted).sum(dim=2) / total
    spread = p.mul_(block.shifted).sum(dim=2) / total - mean.square()
    nll = total.log() - block.chosen * scale
    parts = (_weighted(part, block.weights).double().sum(dim=0) for part in (nll, mean - block.chosen, spread))
    return next(parts), next(parts), next(parts)


def _newton(slope: Tensor, curvature: Tensor, beta: Tensor) -> Tensor:
    """A Newton step of at most 1 in the logarithm of beta; where the NLL is not convex in it, a step of 1 downhill."""
    first = beta * slope
    second = beta.square() * curvature + first
    step = torch.where(second > 0, -first / second, -first.sign())
    return step.clamp(-1.0, 1.0)
