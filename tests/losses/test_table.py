"""The table of losses: each entry is whole, is tested on every page, and is there under its public name."""

from __future__ import annotations

import pytest

import calibeval.losses
from calibeval.losses import LOSSES, MbLS
from calibeval.losses.table import LOSS_TABLE
from tests.losses.cases import CASES

EVERY = pytest.mark.parametrize("entry", LOSS_TABLE.values(), ids=LOSS_TABLE)


def test_the_names_are_those_of_the_papers_from_simple_to_rich():
    assert [*LOSSES] == [
        "ce",
        "ls",
        "ecp",
        "focal",
        "flsd",
        "dual_focal",
        "brier",
        "mbls",
        "acls",
        "mdca",
        "mbls_dice",
        "cals",
        "cals_hr",
    ]
    assert LOSSES["mbls"] is MbLS


def test_every_loss_has_a_case():
    assert {case.name for case in CASES.values()} == {*LOSS_TABLE}


@EVERY
def test_every_module_is_public(entry):
    name = entry.criterion.__name__
    assert name in calibeval.losses.__all__
    assert getattr(calibeval.losses, name) is entry.criterion is LOSSES[entry.name]


@EVERY
def test_what_is_tuned_can_be_set_to_both_ends(entry):
    for name, ends in entry.tuned.items():
        assert 0 < ends[0] < ends[1]
        for end in ends:
            entry.make(3, **{**entry.tuned_with, name: end})
    assert {*entry.tuned_with, *entry.tuned_unless.values()} <= {*entry.defaults()}
    assert {*entry.tuned_unless} <= {*entry.tuned}


@EVERY
def test_multipliers_are_those_of_the_rule(entry):
    assert entry.soft is entry.criterion.soft is (entry.name != "dual_focal")
    state = entry.make(3).state_dict()
    assert {*state} == ({*entry.rule.multipliers, entry.rule.memory, "epoch"} if entry.rule else set())
