"""`calibeval conventions` of segmentations: one array, and folders of cases."""

import json

import numpy as np
import pytest

import calibeval
from tests.cli.invoking import run
from tests.readers.cases.folders import image, nnunet, npz

NAMES = ["monai", "lts", "mbls per update", "cals per update"]


@pytest.fixture
def cases():
    return {f"c{i}": image(i, (6, 7)) for i in range(4)}


@pytest.fixture
def array(tmp_path, cases):
    scores, labels = (np.stack(one) for one in zip(*cases.values(), strict=True))
    np.savez(tmp_path / "all.npz", probs=scores, labels=labels)
    return tmp_path / "all.npz"


def numbers(document):
    return {
        (one["name"], name): (number["mean"], number["std"])
        for one in document["images"]
        for name, number in one["numbers"].items()
    }


def test_below_the_pooled_ones(array, capsys):
    text = run(capsys, "conventions", array).out
    assert "\nmonai, mean over 4 images, 20 bins\n  expected " in text
    assert "\nlts, mean over 4 images, 10 bins\n  ECE " in text
    assert " ± " in text
    assert "it hides: probabilities of all classes but the predicted one" in text
    found = run(capsys, "conventions", array, "--json", "--bins", "7").json
    assert [one["name"] for one in found["images"]] == NAMES
    assert {one["bins"] for one in found["images"]} == {7}


def test_rows_that_are_no_images_have_none(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", probs=[[0.5, 0.5], [0.3, 0.7]], labels=[0, 1])
    assert "images" not in run(capsys, "conventions", tmp_path / "a.npz", "--json").json


def test_folders_of_cases_have_the_same_numbers(tmp_path, array, cases, capsys):
    scores, labels = npz(tmp_path, cases)
    line = ("conventions", scores, "--labels", labels)
    found = run(capsys, *line, "--json")
    assert found.code == 0, found.err
    whole = run(capsys, "conventions", array, "--json").json
    assert found.json["conventions"] == []
    assert (found.json["source"]["n"], found.json["source"]["k"]) == (4 * 42, 3)
    assert {key: pytest.approx(value) for key, value in numbers(whole).items()} == numbers(found.json)
    text = run(capsys, *line).out
    assert text.startswith("scores · 168 pixels · 3 classes\n\nmonai, mean over 4 images")
    tools = calibeval.conventions(scores, labels=labels)
    assert len(tools) == 0
    assert [one.convention.name for one in tools.images] == NAMES
    assert str(tools) + "\n" == text


def test_one_channel_is_two_classes(tmp_path, capsys):
    p, marks = image(0, (6, 7), 2)
    scores, labels = npz(tmp_path, {"a": (p[1:], marks), "b": (p[1:], marks)})
    np.savez(tmp_path / "both.npz", probs=np.stack([p, p]), labels=np.stack([marks, marks]))
    one = run(capsys, "conventions", scores, "--labels", labels, "--json").json
    both = run(capsys, "conventions", tmp_path / "both.npz", "--json").json
    assert {key: pytest.approx(value, abs=1e-12) for key, value in numbers(both).items()} == numbers(one)


def test_regions_are_refused(tmp_path, capsys):
    p, marks = image(5, (4, 6, 6))
    scores, labels = nnunet(tmp_path, {"a": (np.stack([p[1] + p[2], p[2]]), marks)})
    said = {"labels": {"background": 0, "whole": [1, 2], "core": 2}, "regions_class_order": [1, 2]}
    (scores / "dataset.json").write_text(json.dumps(said))
    found = run(capsys, "conventions", scores, "--labels", labels)
    assert (found.code, found.out) == (3, "")
    assert "regions that may overlap (whole, core)" in found.err


def test_a_label_that_no_class_has_names_its_case(tmp_path, cases, capsys):
    cases["c2"][1][0, 0] = 9
    scores, labels = npz(tmp_path, cases)
    found = run(capsys, "conventions", scores, "--labels", labels)
    assert "c2: row 0: label 9, but the scores have 3 classes (0 to 2)" in found.err
    ignored = run(capsys, "conventions", scores, "--labels", labels, "--ignore-index", "9", "--json").json
    assert (ignored["source"]["n"], ignored["source"]["ignored"]) == (4 * 42 - 1, 1)
