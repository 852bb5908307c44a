"""Comparisons from JSON: every field comes back, and the first one that is not what it must be is named."""

from __future__ import annotations

import json

import pytest

from calibeval.core.comparison.comparison import SCHEMA, Comparison
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError
from tests.records import Filling

FULL = Filling(known={(Source, "labels_path"): None, (Source, "labels_sha256"): None})
TEXT = FULL.record(Comparison).to_json()


def changed(path, value):
    document = json.loads(TEXT)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return json.dumps(document)


FIRST = ("candidates", 0)
NUMBER = "but a finite number is needed"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("version",), 3, "version is 3, but a string is needed"),
        (("settings", "level"), "high", f'settings.level is "high", {NUMBER}'),
        (("settings", "level"), ..., 'settings has no "level"'),
        (("base", "source"), [], "base.source is a list, but an object is needed"),
        (("base", "source", "n"), True, "base.source.n is a boolean, but a count is needed"),
        (("base", "source", "sha256"), 1, "base.source.sha256 is 1, but a string is needed"),
        (("base", "source", "n"), ..., 'base.source has no "n"'),
        (("base", "source", "report"), 1, "base.source.report is 1, but true or false is needed"),
        (("candidates",), ..., 'the comparison has no "candidates"'),
        ((*FIRST, "name"), None, "candidates[0].name is null, but a string is needed"),
        ((*FIRST, "source", "k"), 1.5, "candidates[0].source.k is 1.5, but a count is needed"),
        ((*FIRST, "paired_by"), "rows", 'candidates[0].paired_by is "rows", but one of "id", "position" is needed'),
        ((*FIRST, "differences", "x", "low"), "0", f'candidates[0].differences.x.low is "0", {NUMBER}'),
        ((*FIRST, "differences", "x", "difference"), ..., 'candidates[0].differences.x has no "difference"'),
        ((*FIRST, "differences", "x", "p_holm"), "", f'candidates[0].differences.x.p_holm is "", {NUMBER}'),
        (
            (*FIRST, "differences", "x", "hihg"),
            1,
            'candidates[0].differences.x has an unknown field "hihg" (did you mean "high"?)',
        ),
        ((*FIRST, "slices", 0, "differences"), 1, "candidates[0].slices[0].differences is 1, but an object is needed"),
        ((*FIRST, "groups"), 1, "candidates[0].groups is 1, but an object is needed"),
        ((*FIRST, "warnings"), ..., 'candidates[0] has no "warnings"'),
    ],
)
def test_wrong_fields_are_named(path, value, message):
    with pytest.raises(InputError) as error:
        Comparison.from_json(changed(path, value))
    assert str(error.value).startswith(f"this is not a comparison of schema {SCHEMA}: {message}")


def test_absent_numbers_are_null():
    for key in ("base", "candidate", "difference", "low", "high", "p", "detectable"):
        found = Comparison.from_json(changed((*FIRST, "differences", "x", key), None))
        assert getattr(found["x"], key) is None


def test_the_level_has_its_earlier_name_and_fields_of_later_versions_are_passed_over():
    whole = Comparison.from_json(TEXT)
    settings = {"confidence" if key == "level" else key: one for key, one in json.loads(TEXT)["settings"].items()}
    assert "confidence" in settings
    assert Comparison.from_json(changed(("settings",), settings)) == whole
    for path in (("new",), ("settings", "new"), ("base", "new"), ("base", "source", "new"), (*FIRST, "new")):
        assert Comparison.from_json(changed(path, [1, "x"])) == whole
