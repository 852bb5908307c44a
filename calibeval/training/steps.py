"""The steps of an optimizer for heads that train together: each has a learning rate and a weight decay of its own.

What heads share is computed at once; on a CPU, in pieces that stay in its cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from calibeval.training.heads import Heads, Layer, taken

MOMENTUM = 0.9
BETAS, EPSILON = (0.9, 0.999), 1e-8
MOST = 1e30  # of a rate, a decay and their product, which float32 holds: any head diverges at once
PIECE = 2**15  # numbers that a CPU updates at once; torch computes so few in one thread

Amount: TypeAlias = float | Tensor


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of the parameters: views of them, of their slopes and of what the optimizer remembers.

    rate, decay: numbers for a piece of one head, else tensors that broadcast.
    """

    now: Tensor
    slope: Tensor
    moments: tuple[Tensor, ...]
    rate: Amount
    decay: Amount


class Steps:
    """SGD with momentum 0.9 or AdamW, as torch computes them; biases have no decay. `count`: steps so far.

    Sources: Loshchilov and Hutter, ICLR 2019 (AdamW).
    """

    def __init__(self, name: str, heads: Heads, rates: Sequence[float], decays: Sequence[float]) -> None:
        self._kind = _KINDS[name]
        self._heads = heads
        self._rates, self._decays = ([min(value, MOST) for value in values] for values in (rates, decays))
        self._moments = [
            [Layer(*(torch.zeros_like(part) for part in layer)) for layer in heads.layers]
            for _ in range(self._kind.moments)
        ]
        self.count = 0
        self._pieces = self._cut()

    def step(self, share: float) -> None:
        """Move all parameters against their slopes. share: of the learning rates, by their schedule."""
        self.count += 1
        for piece in self._pieces:
            self._kind.step(piece, share, self.count)

    def directions(self) -> list[Layer]:
        """How far one more step would move all parameters down at the whole rates, if their slopes stayed."""
        found = []
        for place, (layer, slopes) in enumerate(zip(self._heads.layers, self._heads.slopes, strict=True)):
            moments = [layers[place] for layers in self._moments]
            parts = []
            for part, now in layer._asdict().items():
                own = [getattr(moment, part) for moment in moments]
                line = self._kind.direction(getattr(slopes, part), own, self.count)
                decays = self._decays if part == "weight" else [0.0] * len(self._decays)
                line = line + now * _amount(decays, now) * self._kind.decay
                parts.append(line * _amount(self._rates, now))
            found.append(Layer(*parts))
        return found

    def keep(self, rows: Tensor) -> None:
        """Go on with the heads of these numbers alone, as `Heads.keep` did before."""
        self._moments = [taken(layers, rows) for layers in self._moments]
        self._rates, self._decays = ([every[i] for i in rows.tolist()] for every in (self._rates, self._decays))
        self._pieces = self._cut()

    def state(self) -> dict[str, Tensor]:
        """What the optimizer remembers, by name."""
        return {
            f"{i}.{place}.{part}": value
            for i, layers in enumerate(self._moments)
            for place, layer in enumerate(layers)
            for part, value in layer._asdict().items()
        }

    def restore(self, state: dict[str, Tensor], count: int) -> None:
        """Continue from a `state()` after so many steps."""
        for name, value in self.state().items():
            value.copy_(state[name])
        self.count = count

    def _cut(self) -> list[_Piece]:
        found = []
        for place, layer in enumerate(self._heads.layers):
            for part, now in layer._asdict().items():
                slope = getattr(self._heads.slopes[place], part)
                moments = [getattr(layers[place], part) for layers in self._moments]
                decays = self._decays if part == "weight" else [0.0] * len(self._decays)
                found += self._pieces_of([now, slope, *moments], decays)
        return found

    def _pieces_of(self, tensors: Sequence[Tensor], decays: Sequence[float]) -> list[_Piece]:
        """The pieces of one part of all heads: several whole heads each, or a piece of one head."""
        first = tensors[0]
        heads, size = len(first), first[0].numel()
        most = PIECE if first.device.type == "cpu" else first.numel()
        if size > most:
            return [
                _Piece(now, slope, tuple(moments), self._rates[i], decays[i])
                for i in range(heads)
                for now, slope, *moments in zip(*(x[i].view(-1).split(most) for x in tensors), strict=True)
            ]
        found, step = [], most // size
        for start in range(0, heads, step):
            stop = min(start + step, heads)
            now, slope, *moments = (x[start:stop] for x in tensors)
            rate, decay = (_amount(values[start:stop], now) for values in (self._rates, decays))
            found.append(_Piece(now, slope, tuple(moments), rate, decay))
        return found


def _amount(values: Sequence[float], like: Tensor) -> Amount:
    """A number if all agree, else a tensor with one for each head."""
    if len(set(values)) == 1:
        return values[0]
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, *[1] * (like.ndim - 1))


def _sgd(piece: _Piece, share: float, _: int) -> None:
    (momentum,) = piece.moments
    momentum.mul_(MOMENTUM).add_(piece.slope)
    if isinstance(piece.decay, Tensor) or piece.decay:
        momentum.add_(piece.now * piece.decay)
    if isinstance(piece.rate, Tensor):
        piece.now.sub_(momentum * (piece.rate * share))
    else:
        piece.now.add_(momentum, alpha=-piece.rate * share)


def _adamw(piece: _Piece, share: float, count: int) -> None:
    mean, square = piece.moments
    mean.lerp_(piece.slope, 1.0 - BETAS[0])
    square.mul_(BETAS[1]).addcmul_(piece.slope, piece.slope, value=1.0 - BETAS[1])
    full = math.sqrt(1.0 - BETAS[1] ** count)  # of the mean square: 1, once it has forgotten its start at 0
    spread = square.sqrt().add_(EPSILON * full)
    if isinstance(piece.decay, Tensor) or piece.decay:
        shrunk = 1.0 - piece.rate * share * piece.decay
        piece.now.mul_(shrunk if isinstance(shrunk, Tensor) else max(shrunk, -MOST))
    size = share * full / (1.0 - BETAS[0] ** count)
    if isinstance(piece.rate, Tensor):
        piece.now.sub_(torch.div(mean, spread, out=spread).mul_(piece.rate * size))
    else:
        piece.now.addcdiv_(mean, spread, value=-piece.rate * size)


def _line_of_sgd(slope: Tensor, _moments: Sequence[Tensor], _count: int) -> Tensor:
    return slope / (1.0 - MOMENTUM)


def _line_of_adamw(slope: Tensor, moments: Sequence[Tensor], count: int) -> Tensor:
    return slope / ((moments[1] / (1.0 - BETAS[1] ** count)).sqrt() + EPSILON)


@dataclass(frozen=True, slots=True)
class _Kind:
    """moments: how many numbers it remembers of each parameter.

    direction: of a step with a slope that stays, without the rate and the decay, whose factor is `decay`.
    """

    moments: int
    step: Callable[[_Piece, float, int], None]
    direction: Callable[[Tensor, Sequence[Tensor], int], Tensor]
    decay: float


_KINDS = {
    "sgd": _Kind(1, _sgd, _line_of_sgd, 1.0 / (1.0 - MOMENTUM)),
    "adamw": _Kind(2, _adamw, _line_of_adamw, 1.0),
}
