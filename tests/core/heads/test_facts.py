"""head.json: nothing is lost, and absent multipliers are left out."""

from __future__ import annotations

import json

import pytest

from calibeval.core.errors import InputError
from calibeval.core.heads.facts import HeadFacts
from tests.records import Filling


@pytest.mark.parametrize("filling", [Filling(), Filling(null=True), Filling(lacking=True)])
def test_json_keeps_everything(filling):
    facts = filling.record(HeadFacts)
    assert HeadFacts.from_json(facts.to_json()) == facts
    assert (json.loads(facts.to_json())["multipliers"] is None) is (facts.multipliers is None)


def test_wrong_fields_are_named():
    text = Filling().record(HeadFacts).to_json()
    with pytest.raises(
        InputError, match=r'^this is not a head of schema calibeval\.head/1: kind is "conv", but one of '
    ):
        HeadFacts.from_json(text.replace('"linear"', '"conv"'))
