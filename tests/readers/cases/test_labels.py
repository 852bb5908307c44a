"""Labels of cases: none is ignored, widened or taken for another one without being asked for."""

import json

import nibabel as nib
import numpy as np
import pytest

from calibeval.core.dense.case import region_of
from calibeval.core.dense.sampled import sampled
from calibeval.core.errors import InputError
from calibeval.core.evaluation.of_cases import evaluate_cases
from calibeval.core.evaluation.settings import checked
from calibeval.readers.cases.folder import Folder
from calibeval.readers.meaning.read_options import ReadOptions
from tests.readers.cases.folders import image, npz


def opened(scores, labels, layout=None, **options):
    return Folder(scores, labels, ReadOptions(**options), layout)


def measured(folder, **settings):
    return evaluate_cases(folder, checked(bins=10, level=None, **settings))


def refused(folder, said, **settings):
    with pytest.raises(InputError) as error:
        measured(folder, **settings)
    assert said in str(error.value)


def niftis(folder, cases):
    """Folders of NIfTI files with these axes. cases: scores and labels by name."""
    for part, name in enumerate(("p", "l")):
        (folder / name).mkdir()
        for case, arrays in cases.items():
            nib.Nifti1Image(arrays[part], np.eye(4)).to_filename(folder / name / f"{case}.nii.gz")
    return folder / "p", folder / "l"


def one_hot(labels, k=3):
    return np.eye(k, dtype=np.uint8)[labels]


def test_one_hot_labels_of_volumes(tmp_path):
    p, marks = image(0, (4, 5, 6))
    folder = opened(*niftis(tmp_path, {"a": (np.moveaxis(p, 0, -1), one_hot(marks))}))
    refused(folder, "a.nii.gz: labels have shape (4, 5, 6, 3), but one number of a class for each voxel is needed. One")
    refused(folder, "One-hot labels become numbers by labels.argmax(axis=-1)")


def test_one_hot_labels_of_images(tmp_path):
    p, marks = image(0, (5, 6))
    folder = opened(*niftis(tmp_path, {"a": (np.moveaxis(p, 0, -1), one_hot(marks))}))
    refused(folder, "every pixel has one label that is 1 along the last axis. One-hot labels become numbers by")


def test_one_hot_labels_in_arrays(tmp_path):
    p, marks = image(0, (5, 6))
    refused(opened(*npz(tmp_path, {"a": (p, np.moveaxis(one_hot(marks), -1, 0))})), "labels.argmax(axis=0)")


def test_one_channel_of_a_volume_is_no_one_hot(tmp_path):
    marks = np.zeros((2, 3, 4), np.uint8)
    marks[..., 1] = 1
    marks[0, 0] = 0  # a column without the structure
    (report,) = measured(opened(*niftis(tmp_path, {"a": (np.full((2, 3, 4), 0.25), marks)})))
    assert (report.k, report.n, report.metrics["accuracy"].value) == (2, 24, pytest.approx(19 / 24))


def binary(masks):
    return {f"c{i}": (np.full((1, *mask.shape), 0.75), mask) for i, mask in enumerate(masks)}


def test_a_void_label_beside_both_classes(tmp_path):
    folder = opened(*npz(tmp_path, binary([np.array([[0, 1, 255]], np.uint8)])))
    refused(folder, "c0: row 2: label 255, but ")
    refused(folder, "use --ignore-index 255")
    (report,) = measured(opened(tmp_path / "scores", tmp_path / "marks", ignore_index=255))
    assert (report.n, report.ignored) == (2, 1)


def test_a_void_label_in_a_case_without_class_1(tmp_path):
    masks = [np.array([[0, 255]], np.uint8), np.array([[0, 0]], np.uint8), np.array([[0, 1]], np.uint8)]
    folder = opened(*npz(tmp_path, binary(masks)))
    refused(folder, "c0.npz: its labels are 0 and 255, but those of c2.npz have class 1")
    refused(folder, "--ignore-index 255")


@pytest.mark.parametrize(
    ("odd", "dtype", "said"),
    [
        (-1, np.int8, "label -1, but the scores have 3 classes"),
        (-(2**31), np.int32, "a label is -2147483648"),
        (2**32 - 1, np.uint32, "label 4294967295, but the scores have 3 classes"),
        (2**32 + 1, np.uint64, "label 4294967297, but the scores have 3 classes"),
        (2**64 - 1, np.uint64, "a label is 18446744073709551615"),
        (2.0000001, np.float64, "labels are whole numbers, but 2.0000001 came"),
        (np.nan, np.float32, "labels are whole numbers, but nan came"),
        (1e300, np.float64, "labels are whole numbers, but 1e+300 came"),
        (-np.inf, np.float32, "labels are whole numbers, but -inf came"),
    ],
)
@pytest.mark.parametrize("background", [None, "exclude-label"])
def test_labels_that_no_class_has(tmp_path, odd, dtype, said, background):
    p, marks = image(0, (5, 6))
    marks = marks.astype(dtype)
    marks[2, 3] = odd
    refused(opened(*npz(tmp_path, {"a": (p, marks)})), said, background=background)


@pytest.mark.parametrize("void", [-1, 255, 256, 257, 2**40])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64])
def test_the_background_beside_any_ignored_label(tmp_path, void, dtype):
    p, marks = image(0, (9, 10))
    there = np.iinfo(dtype).min <= void <= np.iinfo(dtype).max
    marks = marks.astype(dtype)
    marks[4] = void if there else marks[4]
    counts = (marks != 0) & (marks != void)
    folder = opened(*npz(tmp_path, {"a": (p, marks)}), ignore_index=void)
    (report,) = measured(folder, background="exclude-label")
    assert report.n == counts.sum()
    assert report.metrics["accuracy"].value == pytest.approx((p.argmax(axis=0) == marks)[counts].mean())


def test_kinds_that_differ(tmp_path):
    scores, _ = npz(tmp_path, {f"c{i}": image(i) for i in range(3)})
    np.savez(scores / "c0.npz", logits=image(0)[0])
    refused(opened(scores, tmp_path / "marks"), "c1.npz: its scores are probs, but those of c0.npz are logits")


def region_folders(tmp_path, marks, channels=2, **said):
    rng = np.random.default_rng(1)
    p = rng.random((channels, *marks.shape))
    folders = npz(tmp_path, {"a": (p, marks)})
    regions = {"background": 0, "whole": [1, 2], "core": [2]}
    (folders[0] / "dataset.json").write_text(json.dumps({"labels": regions, "regions_class_order": [1, 2], **said}))
    return p, folders


@pytest.mark.parametrize("void", [0, 1, 2, 300])
def test_an_ignored_label_of_regions(tmp_path, void):
    marks = np.arange(60, dtype=np.uint8).reshape(6, 10) % 3
    p, folders = region_folders(tmp_path, marks)
    reports = measured(opened(*folders, ignore_index=void))
    kept = marks != void
    for report, q, region in zip(reports, p, ((1, 2), (2,)), strict=True):
        inside = np.isin(marks, region)
        assert report.n == kept.sum()
        assert report.metrics["brier"].value == pytest.approx(2 * ((q - inside)[kept] ** 2).mean())


def test_the_background_of_regions_is_what_has_label_0(tmp_path):
    marks = np.arange(60, dtype=np.uint8).reshape(6, 10) % 3
    p, folders = region_folders(tmp_path, marks, labels={"whole": [1, 2], "core": [2], "ignore": 300})
    whole, core = measured(opened(*folders), background="exclude-label")
    assert whole.n == core.n == 40
    right = (p[1] > 0.5) == (marks == 2)
    assert core.metrics["accuracy"].value == pytest.approx(right[marks != 0].mean())


def test_channels_that_are_not_the_regions(tmp_path):
    _, folders = region_folders(tmp_path, np.zeros((4, 5), np.uint8), channels=3)
    refused(opened(*folders), "a: the scores have 3 channels, but dataset.json has 2 regions (whole, core)")


def test_an_order_of_regions_without_regions(tmp_path):
    p, marks = image(2)
    folders = npz(tmp_path, {"a": (p, marks)})
    said = {"labels": {"background": 0, "liver": 1, "tumour": [2]}, "regions_class_order": [1, 2]}
    (folders[0] / "dataset.json").write_text(json.dumps(said))
    (report,) = measured(opened(*folders))
    assert [one.name for one in report.per_class] == ["background", "liver", "tumour"]


def test_names_by_numbers(tmp_path):
    folders = npz(tmp_path, {"a": image(2)})
    said = {"labels": {"0": "background", "2": "tumour", "1": "liver", "9": "ignore"}}
    (folders[0] / "dataset.json").write_text(json.dumps(said))
    facts = opened(*folders).facts
    assert (facts.class_names, facts.ignore_index) == (("background", "liver", "tumour"), 9)


def test_a_description_of_something_else(tmp_path):
    folders = npz(tmp_path, {"a": image(2)})
    (folders[0] / "dataset.json").write_text(json.dumps({"labels": {"left": "low"}}))
    with pytest.raises(InputError, match="--layout arrays does not read this file"):
        opened(*folders)
    assert opened(folders[0], folders[1], "arrays").facts.class_names is None


@pytest.mark.parametrize(
    ("shape", "space", "said"),
    [((3, 0, 6), (0, 6), "which are no pixels"), ((0, 4, 5), (4, 5), "which are no classes")],
)
def test_cases_of_nothing(tmp_path, shape, space, said):
    folders = npz(tmp_path, {"a": image(0, (5, 6)), "b": (np.zeros(shape), np.zeros(space, np.uint8))})
    refused(opened(*folders), f"b.npz with b.npz: scores have shape {shape} and labels {space}, {said}")


@pytest.mark.parametrize("void", [0, 1])
def test_a_map_of_a_region_beside_an_ignored_label(tmp_path, void):
    marks = np.arange(60, dtype=np.uint8).reshape(6, 10) % 3
    _, folders = region_folders(tmp_path, marks)
    pixels = sampled(region_of(opened(*folders, ignore_index=void), "core"))
    assert np.bincount(pixels.labels).tolist() == [20, 20]  # the other label, and label 2
