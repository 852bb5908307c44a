"""`calibeval gate`: exit codes, where rules come from, baselines, what a job reads, and foreign names in all of it."""

from __future__ import annotations

import json
import os
import re
import stat
from importlib import resources
from xml.etree import ElementTree as ET

import jsonschema
import numpy as np
import pytest

import calibeval
from calibeval.core.comparison.compare import compare
from calibeval.core.errors import UsageError
from tests.cli.invoking import ENVIRONMENT, program, run
from tests.data import logits_and_labels
from tests.render.hand_made import HOSTILE

SCHEMA = json.loads(resources.files("calibeval").joinpath("schemas", "verdict.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    """A working folder without a configuration, outside of any CI job."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)


def write(path, logits, labels, **more):
    np.savez(path, logits=logits, labels=labels, **more)
    return path


@pytest.fixture
def main(tmp_path):
    """2,000 rows of five classes, over-confident, with ids and a column."""
    logits, labels = logits_and_labels(2000, 5)
    night = np.array(["day", "day", "day", "night"])[np.arange(2000) % 4]
    return write(tmp_path / "main.npz", logits, labels, ids=np.arange(2000), light=night)


@pytest.fixture
def sharper(tmp_path):
    """The same rows with logits one and a half times as large: worse in every calibration error and in nll."""
    logits, labels = logits_and_labels(2000, 5)
    night = np.array(["day", "day", "day", "night"])[np.arange(2000) % 4]
    return write(tmp_path / "sharper.npz", logits * 1.5, labels, ids=np.arange(2000), light=night)


def verdict(capsys, *words):
    """The JSON of a gate, which follows its schema whatever the exit code."""
    result = run(capsys, "gate", *words, "--json")
    document = json.loads(result.out)
    jsonschema.validate(document, SCHEMA)
    assert document["exit_code"] == result.code
    return document


@pytest.mark.parametrize(
    ("words", "code", "whole"),
    [
        (["--max", "ece=0.9"], 0, "pass"),
        (["--max", "ece=0.001"], 1, "fail"),
        (["--max", "ece=0.9", "--min", "accuracy=0.999"], 1, "fail"),
        (["--max", "ece_positive=0.1"], 3, "error"),
        (["--max", "ece_positive=0.1", "--max", "ece=0.001"], 1, "fail"),
        (["--max", "ece=0.9", "--min-rows", "2001"], 3, "error"),
    ],
)
def test_exit_codes(main, words, code, whole, capsys):
    document = verdict(capsys, main, *words)
    assert (document["exit_code"], document["verdict"]) == (code, whole)


def test_an_inconclusive_rule_counts_as_it_is_told_to(main, capsys):
    value = calibeval.evaluate(calibeval.read(main))["ece"]
    limit = f"ece={(value.low + value.corrected) / 2}"
    document = verdict(capsys, main, "--max", limit)
    assert (document["exit_code"], document["verdict"]) == (5, "inconclusive")
    (rule,) = document["rules"]
    assert rule["rows_needed"] > 2000
    assert rule["reason"]["code"] == "more_rows_needed"
    assert rule["reason"]["message"] == f"about {rule['rows_needed']:,} rows would decide"
    for how in ("warn", "pass"):
        document = verdict(capsys, main, "--max", limit, "--on-inconclusive", how)
        assert (document["exit_code"], document["verdict"]) == (0, "inconclusive")
    assert verdict(capsys, main, "--max", limit, "--decide", "point")["verdict"] == "fail"


def test_the_numbers_are_the_reports(main, capsys):
    report = calibeval.evaluate(calibeval.read(main), level=0.9)
    (rule,) = verdict(capsys, main, "--max", "ece=0.02", "--level", "0.9")["rules"]
    ece = report["ece"]
    expected = (ece.value, ece.low, ece.high, ece.corrected, 2000)
    assert tuple(rule[key] for key in ("value", "low", "high", "corrected", "n")) == expected


def test_changes_are_those_of_a_comparison(main, sharper, capsys):
    difference = compare(calibeval.read(main), [calibeval.read(sharper)])["nll"]
    document = verdict(capsys, sharper, "--baseline", main, "--max-increase", "nll=0.01")
    (rule,) = document["rules"]
    assert (rule["value"], rule["low"], rule["high"]) == (difference.difference, difference.low, difference.high)
    assert (rule["baseline"], rule["verdict"], document["paired_by"]) == (difference.base, "fail", "id")
    assert document["baseline"]["source"]["sha256"] != document["dump"]["source"]["sha256"]
    assert verdict(capsys, main, "--baseline", sharper, "--max-increase", "nll=0.01")["verdict"] == "pass"
    assert verdict(capsys, main, "--baseline", main, "--max-increase", "nll=0")["verdict"] == "pass"


def test_a_saved_report_is_an_unpaired_baseline(main, sharper, tmp_path, capsys):
    assert run(capsys, "report", main, "--out", tmp_path / "saved", "-q").code == 0
    saved = tmp_path / "saved/report.json"
    document = verdict(capsys, sharper, "--baseline", saved, "--max-increase", "nll=0.01")
    paired = verdict(capsys, sharper, "--baseline", main, "--max-increase", "nll=0.01")
    assert (document["paired_by"], document["baseline"]["source"]["report"]) == (None, True)
    widths = [r["high"] - r["low"] for r in (document["rules"][0], paired["rules"][0])]
    assert widths[0] > widths[1]
    result = run(capsys, "gate", sharper, "--baseline", saved, "--max-increase", "nll=0.01")
    assert "baseline main.npz (not paired: its rows are not there)" in result.out
    saved.write_text("{}", encoding="utf-8")
    result = run(capsys, "gate", sharper, "--baseline", saved, "--max-increase", "nll=0.01")
    assert result.code == 3
    assert "saved/report.json: this is not a report of schema" in result.err


def test_the_report_beside_a_verdict_is_whole(main, sharper, tmp_path, capsys):
    words = ["--baseline", main, "--max", "ece=0.9", "--slice", "light", "-o", tmp_path / "out", "-q"]
    assert run(capsys, "gate", sharper, *words).code == 0
    beside = json.loads((tmp_path / "out" / "report.json").read_bytes())["dumps"][0]
    alone = json.loads(run(capsys, "report", sharper, "--slice", "light", "--json").out)["dumps"][0]
    assert len(beside["slices"]) == 2
    for mine, its in zip(beside["slices"], alone["slices"], strict=True):
        assert mine["metrics"] == its["metrics"]
        assert mine["metrics"]["cwce"]["value"] is not None


def test_a_baseline_of_other_rows_is_refused(main, tmp_path, capsys):
    logits, labels = logits_and_labels(2000, 5)
    others = {
        "fewer.npz": ((logits[:1990], labels[:1990]), {"ids": np.arange(1990)}, "do not hold the same rows"),
        "ids.npz": ((logits, labels), {"ids": np.arange(2000) + 7}, "do not hold the same rows"),
        "labels.npz": ((logits, labels[::-1]), {"ids": np.arange(2000)}, "these are not the same rows"),
        "classes.npz": ((logits[:, :4], np.minimum(labels, 3)), {"ids": np.arange(2000)}, "5 classes in the first"),
    }
    for name, (arrays, more, message) in others.items():
        other = write(tmp_path / name, *arrays, **more)
        result = run(capsys, "gate", other, "--baseline", main, "--max-increase", "nll=0.01")
        assert (result.code, result.out) == (3, "")
        assert message in result.err
    result = run(capsys, "report", main, "--out", tmp_path / "guo", "--convention", "guo", "-q")
    result = run(capsys, "gate", main, "--baseline", tmp_path / "guo/report.json", "--max-increase", "nll=0.01")
    assert (result.code, result.out) == (3, "")
    assert 'the report uses the convention "guo"' in result.err
    result = run(capsys, "gate", main, "--baseline", main, "--convention", "guo", "--max", "ece=0.1")
    assert (result.code, result.out) == (2, "")
    assert "changes from a baseline are measured with calibeval's own bins, not those of guo" in result.err


CONFIG = """\
[gate]
baseline = "main.npz"
on_inconclusive = "warn"

[[gate.rule]]
metric = "ece"
max = 0.9

[[gate.rule]]
metric = "nll"
max_increase = 0.1
slice = "light=night"
severity = "warn"

[[gate.rule]]
metric = "accuracy"
min = 0.999
severity = "off"
"""


def test_rules_of_a_file_and_flags_that_win(main, sharper, tmp_path, capsys):
    (tmp_path / "calibeval.toml").write_text(CONFIG, encoding="utf-8")
    document = verdict(capsys, sharper)
    assert [rule["verdict"] for rule in document["rules"]] == ["pass", "fail", "off"]
    assert (document["verdict"], document["settings"]["config"]) == ("pass", "calibeval.toml")
    assert document["rules"][1]["n"] == 500
    document = verdict(capsys, sharper, "--max", "ece=0.001", "--on-inconclusive", "fail", "--max", "brier=1.9")
    assert document["rules"][0]["limit"] == 0.001
    assert len(document["rules"]) == 4
    assert (document["verdict"], document["settings"]["on_inconclusive"]) == ("fail", "fail")


def test_the_table_of_a_project(main, tmp_path, capsys):
    project = tmp_path / "pyproject.toml"
    project.write_text("[project]\nname = 'x'\n", encoding="utf-8")
    result = run(capsys, "gate", main)
    assert result.code == 2
    assert "there are no rules: write [[gate.rule]] tables into calibeval.toml" in result.err
    project.write_text(CONFIG.replace("[gate", "[tool.calibeval.gate").replace("[[gate", "[[tool.calibeval.gate"))
    assert verdict(capsys, main)["settings"]["config"] == "pyproject.toml"
    (tmp_path / "calibeval.toml").write_text("[[gate.rule]]\nmetric='ece'\nmax=0.001\n", encoding="utf-8")
    assert verdict(capsys, main)["settings"]["config"] == "calibeval.toml"
    assert verdict(capsys, main, "--config", project)["verdict"] == "pass"


def test_a_baseline_is_meant_from_the_files_folder(main, tmp_path, monkeypatch, capsys):
    (tmp_path / "rules.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert verdict(capsys, main, "--config", "../rules.toml")["baseline"]["name"] == "main.npz"


BROKEN = [
    ("[gate\n", "calibeval.toml: is not valid TOML: "),
    ("gate = 3\n", 'calibeval.toml: "gate" must be a table'),
    ("[gates]\n", 'calibeval.toml: key "gates" is unknown (did you mean "gate"?)'),
    ("[gate]\npreset = 'strct'\n", 'calibeval.toml: preset "strct" is unknown (did you mean "strict"?)'),
    ("[gate]\nrule = []\n", "calibeval.toml: the list of rules is empty"),
    ("[[gate.rule]]\nmetric='eec'\nmax=0.1\n", 'calibeval.toml: rule 1: metric "eec" is unknown (did you mean "ece"?)'),
    ("[[gate.rule]]\nmetric='ece'\nmax=-0.1\n", "calibeval.toml: rule 1: max of ece is -0.1"),
    ("[[gate.rule]]\nmetric='ece'\nmax=nan\n", "calibeval.toml: rule 1: max is nan"),
    ("[[gate.rule]]\nmetric='ece'\nmax=0.1\nseverity='off'\n", "every rule is off"),
    (
        "[[gate.rule]]\nmetric='ece'\nmax=0.1\nslice='ligth=night'\n",
        'main.npz: slice "ligth=night": there is no column "ligth" (did you mean "light"?); there are light',
    ),
    (
        "[[gate.rule]]\nmetric='ece'\nmax=0.1\nslice='light=nigth'\n",
        'slice "light=nigth" is unknown (did you mean "light=night"?); there are',
    ),
    ("[[gate.rule]]\nmetric='ece'\nmax=0.1\nslice='worst'\n", 'slice "worst" needs columns: use --slice COLUMN'),
    ("[[gate.rule]]\nmetric='nll'\nmax_increase=0.1\n", "max_increase of nll needs a baseline: use --baseline FILE"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_configuration_that_cannot_be_meant(main, tmp_path, text, message, as_json, capsys):
    (tmp_path / "calibeval.toml").write_text(text, encoding="utf-8")
    result = run(capsys, "gate", main, *(["--json"] if as_json else []))
    assert (result.code, result.out) == (2, "")
    said = json.loads(result.err)["error"]["message"] if as_json else result.err
    assert message in said
    assert "Traceback" not in said


def test_bytes_that_are_no_text_are_no_configuration(main, tmp_path, capsys):
    (tmp_path / "calibeval.toml").write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in run(capsys, "gate", main).err
    result = run(capsys, "gate", main, "--config", "nowhere.toml")
    assert (result.code, result.err) == (4, "nowhere.toml: there is no such file\n")


FLAGS = [
    (["--max", "ece"], "--max ece: it must be METRIC=LIMIT, such as ece=0.03"),
    (["--max", "eec=0.1"], '--max eec=0.1: metric "eec" is unknown (did you mean "ece"?)'),
    (["--max-drop", "accuracy=x"], '--max-drop accuracy=x: "x" is not a number\n'),
    (["--max", "ece=3%"], '"3%" is not a number, but a percentage; limits are fractions: say ece=0.03\n'),
    (["--max", "ece=0,03"], '"0,03" is not a number, but with a comma: say ece=0.03\n'),
    (["--max", "nll=3 %"], '"3 %" is not a number: limits of nll are in nats\n'),
    (["--max", "ece=0.1", "-o", "v.json"], "written; for that file alone, say --json > v.json\n"),
    (["--max", "ece=0.1", "-o", "v.XML"], "written; for that file alone, say --export junit=v.XML\n"),
    (["--max", "ece=0.1", "-o", "v.html"], "-o v.html: names a folder, into which several files are written\n"),
    (["--max-drop", "accuracy=nan"], "max_drop of accuracy is nan, but it must be a finite number"),
    (["--max", "ece=0.1", "--max", "ece=0.2"], "--max limits ece twice"),
    (["--max", "ece=0.1", "--level", "1"], "level is 1, but it must lie between 0 and 1"),
    (["--max", "ece=0.1", "--decide", "pint"], 'decide "pint" is unknown (did you mean "point"?)'),
    (["--preset", "strct"], 'preset "strct" is unknown (did you mean "strict"?)'),
    (["--max", "ece=0.1", "--slice", "ligth"], 'there is no column "ligth" (did you mean "light"?)'),
    (["--init", "--max", "ece=0.1"], "--init can be combined with --config, --slice, --group and --positive"),
    (["--max", "ece=0.1", "--export", "junit=main.npz"], "main.npz: is also an input and would be overwritten"),
]


@pytest.mark.parametrize(("words", "message"), FLAGS)
def test_flags_that_cannot_be_meant(main, words, message, capsys):
    result = run(capsys, "gate", main, *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_too_few_rows_for_a_preset_are_told_only_if_a_rule_is_inconclusive(capsys, sample_data):
    said = (
        "note: the preset strict is meant for 20,000 rows or more; with 997 many rules stay inconclusive: a plan "
        "says which\n"
    )
    words = ("gate", sample_data / "digits_test.npz", "--preset", "strict")
    undecided = (*words, "--max", "ece=0.06")
    assert said in run(capsys, *undecided).err
    assert verdict(capsys, *undecided[1:])["warnings"][-1]["code"] == "few_rows_for_preset"
    assert said not in run(capsys, *undecided, "--plan").err
    for limit, outcome in ((0.5, "PASSED"), (0.03, "FAILED")):
        decided = run(capsys, *words, "--max", f"ece={limit}")
        assert outcome in decided.out
        assert said not in decided.err
    assert [note.code for note in calibeval.plan(sample_data / "digits_test.npz", preset="strict").warnings] == [
        "rules_not_checked"
    ]


def test_the_same_run_gives_the_same_bytes(main, sharper, tmp_path, capsys):
    found, name = [], "run"
    for _ in range(2):
        words = ["--baseline", main, "--preset", "strict", "--slice", "light", "--why", "-o", tmp_path / name]
        files = ["--export", f"junit={tmp_path / name}.xml", "--export", f"markdown={tmp_path / name}.md"]
        result = run(capsys, "gate", sharper, *words, *files, "-q")
        pages = [(tmp_path / name / page).read_bytes() for page in ("report.html", "report.json", "verdict.json")]
        found.append((result, (tmp_path / f"{name}.xml").read_bytes(), (tmp_path / f"{name}.md").read_bytes(), *pages))
    assert found[0] == found[1]
    assert json.loads(found[0][-1])["rules"][-1]["slice"] == "worst"
    assert b"<title>FAILED: " in found[0][-3]


def test_a_first_configuration_passes_the_baseline_and_stops_a_worse_one(main, sharper, tmp_path, capsys):
    result = run(capsys, "gate", main, "--init", "--slice", "light")
    assert (result.code, result.err) == (0, "written to calibeval.toml\n")
    assert (tmp_path / "calibeval.toml").read_text(encoding="utf-8") == result.out
    document = verdict(capsys, main)
    assert [rule["verdict"] for rule in document["rules"]] == ["pass"] * 5
    assert verdict(capsys, sharper)["verdict"] == "fail"
    again = run(capsys, "gate", main, "--init")
    assert (again.code, again.out) == (2, "")
    assert "calibeval.toml: already exists" in again.err


def test_a_first_configuration_keeps_the_column_of_groups(main, tmp_path, capsys):
    arrays = dict(np.load(main))
    main = write(tmp_path / "seen.npz", **arrays, patient=np.arange(2000) // 4)
    assert run(capsys, "gate", main, "--init", "--group", "patient", "--config", "own.toml").code == 0
    assert 'group = "patient"' in (tmp_path / "own.toml").read_text(encoding="utf-8")
    document = verdict(capsys, main, "--config", "own.toml")
    assert (document["verdict"], document["settings"]["group"]) == ("pass", "patient")
    assert calibeval.gate(main, "own.toml").reading.group == "patient"


def test_a_preset_that_is_asked_for_replaces_limits_of_the_file(main, tmp_path, capsys):
    text = "[[gate.rule]]\nmetric = 'ece'\nmax = 0.9\n[[gate.rule]]\nmetric = 'accuracy'\nmin = 0.1\n"
    (tmp_path / "calibeval.toml").write_text(text, encoding="utf-8")
    limits = {rule["metric"]: rule["limit"] for rule in verdict(capsys, main, "--preset", "strict")["rules"]}
    assert limits == {"ece": 0.03, "accuracy": 0.1}
    said = run(capsys, "gate", main, "--preset", "strict").err
    note = "1 rule comes from calibeval.toml and 1 from the command line, which replaces the file's max of ece"
    assert f"note: {note}\n" in said
    both = calibeval.gate(main, "calibeval.toml", preset="strict")
    own = calibeval.gate(main, {"metric": "ece", "max": 0.9}, preset="strict")
    assert (both["ece"].rule.limit, own["ece"].rule.limit) == (0.03, 0.9)
    said = run(capsys, "gate", main, "--max", "nll=9").err
    assert said == "note: 2 rules come from calibeval.toml and 1 from the command line\n"
    (tmp_path / "calibeval.toml").write_text(f"[gate]\nbaseline = '{main}'\n{text}", encoding="utf-8")
    assert f"note: the baseline {main} comes from calibeval.toml\n" in run(capsys, "gate", main).err
    assert "comes from" not in run(capsys, "gate", main, "--baseline", main).err
    (tmp_path / "calibeval.toml").write_text(f"[gate]\npreset = 'strict'\n{text}", encoding="utf-8")
    assert verdict(capsys, main)["rules"][0]["limit"] == 0.9


def test_rules_of_a_preset_that_nothing_checks_are_counted(main, capsys):
    message = "4 rules of the preset recommended need a baseline and were not checked"
    assert run(capsys, "gate", main, "--preset", "recommended").err == f"note: {message}\n"
    document = verdict(capsys, main, "--preset", "recommended")
    assert document["warnings"] == [{"code": "rules_not_checked", "message": message}]
    strict = run(capsys, "gate", main, "--preset", "strict", "--baseline", main).err
    assert strict == "note: 1 rule of the preset strict needs slice columns and was not checked\n"
    assert verdict(capsys, main, "--preset", "recommended", "--baseline", main)["warnings"] == []


@pytest.mark.parametrize(("name", "metric"), [("gap", "confidence_gap"), ("ECE", "ece"), ("brier", "brier")])
def test_metrics_have_the_names_that_tables_show_too(main, name, metric, capsys):
    (rule,) = verdict(capsys, main, "--max", f"{name}=0.9")["rules"]
    assert rule["metric"] == metric
    report = calibeval.evaluate(main, metrics=name)
    assert list(report.dumps[0].metrics) == [metric]
    assert name in report
    assert report[name] is report[metric] is report.get(name)


def test_a_limit_in_two_words_is_named(main, capsys):
    result = run(capsys, "gate", main, "--max", "ece", "0.05")
    assert (result.code, result.err) == (2, "Got unexpected extra argument(s) (0.05): write --max ece=0.05\n")


def test_a_first_configuration_survives_a_hostile_file_name(main, tmp_path, capsys):
    folder = tmp_path / 'a "b"\n\\#'
    folder.mkdir()
    moved = main.rename(folder / "ma\tin\x7f.npz")
    result = run(capsys, "gate", str(moved) + "#all", "--init")
    assert result.code == 0
    assert verdict(capsys, moved)["verdict"] == "pass"


def test_why_names_what_moved_a_metric(tmp_path, capsys):
    logits, labels = logits_and_labels(4000, 5)
    light = np.where(np.arange(4000) % 4 == 3, "night", "day")
    one = write(tmp_path / "one.npz", logits, labels, ids=np.arange(4000), light=light)
    worse = np.where((light == "night")[:, None], logits * 4, logits)
    order = np.random.default_rng(1).permutation(4000)
    two = write(tmp_path / "two.npz", worse[order], labels[order], ids=order, light=light[order])
    (rule,) = verdict(capsys, two, "--baseline", one, "--max-increase", "nll=0.01", "--why")["rules"]
    why = rule["why"]
    (night,) = [part for part in why["parts"] if part["kind"] == "light"]
    assert (night["name"], night["share"], night["rows"]) == ("night", pytest.approx(1.0), 0.25)
    trial = why["temperature"]
    assert (why["change"], trial["repairs"], trial["verdict"]) == (True, False, "inconclusive")
    assert trial["change"] == pytest.approx(trial["value"] - rule["baseline"])
    assert trial["low"] < 0.01 < trial["change"] < trial["high"]
    assert trial["temperature"] > 1
    text = run(capsys, "gate", two, "--baseline", one, "--max-increase", "nll=0.01", "--why").out
    *_, moved, temperature = (line.strip() for line in text.splitlines() if line.startswith("      "))
    assert re.fullmatch(r"light=night \(1,000 rows, gap \+\d+\.\d\): 100 % of the change, 25 % of the rows", moved)
    numbers = r"NLL change \+\d\.\d+ nats \[[+−]\d\.\d+, \+\d\.\d+\] at 90 %"
    assert re.fullmatch(rf"a temperature of \d\.\d+ would make it undecided: {numbers}", temperature)
    (rule,) = verdict(capsys, one, "--max", "ece=0.03", "--why")["rules"]
    assert (rule["why"]["change"], rule["why"]["temperature"]["repairs"]) == (False, True)
    assert " would repair it: ECE " in run(capsys, "gate", one, "--max", "ece=0.03", "--why").out
    (rule,) = verdict(capsys, one, "--min", "accuracy=0.999", "--why")["rules"]
    assert rule["why"]["temperature"] is None
    text = run(capsys, "gate", one, "--min", "accuracy=0.999", "--why").out
    assert "a temperature cannot change the accuracy" in text
    (rule,) = verdict(capsys, one, "--max", "ece=0.9", "--why")["rules"]
    assert rule["why"] is None


@pytest.mark.parametrize("metric", ["ece", "aece", "oe", "mce", "cwce", "nll", "brier", "confidence_gap"])
def test_why_speaks_of_every_metric_and_of_slices(main, sharper, metric, tmp_path, capsys):
    change = (
        "" if metric in ("mce", "cwce") else f"[[gate.rule]]\nmetric='{metric}'\nmax_increase=0\nslice='light=day'\n"
    )
    text = f"[gate]\nbaseline='main.npz'\n[[gate.rule]]\nmetric='{metric}'\nmax=0.0001\n{change}"
    (tmp_path / "calibeval.toml").write_text(text, encoding="utf-8")
    document = verdict(capsys, sharper, "--why")
    assert document["verdict"] == "fail"
    for rule in document["rules"]:
        assert rule["why"]["parts"] is not None, rule
        assert rule["why"]["change"] == (rule["kind"] == "max_increase"), rule
        assert rule["why"]["temperature"]["value"] is not None, rule


# What a job sees. Names of slices come from a file that anybody may have sent.
@pytest.fixture
def hostile(tmp_path):
    names = [
        *HOSTILE,
        "::error::pwned",
        "a\n::error file=x::b",
        "##[error]x",
        "%0A::warning::",
        "@everyone",
        "]]>",
        "`",
    ]
    logits, labels = logits_and_labels(100 * len(names), 3)
    column = np.array([name.replace("\ud800", "?") or "empty" for name in names])[np.arange(len(labels)) % len(names)]
    texts = "\n".join(
        f"[[gate.rule]]\nmetric='ece'\nmax=0.0001\nslice={json.dumps(f'c={n}')}" for n in sorted({*column})
    )
    texts = texts.replace("\x7f", "\\u007f")
    (tmp_path / "calibeval.toml").write_text(
        f"[gate]\nslices=['c']\non_inconclusive='warn'\n{texts}\n", encoding="utf-8"
    )
    return write(tmp_path / "hostile.npz", logits, labels, c=column), len({*column})


def job(tmp_path, *words, **variables):
    """The program as a job of GitHub Actions runs it: without a terminal, in a folder that cannot be written."""
    names = {"GITHUB_STEP_SUMMARY": tmp_path / "summary", "GITHUB_OUTPUT": tmp_path / "output"}
    environment = {**ENVIRONMENT, "GITHUB_ACTIONS": "true", "CI": "true", **{k: str(v) for k, v in names.items()}}
    return program("gate", *words, env={**environment, **variables}, cwd=tmp_path)


def test_a_job_with_hostile_names(hostile, tmp_path):
    dump, count = hostile
    files = ["--export", f"junit={tmp_path}/gate.xml", "--export", f"markdown={tmp_path}/gate.md"]
    result = job(tmp_path, dump, "--github", "--why", *files, "-o", tmp_path / "page")
    assert result.code == 1, result.err
    commands = [line for line in result.out.splitlines() if line.lstrip().startswith("::")]
    assert all(re.match(r"::(error|warning) title=calibeval gate[^:]*::", line) for line in commands)
    kinds = [line.split(" ", 1)[0] for line in commands]
    assert max(kinds.count(kind) for kind in kinds) <= 10
    assert max(len(line.encode()) for line in commands) < 65536
    assert "##[" not in result.out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", result.out)
    rules = [line for line in result.out.splitlines() if re.match(r"(FAIL|inconclusive) ", line)]
    assert len(rules) == count
    suite = ET.parse(tmp_path / "gate.xml").getroot()  # noqa: S314 - our own file
    assert int(suite.get("tests")) == len(suite.findall(".//testcase")) == count
    assert int(suite.get("failures")) == len(suite.findall(".//failure")) > 0
    assert int(suite.get("skipped")) == len(suite.findall(".//skipped"))
    assert len({case.get("name") for case in suite.iter("testcase")}) == count
    comment = (tmp_path / "gate.md").read_text(encoding="utf-8")
    assert (tmp_path / "summary").read_text(encoding="utf-8").startswith(comment[:40])
    table = [line for line in comment.splitlines() if line.startswith("| ")]
    assert len(table) == count + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {6}
    assert "<script" not in comment
    assert "@everyone" not in comment
    page = (tmp_path / "page/report.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1  # our own
    output = (tmp_path / "output").read_text(encoding="utf-8").splitlines()
    assert output[:2] == ["verdict=fail", "exit-code=1"]
    assert re.fullmatch(r"conclusion=FAILED: \d+ of \d+ rules.*", output[2])


def test_json_and_github_share_no_stream(main, tmp_path):
    result = job(tmp_path, main, "--max", "ece=0.001", "--github", "--json")
    assert json.loads(result.out)["verdict"] == "fail"
    assert result.err.startswith("::error title=calibeval gate failed::ECE ≤ 0.10 %25: ")


def test_a_runner_is_noticed(main, tmp_path):
    asked = ("--max", "ece=0.001")
    assert "::error" in job(tmp_path, main, *asked, GITHUB_ACTIONS="true").out
    assert (tmp_path / "output").read_text(encoding="utf-8").startswith("verdict=fail\n")
    for more, value in ((["--no-github"], "true"), ([], "false"), ([], "")):
        assert "::error" not in job(tmp_path, main, *asked, *more, GITHUB_ACTIONS=value).out


def test_summaries_are_appended(main, tmp_path):
    (tmp_path / "summary").write_text("before\n", encoding="utf-8")
    for _ in range(2):
        assert job(tmp_path, main, "--max", "ece=0.9", "--github").code == 0
    text = (tmp_path / "summary").read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- calibeval:main.npz -->\n### calibeval gate: PASSED: 1 rule\n")
    assert text.count("### calibeval gate") == 2


def test_a_summary_that_cannot_be_written_is_told(main, tmp_path):
    result = job(tmp_path, main, "--max", "ece=0.9", "--github", GITHUB_STEP_SUMMARY=str(tmp_path / "no/where"))
    assert result.code == 4
    assert "no/where: cannot be written (No such file or directory), but GITHUB_STEP_SUMMARY names it" in result.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_nothing_is_written_into_a_checkout_that_cannot_be_written(main, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        result = program("gate", main, "--max", "ece=0.9", env=ENVIRONMENT, cwd=tmp_path)
    finally:
        tmp_path.chmod(stat.S_IRWXU)
    assert result.code == 0


def test_a_gate_leaves_nothing_behind(main, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    assert program("gate", main, "--max", "ece=0.9", "--why", env=ENVIRONMENT, cwd=tmp_path).code == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_the_same_from_python(main, sharper, capsys):
    rules = [{"metric": "nll", "max_increase": 0.01}, {"metric": "ece", "max": 0.05, "slice": "worst:light"}]
    found = calibeval.gate(calibeval.read(sharper), rules, baseline=calibeval.read(main))
    assert [rule.verdict for rule in found.rules] == ["fail", "fail"]
    assert len(found.rules[1].slices) == 2
    alone = calibeval.gate(calibeval.read(sharper), rules[:1], baseline=calibeval.read(main))
    document = verdict(capsys, sharper, "--baseline", main, "--max-increase", "nll=0.01")
    assert json.loads(alone.to_json())["rules"][0] == document["rules"][0]
    assert found.rules[0].decisive.interval_level == 0.975  # two rules, of which each has half of the chance to err
    with pytest.raises(UsageError, match="the list of rules is empty"):
        calibeval.gate(calibeval.read(main), [])


def test_two_exports_do_not_share_a_file(main, tmp_path, capsys):
    path = tmp_path / "gate.out"
    exports = ["--export", f"junit={path}", "--export", f"markdown={path}"]
    result = run(capsys, "gate", "main.npz", "--max", "ece=0.5", *exports)
    words = "two outputs are to be written to this file; name another for one of them"
    assert result == (2, "", f"{path}: {words}\n")
    assert not path.exists()


@pytest.mark.parametrize(
    ("metric", "limit", "outcome"),
    [
        ("ece", 0.2, None),
        ("ece", 0.036, "pass"),
        ("ece", 0.024, "inconclusive"),
        ("nll", 0.37, "pass"),
        ("nll", 0.2, "fail"),
        ("confidence_gap", 0.001, "inconclusive"),
    ],
)
def test_why_judges_a_temperature_by_the_same_intervals(metric, limit, outcome, capsys, sample_data):
    """As the rule itself would judge the dump that a temperature makes."""
    dump = sample_data / "digits_test.npz"
    (rule,) = verdict(capsys, dump, "--max", f"{metric}={limit}", "--why")["rules"]
    trial = (rule["why"] or {"temperature": None})["temperature"]
    assert (trial or {"verdict": None})["verdict"] == outcome
    if outcome is None:
        return
    kept = {"pass": trial["high"] <= limit, "fail": trial["low"] > limit}
    assert kept == {"pass": outcome == "pass", "fail": outcome == "fail"}
    after = run(capsys, "report", dump, "--cross-fit", "5", "--json", "-q").json["dumps"][0]["recalibrated"]
    found = {key: after["metrics"][metric][key] for key in ("value", "low", "high")}
    if metric == "confidence_gap":
        assert trial["value"] == abs(found["value"])
        return
    assert {key: trial[key] for key in found} == found
    if metric == "ece":
        assert trial["corrected"] == after["metrics"]["ece"]["corrected"] < trial["value"]
        shown = 100 * after["metrics"]["ece"]["floor_high"]  # what is left, 2.3 %, is what noise alone would give
        assert f"% to within noise (up to {shown:.1f} % on 997 rows)" in run(capsys, "report", dump, "-q").out


def test_why_judges_every_slice_after_a_temperature(capsys, sample_data, tmp_path):
    dump = f"{sample_data}/diamonds.npz#test"
    words = ["--max", "ece=0.05", "--slice", "color", "--config", "rules.toml", "--why"]
    (tmp_path / "rules.toml").write_text(
        '[[gate.rule]]\nmetric = "ece"\nmax = 0.05\nslice = "worst"\n', encoding="utf-8"
    )
    rules = verdict(capsys, dump, *words)["rules"]
    whole, worst = (rule["why"]["temperature"] for rule in sorted(rules, key=lambda rule: rule["slice"] or ""))
    assert whole["verdict"] == "pass"
    assert worst["verdict"] in ("pass", "inconclusive", "fail")
    assert worst["value"] > whole["value"]
