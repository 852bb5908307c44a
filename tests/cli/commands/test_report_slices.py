"""`report --slice` and `--group`: sample data, files, errors, and what recalibrated reports make of them."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import numpy as np
import pytest

from calibeval import Report, evaluate, read
from tests.cli.invoking import run
from tests.data import logits_and_labels
from tests.readers.dumps import npz


@pytest.fixture
def diamonds(sample_data):
    return f"{sample_data}/diamonds.npz#test"


def schema():
    return json.loads(resources.files("calibeval").joinpath("schemas", "report.json").read_text(encoding="utf-8"))


def videos(tmp_path, count=20, n=400):
    logits, labels = logits_and_labels(n, 3)
    return npz(tmp_path, logits=logits, labels=labels, video=np.arange(n) % count, night=np.arange(n) % 2)


def test_json_is_that_of_the_api_and_follows_its_schema(diamonds, capsys):
    words = ["--slice", "color", "--slice", "class", "--slice", "predicted", "--min-rows", "1500"]
    result = run(capsys, "report", diamonds, "--json", *words)
    assert (result.code, result.err) == (0, "")
    jsonschema.validate(result.json, schema())
    expected = evaluate(read(diamonds), slices=["color", "class", "predicted"], min_rows=1500)
    assert Report.from_json(result.out).dumps[0].slices == expected.dumps[0].slices
    assert [one["value"] for one in result.json["dumps"][0]["small_slices"]] == ["J", "Fair", "Fair"]


def test_bytes_do_not_depend_on_threads(diamonds, capsys):
    texts = [run(capsys, "report", diamonds, "--json", "--slice", "color", "--jobs", j).out for j in (1, 3)]
    assert texts[0] == texts[1]


def test_a_table_for_people(diamonds, capsys):
    result = run(capsys, "report", diamonds, "--slice", "color")
    assert "slices by color: 7 of 7 slices miscalibrated beyond noise" in result.out
    assert max(map(len, result.out.splitlines())) <= 100


def test_groups_widen_the_intervals_and_are_told(tmp_path, capsys):
    path = videos(tmp_path)
    result = run(capsys, "report", path, "--json", "--group", "video")
    jsonschema.validate(result.json, schema())
    (dump,) = result.json["dumps"]
    assert dump["groups"] == {"column": "video", "count": 20}
    assert result.json["settings"]["group"] == "video"
    assert result.err == (
        'warning: d.npz: there are only 20 groups by "video": floors and intervals are approximate below 40\n'
    )
    shown = run(capsys, "report", path, "--group", "video", "-q").out
    assert "20 groups by video" in shown.splitlines()[0]


def test_the_page_has_slices(tmp_path, capsys):
    run(capsys, "report", videos(tmp_path), "--slice", "night", "-o", tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Slices by <bdi>night</bdi></h2>" in page
    assert Report.from_json((tmp_path / "out" / "report.json").read_text()).dumps[0].slices is not None


def test_after_a_map_groups_stay_the_unit_and_slices_are_of_the_dump(tmp_path, capsys):
    path = videos(tmp_path)
    words = ["--cross-fit", "4", "--group", "video", "--slice", "night", "--json", "-q"]
    (dump,) = run(capsys, "report", path, *words).json["dumps"]
    assert dump["recalibrated"]["metrics"]["mce"]["reason"]["message"].startswith("no interval: ")
    assert {one["value"] for one in dump["slices"]} == {"0", "1"}
    alone = run(capsys, "report", path, "--group", "video", "--slice", "night", "--json", "-q").json["dumps"][0]
    assert dump["slices"] == alone["slices"]


@pytest.mark.parametrize("option", ["--slice", "--group"])
def test_unknown_columns(option, diamonds, capsys):
    result = run(capsys, "report", diamonds, option, "colour")
    others = ", class, predicted" if option == "--slice" else ""
    assert result == (
        2,
        "",
        (
            'diamonds.npz#test: there is no column "colour" (did you mean "color"?); '
            f"there are color, carat_band{others}\n"
        ),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--min-rows", "5"], "--min-rows applies to slices only, but there are no slices\n"),
        (
            ["--slice", "color", "--convention", "mbls"],
            "slices can only be measured with calibeval's own bins, not with those of mbls\n",
        ),
    ],
)
def test_what_cannot_be_combined(words, message, diamonds, capsys):
    assert run(capsys, "report", diamonds, *words) == (2, "", message)


def test_slices_of_streams_are_the_same(diamonds, capsys):
    words = ["report", diamonds, "--slice", "carat_band", "--json", "-q"]
    whole, streamed = (run(capsys, *words, *more).json["dumps"][0] for more in ([], ["--max-memory", "0"]))
    for one, other in zip(whole["slices"], streamed["slices"], strict=True):
        assert one["value"] == other["value"]
        assert other["metrics"]["aece"]["value"] == pytest.approx(one["metrics"]["aece"]["value"], abs=1e-12)
