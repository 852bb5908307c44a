"""The history of a training: the saved head's epochs to their end, and nothing from lines that say something else."""

from __future__ import annotations

import json

import pytest

from calibeval.core.heads.history import EpochFacts, epochs_of
from calibeval.core.heads.results import LossResult, SeedResult


def loss(name, seed=0, reason=None):
    return LossResult(name, {}, (SeedResult(seed, 1, 0.5, 1.0, {}, {}, reason),))


def line(epoch, *heads, seed=0, trial=False, stage=1):
    return json.dumps({"stage": stage, "trial": trial, "seed": seed, "epoch": epoch, "heads": heads})


def head(name, nll, *, running=True, **more):
    return {"loss": name, "train_loss": 2 * nll, "val_nll": nll, "running": running, **more}


def test_every_number_is_read():
    full = head("ce", 0.5, val_nll_after_temperature=0.4, val_accuracy=0.8, val_ece=0.03)
    assert epochs_of(line(3, full), [loss("ce")]) == [(EpochFacts(3, 1.0, 0.5, 0.4, 0.8, 0.03),)]


def test_an_earlier_history_has_no_ece():
    ((epoch,),) = epochs_of(line(1, head("ce", 0.5, val_accuracy=0.8)), [loss("ce")])
    assert (epoch.val_accuracy, epoch.val_ece) == (0.8, None)


def test_a_head_that_has_ended_does_not_go_on():
    text = "\n".join(line(n, head("ce", 1 / n, running=n < 2), head("ls", 1 / n)) for n in (1, 2, 3))
    ce, ls = epochs_of(text, [loss("ce"), loss("ls")])
    assert [epoch.number for epoch in ce] == [1, 2]
    assert [epoch.number for epoch in ls] == [1, 2, 3]


def test_trials_and_other_seeds_are_left_out():
    stages = [
        line(1, head("ce", 9), trial=True),
        line(1, head("ce", 0.5), stage=2),
        line(1, head("ce", 8), seed=1, stage=3),
    ]
    text = "\n".join(stages)
    assert [epoch.val_nll for epoch in epochs_of(text, [loss("ce")])[0]] == [0.5]
    assert [epoch.val_nll for epoch in epochs_of(text, [loss("ce", seed=1)])[0]] == [8.0]


def test_tuned_losses_are_known_by_their_order():
    text = line(1, head("ce", 0.5), head("mbls(margin=1.05,alpha=0.4)", 0.25))
    assert [own[0].val_nll for own in epochs_of(text, [loss("ce"), loss("mbls")])] == [0.5, 0.25]


def test_heads_of_one_seed_may_be_in_several_stages():
    stages = [(1, 0, ("a", "b")), (2, 0, ("c",)), (3, 1, ("a", "b")), (4, 1, ("c",))]
    lines = [
        line(1, *(head(n, stage + i / 10) for i, n in enumerate(names)), seed=seed, stage=stage)
        for stage, seed, names in stages
    ]
    for seed, numbers in ((0, [1.0, 1.1, 2.0]), (1, [3.0, 3.1, 4.0])):
        own = epochs_of("\n".join(lines), [loss(name, seed) for name in "abc"])
        assert [one[0].val_nll for one in own] == numbers


def test_a_loss_without_a_head_has_no_curve():
    assert epochs_of(line(1, head("ce", 0.5)), [loss("ce", reason="diverged")]) == [()]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[1]",
        '{"trial": false}',
        '{"trial": false, "epoch": 1, "heads": [3]}',
        '{"trial": false, "epoch": "1"}',
        '{"stage": 1, "trial": false, "seed": 0, "epoch": true, "heads": [{}]}',
        '{"stage": 1, "trial": false, "seed": null, "epoch": 1, "heads": [{}]}',
    ],
)
def test_other_lines_are_left_out(text):
    assert epochs_of(text, [loss("ce")]) == [()]


@pytest.mark.parametrize("value", [None, "x", True, [], 1e999])
def test_what_is_no_number_is_missing(value):
    text = line(1, head("ce", 0.5, val_ece=value))
    assert epochs_of(text, [loss("ce")])[0][0].val_ece is None
