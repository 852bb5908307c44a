"""Where voxels lie: their size from headers or as told, affines that differ, and one unit for all distances."""

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

import calibeval
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.cases.folder import Folder
from calibeval.readers.cases.names import as_spacing
from calibeval.readers.meaning.read_options import ReadOptions
from tests.cli.invoking import run
from tests.readers.cases.folders import image, nnunet, npz

AFFINE = np.diag([1.0, 2.0, 3.0, 1.0])
MOVED = "lie at different places by their affines"


def opened(folders, **options):
    return Folder(folders[0], folders[1], ReadOptions(**options))


def monai(folder, cases, *, of_labels=AFFINE, kind=nib.Nifti1Image):
    """Softmax and labels as NIfTI files, (x, y, z, k) and (x, y, z). cases: by name; of_labels: their affine."""
    scores, labels = folder / "p", folder / "l"
    scores.mkdir()
    labels.mkdir()
    for name, (p, marks) in cases.items():
        kind(np.moveaxis(p, 0, -1).astype(np.float32), AFFINE).to_filename(scores / f"{name}.nii.gz")
        kind(marks, of_labels).to_filename(labels / f"{name}.nii.gz")
    return scores, labels


def bands(folders, **settings):
    (dump,) = calibeval.evaluate(folders[0], labels=folders[1], level=None, **settings).dumps
    return dump.per_image.distances, [one.n for one in dump.per_image.regions if one.name == "distance"]


def test_the_order_is_z_y_x_whatever_files_have(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    by_nnunet = nnunet(tmp_path / "a", {"c": image(0, (4, 5, 6))})
    by_monai = monai(tmp_path / "b", {"c": image(0, (4, 5, 6))})
    assert opened(by_nnunet, spacing=(9.0, 8.0, 7.0)).read(0).spacing == (9.0, 8.0, 7.0)
    assert opened(by_monai, spacing=(9.0, 8.0, 7.0)).read(0).spacing == (7.0, 8.0, 9.0)
    assert opened(by_monai).read(0).spacing == (1.0, 2.0, 3.0)


def test_a_spacing_moves_pixels_to_other_bands(tmp_path):
    p, _ = image(0, (6, 12))
    labels = np.repeat([[0, 1]], 6, axis=1).repeat(6, axis=0)
    folders = npz(tmp_path, {"c": (p, labels)})
    # from the change outwards, columns are 0, 1, 2, 3, 4 and 5 pixels away on both sides
    assert bands(folders) == ("pixels", [36, 36, 0, 0])
    assert bands(folders, spacing=(1, 3)) == ("spacing", [12, 24, 24, 12])
    assert bands(folders, spacing="1,3") == bands(folders, spacing=[1.0, 3.0])


def test_the_command_takes_it(tmp_path, capsys):
    folders = npz(tmp_path, {f"c{i}": image(i, (6, 7)) for i in range(3)})
    line = ("report", folders[0], "--labels", folders[1])
    assert run(capsys, *line, "--json", "--spacing", "2,2").json["dumps"][0]["per_image"]["distances"] == "spacing"
    wrong = run(capsys, *line, "--spacing", "2,2,2")
    assert (wrong.code, wrong.out) == (2, "")
    assert "a spacing of 3 numbers is not for the images of c0.npz, which have 2 axes" in wrong.err
    alone = run(capsys, "report", folders[0] / "c0.npz", "--spacing", "2,2")
    assert "a spacing is for a folder of cases, with another folder of labels" in alone.err


@pytest.mark.parametrize("came", ["", "1", "1,2,3,4", "1e308,1", "1e-320,1", "1,0", "1,nan", "1,x", [1, -2], [None]])
def test_what_is_no_size(came):
    with pytest.raises(UsageError, match="is not the size of a voxel: two or three numbers, each between 1e-09"):
        as_spacing(came)


def test_a_spacing_of_rows():
    with pytest.raises(UsageError, match="a spacing is for a folder of cases"):
        calibeval.evaluate(calibeval.Predictions(probs=[[0.5, 0.5]], labels=[0]), spacing=(1, 1))


# Affines


def test_affines_that_differ_are_told(tmp_path):
    flipped = np.diag([-1.0, 2.0, 3.0, 1.0])
    folders = monai(tmp_path, {f"c{i}": image(i, (4, 5, 6)) for i in range(2)}, of_labels=flipped)
    (dump,) = calibeval.evaluate(folders[0], labels=folders[1]).dumps
    assert [MOVED in one for one in dump.warnings].count(True) == 1
    assert "wrong, if one of them is flipped, moved or resampled" in dump.warnings[0]


def test_only_the_cases_with_other_affines_are_named(tmp_path):
    folders = monai(tmp_path, {f"c{i}": image(i, (4, 5, 6)) for i in range(3)})
    shifted = AFFINE.copy()
    shifted[:3, 3] = (0.0, 0.0, 4.0)
    _, marks = image(1, (4, 5, 6))
    nib.Nifti1Image(marks, shifted).to_filename(folders[1] / "c1.nii.gz")
    (dump,) = calibeval.evaluate(folders[0], labels=folders[1]).dumps
    assert "(1 of 3 cases: c1)" in dump.warnings[0]


def test_rounding_of_headers_is_no_difference(tmp_path):
    near = AFFINE.copy()
    near[:3, 3] = 1e-3
    folders = monai(tmp_path, {"c": image(0, (4, 5, 6))}, of_labels=near)
    assert opened(folders).read(0).told == ()


def test_scores_in_npz_lie_where_the_segmentation_beside_them_does(tmp_path, capsys):
    folders = nnunet(tmp_path, {f"c{i}": image(i, (4, 5, 6)) for i in range(3)})
    assert opened(folders).read(1).told == ()
    beside = folders[0] / "c1.nii.gz"
    moved = nib.load(beside).affine.copy()
    moved[0, 3] += 0.5  # a voxel along x
    nib.Nifti1Image(np.zeros((6, 5, 4), np.uint8), moved).to_filename(beside)
    (dump,) = calibeval.evaluate(folders[0], labels=folders[1]).dumps
    (told,) = [one for one in dump.warnings if MOVED in one]
    assert told.endswith("(1 of 3 cases: c1)")
    beside.write_bytes(b"broken")
    assert "segmentation beside the predictions is damaged" in opened(folders).read(1).told[0]
    beside.unlink()
    assert opened(folders).read(1).told == ()  # the pickle, which says it too, is never opened
    moved_base = run(capsys, "compare", folders[0], folders[0], "--labels", folders[1])
    assert MOVED not in moved_base.err


def test_affines_of_the_base_are_told(tmp_path, capsys):
    every = {f"c{i}": image(i, (4, 5, 6)) for i in range(2)}
    (tmp_path / "new").mkdir()
    folders, other = nnunet(tmp_path, every), nnunet(tmp_path / "new", every)
    for one in other[0].glob("*.nii.gz"):
        nib.Nifti1Image(np.zeros((6, 5, 4), np.uint8), np.eye(4)).to_filename(one)
    (new,) = run(capsys, "compare", other[0], folders[0], "--labels", folders[1], "--json").json["candidates"]
    (told,) = [one["message"] for one in new["warnings"] if MOVED in one["message"]]
    assert told.startswith("the base: predictions and labels lie")


# One unit


def test_distances_have_one_unit(tmp_path):
    cases = {f"c{i}": image(i, (6, 7)) for i in range(2)}
    folders = npz(tmp_path, cases)
    (folders[1] / "c1.npz").unlink()
    nib.Nifti1Image(cases["c1"][1].T, AFFINE).to_filename(folders[1] / "c1.nii.gz")
    with pytest.raises(InputError) as error:
        bands(folders)
    assert str(error.value) == (
        "c1: its files have a spacing, and those of c0 have none, so that distances have no common unit: give the "
        'size of a voxel, spacing="Z,Y,X", or spacing="1,1,1" for distances in voxels'
    )
    assert bands(folders, spacing=(1, 1))[0] == "spacing"


# Formats


def test_nifti_2(tmp_path):
    p, marks = image(0, (4, 5, 6))
    case = opened(monai(tmp_path, {"c": (p, marks)}, kind=nib.Nifti2Image)).read(0)
    assert (case.scores.shape, case.spacing) == ((3, 4, 5, 6), (1.0, 2.0, 3.0))
    assert (case.labels == marks).all()


@pytest.mark.parametrize("thin", [(), (1,), (1, 1)])
def test_nifti_of_two_dimensions(tmp_path, thin):
    scores, labels = tmp_path / "p", tmp_path / "l"
    scores.mkdir()
    labels.mkdir()
    p, marks = image(0, (5, 6))
    last = np.moveaxis(p, 0, -1).reshape(5, 6, *thin, 3).astype(np.float32)
    nib.Nifti1Image(last, AFFINE).to_filename(scores / "c.nii.gz")
    nib.Nifti1Image(marks, AFFINE).to_filename(labels / "c.nii.gz")
    case = opened((scores, labels)).read(0)
    assert (case.scores.shape, case.labels.shape) == ((3, 5, 6), (5, 6))
    assert case.spacing == (1.0, 2.0)
    assert np.allclose(case.scores, p, atol=1e-6)


def test_regions_without_the_class_outside(tmp_path):
    p, marks = image(5, (4, 6, 6))
    scores, labels = nnunet(tmp_path, {"a": (np.stack([p[1] + p[2], p[2]]), marks)})
    (scores / "dataset.json").write_text(
        '{"labels": {"background": 0, "whole": [1, 2], "core": 2}, "regions_class_order": [1, 2]}'
    )
    report = calibeval.evaluate(scores, labels=labels, background="exclude-class")
    assert [[one.name for one in dump.per_image.structures] for dump in report.dumps] == [["whole"], ["core"]]
    first = report.dumps[0].per_image
    assert first.numbers["cwce"].pooled == first.structures[0].numbers["ece"].pooled


def test_remote_folders_are_refused_with_words(tmp_path, capsys):
    nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), AFFINE).to_filename(tmp_path / "c.nii.gz")
    found = run(capsys, "report", "s3://bucket/preds", "--labels", tmp_path)
    assert found.code == 2
    assert found.err.startswith("s3://bucket/preds: folders of cases are read from a disk only: copy this one here")


def test_masks_in_png_have_no_spacing(tmp_path):
    scores, labels = tmp_path / "p", tmp_path / "l"
    scores.mkdir()
    labels.mkdir()
    p, marks = image(0, (8, 9))
    np.savez(scores / "a.npz", probs=p)
    Image.fromarray(marks).save(labels / "a.png")
    assert opened((scores, labels)).read(0).spacing is None
    assert opened((scores, labels), spacing=(2.0, 0.5)).read(0).spacing == (2.0, 0.5)
