"""The shipped schemas name what the tables and records have: a new map or loss that a schema lacks fails here."""

from __future__ import annotations

from dataclasses import fields

import jsonschema
import numpy as np
import pytest

from calibeval import Predictions, fit
from calibeval.core.heads import facts, results
from calibeval.core.report.fitted_on import FittedOn
from calibeval.losses.table import LOSS_TABLE
from calibeval.recalibrate.base import mapping
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import BOUND_NOTES
from calibeval.runs.files import DUMPS
from calibeval.training.settings import DEVICES, HEADS, OPTIMIZERS, SCHEDULES, SCORES
from tests.records import schema

MAP, HEAD, FINETUNE = schema("map"), schema("head"), schema("training")
SETTINGS = FINETUNE["properties"]["settings"]


def names(record):
    return [f.name for f in fields(record)]


def closed(node, expected, optional=()):
    """The object has these properties and no others, all of them required but the optional ones."""
    assert {*node["properties"]} == {*expected}
    assert {*node["required"]} == {*expected} - {*optional}
    assert node["additionalProperties"] is False


def predictions(k):
    rng = np.random.default_rng(k)
    logits = 3.0 * rng.normal(size=(300, k))
    return Predictions(logits=logits, labels=(logits + 3.0 * rng.normal(size=(300, k))).argmax(axis=1))


@pytest.mark.parametrize(
    ("document", "module"), [(MAP, mapping), (HEAD, facts), (FINETUNE, results)], ids=["map", "head", "finetune"]
)
def test_the_names_of_the_schemas_are_those_that_are_written(document, module):
    assert document["title"] == document["properties"]["schema"]["const"] == module.SCHEMA


def test_a_map_has_a_method_an_objective_and_a_bound_of_the_tables():
    assert MAP["$defs"]["method"]["enum"] == [*METHODS]
    assert MAP["properties"]["objective"]["enum"] == [*OBJECTIVES]
    assert MAP["properties"]["bound"]["enum"] == [*BOUND_NOTES, None]


@pytest.mark.parametrize("method", METHODS)
def test_every_map_has_a_branch_with_its_parameters(method):
    name = method.removeprefix("top-")  # a map of the top label has the parameters of the map for two classes
    place = {"properties": {"parameters": {"$ref": f"#/$defs/{name}"}}}
    assert {"if": {"properties": {"method": {"const": method}}}, "then": place} in MAP["allOf"]
    found = fit(predictions(2 if METHODS[method].binary else 3), method, clip=1e-6)
    closed(MAP["$defs"][name], [*found.parameters(), "clip", "prior"], ["clip", "prior"])
    jsonschema.validate(found.to_dict(), MAP)


def test_a_map_with_a_parameter_of_another_method_is_refused():
    document = fit(predictions(2), "platt").to_dict()
    with pytest.raises(jsonschema.ValidationError, match="Additional properties are not allowed"):
        jsonschema.validate({**document, "parameters": {**document["parameters"], "temperature": 2.0}}, MAP)


def test_a_selection_follows_the_schema():
    jsonschema.validate(fit(predictions(2), "auto").to_dict(), MAP)


def test_a_head_has_a_kind_and_a_loss_of_the_tables():
    assert HEAD["properties"]["kind"]["enum"] == [*HEADS]
    assert HEAD["properties"]["loss"]["properties"]["loss"]["enum"] == [*LOSS_TABLE]


@pytest.mark.parametrize("document", [HEAD, FINETUNE], ids=["head", "finetune"])
def test_the_sources_are_those_of_the_splits(document):
    rare = ["weights", "soft_labels", "remote"]
    always, there_if = [name for name in names(FittedOn) if name not in ("leak", "remote")], rare
    closed(document["$defs"]["source"], [*always, *there_if], there_if)
    closed(document["properties"]["sources"], ["train", *DUMPS], ["test"])


def test_the_settings_of_a_training_are_words_of_the_tables():
    enums = {name: node["enum"] for name, node in SETTINGS["properties"].items() if "enum" in node}
    assert enums == {
        "head": [*HEADS, "continued"],
        "optimizer": [*OPTIMIZERS],
        "schedule": [*SCHEDULES],
        "select": [*SCORES],
        "device": [name for name in DEVICES if name != "auto"],
    }


def test_a_training_shows_the_metrics_and_splits_that_are_known():
    for values in (
        FINETUNE["$defs"]["values"],
        *(FINETUNE["$defs"]["diverged"]["properties"][x] for x in ("before", "after")),
    ):
        closed(values, results.SHOWN)
    assert FINETUNE["properties"]["shown"]["enum"] == [*DUMPS]
