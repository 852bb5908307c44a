"""The table of a comparison as data: means, the choice, and JSON that loses nothing."""

from __future__ import annotations

import copy
import json
import math

import pytest

from calibeval.core.data.notices import Notice, reason
from calibeval.core.errors import InputError
from calibeval.core.heads.results import SHOWN, Finetuned, LossResult, SeedResult, chosen_of
from calibeval.core.heads.settings import RunSettings
from tests.records import Filling

NOTHING = dict.fromkeys(SHOWN)
SETTINGS = Filling().record(RunSettings, epochs=4)


def seed(number=0, score=0.5, nll=0.1 + 0.2, temperature=1.5):
    values = {"accuracy": 0.9, "ece": 1 / 3, "aece": 0.04, "cwce": None, "nll": nll}
    return SeedResult(number, 4, score, temperature, values, {**values, "nll": nll / 2})


def diverged(number=0):
    return SeedResult(number, 0, None, None, NOTHING, NOTHING, reason("diverged", "training diverged"))


def found(*losses, chosen=0):
    return Finetuned("1", SETTINGS, {"train": {"n": 3}}, "test", losses, chosen, (Notice("careful", "map_note"),))


TABLE = found(
    LossResult("ce", {"lr": 1e-3}, (seed(0), seed(1, nll=0.7))),
    LossResult("mbls(margin=6)", {"margin": 6, "lr": 0.1}, (diverged(0), seed(1))),
    chosen=1,
)


def test_json_keeps_every_digit():
    text = TABLE.to_json()
    assert Finetuned.from_json(text) == TABLE
    assert Finetuned.from_json(text).to_json() == text
    document = json.loads(text)
    assert document["losses"][0]["seeds"][0]["reason"] is None
    assert document["losses"][1]["seeds"][0]["reason"] == {"code": "diverged", "message": "training diverged"}
    assert document["warnings"] == [{"code": "map_note", "message": "careful"}]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", '{"schema": "calibeval.report/1"}', "[" * 100_000,
        TABLE.to_json().replace('"chosen": "mbls(margin=6)"', '"chosen": "ls"'),
        TABLE.to_json().replace('"epoch"', '"epochs"'),
        TABLE.to_json().replace('"seeds": [', '"seeds": [1, '),
    ],
)  # fmt: skip
def test_other_texts_are_refused(text):
    with pytest.raises(InputError, match=r'this is not a table of schema calibeval\.training/1|schema is "calibeval'):
        Finetuned.from_json(text)


def test_numbers_that_json_lacks_are_never_written():
    broken = found(LossResult("ce", {}, (seed(score=math.nan),)))
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.to_json()


def test_means_and_deviations_are_of_the_seeds_with_a_head():
    both, one = TABLE.losses
    assert both.mean("nll", after=False) == pytest.approx((0.3 + 0.7) / 2)
    assert both.deviation("nll", after=True) == pytest.approx(math.sqrt(2) * 0.1)
    assert both.mean("cwce", after=False) is None
    assert one.mean("nll", after=False) == 0.1 + 0.2
    assert one.deviation("nll", after=False) is None
    assert (both.temperature(), one.temperature()) == (1.5, 1.5)
    assert LossResult("ls", {}, (diverged(),)).temperature() is None


def test_the_choice_is_of_the_heads_that_are_saved():
    good, bad = LossResult("a", {}, (seed(score=0.4), seed(1, score=0.9))), LossResult("b", {}, (diverged(),))
    late = LossResult("c", {}, (diverged(0), seed(1, score=0.3)))
    assert chosen_of([bad, good]) == 1
    assert chosen_of([good, bad, late]) == 2
    assert chosen_of([good, good]) == 0
    with pytest.raises(InputError, match="training diverged with every loss, so there is no head; lower --lr"):
        chosen_of([bad, bad])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"epoch": 4', '"epoch": true', "losses[0].seeds[0].epoch is a boolean, but a count is needed"),
        ('"score": 0.5', '"score": 1e999', "losses[0].seeds[0].score is Infinity, but a finite number is needed"),
        ('"cwce": null', '"cwce": "x"', 'losses[0].seeds[0].before.cwce is "x", but a finite number is needed'),
        ('"shown": "test"', '"shown": "train"', 'shown is "train", but one of "val", "test" is needed'),
        ('"chosen": "mbls', '"chosen": "cals', 'chosen is "cals(margin=6)", but one of "ce", "mbls(margin=6)" is'),
        ('"epochs": 4', '"epochs": NaN', "NaN is not a number"),
        ('"epochs": 4', '"epochs": -4', "settings.epochs is -4, but a count is needed"),
        ('"epochs": 4', '"epoch": 4', 'settings has an unknown field "epoch" (did you mean "epochs"?)'),
        ('"ignore_index": 3', '"ignore_index": 0.5', "settings.ignore_index is 0.5, but a whole number of 64 bits is"),
        ('"seed": 0', '"sed": 0', 'losses[0].seeds[0] has an unknown field "sed" (did you mean "seed"?)'),
    ],
)
def test_wrong_fields_are_named(old, new, message):
    with pytest.raises(InputError) as error:
        Finetuned.from_json(TABLE.to_json().replace(old, new, 1))
    assert str(error.value).startswith(f"this is not a table of schema calibeval.training/1: {message}")


def numeric_places(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from numeric_places(inner, (*path, key))
    if path[-2:-1] in (("before",), ("after",)) or path[-1:] == ("temperature",):
        yield path


@pytest.mark.parametrize("value", [1e308, -1e308, 1e101, 10**400, -1.5])
def test_metrics_and_temperatures_that_cannot_be(value):
    """Their squares, and their means over seeds, would leave float64."""
    document = json.loads(TABLE.to_json())
    for path in numeric_places(document["losses"]):
        changed = copy.deepcopy(document)
        parent = changed["losses"]
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = value
        with pytest.raises(InputError, match=str(path[-1])):
            Finetuned.from_json(json.dumps(changed))
