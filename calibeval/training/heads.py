"""Several heads of the same shape, computed by one matrix product."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

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

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits (b, c, k) for features (b, d), and the hidden values (b, c, h), or None for linear heads."""
        first = self.layers[0]
        x, weight, bias = x.to(self._dtype), *self._stacked(first)
        out = torch.addmm(bias, x, weight.T).view(len(x), self.count, -1)
        if len(self.layers) == 1:
            return out.to(first.weight.dtype), None
        last, hidden = self.layers[1], out.relu_()
        weight = last.weight.to(self._dtype).transpose(1, 2)
        logits = torch.baddbmm(last.bias.to(self._dtype).unsqueeze(1), hidden.transpose(0, 1), weight)
        return logits.transpose(0, 1).to(first.weight.dtype), hidden

    def backward(self, x: Tensor, hidden: Tensor | None, slope: Tensor) -> None:
        """Write the gradients of all parameters; slope: the gradient of the logits, (b, c, k)."""
        x, slope = x.to(self._dtype), slope.to(self._dtype)
        if hidden is not None:
            last, by_head = self.slopes[1], slope.transpose(0, 1)
            _write(last.weight, by_head.transpose(1, 2), hidden.transpose(0, 1))
            last.bias.copy_(slope.sum(dim=0))
            slope = torch.bmm(by_head, self.layers[1].weight.to(self._dtype)).transpose(0, 1)
            slope = torch.where(hidden > 0, slope, 0)
        first = self.slopes[0]
        _write(first.weight.view(-1, x.shape[1]), slope.reshape(len(x), -1).T, x)
        first.bias.copy_(slope.sum(dim=0))

    def copy(self) -> list[Layer]:
        """A copy of the parameters."""
        return [Layer(layer.weight.clone(), layer.bias.clone()) for layer in self.layers]

    def clip(self, most: float) -> None:
        """Scale down the gradient of each head whose norm is above `most` to that norm."""
        parts = [slope.flatten(1) for layer in self.slopes for slope in layer]
        squares = sum(torch.linalg.vector_norm(part, dim=1).square() for part in parts)
        scale = (most / (torch.as_tensor(squares).sqrt() + 1e-6)).clamp(max=1.0)
        for part in parts:
            part.mul_(scale.unsqueeze(1))

    def optimizer(self, name: str, rates: Sequence[float], decays: Sequence[float]) -> torch.optim.Optimizer:
        """SGD with momentum 0.9 or AdamW; each head has its own rate and weight decay, and biases have no decay."""
        groups: list[dict[str, Any]] = []
        for i, (rate, decay) in enumerate(zip(rates, decays, strict=True)):
            for part, own in (("weight", decay), ("bias", 0.0)):
                groups.append({"params": [self._leaf(layer, part, i) for layer in range(len(self.layers))]})
                groups[-1] |= {"lr": rate, "weight_decay": own}
        if name == "sgd":
            return torch.optim.SGD(groups, lr=0.0, momentum=0.9, fused=True)
        return torch.optim.AdamW(groups, lr=0.0, fused=True)

    def _leaf(self, layer: int, part: str, head: int) -> Tensor:
        """One head's part of a layer, which an optimizer can change in place."""
        leaf: Tensor = getattr(self.layers[layer], part)[head]
        leaf.grad = getattr(self.slopes[layer], part)[head]
        return leaf

    def _stacked(self, layer: Layer) -> tuple[Tensor, Tensor]:
        weight = layer.weight.to(self._dtype)
        return weight.view(-1, weight.shape[2]), layer.bias.to(self._dtype).view(-1)


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
