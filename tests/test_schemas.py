"""The shipped schemas and the records cannot differ: a field, a null or a word more on either side fails."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Literal, get_args

import jsonschema
import numpy as np
import pytest

from calibeval import Predictions, Report
from calibeval.cli.main import KINDS as KINDS_OF_ERRORS
from calibeval.cli.main import error_json
from calibeval.cli.screen.dump_json import written_json
from calibeval.core.comparison.comparison import ComparedDump, Comparison, Difference
from calibeval.core.conventions.explained import ImagesExplained
from calibeval.core.conventions.metrics import Explained
from calibeval.core.conventions.table import CONVENTIONS
from calibeval.core.data.environment import Environment
from calibeval.core.data.inspection import Inspection
from calibeval.core.data.notices import Notice
from calibeval.core.data.predictions import Source
from calibeval.core.data.row_source import KINDS, Kind
from calibeval.core.data.source import SourceFile
from calibeval.core.gating.plan import Plan, RulePlan
from calibeval.core.gating.rules import Rule, RuleKind, Severity
from calibeval.core.gating.ruling import Outcome, RuleVerdict
from calibeval.core.gating.verdict import Verdict
from calibeval.core.heads.deployed import DeployedHead
from calibeval.core.heads.facts import HeadFacts
from calibeval.core.heads.pairs import LossPair
from calibeval.core.heads.results import OVERLAP, SHOWN, Finetuned, LossResult, SeedResult
from calibeval.core.heads.settings import RunSettings, StartFile
from calibeval.core.metrics.result import MetricResult
from calibeval.core.report.fitted_on import FittedOn
from calibeval.core.report.report import DumpReport, Recalibrated
from calibeval.core.report.rows import Bin
from calibeval.core.report.segments import Condition
from calibeval.core.report.settings import Settings
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.ranks import RankedModel, RankedPair, Ranking
from calibeval.core.survey.survey import Cell, Change, Mean, Survey
from calibeval.recalibrate.base.facts import Fitted, MethodScore
from calibeval.recalibrate.base.prior import Prior
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.fitting.read_map import from_json
from calibeval.recalibrate.maps.top_label import TopPlattMap
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import BOUND_NOTES, TemperatureMap
from calibeval.render.terminal.conventions import render_json
from calibeval.training.settings import HEADS, OPTIMIZERS, SCHEDULES, SCORES
from tests.records import NOTICE, Filling, every_filling, schema

SHA256 = "0" * 64
WEIGHTS = {"column": "x", "effective": 0.25, "zero": 1}
ROWS = {"path": "x", "split": None, "sha256": SHA256, "n": 3, "weights": WEIGHTS, "soft_labels": True}
REMOTE = {"size": 3, "etag": "x", "read": "ranges"}
ELSEWHERE = ({**ROWS, "remote": REMOTE}, {**ROWS, "remote": {"size": 3, "etag": None, "read": "whole"}})
SOURCES = {"train": ROWS, "val": {"split": "x", "path": None, "sha256": None, "n": 3}}
VALUES = dict.fromkeys(SHOWN, 0.25)
NO_VALUES = dict.fromkeys(SHOWN)
OVERLAPS = dict.fromkeys(OVERLAP, 0.25)

# What the types do not say: words that are known elsewhere, and hashes.
KNOWN = {
    (Source, "sha256"): Literal[SHA256] | None,
    (Source, "labels_sha256"): Literal[SHA256] | None,
    (SourceFile, "sha256"): Literal[SHA256],
    (FittedOn, "sha256"): Literal[SHA256] | None,
    (DumpReport, "kind"): Kind,
    (DumpReport, "rows_sha256"): Literal[SHA256] | None,
    (MetricResult, "divisor"): Literal["rows", "kept"] | None,
    (ComparedDump, "kind"): Kind,
    (MethodScore, "method"): Literal[tuple(METHODS)],
    (Fitted, "objective"): Literal[tuple(OBJECTIVES)],
    (Fitted, "bound"): Literal[tuple(BOUND_NOTES)] | None,
    (SeedResult, "reason"): None,
    (SeedResult, "before"): VALUES,
    (SeedResult, "after"): VALUES,
    (DeployedHead, "source"): {"path": "x", "split": None, "sha256": SHA256},
    (SeedResult, "overlap"): OVERLAPS,
    (DeployedHead, "overlap"): OVERLAPS,
    (DeployedHead, "before"): VALUES,
    (DeployedHead, "after"): VALUES,
    (LossResult, "parameters"): {"lr": 0.25, "weight_decay": 0.25, "margin": 0.25},
    (RunSettings, "head"): Literal[(*HEADS, "continued")],
    (RunSettings, "optimizer"): Literal[(*OPTIMIZERS,)],
    (RunSettings, "schedule"): Literal[SCHEDULES],
    (RunSettings, "select"): Literal[SCORES],
    (RunSettings, "device"): Literal["cpu", "cuda"],
    (HeadFacts, "loss"): {"loss": "ce"},
    (Prior, "used"): (0.25, 0.25, 0.5),
    (Prior, "fitted"): (0.25, 0.5, 0.25),
    (Axis, "values"): ("x", 3, 0.25),
}
POINT = {"x": "x", "y": 3, "z": 0.25}
KNOWN |= dict.fromkeys(((kind, "axes") for kind in (Cell, Mean, Change)), POINT)
# Numbers that are null have a reason; without one they are there.
KNOWN |= dict.fromkeys(((MetricResult, "reason"), (Difference, "reason")), NOTICE)
NEEDED = [(Difference, "low")]
FILLINGS = every_filling(KNOWN, NEEDED)
(NULLS,) = (filling for filling in FILLINGS if filling.deep)
UNHASHED = every_filling({**KNOWN, (Source, "labels_sha256"): None})[0]
# What compare and gate write of a dump, and under which settings they measure.
COMPARED = {
    **KNOWN,
    (Settings, "convention"): "calibeval",
    (Settings, "level"): 0.25,
}
PLANNED = {**COMPARED, (Settings, "background"): None}  # cases are not planned
RULES = [("ece", "max"), ("accuracy", "min"), ("ece", "max_increase"), ("accuracy", "max_drop")]


def reports():
    made = [filling.record(Report) for filling in (*FILLINGS, UNHASHED)]
    unknown = NULLS.record(DumpReport, recalibrated=Filling(null=True, known=KNOWN).record(Recalibrated))
    even = replace(made[0].dumps[0], slices=tuple(replace(one, effective=None) for one in made[0].dumps[0].slices))
    bare = replace(even.segments.whole, effective=None, conditions=(Condition("x"),))
    even = replace(even, segments=replace(even.segments, whole=bare))
    even = replace(even, per_image=replace(even.per_image, convention=None))
    copied = [_fitted_elsewhere(made[0].dumps[0], read) for read in ("whole", None)]
    return [*made, Report("x", Settings(), (unknown, even, *copied), Environment("x", "x", "x"))]


def _fitted_elsewhere(dump, read):
    """That report of a dump; its map was fitted on a remote file that was read so, or on a file that is not remote."""
    fitted_on = dump.recalibrated.fitted_on
    remote = None if read is None else replace(fitted_on.remote, read=read)
    return replace(dump, recalibrated=replace(dump.recalibrated, fitted_on=replace(fitted_on, remote=remote)))


def comparisons():
    made = [filling.record(Comparison) for filling in every_filling(COMPARED, NEEDED)]
    even = tuple(replace(one, share=None, effective=None) for one in made[0].base.bins)
    dumps = [replace(dump, bins=even) for dump in (made[0].base, made[0].candidates[0].dump)]
    plain = replace(made[0].candidates[0], dump=dumps[1])
    return [*made, replace(made[0], base=dumps[0], candidates=(plain,))]


def tables():
    split = {"sources": {**SOURCES, "test": ROWS}, "chosen": 0}
    diverged = SeedResult(0, 0, None, None, NO_VALUES, NO_VALUES, NOTICE)
    partly = SeedResult(0, 1, 0.25, 0.25, {**VALUES, "cwce": None}, NO_VALUES, overlap=dict.fromkeys(OVERLAP))
    made = [f.record(Finetuned, **split) for f in FILLINGS if not f.null]
    more = (
        *made[0].losses,
        LossResult("y", made[0].losses[0].parameters, (diverged, partly, replace(partly, overlap=None))),
    )
    settings = [NULLS.record(RunSettings), NULLS.record(RunSettings, start=StartFile(None, None))]
    bare = Environment("x", "x", "x")
    compared = {name: Difference(name, None, None, None, reason=Notice("x")) for name in SHOWN}
    pairs = (LossPair("x", "y", after=False, differences=compared),)
    nowhere = {"path": None, "split": "x", "sha256": None}
    deployed = DeployedHead(nowhere, None, 0.25, VALUES, NO_VALUES, pairs[0])
    poor = (Finetuned("x", some, SOURCES, "val", more, 0, (Notice("x"),), pairs, deployed) for some in settings)
    remote = [replace(made[0], sources={**SOURCES, "train": rows, "test": rows}) for rows in ELSEWHERE]
    return [*made, *poor, *remote, replace(made[0], environment=bare)]


def heads():
    tested = [{**SOURCES, "train": rows, "test": rows} for rows in (ROWS, *ELSEWHERE)]
    return [filling.record(HeadFacts, sources=sources) for filling in FILLINGS for sources in (SOURCES, *tested)]


def maps():
    names = ("a", "b", "c")
    made = [f.record(TemperatureMap, k=3, class_names=None if f.null else names) for f in FILLINGS]
    made += [f.record(TopPlattMap, k=None, class_names=None, prior=None) for f in FILLINGS]
    poor = replace(made[0].fitted, selection=(FILLINGS[-1].record(MethodScore),))
    return [*made, replace(made[0], fitted=poor)]


def inspections():
    return [filling.record(Inspection) for filling in FILLINGS]


def surveys():
    fillings = (*every_filling(KNOWN, NEEDED), UNHASHED)
    made = [filling.record(Survey) for filling in fillings]
    for one in fillings:
        cell = one.record(Cell, bins=(one.record(Bin),), source=one.record(Source))
        change = one.record(Change, paired_by=None, differences={"x": one.record(Difference)})
        made.append(replace(made[0], cells=(cell,), changes=(change,)))
    models = (RankedModel(0.5, 0.25), RankedModel("x", 0.25, 0.25, 0.5, 1, 2), RankedModel(1, None, reason=NOTICE))
    pairs = tuple(RankedPair(0.5, "x", 0.25, one, one, one, one) for one in (0.25, None))
    pairs += (RankedPair("x", 0.5, 0.25, None, None, None, None),)
    ranking = Ranking("x", ("y",), 1, 3, 5, 0.95, models, pairs)
    made += [replace(made[0], ranking=one) for one in (ranking, replace(ranking, folds=None))]
    return [*made, replace(made[0], environment=Environment("x", "x", "x"))]


def judged(dump):
    """What gates write of a dump: its weights only where there are any."""
    return {key: dump.to_dict()[key] for key in ("name", "source", "weights") if dump.to_dict()[key] is not None}


def verdicts():
    """Every kind, severity and outcome; a rule that is off has nothing that it rests on."""
    assert {kind for _, kind in RULES} == set(get_args(RuleKind))
    found = []
    fillings = every_filling(COMPARED, NEEDED)
    for filling, own in zip((*fillings, fillings[0]), (*FILLINGS, UNHASHED), strict=True):
        dump = judged(own.record(DumpReport))
        baseline = None if filling.null else filling.record(ComparedDump).to_dict()
        said = {"dump": dump, "baseline": baseline, "paired_by": ("id", "position", None)[filling.choice % 3]}
        plain = [Rule("ece", "max", 0.25, severity) for severity in get_args(Severity)]
        over = [Rule("ece", "max", 0.25, over="a", where="b=1"), Rule("ece", "max", 0.25, cells="mean")]
        rules = [RuleVerdict(rule, "off", NOTICE, None) for rule in (*plain, *over)]
        ruling = None
        for metric, kind in RULES:
            for outcome in ("error",) if filling.null else get_args(Outcome):
                severity, where = ("warn", None) if outcome == "pass" else ("error", "worst")
                rule = Rule(metric, kind, 0.25, severity, where, relative="max_" in kind)
                ruling = filling.record(RuleVerdict, rule=rule, verdict=outcome) if ruling is None else ruling
                rules.append(replace(ruling, rule=rule, verdict=outcome))
        verdict = filling.record(Verdict, rules=tuple(rules), **said)
        found += [verdict, *(replace(verdict, rules=(rule,)) for rule in rules)]
    return [*found, replace(found[0], environment=Environment("x", "x", "x"))]


def plans():
    """Every kind of rule and both severities that are planned."""
    found = []
    fillings = every_filling(PLANNED, NEEDED)
    for filling, own in zip((*fillings, fillings[0]), (*FILLINGS, UNHASHED), strict=True):
        dump = judged(own.record(DumpReport))
        baseline = None if filling.null else filling.record(ComparedDump).to_dict()
        said = {"dump": dump, "baseline": baseline, "paired_by": ("id", "position", None)[filling.choice % 3]}
        rules = [
            filling.record(RulePlan, rule=Rule(metric, kind, 0.25, severity, where, relative="max_" in kind))
            for metric, kind in RULES
            for severity, where in (("error", None), ("warn", "worst"))
        ]
        found.append(filling.record(Plan, rules=tuple(rules), **said))
    return [*found, replace(found[0], environment=Environment("x", "x", "x"))]


class Printed:
    def __init__(self, text):
        self.text = text

    def to_json(self):
        return self.text


def conventions():
    found = []
    for kind in KINDS:
        scores = {"confidence": [0.5, 0.7], "correct": [1, 0]} if kind == "confidence" else {}
        scores = scores or {kind: np.log([[0.5, 0.5]] * 2) if kind != "probs" else [[0.5, 0.5]] * 2, "labels": [0, 1]}
        for filling in FILLINGS:
            told = filling.record(Explained, convention=CONVENTIONS["guo"])
            predictions = Predictions(**scores, source=filling.record(Source))
            images = [] if filling.lacking else [filling.record(ImagesExplained)]
            found.append(Printed(render_json(predictions, [told], images)))
    return found


def written_dumps():
    warnings = [(), (NOTICE, Notice("x"))]
    kinds = ["logits", "log_probs"]
    return [Printed(written_json(Path("x.npz"), 3, *told)) for told in zip(kinds, warnings, strict=True)]


def errors():
    return [Printed(error_json(code, "x")) for code in KINDS_OF_ERRORS]


# Each schema with its documents, and the places of which something else says what they hold.
SCHEMAS = {
    "report": (reports, ()),
    "comparison": (comparisons, ()),
    "training": (tables, ("losses[].parameters.*",)),
    "head": (heads, ("loss.loss", "loss.*", "sources.test")),
    "map": (maps, ("method",)),
    "inspection": (inspections, ()),
    "verdict": (verdicts, ()),
    "plan": (plans, ()),
    "conventions": (conventions, ()),
    "dump": (written_dumps, ()),
    "error": (errors, ()),
    "survey": (surveys, ()),
}


class Seen:
    """What stood in one place of a schema."""

    def __init__(self, node, path):
        self.path = path.removeprefix(".")
        self.node, self.objects, self.types, self.values, self.keys = node, 0, set(), set(), defaultdict(int)


def type_of(value):
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


class Walk:
    """Documents laid beside their schema: `seen` has what stood in each place."""

    def __init__(self, whole):
        self.whole, self.seen = whole, {}

    def resolved(self, node):
        while "$ref" in node:
            node = self.whole["$defs"][node["$ref"].rpartition("/")[2]]
        return node

    def visit(self, node, value, path):
        node = self.resolved(node)
        for branch in node.get("anyOf", ()):
            if jsonschema.Draft202012Validator({**branch, "$defs": self.whole.get("$defs", {})}).is_valid(value):
                self.visit(branch, value, path)
                return
        seen = self.seen.setdefault(id(node), Seen(node, path))
        seen.types.add(type_of(value))
        if isinstance(value, dict):
            self.visit_object(node, value, path, seen)
        elif isinstance(value, list):
            places = node.get("prefixItems") or [node["items"]] * len(value)
            for inner, item in zip(places, value, strict=True):
                self.visit(inner, item, f"{path}[]")
        else:
            seen.values.add(value)

    def visit_object(self, node, value, path, seen):
        seen.objects += 1
        for key, item in value.items():
            known = key in node.get("properties", {})
            seen.keys[key] += known or "properties" not in node or node["additionalProperties"] is False
            inner = node["properties"][key] if known else node.get("additionalProperties", True)
            if isinstance(inner, dict):
                self.visit(inner, item, f"{path}.{key}" if known else f"{path}.*")


def differences(seen):
    """In what a place of a schema differs from what stood there."""
    node, path, found = seen.node, seen.path, []
    allowed = node.get("type", sorted(seen.types))
    if seen.types != set([allowed] if isinstance(allowed, str) else allowed):
        found.append(f"{path}: type {allowed}, but {sorted(seen.types)} came")
    if "enum" in node and seen.values != set(node["enum"]):
        found.append(f"{path}: enum {node['enum']}, but {seen.values} came")
    if "properties" in node:
        always = {key for key, count in seen.keys.items() if count and count == seen.objects}
        ever = {key for key, count in seen.keys.items() if count}
        if set(node["properties"]) != ever:
            found.append(f"{path}: {set(node['properties']) ^ ever} only on one side")
        if set(node["required"]) != always:
            found.append(f"{path}: {set(node['required']) ^ always} are not required and always there alike")
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_what_records_write(name):
    make, elsewhere = SCHEMAS[name]
    whole = schema(name)
    jsonschema.Draft202012Validator.check_schema(whole)
    validator, walk = jsonschema.Draft202012Validator(whole), Walk(whole)
    for made in make():
        document = json.loads(made.to_json())
        validator.validate(document)
        walk.visit(whole, document, "")
    found = [
        text
        for seen in walk.seen.values()
        if not any(seen.path == place or seen.path.startswith(f"{place}.") for place in elsewhere)
        for text in differences(seen)
    ]
    assert not found, "\n".join(found)


def objects(node, path="#"):
    """Every object that a schema describes."""
    if isinstance(node, dict):
        if "properties" in node and "required" in node:
            yield path, node
        for key, inner in node.items():
            yield from objects(inner, f"{path}/{key}")
    elif isinstance(node, list):
        for i, inner in enumerate(node):
            yield from objects(inner, f"{path}/{i}")


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_allow_nothing_else(name):
    assert [path for path, node in objects(schema(name)) if "additionalProperties" not in node] == []


def test_every_schema_is_held():
    shipped = {path.name for path in resources.files("calibeval").joinpath("schemas").iterdir()}
    assert shipped == {f"{name}.json" for name in SCHEMAS}


@pytest.mark.parametrize(("make", "read"), [
    (reports, Report.from_json), (surveys, Survey.from_json), (comparisons, Comparison.from_json),
    (tables, Finetuned.from_json), (heads, HeadFacts.from_json), (maps, from_json),
])  # fmt: skip
def test_every_field_is_read_back(make, read):
    for made in make():
        assert read(made.to_json()) == made
        assert read(made.to_json().encode()).to_json() == made.to_json()
