"""The steps of the optimizers against those of torch, head by head, in pieces of any size."""

from __future__ import annotations

import pytest
import torch

from calibeval.training import steps as module
from calibeval.training.heads import Heads, new_heads
from calibeval.training.steps import Steps

RATES, DECAYS = [0.1, 0.02, 0.5], [0.3, 0.0, 0.01]
TORCH = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.0, momentum=0.9),
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=0.0),
}


def heads(sizes, rates=RATES):
    layers = new_heads(len(rates), sizes, torch.Generator().manual_seed(0))
    return Heads([type(layer)(*(part.double() for part in layer)) for layer in layers])


def slopes(of, generator):
    """New random gradients for heads."""
    for layer in of.slopes:
        for part in layer:
            part.copy_(torch.randn(part.shape, generator=generator, dtype=part.dtype))


def theirs(name, sizes, shares):
    """The weights and biases of every head after steps of torch's optimizer."""
    own, generator = heads(sizes), torch.Generator().manual_seed(1)
    groups = []
    for i, (rate, decay) in enumerate(zip(RATES, DECAYS, strict=True)):
        for part, what in (("weight", decay), ("bias", 0.0)):
            leaves = [getattr(layer, part)[i] for layer in own.layers]
            groups.append({"params": leaves, "lr": rate, "weight_decay": what, "rate": rate})
    optimizer = TORCH[name](groups)
    for share in shares:
        slopes(own, generator)
        for group, leaves in zip(optimizer.param_groups, groups, strict=True):
            group["lr"] = group["rate"] * share
            part = "weight" if leaves["params"][0].ndim == 2 else "bias"
            for leaf, layer in zip(group["params"], own.slopes, strict=True):
                head = next(i for i, rate in enumerate(RATES) if rate == group["rate"])
                leaf.grad = getattr(layer, part)[head]
        optimizer.step()
    return own.layers


@pytest.mark.parametrize("sizes", [(4, 3), (4, 6, 3)])
@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("piece", [1, 5, 12, 24, 2**15])
def test_steps_are_those_of_torch(monkeypatch, name, sizes, piece):
    monkeypatch.setattr(module, "PIECE", piece)
    shares = [1.0, 0.9, 0.5, 0.1]
    own, generator = heads(sizes), torch.Generator().manual_seed(1)
    steps = Steps(name, own, RATES, DECAYS)
    for share in shares:
        slopes(own, generator)
        steps.step(share)
    for found, expected in zip(own.layers, theirs(name, sizes, shares), strict=True):
        torch.testing.assert_close(found.weight, expected.weight, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(found.bias, expected.bias, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("places", [[0, 2], [1], [0, 1, 2]])
def test_heads_that_stay_go_on_as_they_would_have(name, places):
    whole, part = heads((4, 6, 3)), heads((4, 6, 3))
    both = [(one, Steps(name, one, RATES, DECAYS)) for one in (whole, part)]
    for one, steps in both:
        slopes(one, torch.Generator().manual_seed(1))
        steps.step(1.0)
    rows = torch.tensor(places)
    part.keep(rows)
    both[1][1].keep(rows)
    slopes(whole, torch.Generator().manual_seed(2))
    for own, every in zip(part.slopes, whole.slopes, strict=True):
        own.weight.copy_(every.weight[rows])
        own.bias.copy_(every.bias[rows])
    for _, steps in both:
        steps.step(0.5)
    for own, every in zip(part.layers, whole.layers, strict=True):
        torch.testing.assert_close(own.weight, every.weight[rows])
        torch.testing.assert_close(own.bias, every.bias[rows])


@pytest.mark.parametrize("name", TORCH)
def test_a_state_goes_on(name):
    one, other = heads((4, 3)), heads((4, 3))
    first, second = Steps(name, one, RATES, DECAYS), Steps(name, other, RATES, DECAYS)
    slopes(one, torch.Generator().manual_seed(1))
    first.step(1.0)
    other.layers[0].weight.copy_(one.layers[0].weight)
    second.restore({key: value.clone() for key, value in first.state().items()}, 1)
    slopes(other, torch.Generator().manual_seed(1))
    first.step(0.5)
    second.step(0.5)
    assert torch.equal(one.layers[0].weight, other.layers[0].weight)
