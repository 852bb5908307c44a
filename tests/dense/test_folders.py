"""The folders of cases are what the tools write: shapes, types, affines, folds, and predictions worth measuring."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from tests.dense import folders, images

nibabel = pytest.importorskip("nibabel")


def test_folders_of_nnunet_in_3d(tmp_path):
    found = folders.nnunet_3d(tmp_path, images.volumes())
    names = sorted(path.name for path in found.folds[0].glob("*.npz"))
    assert names == ["head_001.npz", "head_003.npz", "head_005.npz"]
    with np.load(found.predictions / "head_001.npz") as file:
        probs = file["probabilities"]
    assert (probs.shape, probs.dtype) == ((3, 12, 30, 34), np.float32)
    assert np.abs(probs.sum(axis=0) - 1).max() < 1e-6
    label = nibabel.load(found.labels / "head_001.nii.gz")
    assert label.shape == (34, 30, 12)
    assert np.array_equal(np.asarray(label.dataobj).transpose(2, 1, 0), images.volumes()[0].label)
    np.testing.assert_allclose(label.header.get_zooms(), (0.9375, 1.25, 3.5), rtol=1e-6)
    kept = pickle.loads((found.predictions / "head_001.pkl").read_bytes())  # noqa: S301 - written above
    np.testing.assert_allclose(kept["spacing"], (3.5, 1.25, 0.9375))
    own = np.asarray(nibabel.load(found.predictions / "head_001.nii.gz").dataobj)
    assert np.array_equal(own.transpose(2, 1, 0), probs.argmax(axis=0))
    assert np.linalg.det(label.affine) < 0
    assert np.count_nonzero(np.abs(label.affine[:3, :3]) > 0.01) > 6


def test_sizes_of_volumes_differ_and_the_network_has_learned_something():
    cases = images.volumes()
    assert len({case.label.shape for case in cases}) == len(cases)
    assert all((case.probs.argmax(axis=0) == case.label).mean() > 0.85 for case in cases)
    assert {int(j) for case in cases for j in np.unique(case.label)} == {0, 1, 2}


def test_regions_are_independent_channels(tmp_path):
    found = folders.nnunet_3d(tmp_path, images.region_volumes(), regions=True)
    about = json.loads((tmp_path / "nnUNet_raw" / "Dataset101_Head" / "dataset.json").read_text())
    assert about["labels"] == {"background": 0, "head": [1, 2], "core": 2}
    assert about["regions_class_order"] == [1, 2]
    with np.load(found.predictions / "head_001.npz") as file:
        probs = file["probabilities"]
    assert probs.shape == (2, 12, 30, 34)
    assert np.abs(probs.sum(axis=0) - 1).max() > 0.5
    own = np.asarray(nibabel.load(found.predictions / "head_001.nii.gz").dataobj).T
    assert np.array_equal(own == 2, (probs[1] > 0.5))


def test_folders_of_nnunet_in_2d(tmp_path):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("sklearn")
    cases = images.planes()
    found = folders.nnunet_2d(tmp_path, cases, dtype=np.float16, ignore=True)
    about = json.loads((tmp_path / "nnUNet_raw" / "Dataset102_Digits" / "dataset.json").read_text())
    assert about["labels"]["ignore"] == 4
    with np.load(found.predictions / "plane_000.npz") as file:
        probs = file["probabilities"]
    assert (probs.shape, probs.dtype) == ((4, 1, 36, 64), np.float16)
    label = np.asarray(image.open(found.labels / "plane_000.png"))
    assert (label[0] == 4).all()
    assert np.array_equal(label[1:], cases[0].label[0, 1:])
    right = sum((case.probs.argmax(axis=0) == case.label).sum() for case in cases)
    assert right / sum(case.label.size for case in cases) > 0.85


def test_a_softmax_of_monai_has_the_classes_last(tmp_path):
    found = folders.monai(tmp_path, images.volumes()[:2], postfix="_trans", separate=True)
    probs = nibabel.load(found.predictions / "head_001" / "head_001_trans.nii.gz")
    assert probs.shape == (34, 30, 12, 3)
    assert np.array_equal(np.asarray(probs.dataobj).T, images.volumes()[0].probs)
    assert sorted(path.name for path in found.labels.iterdir()) == ["head_001.nii.gz", "head_002.nii.gz"]


@pytest.mark.parametrize("masks", [".png", ".tif", ".npy"])
def test_arrays_with_masks(tmp_path, masks):
    pytest.importorskip("sklearn")
    pytest.importorskip("PIL")
    pytest.importorskip("tifffile")
    found = folders.arrays(tmp_path, images.planes()[:3], masks=masks)
    probs = np.load(found.predictions / "plane_001.npy")
    assert (probs.shape, probs.dtype) == ((4, 40, 61), np.float32)
    assert len(list(found.labels.glob(f"*{masks}"))) == 3
