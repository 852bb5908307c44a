"""What the program prints as JSON is what the shipped schemas say."""

import json

import jsonschema
import pytest

from calibeval.cli.main import main
from tests.records import schema


def printed(capsys, *words):
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("options", [[], ["--no-intervals"], ["--bins", "1"], ["--convention", "calibeval"]])
def test_reports_follow_their_schema(capsys, options):
    document = printed(capsys, "report", "sample_data/diamonds.npz#test", "sample_data/digits_val.csv", *options)
    jsonschema.validate(document, schema("report"))


def test_a_report_of_top_labels_follows_its_schema(capsys, tmp_path):
    path = tmp_path / "top.csv"
    path.write_text("confidence,correct\n0.9,1\n0.4,0\n", encoding="utf-8")
    document = printed(capsys, "report", str(path))
    jsonschema.validate(document, schema("report"))
    assert document["dumps"][0]["metrics"]["nll"]["value"] is None


def test_inspections_follow_their_schema(capsys):
    jsonschema.validate(printed(capsys, "inspect", "sample_data/diamonds.npz"), schema("inspection"))


def test_the_schema_refuses_a_null_without_reason(capsys):
    document = printed(capsys, "report", "sample_data/digits_val.npz")
    document["dumps"][0]["metrics"]["ece"] = {"value": None}
    with pytest.raises(jsonschema.ValidationError, match="'reason' is a required property"):
        jsonschema.validate(document, schema("report"))
    document = printed(capsys, "report", "sample_data/digits_val.npz")
    document["dumps"][0]["metrics"]["ece"]["value"] = None
    with pytest.raises(jsonschema.ValidationError, match="None is not of type 'object'"):
        jsonschema.validate(document, schema("report"))


@pytest.mark.parametrize("dump", ["sample_data/digits_test.npz", "sample_data/diamonds.npz#val"])
def test_explained_conventions_follow_their_schema(capsys, dump):
    jsonschema.validate(printed(capsys, "conventions", dump), schema("conventions"))


@pytest.mark.parametrize("method", ["temperature", "vector", "isotonic", "auto"])
def test_maps_follow_their_schema(capsys, method):
    jsonschema.validate(printed(capsys, "fit", "sample_data/digits_val.npz", "--method", method), schema("map"))


@pytest.mark.parametrize("options", [["--fit-on", "sample_data/digits_val.npz"], ["--cross-fit", "3"]])
def test_recalibrated_reports_follow_their_schema(capsys, options):
    document = printed(capsys, "report", "sample_data/digits_test.npz", *options)
    jsonschema.validate(document, schema("report"))
    document["dumps"][0]["recalibrated"]["fitted_on"]["more"] = 1
    with pytest.raises(jsonschema.ValidationError, match="not valid under any of the given schemas"):
        jsonschema.validate(document, schema("report"))


def test_dumps_that_are_written_follow_their_schema(capsys, tmp_path):
    fitted = printed(capsys, "fit", "sample_data/digits_val.npz", "-o", str(tmp_path / "map.json"))
    jsonschema.validate(fitted, schema("map"))
    words = [str(tmp_path / "map.json"), "sample_data/digits_test.npz", "-o", str(tmp_path / "out.npz")]
    jsonschema.validate(printed(capsys, "apply", *words), schema("dump"))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["report", "nowhere.npz"], "file"),
        (["report", "sample_data/digits_test.npz", "--bins", "0"], "usage"),
        (["report", "README.md"], "input"),
    ],
)
def test_errors_follow_their_schema(capsys, words, kind):
    assert main([*words, "--json"]) != 0
    document = json.loads(capsys.readouterr().err)
    jsonschema.validate(document, schema("error"))
    assert document["error"]["kind"] == kind


def test_verdicts_follow_their_schema(capsys):
    document = printed(capsys, "gate", "sample_data/digits_test.npz", "--max", "ece=0.9")
    jsonschema.validate(document, schema("verdict"))
    assert document["environment"]["command"] == ["gate", "sample_data/digits_test.npz", "--max", "ece=0.9", "--json"]
