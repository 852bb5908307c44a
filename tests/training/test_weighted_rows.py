"""Rows with weights and soft labels in training: a weight is so many copies, a one-hot label the class itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from calibeval.losses.table import LOSS_TABLE
from calibeval.training.head_losses import HeadLosses
from calibeval.training.heads import Layer, new_heads
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import LossSpec
from calibeval.training.split import no_standard, resident, staged, standard_of
from calibeval.training.trainer import Recipe, Training

D, K, N, VAL = 4, 3, 40, 30
RNG = np.random.default_rng(5)
CENTRES = RNG.normal(size=(K, D))
LABELS, VAL_LABELS = RNG.integers(0, K, N), RNG.integers(0, K, VAL)
ROWS, VAL_ROWS = (CENTRES[labels] + RNG.normal(size=(len(labels), D)) for labels in (LABELS, VAL_LABELS))
COPIES, VAL_COPIES = RNG.integers(1, 5, N), RNG.integers(1, 5, VAL)
SOFT = RNG.dirichlet(np.ones(K), N)
# `smooth` is added to sums over rows, whatever these weigh.
GIVEN = {"margin": 1.0, "smooth": 1e-12}
EVERY = [
    LossSpec(name, {key: value for key, value in GIVEN.items() if key in entry.defaults()})
    for name, entry in LOSS_TABLE.items()
]
TAKES_SOFT = [loss for loss in EVERY if loss.entry.soft]
WHOLE = TrainingSettings("sgd", 12, 10_000, schedule="constant", clip=2.0, patience=None, shuffle=False)


def mean_one(copies):
    return copies / copies.mean()


def training(train, val, losses=EVERY, settings=WHOLE, standard=None, make=resident, hidden=None):
    """A training in float64. train, val: rows, labels and weights."""
    splits = [make(x, y, standard or no_standard(D), "cpu", torch.float64, w) for x, y, w in (train, val)]
    sizes = (D, K) if hidden is None else (D, hidden, K)
    layers = [Layer(*(x.double() for x in y)) for y in new_heads(len(losses), sizes, torch.Generator().manual_seed(0))]
    return Training(layers, [Recipe(loss, 0.3, 0.01) for loss in losses], *splits, settings, 0)


def trained(*given, **more):
    """The training at its end, and its epochs."""
    run, epochs = training(*given, **more), []
    while not run.done:
        epochs.append(run.epoch())
    return run, epochs


def check_same(one, other, *, rtol=1e-9):
    (first, epochs), (second, others) = one, other
    for a, b in zip(first.best, second.best, strict=True):
        torch.testing.assert_close(a.weight, b.weight, rtol=rtol, atol=1e-10)
        torch.testing.assert_close(a.bias, b.bias, rtol=rtol, atol=1e-10)
    for a, b in zip(epochs, others, strict=True):
        assert a.losses == pytest.approx(b.losses, rel=rtol)
        for name in ("nll", "nll_after", "accuracy", "ece"):
            assert getattr(a.validation, name) == pytest.approx(getattr(b.validation, name), rel=1e-6, abs=1e-9)
    for a, b in zip(first.multipliers(), second.multipliers(), strict=True):
        for mine, theirs in zip(a, b, strict=True):
            assert mine == pytest.approx(theirs, rel=rtol)


@pytest.mark.parametrize("hidden", [None, 5])
def test_a_weight_is_so_many_copies(hidden):
    weighted = (ROWS, LABELS, mean_one(COPIES)), (VAL_ROWS, VAL_LABELS, mean_one(VAL_COPIES))
    repeated = (
        (np.repeat(ROWS, COPIES, 0), np.repeat(LABELS, COPIES), None),
        (np.repeat(VAL_ROWS, VAL_COPIES, 0), np.repeat(VAL_LABELS, VAL_COPIES), None),
    )
    check_same(trained(*weighted, hidden=hidden), trained(*repeated, hidden=hidden))
    plain = trained((ROWS, LABELS, None), (VAL_ROWS, VAL_LABELS, None), hidden=hidden)
    assert not torch.allclose(plain[0].best[0].weight, trained(*weighted, hidden=hidden)[0].best[0].weight, atol=1e-3)


def test_the_scale_of_weights_that_are_all_the_same_is_that_of_none():
    val = (VAL_ROWS, VAL_LABELS, None)
    check_same(trained((ROWS, LABELS, np.ones(N)), val), trained((ROWS, LABELS, None), val))


def test_weights_of_val_choose_and_scale_but_train_only_the_multipliers():
    train = (ROWS, LABELS, None)
    plain, weighted = (trained(train, (VAL_ROWS, VAL_LABELS, w)) for w in (None, mean_one(VAL_COPIES)))
    for loss, found, other in zip(EVERY, plain[1][0].losses, weighted[1][0].losses, strict=True):
        assert found == other, loss  # the first epoch has seen no row of VAL
    last = zip(plain[1][-1].losses, weighted[1][-1].losses, strict=True)
    moved = {loss.name for loss, (found, other) in zip(EVERY, last, strict=True) if found != other}
    assert "cals" in moved
    assert moved <= {loss.name for loss in EVERY if loss.entry.rule is not None}
    assert plain[1][0].validation.nll != weighted[1][0].validation.nll


def test_standardisation_is_that_of_the_copies():
    found, expected = standard_of(ROWS, mean_one(COPIES)), standard_of(np.repeat(ROWS, COPIES, 0))
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-12)


def test_many_blocks_are_standardised_as_one(monkeypatch):
    expected = standard_of(ROWS, mean_one(COPIES))
    monkeypatch.setattr("calibeval.core.heads.layers.BLOCK_NUMBERS", 12)
    np.testing.assert_allclose(standard_of(ROWS, mean_one(COPIES)).scale, expected.scale, rtol=1e-12)


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_one_hot_labels_are_classes(mixup):
    val, settings = (VAL_ROWS, VAL_LABELS, None), TrainingSettings(epochs=5, batch_size=16, mixup=mixup)
    one_hot = np.eye(K)[LABELS]
    soft = trained((ROWS, one_hot, mean_one(COPIES)), val, TAKES_SOFT, settings)
    check_same(soft, trained((ROWS, LABELS, mean_one(COPIES)), val, TAKES_SOFT, settings))


@pytest.mark.parametrize("loss", [LossSpec("ce"), LossSpec("ls", {"alpha": 0.1}), LossSpec("mbls", {"margin": 1.0})])
def test_a_soft_label_is_a_row_of_each_class_with_its_probability(loss):
    val = (VAL_ROWS, VAL_LABELS, None)
    copies = np.repeat(ROWS, K, 0), np.tile(np.arange(K), N), SOFT.ravel() / SOFT.mean()
    check_same(trained((ROWS, SOFT, None), val, [loss]), trained(copies, val, [loss]))


def test_a_mixed_row_counts_by_the_weights_of_both():
    weights, soft, share = mean_one(COPIES[:2]), torch.tensor(SOFT[:2]), torch.tensor([0.25, 0.5]).double()
    run = training((ROWS[:2], SOFT[:2], weights), (VAL_ROWS, VAL_LABELS, None), [LossSpec("ce")])
    head, rows, expected = run.best[0], torch.tensor(ROWS[:2]), 0.0
    for i, part in enumerate(share.tolist()):
        mixed = part * rows[i] + (1 - part) * rows[1 - i]
        log_probs = torch.log_softmax(mixed @ head.weight[0].T + head.bias[0], 0)
        for j, amount in ((i, part), (1 - i, 1 - part)):
            expected -= amount * weights[j] * float(soft[j] @ log_probs) / 2
    assert float(run._gradients(*next(run._train.batches(None, 2))[:3], share)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("stop", [1, 4])
def test_a_training_that_was_stopped_ends_with_the_same_weights(stop):
    settings = TrainingSettings(epochs=6, batch_size=16, mixup=0.4)
    given = (ROWS, SOFT, mean_one(COPIES)), (VAL_ROWS, VAL_LABELS, mean_one(VAL_COPIES)), TAKES_SOFT, settings
    through, _ = trained(*given)
    first, second = training(*given), training(*given)
    for _ in range(stop):
        first.epoch()
    tensors, plain = first.state()
    second.restore({name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(plain)))
    while not second.done:
        second.epoch()
    assert torch.equal(second.best[0].weight, through.best[0].weight)
    assert second.multipliers() == through.multipliers()


def test_staged_rows_train_as_resident_ones():
    given = (ROWS, SOFT, mean_one(COPIES)), (VAL_ROWS, VAL_LABELS, mean_one(VAL_COPIES)), TAKES_SOFT
    settings = TrainingSettings(epochs=3, batch_size=16)
    one, other = (trained(*given, settings, standard_of(ROWS), make) for make in (resident, staged))
    assert torch.equal(one[0].best[0].weight, other[0].best[0].weight)


def test_nothing_waits_for_the_device():
    """On the meta device, a tensor has no values: to look at one is an error."""
    device = torch.device("meta")
    losses = HeadLosses(TAKES_SOFT, K, device, torch.float32)
    logits, weights = torch.zeros(8, len(TAKES_SOFT), K, device=device), torch.ones(8, device=device)
    for labels in (torch.zeros(8, dtype=torch.int64, device=device), torch.zeros(8, K, device=device)):
        values, slope = losses.value_and_slope(logits, labels, weights)
        assert (values.shape, slope.shape) == ((len(TAKES_SOFT),), logits.shape)
    losses.observe(logits, weights)
    losses.advance()
