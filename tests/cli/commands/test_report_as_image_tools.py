"""`calibeval report --convention` of segmentations: what MONAI, LTS, MbLS and CALS average over images."""

import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run
from tests.conftest import ROOT
from tests.readers.cases.folders import image, nnunet, npz
from tests.records import schema

FOLDER = Path(os.environ.get("CALIBEVAL_REAL_DUMPS", ROOT.parent / "shared" / "data"))
CAMVID = FOLDER / "camvid_seg_tinyunet.npz"
EVALUATORS = FOLDER.parent / "golden" / "reference" / "segmentation.npz"
NAMES = ["monai", "lts", "mbls per update", "cals per update"]


@pytest.fixture
def cases():
    return {f"c{i:02}": image(i, (6, 7)) for i in range(12)}


@pytest.fixture
def array(tmp_path, cases):
    scores, labels = (np.stack(one) for one in zip(*cases.values(), strict=True))
    np.savez(tmp_path / "all.npz", probs=scores, labels=labels, ids=np.array([*cases]), scanner=np.arange(12) % 2)
    return tmp_path / "all.npz"


def block(found):
    return found.json["dumps"][0]["per_image"]


def means(found):
    return {name: one["mean"] for name, one in block(found)["numbers"].items()}


# Goldens


@pytest.mark.skipif(not CAMVID.exists(), reason="the shared predictions are not here")
def test_a_real_segmentation_as_monai_and_lts_measure_it(capsys):
    found = run(capsys, "report", f"{CAMVID}#test", "--convention", "monai", "--json")
    assert means(found) == pytest.approx(
        {
            "expected": 0.032810,
            "average": 0.130112,
            "maximum": 0.271610,
            "expected_foreground": 0.033960,
            "average_foreground": 0.125190,
            "maximum_foreground": 0.258890,
        },
        abs=1e-6,
    )
    lts = block(run(capsys, "report", f"{CAMVID}#test", "--convention", "lts", "--json"))["numbers"]
    assert (lts["ece"]["pooled"], lts["ece"]["mean"]) == pytest.approx((0.053235, 0.087364), abs=1e-6)
    assert (lts["boundary_ece"]["pooled"], lts["boundary_ece"]["mean"]) == pytest.approx((0.134464, 0.160205), abs=1e-6)


@pytest.mark.skipif(not EVALUATORS.exists(), reason="the numbers of the public evaluators are not here")
@pytest.mark.parametrize(
    ("name", "golden"),
    [
        ("mbls", "mbls_fgonly_countweighted"),
        ("MbLS per update", "cals_batchmode_fgonly_countweighted"),
        ("cals per update", "cals_allpix_meanofimages"),
    ],
)
def test_public_evaluators(name, golden):
    with np.load(EVALUATORS) as stored:
        arrays = {"logits": stored["segeval_logits"], "labels": stored["segeval_labels"], "ignore_index": 255}
        expected = {one: float(stored[f"segeval/{golden}/{one}"]) for one in ("nll", "ece", "aece", "cece")}
    expected["cwce"] = expected.pop("cece")
    numbers = calibeval.evaluate(**arrays, convention=name).dumps[0].per_image.numbers
    assert {key: one.mean for key, one in numbers.items()} == pytest.approx(expected, abs=1e-6)


# What stands in the report


@pytest.mark.parametrize("name", NAMES)
def test_a_report_says_what_conventions_print(name, array, capsys):
    found = run(capsys, "report", array, "--convention", name, "--json")
    jsonschema.validate(found.json, schema("report"))
    assert (found.json["settings"]["convention"], block(found)["convention"]) == (name, name)
    (own,) = (one for one in run(capsys, "conventions", array, "--json").json["images"] if one["name"] == name)
    assert found.json["settings"]["bins"] == own["bins"]
    assert means(found) == {key: pytest.approx(one["mean"]) for key, one in own["numbers"].items()}
    every = block(found)["numbers"].values()
    assert all(one["mean_low"] < one["mean"] < one["mean_high"] for one in every)
    assert f"; it hides: {own['hides']}" in found.err
    again = calibeval.Report.from_json(found.out)
    assert again.to_json() == found.out


def test_what_a_tool_does_not_have_is_missing_with_a_reason(array, capsys):
    metrics = run(capsys, "report", array, "--convention", "monai", "--json").json["dumps"][0]["metrics"]
    own = run(capsys, "report", array, "--json").json["dumps"][0]["metrics"]
    assert metrics["accuracy"] == own["accuracy"]
    assert metrics["nll"] == own["nll"]
    for name in ("ece", "mce", "aece", "cwce", "oe", "rmsce"):
        assert metrics[name]["value"] is None
        assert metrics[name]["reason"]["message"] == "monai has nothing of all pixels, but means over images"
    mbls = run(capsys, "report", array, "--convention", "mbls", "--json").json
    assert (mbls["settings"]["convention"], mbls["dumps"][0]["per_image"]["convention"]) == ("mbls", "mbls per update")
    assert mbls["dumps"][0]["metrics"]["ece"]["value"] == pytest.approx(own["ece"]["value"])


def test_text_and_page_name_the_tool(tmp_path, array, capsys):
    out = tmp_path / "out"
    found = run(capsys, "report", array, "--convention", "monai", "-o", out, "--export", f"images={tmp_path / 'i.svg'}")
    assert found.code == 0, found.err
    assert "mean over images (monai): expected " in found.out
    assert "worst images, expected: c" in found.out
    page = (out / "report.html").read_text()
    assert "Mean over images (monai): expected" in page
    assert "expected of monai, by image, %" in page
    assert "Single images: the three with the largest expected" in page
    assert "expected of monai, by image" in (tmp_path / "i.svg").read_text()
    full = run(capsys, "report", array, "--convention", "lts", "--full").out
    assert "over images, as lts measures them\n" in full
    assert "structures, one against" not in full


@pytest.mark.parametrize("name", NAMES)
def test_folders_of_cases_have_the_same_numbers(name, tmp_path, array, cases, capsys):
    scores, labels = npz(tmp_path, cases)
    found = run(capsys, "report", scores, "--labels", labels, "--convention", name, "--json")
    assert found.code == 0, found.err
    whole = run(capsys, "report", array, "--convention", name, "--json")
    assert {key: pytest.approx(one) for key, one in means(whole).items()} == means(found)
    mine, theirs = block(found), block(whole)
    assert [one["image"] for one in mine["ece_of_images"]] == [one["image"] for one in theirs["ece_of_images"]]
    assert mine["numbers"]["ece" if "ece" in mine["numbers"] else "expected"]["pooled"] == pytest.approx(
        theirs["numbers"]["ece" if "ece" in theirs["numbers"] else "expected"]["pooled"]
    )
    report = calibeval.evaluate(scores, labels=labels, convention=name)
    assert {key: one.mean for key, one in report.dumps[0].per_image.numbers.items()} == means(found)


def test_units_of_the_intervals_are_groups(array, capsys):
    alone = run(capsys, "report", array, "--convention", "lts", "--json")
    grouped = run(capsys, "report", array, "--convention", "lts", "--group", "scanner", "--json")
    assert means(grouped) == means(alone)
    assert (block(grouped)["units"], block(grouped)["unit"]) == (2, "scanner")
    ece = block(grouped)["numbers"]["ece"]
    assert (ece["mean_low"], ece["reason"]["code"]) == (None, "too_few_groups")


def test_pixels_without_a_label_count_for_monai(array, capsys):
    said = run(capsys, "report", array, "--convention", "monai", "--ignore-index", "2", "--json").err
    assert "pixels without a label count, and are wrong for every class" in said
    assert "without a label" not in run(capsys, "report", array, "--convention", "lts", "--ignore-index", "2").err


def test_images_without_foreground(tmp_path, cases, capsys):
    cases["c03"][1][:] = 0
    scores, labels = npz(tmp_path, cases)
    found = run(capsys, "report", scores, "--labels", labels, "--convention", "mbls")
    assert "mean over images (mbls per update): none: the tool's mean is NaN: 1 of 12 images have no foreground" in (
        found.out.replace("\n", " ")
    )
    numbers = block(run(capsys, "report", scores, "--labels", labels, "--convention", "mbls", "--json"))["numbers"]
    assert (numbers["ece"]["mean"], numbers["ece"]["undefined"]) == (None, 1)
    assert numbers["ece"]["median"] > 0


# What cannot be


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("report", "rows.npz", "--convention", "monai"), "convention monai measures images one by one, so it needs"),
        (("report", "all.npz", "--convention", "monia"), 'did you mean "monai"?'),
        (("report", "all.npz", "--convention", "lts", "--slice", "scanner"), "not with those of lts"),
        (("report", "all.npz", "--convention", "lts", "--background", "exclude-label"), "which has its own rule"),
        (("report", "all.npz", "--convention", "mbls", "--background", "exclude-class"), "which has its own rule"),
        (("gate", "all.npz", "--convention", "monai", "--max", "ece=0.1"), '"monai" measures images one by one, as'),
        (("report", "scores", "--labels", "marks", "--convention", "netcal"), "cannot be measured by the convention"),
        (("gate", "scores", "--labels", "marks", "--convention", "lts", "--max", "ece=0.1"), "convention"),
    ],
)
def test_refused(line, message, tmp_path, array, cases, capsys, monkeypatch):
    np.savez(tmp_path / "rows.npz", probs=[[0.5, 0.5], [0.3, 0.7]], labels=[0, 1])
    npz(tmp_path, cases)
    monkeypatch.chdir(tmp_path)
    found = run(capsys, *line)
    assert (found.code, found.out) == (2, "")
    assert message in found.err


def test_a_saved_report_of_another_tool_is_no_base(tmp_path, array, capsys):
    run(capsys, "report", array, "--convention", "monai", "-o", tmp_path / "out")
    found = run(capsys, "gate", array, "--baseline", tmp_path / "out" / "report.json", "--max-increase", "ece=0.1")
    assert found.code == 3
    assert 'the report uses the convention "monai", but comparisons need "calibeval"' in found.err


def test_regions_are_refused(tmp_path, capsys):
    p, marks = image(5, (4, 6, 6))
    scores, labels = nnunet(tmp_path, {"a": (np.stack([p[1] + p[2], p[2]]), marks)})
    said = {"labels": {"background": 0, "whole": [1, 2], "core": 2}, "regions_class_order": [1, 2]}
    (scores / "dataset.json").write_text(json.dumps(said))
    found = run(capsys, "report", scores, "--labels", labels, "--convention", "monai")
    assert (found.code, found.out) == (3, "")
    assert "regions that may overlap (whole, core)" in found.err
