"""The stages of a command: trials, what they choose, the heads of every seed; stopped and gone on with."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from calibeval.core.heads.layers import PlainLayer
from calibeval.training import sweep as module
from calibeval.training.recipe import Recipe
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import LossSpec, parse_losses
from calibeval.training.split import no_standard, resident
from calibeval.training.sweep import Sweep, Task

RNG = np.random.default_rng(5)
CENTRES = RNG.normal(size=(3, 4))
LABELS = RNG.integers(0, 3, 90)
ROWS = CENTRES[LABELS] + RNG.normal(size=(90, 4))


def task(losses="ce,mbls", **more):
    train, val = (
        resident(ROWS[rows], LABELS[rows], no_standard(4), "cpu", torch.float32)
        for rows in (slice(0, 60), slice(60, 90))
    )
    settings = TrainingSettings(epochs=2, batch_size=16)
    return Task(
        **{"train": train, "val": val, "sizes": (4, 3), "losses": parse_losses(losses), "settings": settings, **more}
    )


def run(sweep):
    steps = []
    while not sweep.done:
        steps.append(sweep.step())
    return steps


def test_stages_without_trials():
    sweep = Sweep(task(seeds=(3, 4)))
    steps = run(sweep)
    assert [(step.number, step.stages, step.epoch.number, step.stage.seed) for step in steps] == [
        (1, 2, 1, 3), (1, 2, 2, 3), (2, 2, 1, 4), (2, 2, 2, 4),
    ]  # fmt: skip
    assert [(head.seed, str(head.recipe.loss)) for head in sweep.heads] == [
        (3, "ce"),
        (3, "mbls"),
        (4, "ce"),
        (4, "mbls"),
    ]
    assert {(head.recipe.rate, head.recipe.decay) for head in sweep.heads} == {(2e-2, 1e-2)}


def test_rates_of_sgd_and_those_that_were_said():
    sgd = Sweep(task(settings=TrainingSettings("sgd", 1)))
    assert (sgd.chosen(sgd.task.losses[0]).rate, sgd.chosen(sgd.task.losses[0]).decay) == (0.1, 5e-4)
    said = Sweep(task(rate=0.25, decay=0.0))
    assert (said.chosen(said.task.losses[1]).rate, said.chosen(said.task.losses[1]).decay) == (0.25, 0.0)


@pytest.mark.parametrize(
    ("sizes", "rate"), [((4, 3), 0.02), ((100, 3), 0.004), ((400, 3), 0.001), ((2048, 3), 0.001), ((4, 8, 3), 0.001)]
)
def test_a_new_linear_head_on_few_features_has_a_higher_rate(sizes, rate):
    sweep = Sweep(task(sizes=sizes))
    assert sweep.chosen(sweep.task.losses[0]).rate == rate


def test_a_head_that_training_continues_from_keeps_the_usual_rate():
    start = (PlainLayer(RNG.normal(size=(3, 4)), RNG.normal(size=3)),)
    assert Sweep(task(start=start)).chosen(LossSpec("ce")).rate == 0.001


def test_trials_choose_and_are_as_many_for_every_loss():
    sweep = Sweep(task(trials=3))
    run(sweep)
    trials = [trained for trained in sweep.trained if not trained.layers]
    assert [trained.recipe.loss.name for trained in trials] == ["ce"] * 3 + ["mbls"] * 3
    for place, head in enumerate(sweep.heads):
        own = trials[3 * place : 3 * place + 3]
        best = min(own, key=lambda trained: trained.score)
        assert head.recipe == best.recipe
        assert head.score == pytest.approx(best.score, rel=1e-6)


@pytest.mark.parametrize("limit", [1, 12 * 2, 12 * 5])
def test_stacks_of_any_size_give_the_same_heads(monkeypatch, limit):
    whole = Sweep(task("ce,mbls,cals(margin=2)", trials=3))
    fewest = len({step.number for step in run(whole)})
    monkeypatch.setattr(module, "STACK_WEIGHTS", limit)
    parts = Sweep(task("ce,mbls,cals(margin=2)", trials=3))
    stages = {step.number for step in run(parts)}
    assert len(stages) == parts.stage_count > fewest
    for one, other in zip(whole.heads, parts.heads, strict=True):
        assert one.recipe == other.recipe
        torch.testing.assert_close(one.layers[0].weight, other.layers[0].weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stop", range(9))
def test_a_sweep_that_was_stopped_ends_with_the_same_heads(monkeypatch, stop):
    monkeypatch.setattr(module, "STACK_WEIGHTS", 12 * 3)
    through, first = (
        Sweep(task("cals_hr(margin=1),cals(margin=2)", trials=2, seeds=(0, 1), sizes=(4, 3))) for _ in range(2)
    )
    expected = run(through)
    assert len(expected) == 8
    for _ in range(stop):
        first.step()
    tensors, plain = first.state()
    tensors, plain = {name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(plain))
    second = Sweep(through.task)
    second.restore(tensors, plain)
    assert run(second) == expected[stop:]
    for one, other in zip(second.heads, through.heads, strict=True):
        assert (one.recipe, one.seed, one.score, one.epoch) == (
            other.recipe,
            other.seed,
            other.score,
            other.epoch,
        )
        assert one.multipliers == other.multipliers
        assert one.further == other.further
        assert all(torch.equal(a, b) for a, b in zip(one.layers[0], other.layers[0], strict=True))


def test_a_head_to_go_on_from_is_where_training_begins():
    weight, bias = RNG.normal(size=(3, 4)), RNG.normal(size=3)
    sweep = Sweep(task(start=(PlainLayer(weight, bias),), rate=1e-12, seeds=(0, 1)))
    run(sweep)
    for head in sweep.heads:
        np.testing.assert_allclose(head.layers[0].weight[0], weight, rtol=1e-6)
        np.testing.assert_allclose(head.layers[0].bias[0], bias, rtol=1e-6)


def test_a_head_that_diverged_is_marked():
    sweep = Sweep(task("ce,ecp(beta=1e38)", rate=0.05, settings=TrainingSettings("sgd", 2, 16, clip=None)))
    run(sweep)
    assert [(head.epoch > 0, head.diverged) for head in sweep.heads] == [(True, 0), (False, 1)]
    assert sweep.heads[1].score == np.inf


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_multipliers_of_a_head_that_diverged_are_numbers(optimizer):
    settings = TrainingSettings(optimizer, 4, 16, clip=None)
    whole = Sweep(task("ce,cals(margin=2),cals_hr(margin=1)", rate=1e308, settings=settings))
    while not whole.done:
        whole.step()
        json.dumps(whole.state()[1], allow_nan=False)
    assert all(0 < x < np.inf for head in whole.heads for part in head.multipliers for x in part)
    assert [len(head.multipliers[0]) for head in whole.heads] == [0, 3, 3]


def test_the_worse_half_of_the_candidates_of_each_loss_stops_early():
    ten = TrainingSettings(epochs=10, batch_size=16)
    sweep = Sweep(task("mbls(margin=1),mbls(margin=2)", trials=8, settings=ten, sizes=(4, 6, 3)))
    steps = [step for step in run(sweep) if step.stage.trial]
    assert [sum(step.epoch.running) for step in steps] == [16] * 6 + [8] * 4
    best = [min(step.epoch.validation.nll_after[i] for step in steps[:7]) for i in range(16)]
    for start in (0, 8):
        own = sorted(range(start, start + 8), key=lambda i: best[i])
        assert [i for i in range(start, start + 8) if steps[6].epoch.running[i]] == sorted(own[:4])
        going = [i for i in own[:4] if steps[7].epoch.validation.nll_after[i] < np.inf]
        assert len(going) == 4
        scores = [trained.score for trained in sweep.trained[start : start + 8]]
        assert min(scores) == min(scores[i - start] for i in own[:4])
    assert all(step.epoch.running == (True, True) for step in run(Sweep(sweep.task)) if not step.stage.trial)


@pytest.mark.parametrize(("trials", "epochs"), [(8, 4), (4, 10)])
def test_few_candidates_or_epochs_are_not_halved(trials, epochs):
    sweep = Sweep(task("ce", trials=trials, settings=TrainingSettings(epochs=epochs, batch_size=16)))
    assert {sum(step.epoch.running) for step in run(sweep) if step.stage.trial} == {trials}


@pytest.mark.parametrize("stop", [3, 6, 7, 9])
def test_a_sweep_that_was_stopped_goes_on_without_the_worse_half(stop):
    made = task("ce,cals(margin=2)", trials=6, settings=TrainingSettings(epochs=8, batch_size=16))
    through, first, second = Sweep(made), Sweep(made), Sweep(made)
    expected = run(through)
    for _ in range(stop):
        first.step()
    tensors, plain = first.state()
    second.restore({name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(plain)))
    assert run(second) == expected[stop:]
    for one, other in zip(second.heads, through.heads, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.layers[0], other.layers[0], strict=True))


@pytest.mark.parametrize("losses", ["ce", "ce,cals(margin=2)"])
def test_where_the_better_half_has_stopped_the_worse_half_stops_too_and_a_sweep_goes_on(monkeypatch, losses):
    rates = [1.0] * 4 + [1e-5] * 4  # the first are best after an epoch or two, the others improve for ever
    monkeypatch.setattr(module, "recipes", lambda loss, trials, _: [Recipe(loss, rates[i], 0.0) for i in range(trials)])
    eight = TrainingSettings("sgd", 8, 16, patience=1, schedule="constant", select="nll")
    made = task(losses, trials=8, settings=eight)
    through = Sweep(made)
    expected = run(through)
    trials = [step for step in expected if step.stage.trial]
    running = [step.epoch.running for step in trials]
    count = len(running[0]) // 8
    assert len(trials) == 6  # the epoch of halving
    assert running[4] == ((False,) * 4 + (True,) * 4) * count
    assert not any(running[5])
    for stop in range(1, len(expected)):
        first, second = Sweep(made), Sweep(made)
        for _ in range(stop):
            first.step()
        tensors, plain = first.state()
        second.restore({name: value.clone() for name, value in tensors.items()}, json.loads(json.dumps(plain)))
        assert run(second) == expected[stop:]
