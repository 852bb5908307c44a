"""Saved verdicts: their JSON is the same again, and what is wrong in them is named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval import Predictions, Verdict, gate
from calibeval.core.errors import InputError
from calibeval.core.gating.from_json import verdict_from_json
from calibeval.core.gating.rules import Rule
from tests.data import logits_and_labels


def text_of():
    logits, labels = logits_and_labels(400, 3)
    columns = {"site": np.tile(["a", "b"], 200)}
    base, candidate = (Predictions(logits=z, labels=labels, columns=columns) for z in (logits, 2 * logits))
    rules = [
        Rule("ece", "max", 0.02),
        Rule("ece", "max", 0.5, slice="worst:site"),
        Rule("nll", "max_increase", 0.1, "warn", relative=True),
        Rule("brier", "max", 1.0, "off"),
    ]
    return gate(candidate, rules, baseline=base).to_json()


TEXT = text_of()


def test_the_json_is_the_same_again():
    assert json.loads(verdict_from_json(TEXT).to_json()) == json.loads(TEXT)
    assert verdict_from_json(TEXT.encode()).to_json() == Verdict.from_json(TEXT).to_json() == TEXT


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("settings", "decide"), "dice", 'settings.decide is "dice", but one of "interval", "point" is needed'),
        (("settings", "level"), 2, "settings.level is 2, but a level above 0, at most 0.999999999 is needed"),
        (("rules", 0, "limit"), -1, "rules[0] is not a valid rule: max of ece is -1"),
        (("rules", 0, "metric"), "eec", 'rules[0] is not a valid rule: metric "eec" is unknown'),
        (("rules", 0, "reason"), None, "rules[0].reason is null"),
        (("rules", 1, "slices", 0, "low"), "0", 'rules[1].slices[0].low is "0", but a finite number is needed'),
        (("dump",), [], "dump is a list, but an object is needed"),
    ],
)
def test_wrong_fields_are_named(path, value, message):
    document = json.loads(TEXT)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with pytest.raises(InputError) as error:
        verdict_from_json(json.dumps(document))
    assert str(error.value).startswith(f"this is not a verdict of schema calibeval.verdict/1: {message}")
