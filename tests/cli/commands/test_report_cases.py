"""`calibeval report FOLDER --labels FOLDER`."""

import json

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run
from tests.dense.folders import nnunet_3d
from tests.dense.images import region_volumes
from tests.readers.cases.folders import image, nnunet, npz


@pytest.fixture
def folders(tmp_path):
    return npz(tmp_path, {f"p{i % 6}_{i}": image(i, (6 + i % 3, 7)) for i in range(12)})


def arguments(folders, *more):
    return ["report", str(folders[0]), "--labels", str(folders[1]), *more]


def printed(capsys, folders, *more):
    result = run(capsys, *arguments(folders, "--json", *more))
    assert result.code == 0, result.err
    return json.loads(result.out)["dumps"]


def test_pooled_and_by_image(capsys, folders):
    (dump,) = printed(capsys, folders)
    assert dump["groups"] == {"column": None, "count": 12}
    assert dump["per_image"]["images"] == 12
    ece = dump["per_image"]["numbers"]["ece"]
    assert ece["pooled"] == dump["metrics"]["ece"]["value"]
    assert (ece["pooled_low"], ece["pooled_high"]) == (dump["metrics"]["ece"]["low"], dump["metrics"]["ece"]["high"])
    assert len(ece["worst"]) == 3
    assert ece["mean_low"] < ece["mean"] < ece["mean_high"]
    assert dump["source"]["format"] == "npz cases"
    assert len(dump["source"]["sha256"]) == len(dump["source"]["labels_sha256"]) == 64


def test_the_screen_says_both(capsys, folders):
    text = run(capsys, *arguments(folders)).out
    assert "12 images" in text
    assert "mean over images: ECE" in text
    assert "worst images, ECE: p" in text
    full = run(capsys, *arguments(folders, "--full")).out
    assert "pooled" in full
    assert "interior" in full


def test_python_gives_the_same(capsys, folders):
    (dump,) = printed(capsys, folders)
    report = calibeval.evaluate(folders[0], labels=folders[1])
    assert report.dumps[0].to_dict()["metrics"] == dump["metrics"]
    assert calibeval.Report.from_json(report.to_json()) == report


def test_patients(capsys, folders, tmp_path):
    table = tmp_path / "patients.csv"
    table.write_text("case,patient\n" + "".join(f"p{i % 6}_{i},{i % 6}\n" for i in range(12)))
    (dump,) = printed(capsys, folders, "--group", str(table))
    assert dump["per_image"]["units"] == 6
    assert dump["per_image"]["unit"] == "patient"
    assert dump["groups"] == {"column": "patient", "count": 6}
    table.write_text("case,patient\np0_0,1\n")
    result = run(capsys, *arguments(folders, "--group", str(table)))
    assert result.code == 3
    assert "11 of 12 cases are not in it" in result.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--class", "1"], "--class cannot be combined with a folder of cases"),
        (["--layout", "monei"], 'layout "monei" is unknown (did you mean "monai"?)'),
        (["--background", "out"], "background is 'out', but it must be include, exclude-label, exclude-class"),
    ],
)
def test_what_cases_cannot_have(capsys, folders, more, said):
    result = run(capsys, *arguments(folders, *more))
    assert result.code == 2
    assert said in result.err


def test_a_layout_needs_folders(capsys, folders):
    result = run(capsys, "report", str(folders[0] / "p0_0.npz"), "--layout", "nnunet")
    assert result.code == 2
    assert "layout nnunet is for a folder of cases, with --labels FOLDER" in result.err


def test_two_models_side_by_side(capsys, folders, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for file in folders[0].iterdir():
        p = np.load(file)["probs"]
        np.savez(other / file.name, probs=0.5 * p + 0.5 / len(p))
    dumps = printed(capsys, (folders[0], folders[1]), str(other))
    assert [one["name"] for one in dumps] == ["scores", "other"]


def test_background(capsys, folders):
    (every,), (without,) = printed(capsys, folders), printed(capsys, folders, "--background", "exclude-label")
    assert without["source"]["n"] == every["source"]["n"] - every["per_class"][0]["support"]
    assert without["per_class"][0]["support"] == 0
    (other,) = printed(capsys, folders, "--background", "exclude-class")
    assert [one["name"] for one in other["per_image"]["structures"]] == ["1", "2"]


def test_tables_say_both(capsys, folders):
    for form in ("md", "latex"):
        text = run(capsys, *arguments(folders, "--format", form)).out
        assert "Mean over images: ECE" in text


def test_a_folder_of_images_needs_a_folder_of_labels(capsys, tmp_path):
    cases = {f"case_{i}": image(i, (4, 6, 7)) for i in range(2)}
    scores, labels = nnunet(tmp_path, cases)
    said = run(capsys, "report", str(scores))
    assert said.code == 2
    assert "holds one file for each case, so --labels must be a folder, too, but there are none" in said.err
    said = run(capsys, "report", str(scores), "--labels", str(tmp_path / "nowhere"))
    assert "nowhere is no folder" in said.err
    said = run(capsys, "report", str(scores), "--labels", str(labels), "--layout", "monai")
    assert said.code == 3
    assert "case_0.nii.gz: holds whole numbers, as a segmentation does" in said.err


def test_where_an_image_or_its_folder_is_no_dump(capsys, tmp_path):
    scores, labels = nnunet(tmp_path, {f"case_{i}": image(i, (4, 6, 7)) for i in range(2)})
    todo = "name the folder of the predictions, and with --labels the folder of the labels; report, compare, gate"
    one = run(capsys, "report", str(scores / "case_0.npz"), "--labels", str(labels / "case_0.nii.gz"))
    assert (one.code, one.err[: len(todo) + 28]) == (3, f"case_0.nii.gz: is an image: {todo}"[: len(todo) + 28])
    for command in ("inspect", "sums"):
        said = run(capsys, command, str(scores), "--labels", str(labels), *(["-o", "a.sums"] * (command == "sums")))
        assert said.code == 3
        assert f"{scores}: holds images, one for each case: {todo}" in said.err
        assert "inspect, survey and sums do not" in said.err


def test_one_region(capsys, tmp_path):
    cases = region_volumes()
    folders = nnunet_3d(tmp_path, cases, regions=True)
    every = printed(capsys, (folders.predictions, folders.labels))
    (core,) = printed(capsys, (f"{folders.predictions}#core", folders.labels))
    assert core["name"] == "validation#core"
    assert core == next(one for one in every if one["name"] == "validation#core")
    report = calibeval.evaluate({"a": f"{folders.predictions}#core"}, labels=folders.labels)
    assert [one.name for one in report.dumps] == ["a#core"]
    said = run(capsys, *arguments((f"{folders.predictions}#cor", folders.labels)))
    assert (said.code, 'there is no region "cor" (did you mean "core"?)' in said.err) == (2, True)


def test_a_structure_that_is_not_there(capsys, tmp_path):
    few = npz(tmp_path, {f"c{i}": image(i, (6, 7)) for i in range(3)})
    said = run(capsys, "gate", str(few[0]), "--labels", str(few[1]), "--min", "per_image.liver.dice=0.5").out
    assert "this metric does not exist for this dump; structures are 0, 1, 2" in " ".join(said.split())
