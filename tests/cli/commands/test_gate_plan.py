"""`calibeval gate --plan`: a table for people, one object for programs, and no verdict."""

from __future__ import annotations

import json

import jsonschema
import pytest

from tests.cli.invoking import run
from tests.records import schema

DIGITS = "sample_data/digits_test.npz"


def test_a_table_for_people(capsys):
    result = run(capsys, "gate", DIGITS, "--max", "ece=0.12", "--min", "accuracy=0.8", "--plan")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == "digits_test.npz, 997 rows"
    assert lines[2].split("  ")[0] == "rule"
    assert lines[3].startswith("ECE ≤ 12.00 %")
    assert lines[-1].startswith("Of unchanged models, ")


def test_one_object_for_programs(capsys):
    result = run(capsys, "gate", DIGITS, "--preset", "recommended", "--plan", "--json")
    document = json.loads(result.out)
    jsonschema.validate(document, schema("plan"))
    assert document["environment"]["command"][-2:] == ["--plan", "--json"]
    assert {rule["kind"] for rule in document["rules"]} == {"max", "max_increase", "max_drop"}


@pytest.mark.parametrize("other", [("--why",), ("--decide", "point"), ("--out", "x"), ("--export", "junit=x")])
def test_a_plan_gives_no_verdict(capsys, other):
    result = run(capsys, "gate", DIGITS, "--max", "ece=0.1", "--plan", *other)
    assert result.code == 2
    assert "--plan gives no verdict" in result.err
