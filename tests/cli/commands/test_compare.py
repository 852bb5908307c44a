"""`calibeval compare`, from files to standard output and a folder."""

import json
from importlib import resources

import jsonschema
import numpy as np
import pytest

from calibeval import Report, compare, read
from calibeval.core.comparison.comparison import Comparison
from tests.cli.invoking import run
from tests.data import logits_and_labels


@pytest.fixture
def dumps(tmp_path):
    """Two models on the same rows, with a slice column."""
    logits, labels = logits_and_labels(1500, 4)
    site = np.tile(["day", "night", "dusk"], 500)
    paths = tmp_path / "base.npz", tmp_path / "cand.npz"
    for path, factor in zip(paths, (1.0, 0.5), strict=True):
        np.savez(path, logits=logits * factor, labels=labels, site=site)
    return paths


@pytest.fixture
def schema():
    text = resources.files("calibeval").joinpath("schemas", "comparison.json").read_text(encoding="utf-8")
    return json.loads(text)


def test_a_terminal_view(capsys, dumps):
    result = run(capsys, "compare", *dumps)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("cand.npz against base.npz\n1,500 rows · rows paired by position")
    assert "cand.npz is certainly better calibrated than base.npz: ECE" in result.out


def test_json_is_that_of_the_api(capsys, dumps, schema):
    result = run(capsys, "compare", *dumps, "--json", "--slice", "site", "--slice", "class", "--bins", "10")
    jsonschema.validate(result.json, schema)
    expected = compare(read(dumps[0]), [read(dumps[1])], bins=10, slices=["site", "class"])
    assert Comparison.from_json(result.out) == expected


@pytest.mark.parametrize("kind", ["confidence", "binary", "thin"])
def test_json_follows_its_schema(capsys, tmp_path, schema, kind):
    rng = np.random.default_rng(0)
    rows = {"confidence": 200, "binary": 200, "thin": 3}[kind]
    for name in ("a.npz", "b.npz"):
        labels, ids = np.tile([0, 1], 100)[:rows], np.arange(rows)
        if kind == "confidence":
            np.savez(tmp_path / name, confidence=rng.random(rows), correct=rng.integers(0, 2, rows), ids=ids)
        else:
            np.savez(tmp_path / name, probs=rng.random(rows), labels=labels, ids=ids)
    jsonschema.validate(run(capsys, "compare", tmp_path / "a.npz", tmp_path / "b.npz", "--json").json, schema)


def test_the_schema_refuses_a_null_without_reason(capsys, dumps, schema):
    document = run(capsys, "compare", *dumps, "--json").json
    document["candidates"][0]["differences"]["ece"]["low"] = None
    with pytest.raises(jsonschema.ValidationError, match="None is not of type 'object'"):
        jsonschema.validate(document, schema)


def test_several_candidates(capsys, dumps):
    result = run(capsys, "compare", *dumps, dumps[0], "--json").json
    assert [one["name"] for one in result["candidates"]] == ["cand.npz", "base.npz (2)"]
    assert result["base"]["name"] == "base.npz (1)"
    assert result["candidates"][1]["differences"]["ece"]["difference"] == 0


@pytest.mark.parametrize(
    ("table", "start"),
    [("md", "**cand.npz is certainly better"), ("csv", "candidate,column,value,metric"), ("latex", "% calibeval")],
)
def test_tables(capsys, dumps, table, start):
    assert run(capsys, "compare", *dumps, "--format", table).out.startswith(start)


def test_groups(capsys, tmp_path, schema):
    logits, labels = logits_and_labels(600, 3)
    for name, factor in (("a.npz", 1.0), ("b.npz", 0.5)):
        np.savez(tmp_path / name, logits=logits * factor, labels=labels, video=np.arange(600) // 10)
    words = ["compare", tmp_path / "a.npz", tmp_path / "b.npz", "--group", "video"]
    jsonschema.validate(run(capsys, *words, "--json").json, schema)
    assert "600 rows · 60 groups · rows paired by position" in run(capsys, *words).out


def test_a_folder(capsys, dumps, tmp_path):
    result = run(capsys, "compare", *dumps, "--out", tmp_path / "out")
    assert result.err == f"written to {tmp_path / 'out'}\n"
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["compare.html", "compare.json", "compare.md"]
    again = Comparison.from_json((tmp_path / "out/compare.json").read_text(encoding="utf-8"))
    assert again.candidates[0].name == "cand.npz"
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    run(capsys, "compare", *dumps, "--out", tmp_path / "out", "--jobs", "1")
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}


def test_a_saved_report_as_base(capsys, dumps, tmp_path, schema):
    run(capsys, "report", *dumps, "--out", tmp_path / "saved")
    saved = tmp_path / "saved/report.json"
    result = run(capsys, "compare", f"{saved}#base.npz", dumps[1], "--json")
    jsonschema.validate(result.json, schema)
    assert result.json["paired"] is False
    assert result.json["base"]["name"] == "base.npz"
    assert "warning: cand.npz: rows are not paired: base.npz is a saved report" in result.err
    several = run(capsys, "compare", saved, dumps[1])
    assert several.code == 3
    assert several.err == f"{saved}: the report holds 2 dumps; say which: {saved}#base.npz, {saved}#cand.npz\n"
    wrong = run(capsys, "compare", f"{saved}#base.np", dumps[1])
    assert wrong.code == 3
    assert f'{saved}: the report has no dump "base.np" (did you mean "base.npz"?)' in wrong.err


def test_a_dump_of_a_report_may_be_named_like_a_split(capsys, tmp_path, dumps):
    report = compare_with_split(capsys, tmp_path, dumps)
    assert run(capsys, "compare", f"{report}#base.npz#all", dumps[1], "--quiet").err == ""


def compare_with_split(capsys, tmp_path, dumps):
    """A saved report of one dump whose name holds a #."""
    run(capsys, "report", dumps[0], "--out", tmp_path / "one")
    path = tmp_path / "one/report.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["dumps"][0]["name"] = "base.npz#all"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert Report.from_json(path.read_text(encoding="utf-8")).dumps[0].name == "base.npz#all"
    return path


def test_rows_that_stand_in_another_order_are_refused(capsys, tmp_path, dumps):
    logits, labels = logits_and_labels(1500, 4)
    np.savez(tmp_path / "mixed.npz", logits=logits[::-1], labels=labels[::-1])
    result = run(capsys, "compare", dumps[0], tmp_path / "mixed.npz")
    assert result.code == 3
    assert result.err.endswith(
        "these are not the same rows; give both dumps ids (--ids-key), or use dumps of the same rows\n"
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--format", "mdd"], 2, '--format "mdd" is unknown (did you mean "md"?); there are md, csv, latex'),
        (["--format", "md", "--json"], 2, "--json and --format exclude each other"),
        (["--bins", "2000"], 2, "bins is 2000, but a comparison can have at most 1000"),
        (["--slice", "sight"], 2, 'there is no column "sight"'),
        (["--min-rows", "5"], 2, "applies to slices only, but there are no slices"),
    ],
)
def test_wrong_usage(capsys, dumps, words, code, message):
    result = run(capsys, "compare", *dumps, *words)
    assert result.code == code
    said = json.loads(result.err)["error"]["message"] if "--json" in words else result.err
    assert message in said


def test_standard_input_is_read_once(capsys, dumps):
    result = run(capsys, "compare", "-", "-", dumps[0])
    assert (result.code, result.err) == (2, 'standard input, "-", can be read only once\n')


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 4, "there is no such file"),
        (b"{}", 3, 'this is not a report of schema calibeval.report/1: the report has no "schema"'),
        (b"\xff\xfe", 3, "this is not a report of schema calibeval.report/1: byte 0 is not UTF-8"),
    ],
)
def test_other_json_is_no_base(capsys, dumps, tmp_path, content, code, message):
    path = tmp_path / "other.json"
    if content is not None:
        path.write_bytes(content)
    result = run(capsys, "compare", path, dumps[1])
    assert result.code == code
    assert str(path) in result.err
    assert message in result.err


def test_inputs_are_not_overwritten(capsys, dumps, tmp_path):
    path = tmp_path / "compare.json"
    path.write_bytes(b"{}")
    result = run(capsys, "compare", path, dumps[1], "--out", tmp_path)
    assert result.code == 2
    assert "is also an input and would be overwritten" in result.err
