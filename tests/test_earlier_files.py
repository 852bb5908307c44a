"""Files that earlier versions wrote are read, and nothing in them is lost: those in `earlier`, as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from calibeval import Report
from calibeval.core.comparison.comparison import Comparison
from calibeval.core.gating.from_json import verdict_from_json
from calibeval.core.heads.facts import HeadFacts
from calibeval.core.heads.results import Finetuned
from calibeval.recalibrate.fitting.read_map import from_json
from tests.records import schema

FOLDER = Path(__file__).parent / "earlier"
READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "report": (Report.from_json, "report"),
    "report_by_groups": (Report.from_json, "report"),
    "report_after_a_map": (Report.from_json, "report"),
    "comparison": (Comparison.from_json, "comparison"),
    "comparison_with_a_report": (Comparison.from_json, "comparison"),
    "verdict": (verdict_from_json, "verdict"),
    "training": (Finetuned.from_json, "training"),
    "map": (from_json, "map"),
    "head": (HeadFacts.from_json, "head"),
}
# What fields are called now, by the field that they stand in.
NAMES = {("settings", "confidence"): "level", ("settings", "min_samples"): "min_rows", ("rules", "level"): "severity"}
NAMES |= {("metrics", "mce"): "mce_all_bins"}  # which is what it was
EMPTY = {"why": []}  # what was an empty list, and is null now


def lost(old, new, path="", key=""):
    """What stands in the old document, and not in the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            now = NAMES.get((key, name), name)
            inner = f"{path}.{name}"
            if new.get(now) is not None or value != EMPTY.get(name):
                yield from lost(value, new[now], inner, now) if now in new else [inner]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, pair in enumerate(zip(old, new, strict=True)):
            yield from lost(*pair, f"{path}[{i}]", key)
    elif isinstance(old, str) and isinstance(new, dict):
        yield from [] if new == {"code": None, "message": old} else [path]
    elif old != new and path != ".schema":
        yield path


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_an_earlier_version_is_read_whole(name):
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    read, kind = READERS[name]
    found = read(text)
    document = json.loads(found.to_json())
    assert list(lost(json.loads(text), document)) == []
    jsonschema.validate(document, schema(kind))
    assert read(found.to_json()).to_json() == found.to_json()
    assert name == "verdict" or read(found.to_json()) == found


def test_every_earlier_file_is_held():
    assert {path.stem for path in FOLDER.iterdir()} == {*READERS}


def test_the_names_of_schemas_are_nouns():
    earlier = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["schema"] for name in READERS}
    assert [earlier[name] for name in ("comparison", "training", "verdict")] == [
        "calibeval.compare/1",
        "calibeval.finetune/1",
        "calibeval.gate/1",
    ]
    names = [schema(name)["title"] for name in ("comparison", "training", "verdict")]
    assert names == ["calibeval.comparison/1", "calibeval.training/1", "calibeval.verdict/1"]
