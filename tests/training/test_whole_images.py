"""Training on images: batches of whole images, and the gradient of the module that users have in their own loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from calibeval import Features
from calibeval.losses import MbLSDice
from calibeval.training.head_losses import HeadLosses
from calibeval.training.heads import Layer
from calibeval.training.recipe import Recipe
from calibeval.training.request import Request, prepare
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import LossSpec
from calibeval.training.trainer import Training

K, C = 3, 4
RNG = np.random.default_rng(9)
FEATURES = RNG.normal(size=(5, C, 3, 6))
LABELS = RNG.integers(0, K, (5, 3, 6))
LABELS[0, :2] = LABELS[3] = 255  # a part of one image, and the whole of another
DICE = LossSpec("mbls_dice", {"margin": 0.5, "alpha": 0.3})
SETTINGS = TrainingSettings("sgd", 3, 2, schedule="constant", clip=None, patience=None, select="last", shuffle=False)


def data(**more):
    return Features(features=FEATURES, labels=LABELS, ignore_index=255, **more)


def split(features=None, **request):
    features = features or data()
    asked = Request((DICE,), SETTINGS, standardize=False, **request)
    return prepare(features, features, K, asked)[0].task.train


def test_a_split_knows_its_images():
    train = split()
    assert train.images == (6, 18, 18, 0, 18)
    assert (train.units(whole=True), train.units(whole=False)) == (4, 60)
    assert train.whole([DICE])
    assert not train.whole([LossSpec("mbls")])
    batches = list(train.image_batches(torch.tensor([3, 0, 1, 2]), 3))
    assert [batch.images for batch in batches] == [(18, 6, 18), (18,)]
    last = np.moveaxis(FEATURES[4], 0, -1).reshape(-1, C)
    np.testing.assert_allclose(batches[0].x[:18], last.astype(np.float32))
    assert batches[0].labels[:18].tolist() == LABELS[4].reshape(-1).tolist()


def test_features_that_stay_on_disk_give_the_same_batches():
    there, far = (list(split(memory=memory).image_batches(None, 2)) for memory in (2**33, 1_000))
    for one, other in zip(there, far, strict=True):
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.labels, other.labels)


def test_pixels_on_disk_are_shuffled_within_runs_of_images():
    far = replace(split(memory=1_000), run=2)
    assert not far.local
    order = far.order(np.random.default_rng(0), whole=False)
    assert sorted(order.tolist()) == list(range(60))
    runs = {(0, 24): 0, (24, 42): 1, (42, 60): 2}  # images 0 and 1, 2 and the empty one, 4
    place = [next(run for (a, b), run in runs.items() if a <= row < b) for row in order.tolist()]
    assert np.count_nonzero(np.diff(place)) == 2  # one run after the other
    assert order.tolist() != sorted(order.tolist())
    assert not torch.equal(order, far.order(np.random.default_rng(1), whole=False))
    there = split().order(np.random.default_rng(0), whole=False)
    assert torch.equal(there, torch.from_numpy(np.random.default_rng(0).permutation(60)))
    assert sorted(far.order(np.random.default_rng(0), whole=True).tolist()) == [0, 1, 2, 3]


def test_a_training_from_disk_is_that_in_memory_in_the_same_order():
    layer = Layer(torch.zeros(1, K, C), torch.zeros(1, K))
    found = []
    for memory in (2**33, 1_000):
        own = [Layer(layer.weight.clone(), layer.bias.clone())]
        rows = TrainingSettings("adamw", 2, 16, patience=None, select="last", shuffle=False)
        run = Training(own, [Recipe(LossSpec("mbls"), 0.1, 0.01)], split(memory=memory), split(), rows, seed=1)
        run.epoch()
        run.epoch()
        found.append(run.best[0].weight)
    assert torch.equal(*found)


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 1.0, 1.0, 3.0]])
def test_a_training_is_that_with_the_module(weights):
    """Two images a step, three epochs; with weights of images, the module sees their share in the batch."""
    layer = Layer(torch.zeros(1, K, C), torch.zeros(1, K))
    run = Training([layer], [Recipe(DICE, 0.1, 0.0)], split(data(weights=weights)), split(), SETTINGS, seed=0)
    weight, bias = torch.zeros(K, C, requires_grad=True), torch.zeros(K, requires_grad=True)
    optimizer = torch.optim.SGD([weight, bias], lr=0.1, momentum=0.9)
    criterion = MbLSDice(margin=0.5, alpha=0.3, ignore_index=255)
    images = torch.tensor(FEATURES, dtype=torch.float32)
    for _ in range(3):
        found = run.epoch()
        total = 0.0
        for chosen in ([0, 1], [2, 4]):
            x, y = images[chosen], torch.tensor(LABELS[chosen])
            logits = torch.einsum("kc,nchw->nkhw", weight, x) + bias.view(-1, 1, 1)
            rows = int((y != 255).sum())
            if weights is None:
                loss = criterion(logits, y)
            else:
                loss = _weighted(logits, y, torch.tensor([weights[i] for i in chosen]), rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * rows
        assert found.losses[0] == pytest.approx(total / 60, rel=1e-5)
    torch.testing.assert_close(run.best[0].weight[0], weight.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(run.best[0].bias[0], bias.detach(), rtol=1e-4, atol=1e-6)


def _weighted(logits, labels, weights, rows):
    """By hand: pixels count as the weight of their image, with a mean of 1 over all; images count alike in Dice."""
    kept = np.array([6, 18, 18, 18])
    weights = weights / ((np.array([1.0, 2.0, 1.0, 3.0]) * kept).sum() / kept.sum())
    counts = (labels != 255) * weights.view(-1, 1, 1)
    plain = MbLSDice(margin=0.5, alpha=0.3, dice=0.0, ignore_index=255, reduction="none")(logits, labels)
    alone = MbLSDice(margin=0.5, alpha=0.0, ignore_index=255)
    missed = [
        alone.terms(z[None], y[None]).penalty if w == 1 else _dice(z, y, w)
        for z, y, w in zip(logits, labels, weights, strict=True)
    ]
    return ((counts * plain).sum() + counts.sum() * torch.stack(missed).mean()) / rows


def _dice(logits, labels, weight, smooth=1e-5):
    kept = (labels != 255) * weight
    truth = torch.nn.functional.one_hot(labels % 255, K).movedim(-1, 0)
    p = logits.softmax(0)
    both, found, true = ((kept * x).sum((1, 2))[1:] for x in (p * truth, p, truth))
    return (1 - (2 * both + smooth) / (found + true + smooth)).mean()


def test_losses_of_rows_beside_it_see_the_same_batches():
    losses = [LossSpec("ce"), DICE, LossSpec("mdca", {"beta": 2.0})]
    heads = HeadLosses(losses, K, torch.device("cpu"), torch.float64)
    logits = torch.from_numpy(RNG.normal(size=(24, 1, K))).expand(24, 3, K)
    labels = torch.from_numpy(RNG.integers(0, K, 24))
    values, slope = heads.value_and_slope(logits, labels, None, (6, 18))
    for i in (0, 2):
        alone = HeadLosses([losses[i]], K, torch.device("cpu"), torch.float64)
        one, own = alone.value_and_slope(logits[:, :1], labels)
        torch.testing.assert_close(values[i], one[0])
        torch.testing.assert_close(slope[:, i], own[:, 0])
    assert heads.imagewise


def test_a_training_that_was_stopped_ends_with_the_same_weights():
    shuffled = TrainingSettings("adamw", 4, 2, patience=None, select="last")

    def begin():
        layer = Layer(torch.zeros(1, K, C), torch.zeros(1, K))
        return Training([layer], [Recipe(DICE, 0.1, 0.01)], split(), split(), shuffled, seed=1)

    whole, first, second = begin(), begin(), begin()
    for _ in range(4):
        whole.epoch()
    first.epoch()
    first.epoch()
    tensors, plain = first.state()
    second.restore({name: value.clone() for name, value in tensors.items()}, plain)
    second.epoch()
    second.epoch()
    assert torch.equal(whole.best[0].weight, second.best[0].weight)
    assert whole.further_scores() == second.further_scores()
