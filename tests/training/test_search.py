"""What --tune tries."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibeval.losses.table import LOSS_TABLE
from calibeval.training.search import DIMENSIONS, recipes
from calibeval.training.settings import OPTIMIZERS
from calibeval.training.spec import LossSpec, parse_losses


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", LOSS_TABLE)
def test_every_loss_gets_as_many_recipes_in_its_ranges(name, optimizer):
    found = recipes(LossSpec(name), 40, optimizer)
    assert len({str(recipe) for recipe in found}) == 40
    for recipe in found:
        for value, (low, high) in (
            (recipe.rate, OPTIMIZERS[optimizer].rates),
            (recipe.decay, OPTIMIZERS[optimizer].decays),
            *((recipe.loss[free], ends) for free, ends in LOSS_TABLE[name].tuned.items()),
        ):
            assert low * 0.99 <= value <= high * 1.01
        parse_losses(str(recipe.loss))  # arguments that the loss takes


@pytest.mark.parametrize("name", ["ce", "mbls", "cals"])
def test_recipes_cover_every_range_evenly(name):
    found = recipes(LossSpec(name), 64, "adamw")
    columns = [
        ([c.rate for c in found], OPTIMIZERS["adamw"].rates),
        ([c.decay for c in found], OPTIMIZERS["adamw"].decays),
    ]
    columns += [([c.loss[free] for c in found], ends) for free, ends in LOSS_TABLE[name].tuned.items()]
    for values, (low, high) in columns:
        shares = np.log(np.array(values) / low) / math.log(high / low)
        counts = np.histogram(shares, np.linspace(0, 1, 9))[0]
        assert counts.min() >= 4  # of 8 expected


def test_more_trials_begin_with_the_same():
    assert recipes(LossSpec("mbls"), 5, "sgd") == recipes(LossSpec("mbls"), 12, "sgd")[:5]


def test_what_was_said_stays():
    for recipe in recipes(LossSpec("mbls", {"margin": 7}), 6, "adamw"):
        assert recipe.loss["margin"] == 7
    assert len({c.loss["alpha"] for c in recipes(LossSpec("mbls", {"margin": 7}), 6, "adamw")}) == 6


def test_a_least_rho_that_was_said_keeps_rho():
    for recipe in recipes(LossSpec("cals", {"rho_min": 2.0}), 6, "adamw"):
        assert (recipe.loss["rho_min"], recipe.loss["rho_init"]) == (2.0, None)


def test_the_sequence_has_a_dimension_for_every_parameter():
    assert max(len(entry.tuned) for entry in LOSS_TABLE.values()) + 2 <= DIMENSIONS
