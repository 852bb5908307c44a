"""What a longer step would give: much where training was too short, nothing where it had converged."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibeval.training.heads import Heads, new_heads
from calibeval.training.recipe import Recipe
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import parse_losses
from calibeval.training.split import no_standard, resident
from calibeval.training.steps import Steps
from calibeval.training.trainer import Training

RNG = np.random.default_rng(1)
CENTRES = RNG.normal(size=(3, 6)) * 1.5
LABELS = RNG.integers(0, 3, 900)
ROWS = CENTRES[LABELS] + RNG.normal(size=(900, 6))


def trained(losses="ce", *, rate=0.02, hidden=None, **more):
    train, val = (
        resident(ROWS[rows], LABELS[rows], no_standard(6), "cpu", torch.float32)
        for rows in (slice(0, 600), slice(600, 900))
    )
    recipes = [Recipe(loss, rate, 0.01) for loss in parse_losses(losses)]
    sizes = (6, 3) if hidden is None else (6, hidden, 3)
    layers = new_heads(len(recipes), sizes, torch.Generator().manual_seed(0))
    run = Training(layers, recipes, train, val, TrainingSettings(**{"batch_size": 32, **more}), 0)
    while not run.done:
        run.epoch()
    return run


@pytest.mark.parametrize("hidden", [None, 8])
@pytest.mark.parametrize(("optimizer", "rate"), [("adamw", 1e-3), ("adamw", 1e-7), ("sgd", 1e-3), ("sgd", 1e-7)])
def test_after_steps_that_were_too_small_a_longer_one_leads_far_down(hidden, optimizer, rate):
    run = trained("ce,mbls,cals", rate=rate, optimizer=optimizer, hidden=hidden, epochs=5)
    assert run.best_epochs == [5] * 3
    for score, further in zip(run.best_scores, run.further_scores(), strict=True):
        assert further < score - 0.2


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize(("optimizer", "rate"), [("adamw", 0.02), ("sgd", 0.1)])
def test_after_a_training_that_converged_no_step_leads_down(optimizer, rate, schedule):
    run = trained("ce,mbls", rate=rate, optimizer=optimizer, schedule=schedule, epochs=30, patience=None)
    for score, further in zip(run.best_scores, run.further_scores(), strict=True):
        assert further > score - 0.003


def test_parameters_and_multipliers_stay():
    run = trained("cals(margin=2)", rate=1e-3, epochs=2)
    before, multipliers = run._heads.copy(), run.multipliers()
    run.further_scores()
    for layer, other in zip(run._heads.layers, before, strict=True):
        assert torch.equal(layer.weight, other.weight)
        assert torch.equal(layer.bias, other.bias)
    assert run.multipliers() == multipliers


def test_a_head_that_was_best_long_before_the_end_has_none():
    run = trained("ce", rate=0.3, epochs=20, patience=None, schedule="constant")
    assert run.best_epochs[0] < 15
    assert run.further_scores() == [np.inf]


def test_heads_that_have_stopped_have_none():
    run = trained("ce,ecp(beta=1e38)", optimizer="sgd", rate=1e-3, clip=None, epochs=3)
    found = run.further_scores()
    assert np.isfinite(found[0])
    assert found[1] == np.inf


def test_the_line_is_that_of_the_optimizer():
    layers = new_heads(2, (2, 2), torch.Generator().manual_seed(0))
    for name, expected in (("sgd", 10 * (0.5 + 0.1 * layers[0].weight[1])), ("adamw", 1.0 + 0.1 * layers[0].weight[1])):
        heads = Heads([type(layer)(*(part.clone() for part in layer)) for layer in layers])
        steps = Steps(name, heads, [0.1, 0.2], [0.0, 0.1])
        for layer in heads.slopes:
            for part in layer:
                part.fill_(0.5)
        steps.step(0.0)  # it remembers the slopes, and stays
        weight, bias = steps.directions()[0]
        torch.testing.assert_close(weight[1], 0.2 * expected)
        torch.testing.assert_close(bias[0], torch.full((2,), 0.1 * (5.0 if name == "sgd" else 1.0)))


def test_every_loss_has_a_direction():
    run = trained("ls,ecp,focal,flsd", rate=1e-4, epochs=3)
    assert all(further < score for further, score in zip(run.further_scores(), run.best_scores, strict=True))
