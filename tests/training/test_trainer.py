"""The trainer that users run, against trainings with the papers' own losses, and against its own promises."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from calibeval import InputError, Predictions
from calibeval.recalibrate.temperature.optimum import optimum
from calibeval.training.head_losses import HeadLosses
from calibeval.training.heads import Heads, Layer, new_heads
from calibeval.training.recipe import Recipe
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import LossSpec
from calibeval.training.split import no_standard, resident, staged, standard_of
from calibeval.training.trainer import Training

GOLDEN = Path(__file__).parents[1] / "golden" / "reference" / "head_training.npz"
RECIPE = TrainingSettings("sgd", 12, 64, schedule="constant", clip=2.0, patience=None, select="last", shuffle=False)
LOSSES = ["ce", "ls", "mbls", "cals"]


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as file:
        return dict(file)


def splits(golden):
    n = int(golden["n_train"])
    standard = no_standard(golden["features"].shape[1])
    return (
        resident(golden["features"][rows], golden["labels"][rows], standard, "cpu", torch.float64)
        for rows in (slice(0, n), slice(n, None))
    )


def training(golden, losses):
    recipes = [Recipe(LossSpec(loss, json.loads(str(golden[f"{loss}/params_json"]))), 0.5, 5e-4) for loss in losses]
    layer = Layer(*(torch.tensor(golden[name]).repeat(len(losses), *[1] * golden[name].ndim) for name in ("W0", "b0")))
    return Training([layer], recipes, *splits(golden), RECIPE, seed=0)


@pytest.mark.parametrize("losses", [[loss] for loss in LOSSES] + [LOSSES])
def test_trainings_are_those_of_the_papers_code(golden, losses):
    run = training(golden, losses)
    for epoch in range(12):
        found = run.epoch()
        for i, loss in enumerate(losses):
            assert found.losses[i] == pytest.approx(golden[f"{loss}/train_loss"][epoch], rel=1e-9)
            if loss == "cals":
                lambd, rho = run.multipliers()[i]
                np.testing.assert_allclose(lambd, golden["cals/lambda"][epoch], rtol=1e-8)
                np.testing.assert_allclose(rho, golden["cals/rho"][epoch], rtol=1e-8)
    for i, loss in enumerate(losses):
        np.testing.assert_allclose(run.best[0].weight[i], golden[f"{loss}/W"], atol=1e-8)
        np.testing.assert_allclose(run.best[0].bias[i], golden[f"{loss}/b"], atol=1e-8)


def small(losses, *, seed=0, rate=0.05, hidden=None, n=120, d=5, k=3, **more):
    """A training on a few random rows."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(k, d))
    labels = rng.integers(0, k, n)
    features = centres[labels] + rng.normal(size=(n, d))
    half = n * 2 // 3
    train, val = (
        resident(features[rows], labels[rows], no_standard(d), "cpu", torch.float32)
        for rows in (slice(0, half), slice(half, n))
    )
    sizes = (d, k) if hidden is None else (d, hidden, k)
    settings = TrainingSettings(**{"epochs": 6, "batch_size": 16, **more})
    layers = new_heads(len(losses), sizes, torch.Generator().manual_seed(seed))
    rates = rate if isinstance(rate, tuple) else [rate] * len(losses)
    recipes = [Recipe(loss, one, 0.01) for loss, one in zip(losses, rates, strict=True)]
    return Training(layers, recipes, train, val, settings, seed)


def finished(run):
    epochs = []
    while not run.done:
        epochs.append(run.epoch())
    return epochs


EVERY_LOSS = [
    LossSpec("ce"),
    LossSpec("ls", {"alpha": 0.1}),
    LossSpec("ls", {"alpha": 0.2}),
    LossSpec("ecp"),
    LossSpec("focal", {"gamma": 2.0}),
    LossSpec("flsd"),
    LossSpec("mbls", {"margin": 1.0}),
    LossSpec("mbls", {"margin": 2.0, "alpha": 0.5}),
    LossSpec("cals", {"margin": 2.0}),
    LossSpec("cals", {"margin": 4.0, "penalty": "p3"}),
    LossSpec("cals_hr", {"margin": 1.0}),
    LossSpec("cals_hr", {"margin": 2.0, "lambd_init": 0.5}),
]


@pytest.mark.parametrize("hidden", [None, 8])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_side_by_side_is_as_alone(hidden, optimizer):
    together = small(EVERY_LOSS, hidden=hidden, optimizer=optimizer)
    finished(together)
    for i, loss in enumerate(EVERY_LOSS):
        alone = small([loss], hidden=hidden, optimizer=optimizer)
        finished(alone)
        for one, all_of_them in zip(alone.best, together.best, strict=True):
            torch.testing.assert_close(one.weight[0], all_of_them.weight[i], rtol=1e-4, atol=1e-5)
        assert alone.best_epochs[0] == together.best_epochs[i]


@pytest.mark.parametrize("hidden", [None, 8])
@pytest.mark.parametrize("more", [{}, {"optimizer": "sgd"}, {"mixup": 0.4}, {"amp": True}, {"patience": 2}])
@pytest.mark.parametrize("stop", [1, 4])
def test_a_training_that_was_stopped_ends_with_the_same_weights(hidden, more, stop):
    through = small(EVERY_LOSS, hidden=hidden, **more)
    first = small(EVERY_LOSS, hidden=hidden, **more)
    expected = finished(through)
    for _ in range(stop):
        first.epoch()
    tensors, plain = first.state()
    tensors = {name: value.clone() for name, value in tensors.items()}
    finished(first)  # what goes on must not change what was saved
    second = small(EVERY_LOSS, hidden=hidden, **more)
    second.restore(tensors, json.loads(json.dumps(plain)))
    assert finished(second) == expected[stop:]
    for one, other in zip(second.best, through.best, strict=True):
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.bias, other.bias)
    assert second.multipliers() == through.multipliers()


def test_another_seed_is_another_training():
    one, other = small([LossSpec("ce")], seed=0), small([LossSpec("ce")], seed=1)
    assert finished(one) != finished(other)


def test_validation_is_that_of_the_definitions():
    run = small([LossSpec("ce"), LossSpec("mbls", {"margin": 1.0})])
    epoch = [run.epoch() for _ in range(3)][-1]
    x, labels, *_ = next(iter(run._validator.val.batches(None, 1000)))
    for i in range(2):
        layer = run._heads.layers[0]
        logits = (x.double() @ layer.weight[i].double().T + layer.bias[i].double()).numpy()
        predictions = Predictions(logits=logits, labels=labels.numpy())
        best = optimum(predictions)
        assert epoch.validation.nll[i] == pytest.approx(best.nll_before, rel=1e-5)
        assert epoch.validation.nll_after[i] == pytest.approx(best.nll_after, rel=1e-5)
        assert epoch.validation.accuracy[i] == (logits.argmax(axis=1) == labels.numpy()).mean()


def test_the_best_epoch_is_kept():
    run = small([LossSpec("ce")], rate=0.5, epochs=12, select="nll", patience=None)
    weights, scores = [], []
    while not run.done:
        scores.append(run.epoch().validation.nll[0])
        weights.append(run._heads.layers[0].weight.clone())
    best = int(np.argmin(scores))
    assert best < len(scores) - 1  # else the test says nothing
    assert run.best_epochs == [best + 1]
    assert run.best_scores == [scores[best]]
    assert torch.equal(run.best[0].weight, weights[best])


def test_a_head_that_has_stopped_stays_as_it_is():
    losses = [LossSpec("ce"), LossSpec("ls", {"alpha": 0.3})]
    run = small(losses, rate=0.02, epochs=30, patience=3)
    epochs = finished(run)
    stopped = [sum(epoch.running[i] for epoch in epochs) + 1 for i in range(2)]
    assert min(stopped) < len(epochs)  # one stops before the other
    for i in range(2):
        assert run.best_epochs[i] <= stopped[i]
        alone = small([losses[i]], rate=0.02, epochs=30, patience=3)
        finished(alone)
        assert alone.best_epochs[0] == run.best_epochs[i]
    assert len(epochs) < 30


def leaving(**more):
    """Heads of which two stop early, and none of the others."""
    losses = [LossSpec("cals", {"margin": 2.0}), LossSpec("ce"), LossSpec("ce"), LossSpec("cals", {"margin": 3.0})]
    return small(losses, rate=(1e-9, 1e-9, 0.01, 0.01), epochs=8, patience=2, schedule="constant", **more)


def test_heads_that_have_stopped_leave_the_stack():
    run = leaving(hidden=6)
    assert run._heads.count == 4
    epochs = finished(run)
    assert run._heads.count == 2
    gone = next(epoch.number for epoch in epochs if not epoch.running[0])
    assert [epoch.number for epoch in epochs] == list(range(1, 9))
    assert gone < 8
    for epoch in epochs:
        assert (epoch.validation.nll[0] == np.inf) is (epoch.number > gone)
        assert np.isfinite(epoch.validation.nll[2:]).all()
    stopped = leaving(hidden=6)
    while stopped._epochs < gone:
        stopped.epoch()
    assert run.multipliers()[0] == stopped.multipliers()[0]  # those when it left, not those of the end
    assert torch.equal(run.best[0].weight[:2], stopped.best[0].weight[:2])


@pytest.mark.parametrize("stop", [2, 4, 7])
def test_a_training_that_heads_have_left_goes_on_from_its_state(stop):
    through, first, second = leaving(), leaving(), leaving()
    expected = finished(through)
    for _ in range(stop):
        first.epoch()
    tensors, plain = first.state()
    second.restore({name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(plain)))
    assert second._heads.count == first._heads.count
    assert finished(second) == expected[stop:]
    assert torch.equal(second.best[0].weight, through.best[0].weight)
    assert second.multipliers() == through.multipliers()


@pytest.mark.parametrize(
    ("multipliers", "message"),
    [
        ([[], [], [], []], "a head has stopped, but not left"),
        ([[[0.0] * 3, [1.0] * 3], [[], []], [], [[0.0] * 3, [1.0] * 3]], "a head has the multipliers of another loss"),
        ([[[0.0] * 2, [1.0] * 3], [[], []], [], []], "a head has the multipliers of another loss"),
        ([[], [], []], "it is not of 4 heads"),
    ],
)
def test_a_state_with_other_heads_is_refused(multipliers, message):
    run = leaving()
    for _ in range(5):
        run.epoch()
    assert run._heads.count == 2
    tensors, plain = run.state()
    with pytest.raises(InputError, match=message):
        leaving().restore(dict(tensors), {**plain, "multipliers": multipliers})


def test_one_that_diverges_leaves_the_others_alone():
    run = small([LossSpec("ce")] * 3, optimizer="sgd", clip=None, rate=(0.05, 1e38, 0.05))
    epochs = finished(run)
    assert epochs[-1].validation.nll[1] == np.inf
    assert epochs[-1].validation.nll_after[1] == np.inf
    assert run.best_epochs[1] <= 1
    assert run._heads.count == 2  # it has left the stack
    alone = small([LossSpec("ce")], optimizer="sgd", clip=None)
    finished(alone)
    for i in (0, 2):
        torch.testing.assert_close(run.best[0].weight[i], alone.best[0].weight[0], rtol=1e-4, atol=1e-5)


def test_gradients_are_clipped_head_by_head():
    heads = Heads(new_heads(2, (4, 3), torch.Generator().manual_seed(0)))
    heads.slopes[0].weight[0], heads.slopes[0].bias[0] = 3.0, 0.0
    heads.slopes[0].weight[1], heads.slopes[0].bias[1] = 0.1, 0.1
    heads.clip(2.0)
    norms = [float(torch.cat([heads.slopes[0].weight[i].flatten(), heads.slopes[0].bias[i]]).norm()) for i in range(2)]
    assert norms[0] == pytest.approx(2.0, rel=1e-5)
    assert norms[1] == pytest.approx(0.1 * 15**0.5, rel=1e-6)


@pytest.mark.parametrize("hidden", [None, 6])
def test_slopes_are_those_of_autograd(hidden):
    sizes = (4, 3) if hidden is None else (4, hidden, 3)
    layers = [
        Layer(*(part.double() for part in layer)) for layer in new_heads(2, sizes, torch.Generator().manual_seed(0))
    ]
    heads, x = Heads(layers), torch.randn(7, 4, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    parameters = [part.clone().requires_grad_() for layer in heads.layers for part in layer]
    out = torch.einsum("bd,cod->bco", x, parameters[0]) + parameters[1]
    if hidden is not None:
        out = torch.einsum("bch,ckh->bck", out.relu(), parameters[2]) + parameters[3]
    loss = sum(torch.nn.functional.cross_entropy(out[:, i], labels) for i in range(2))
    expected = torch.autograd.grad(loss, parameters)
    head_losses = HeadLosses([LossSpec("ce")] * 2, 3, x.device, x.dtype)
    logits, inside = heads.forward(x)
    torch.testing.assert_close(logits, out)
    heads.backward(x, inside, head_losses.value_and_slope(logits, labels)[1])
    found = [part for layer in heads.slopes for part in layer]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_mixup_mixes_losses_and_rows():
    share, labels = torch.tensor([0.25, 0.5]), torch.tensor([0, 1])
    logits = torch.tensor([[[1.0, 0.0]], [[0.0, 3.0]]])
    head_losses = HeadLosses([LossSpec("ce")], 2, logits.device, logits.dtype)
    one = head_losses.value_and_slope(logits, labels, share)[0]
    other = head_losses.value_and_slope(logits, labels.roll(1), 1 - share)[0]
    ce = torch.nn.functional.cross_entropy
    expected = 0.0
    for i, part in enumerate((0.25, 0.5)):
        expected += part * ce(logits[i], labels[i : i + 1]) + (1 - part) * ce(logits[i], labels[1 - i : 2 - i])
    assert float(one + other) == pytest.approx(float(expected) / 2)


def test_staged_features_train_as_resident_ones():
    runs = []
    for make in (resident, staged):
        rng = np.random.default_rng(3)
        features, labels = rng.normal(2.0, 3.0, (90, 4)), rng.integers(0, 3, 90)
        standard = standard_of(features)
        splits = [make(features[a:b], labels[a:b], standard, "cpu", torch.float32) for a, b in ((0, 60), (60, 90))]
        layers = new_heads(1, (4, 3), torch.Generator().manual_seed(0))
        run = Training(
            layers, [Recipe(LossSpec("ce"), 0.05, 0.0)], *splits, TrainingSettings(epochs=3, batch_size=16), 0
        )
        finished(run)
        runs.append(run.best[0].weight)
    assert torch.equal(*runs)
