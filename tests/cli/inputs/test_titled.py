"""`name=file` names a dump in every command that compares, an existing path wins, and --sort orders the dumps."""

from __future__ import annotations

import numpy as np
import pytest

import calibeval
from calibeval import UsageError
from calibeval.cli.inputs.titled import split_title
from calibeval.core.report.order import in_order
from tests.cli.invoking import run

TEST = "sample_data/digits_test.npz"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Three temperatures of one model in a folder, which is the current one."""
    arrays = dict(np.load(TEST))
    for name, scale in (("cold", 1.0), ("warm", 0.5), ("hot", 0.1)):
        np.savez(tmp_path / f"{name}.npz", **{**arrays, "logits": scale * arrays["logits"]})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("word", "title", "file"),
    [
        ("new=a.npz", "new", "a.npz"),
        ("new model = v2=a.npz#test", "new model", " v2=a.npz#test"),
        ("new=runs/7/a.npz#test", "new", "runs/7/a.npz#test"),
        ("runs/lr=3/a.npz", None, "runs/lr=3/a.npz"),
        ("runs\\lr=3", None, "runs\\lr=3"),
        ("a.npz#x=1", None, "a.npz#x=1"),
        ("=a.npz", None, "=a.npz"),
        ("new=", None, "new="),
        ("a.npz", None, "a.npz"),
        ("-", None, "-"),
        ("new=-", "new", "-"),
    ],
)
def test_words(word, title, file):
    assert split_title(word) == (title, file)


@pytest.mark.parametrize("word", ["lr=1.npz", "lr=1.npz#test", "lr=*.npz"])
def test_a_path_that_exists_wins(word, files):
    (files / "lr=1.npz").touch()
    assert split_title(word) == (None, word)


def test_a_report_calls_dumps_by_their_titles(files, capsys):
    result = run(capsys, "report", "as it is=cold.npz", "hot.npz", "--json")
    assert [dump["name"] for dump in result.json["dumps"]] == ["as it is", "hot.npz"]
    assert result.json["dumps"][0]["source"]["path"] == "cold.npz"
    assert calibeval.Report.from_json(result.out).to_json() == result.out
    single = run(capsys, "report", "as it is=cold.npz")
    assert single.out.startswith("as it is · 997 rows")


def test_a_missing_file_is_named_without_its_title(files, capsys):
    result = run(capsys, "report", "new=none.npz")
    assert (result.code, result.out) == (4, "")
    assert result.err.startswith("none.npz")


def test_an_output_may_not_be_a_titled_input(files, capsys):
    (files / "out").mkdir()
    (files / "out/report.json").write_text("{}")
    result = run(capsys, "compare", "old=out/report.json", "hot.npz", "--export", "csv=out/report.json")
    assert result.code == 2
    assert "report.json" in result.err


def test_comparisons_and_gates_too(files, capsys):
    found = run(capsys, "compare", "old=cold.npz", "new=warm.npz", "--json").json
    assert (found["base"]["name"], found["candidates"][0]["name"]) == ("old", "new")
    assert run(capsys, "compare", "old=cold.npz", "new=warm.npz").out.startswith("new against old\n")
    run(capsys, "report", "cold.npz", "-o", "saved", "-q")
    assert run(capsys, "compare", "old=saved/report.json", "warm.npz", "--json").json["base"]["name"] == "old"
    words = ["--baseline", "old=cold.npz", "--max-increase", "nll=0.5"]
    verdict = run(capsys, "gate", "new=warm.npz", *words, "--json").json
    assert (verdict["dump"]["name"], verdict["baseline"]["name"]) == ("new", "old")


def test_standard_input_is_read_once_under_any_title(files, capsys):
    for words in (
        ["report", "a=-", "b=-"],
        ["compare", "a=-", "-"],
        ["gate", "a=-", "--baseline", "-", "--max-increase", "nll=0"],
    ):
        assert run(capsys, *words).err.startswith('standard input, "-", can be read only once')


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("ece", ["warm.npz", "cold.npz", "hot.npz"]),
        ("ECE", ["warm.npz", "cold.npz", "hot.npz"]),
        ("gap", ["warm.npz", "cold.npz", "hot.npz"]),
        ("accuracy", ["hot.npz", "cold.npz", "warm.npz"]),  # equal ones keep their order
        ("name", ["cold.npz", "hot.npz", "warm.npz"]),
        (None, ["hot.npz", "cold.npz", "warm.npz"]),
    ],
)
def test_sort(by, order, files, capsys):
    words = [] if by is None else ["--sort", by]
    dumps = run(capsys, "report", "hot.npz", "cold.npz", "warm.npz", "--json", *words).json["dumps"]
    assert [dump["name"] for dump in dumps] == order
    sizes = [abs(dump["metrics"]["confidence_gap"]["value"]) for dump in dumps]
    assert by != "gap" or sizes == sorted(sizes)


def test_an_unknown_order_is_refused_before_anything_is_read(capsys):
    result = run(capsys, "report", "none.npz", "--sort", "eec")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith('"eec" is unknown (did you mean "ece"?); sort by name, accuracy, ')


def test_orders_in_python(files):
    names = {f"run {i}": "cold.npz" for i in (10, 9, 1)}
    report = calibeval.evaluate(names)
    assert [dump.name for dump in report.sorted_by("name").dumps] == ["run 1", "run 9", "run 10"]
    assert [dump.name for dump in in_order(report, "ece").dumps] == ["run 10", "run 9", "run 1"]
    with pytest.raises(UsageError, match="sort by name"):
        report.sorted_by("size")


def test_dumps_without_a_value_are_last(files):
    report = calibeval.evaluate({"a": "hot.npz", "b": "cold.npz"}, metrics="ece")
    assert [dump.name for dump in report.sorted_by("nll").dumps] == ["a", "b"]
    assert [dump.name for dump in report.sorted_by("ece").dumps] == ["b", "a"]
