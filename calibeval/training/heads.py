"""Several heads of the same shape, computed by one matrix product."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Layer(NamedTuple):
    """A linear layer of c heads: weight (c, out, in) and bias (c, out)."""

    weight: Tensor
    bias: Tensor


class Heads:
    """c heads on the same features, each one linear layer, or two layers with a ReLU between them.

    Gradients are written to `slopes`, layer by layer, in the shapes of the parameters. dtype: of the matrix products,
    if it differs from that of the parameters (bfloat16 products with float32 parameters).
    """

    def __init__(self, layers: Sequence[Layer], dtype: torch.dtype | None = None) -> None:
        self.layers = [Layer(*(part.contiguous() for part in layer)) for layer in layers]
        self.slopes = [Layer(*(torch.zeros_like(part) for part in layer)) for layer in self.layers]
        self._dtype = dtype or self.layers[0].weight.dtype

    @property
    def count(self) -> int:
        """Number of heads, c."""
        return len(self.layers[0].weight)

    @property
    def classes(self) -> int:
        """Number of classes, k."""
        return int(self.layers[-1].bias.shape[1])

    @property
    def widest(self) -> int:
        """The most numbers that a row has at once: its features, or the hidden values or logits of all heads."""
        outputs = [int(layer.bias.numel()) for layer in self.layers]
        return max(int(self.layers[0].weight.shape[2]), *outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits (b, c, k) for features (b, d), and the hidden values (c, b, h), or None for linear heads."""
        first = self.layers[0]
        x, weight, bias = x.to(self._dtype), first.weight.to(self._dtype), first.bias.to(self._dtype)
        if len(self.layers) == 1 and self.count == 1 and x.device.type == "cpu":
            # Class by class, as a product with few columns takes a tenth less time so.
            by_class = torch.addmm(bias.view(-1, 1), weight[0], x.T)
            return by_class.T.unsqueeze(1).to(first.weight.dtype), None
        if len(self.layers) == 1:
            out = torch.addmm(bias.view(-1), x, weight.view(-1, weight.shape[2]).T).view(len(x), self.count, -1)
            return out.to(first.weight.dtype), None
        hidden = torch.baddbmm(bias.unsqueeze(1), self._for_each(x), weight.transpose(1, 2)).relu_()
        last = self.layers[1]
        weight = last.weight.to(self._dtype).transpose(1, 2)
        logits = torch.baddbmm(last.bias.to(self._dtype).unsqueeze(1), hidden, weight)
        return logits.transpose(0, 1).to(first.weight.dtype), hidden

    def backward(self, x: Tensor, hidden: Tensor | None, slope: Tensor) -> None:
        """Write the gradients of all parameters; slope: the gradient of the logits, (b, c, k)."""
        x, slope, first = x.to(self._dtype), slope.to(self._dtype), self.slopes[0]
        if hidden is None:
            _write(first.weight.view(-1, x.shape[1]), slope.reshape(len(x), -1).T, x)
            _sum(first.bias, slope, 0)
            return
        last, slope = self.slopes[1], slope.transpose(0, 1)
        _write(last.weight, slope.transpose(1, 2), hidden)
        _sum(last.bias, slope, 1)
        slope = torch.bmm(slope, self.layers[1].weight.to(self._dtype)).mul_(hidden.sign())  # 1, or 0 behind the ReLU
        _write(first.weight, slope.transpose(1, 2), self._for_each(x))
        _sum(first.bias, slope, 1)

    def _for_each(self, x: Tensor) -> Tensor:
        """The same rows for every head, (c, b, d)."""
        return x.expand(self.count, *x.shape)

    def copy(self) -> list[Layer]:
        """A copy of the parameters."""
        return [Layer(layer.weight.clone(), layer.bias.clone()) for layer in self.layers]

    def clip(self, most: float) -> None:
        """Scale down the gradient of each head whose norm is above `most` to that norm."""
        parts = [slope.flatten(1) for layer in self.slopes for slope in layer]
        squares = sum(torch.linalg.vector_norm(part, dim=1).square() for part in parts)
        scale = (most / (torch.as_tensor(squares).sqrt() + 1e-6)).clamp(max=1.0)
        if scale.device.type == "cpu" and bool((scale == 1.0).all()):  # a GPU would have to be waited for
            return
        for part in parts:
            part.mul_(scale.unsqueeze(1))

    def keep(self, rows: Tensor) -> None:
        """Go on with the heads of these numbers alone, in this order."""
        self.layers, self.slopes = (taken(layers, rows) for layers in (self.layers, self.slopes))


def taken(layers: Sequence[Layer], rows: Tensor) -> list[Layer]:
    """The layers of the heads of these numbers."""
    return [Layer(*(part.index_select(0, rows) for part in layer)) for layer in layers]


def new_heads(count: int, sizes: Sequence[int], generator: torch.Generator) -> list[Layer]:
    """`count` equal heads with layers of these sizes, (d, k) or (d, h, k), in float32 on the CPU.

    Weights and biases are uniform in ±1 / sqrt(inputs of the layer), as in torch's own Linear.
    """
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        bound = 1.0 / math.sqrt(inputs)
        weight = torch.rand(outputs, inputs, generator=generator) * (2 * bound) - bound
        bias = torch.rand(outputs, generator=generator) * (2 * bound) - bound
        layers.append(Layer(weight.repeat(count, 1, 1), bias.repeat(count, 1)))
    return layers


def _write(out: Tensor, left: Tensor, right: Tensor) -> None:
    """Write the matrix product to `out`, whose type may be wider than that of the factors."""
    if out.dtype == left.dtype:
        torch.matmul(left, right, out=out)
    else:
        out.copy_(torch.matmul(left, right))


def _sum(out: Tensor, values: Tensor, dim: int) -> None:
    """Write the sums along one axis to `out`, whose type may be wider than that of the values."""
    if out.dtype == values.dtype:
        torch.sum(values, dim=dim, out=out)
    else:
        out.copy_(values.sum(dim=dim))
