"""`fit` and `apply` on folders of cases: out-of-fold predictions repair others, written as they were."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from calibeval import UsageError, read_map
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.runs.cases import map_cases
from tests.cli.invoking import run
from tests.dense import folders, images

nibabel = pytest.importorskip("nibabel")


def repaired(capsys, place, found, out, *words, method="vector"):
    """A map of the first fold, applied to the second one."""
    line = ("fit", found.folds[0], "--labels", found.labels, "--method", method, "-o", place / "map.json", *words)
    assert run(capsys, *line).code == 0
    result = run(capsys, "apply", place / "map.json", found.folds[1], "-o", out)
    assert result.code == 0, result.err
    return result


def probs_of(path):
    with np.load(path) as file:
        assert file.files == ["probabilities"]
        return file["probabilities"]


def nll(folder, cases):
    every = [probs_of(folder / f"{case.name}.npz").astype(float).reshape(3, -1) for case in cases]
    labels = [case.label.reshape(-1) for case in cases]
    return -np.mean(np.concatenate([np.log(p[y, np.arange(len(y))]) for p, y in zip(every, labels, strict=True)]))


def test_cases_of_nnunet_are_written_as_nnunet_writes_them(capsys, tmp_path):
    cases = images.volumes()
    found, out = folders.nnunet_3d(tmp_path / "data", cases), tmp_path / "out"
    result = repaired(capsys, tmp_path, found, out)
    own = [case for i, case in enumerate(cases) if images.fold_of(i) == 1]
    assert "3 cases, 24,716 pixels, written to" in result.err
    assert {path.name for path in out.iterdir()} == {path.name for path in found.folds[1].iterdir()} - {"summary.json"}
    changed = 0
    for case in own:
        before, after = (probs_of(folder / f"{case.name}.npz") for folder in (found.folds[1], out))
        assert (after.shape, after.dtype) == (before.shape, np.float32)
        assert np.abs(after.sum(axis=0) - 1).max() < 1e-6
        changed += int(np.count_nonzero(before.argmax(axis=0) != after.argmax(axis=0)))
        one, two = (nibabel.load(folder / f"{case.name}.nii.gz") for folder in (found.folds[1], out))
        assert np.array_equal(np.asarray(two.dataobj).T, after.argmax(axis=0))
        assert np.array_equal(one.affine, two.affine)
        assert one.header.get_zooms() == two.header.get_zooms()
        assert two.get_data_dtype() == np.uint8
        names = [folder / f"{case.name}.pkl" for folder in (found.folds[1], out)]
        assert names[0].read_bytes() == names[1].read_bytes()
        with zipfile.ZipFile(out / f"{case.name}.npz") as archive:
            assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED
    assert changed > 0


def test_a_temperature_is_that_of_all_pixels_and_helps(capsys, tmp_path):
    cases = images.volumes()
    found, out = folders.nnunet_3d(tmp_path / "data", cases), tmp_path / "out"
    repaired(capsys, tmp_path, found, out, method="temperature")
    seen, own = ([case for i, case in enumerate(cases) if images.fold_of(i) == fold] for fold in (0, 1))
    logs = np.concatenate([np.log(case.probs.reshape(3, -1).T.astype(float)) for case in seen])
    labels = np.concatenate([case.label.reshape(-1) for case in seen])

    def loss(beta):
        z = beta * logs
        return np.mean(np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1) - z[np.arange(len(z)), labels])

    fitted = read_map(tmp_path / "map.json")
    best = 1 / fitted.temperature
    assert fitted.fitted.n == len(labels)
    assert loss(best) <= min(loss(best * 1.001), loss(best / 1.001))
    assert nll(out, own) < nll(found.folds[1], own)
    for case in own:  # no class changes, so that segmentations are the same files
        name = f"{case.name}.nii.gz"
        assert (out / name).read_bytes() == (found.folds[1] / name).read_bytes()


@pytest.mark.parametrize("method", ["top-temperature", "top-platt"])
def test_maps_of_the_top_label(capsys, tmp_path, method):
    found, out = folders.nnunet_3d(tmp_path / "data", images.volumes()), tmp_path / "out"
    repaired(capsys, tmp_path, found, out, method=method)
    for case in images.volumes()[1::2]:
        before, after = (probs_of(folder / f"{case.name}.npz") for folder in (found.folds[1], out))
        assert np.array_equal(before.argmax(axis=0), after.argmax(axis=0))
        assert np.abs(after.sum(axis=0) - 1).max() < 1e-5


def test_planes_in_half_precision_with_an_ignored_label(capsys, tmp_path):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("sklearn")
    found = folders.nnunet_2d(tmp_path / "data", images.planes(), dtype=np.float16, ignore=True)
    repaired(capsys, tmp_path, found, tmp_path / "out")
    labels = sum(case.label.size - case.label.shape[-1] for case in images.planes()[::2])
    assert read_map(tmp_path / "map.json").fitted.n == labels
    for case in images.planes()[1::2]:
        after = probs_of(tmp_path / "out" / f"{case.name}.npz")
        assert (after.shape, after.dtype) == (case.probs.shape, np.float16)
        mask = np.asarray(image.open(tmp_path / "out" / f"{case.name}.png"))
        assert (mask == after[:, 0].astype(float).argmax(axis=0)).mean() > 0.999


def test_a_softmax_of_monai_keeps_its_header(capsys, tmp_path):
    found = folders.monai(tmp_path / "data", images.volumes()[:3], postfix="_trans", separate=True)
    line = ("fit", found.predictions, "--labels", found.labels, "-o", tmp_path / "map.json", "--layout", "monai")
    assert run(capsys, *line).code == 0
    out = tmp_path / "out"
    assert run(capsys, "apply", tmp_path / "map.json", found.predictions, "-o", out).code == 0
    for case in images.volumes()[:3]:
        one, two = (nibabel.load(at / case.name / f"{case.name}_trans.nii.gz") for at in (found.predictions, out))
        assert np.array_equal(one.affine, two.affine)
        assert (two.shape, two.get_data_dtype()) == (one.shape, np.float32)
        assert np.abs(np.asarray(two.dataobj).sum(axis=-1) - 1).max() < 1e-6


def test_arrays_keep_their_shape_and_json_says_what_was_written(capsys, tmp_path):
    pytest.importorskip("sklearn")
    found = folders.arrays(tmp_path / "data", images.planes(), masks=".npy")
    words = ("--labels", found.labels, "--kind", "probs", "--method", "auto", "-o", tmp_path / "map.json")
    assert run(capsys, "fit", found.predictions, *words).code == 0
    line = ("apply", tmp_path / "map.json", found.predictions, "-o", tmp_path / "out", "--kind", "probs", "--json")
    assert json.loads(run(capsys, *line).out)["rows"] == sum(case.label.size for case in images.planes())
    for case in images.planes():
        assert np.load(tmp_path / "out" / f"{case.name}.npy").shape == case.probs[:, 0].shape


def test_what_is_refused(capsys, tmp_path):
    found = folders.nnunet_3d(tmp_path / "data", images.volumes())
    repaired(capsys, tmp_path, found, tmp_path / "out")
    line = ("apply", tmp_path / "map.json", found.folds[1], "-o")
    inside = run(capsys, *line, found.folds[1] / "new")
    assert inside.code == 2
    assert "is also an input and would be overwritten" in inside.err
    with pytest.raises(UsageError, match="is the folder that is read, or in it; name another one"):
        map_cases(read_map(tmp_path / "map.json"), found.folds[1], found.folds[1] / "new", ReadOptions())
    (tmp_path / "file").write_text("")
    assert run(capsys, *line, tmp_path / "file").code in {2, 4}
    regions = folders.nnunet_3d(tmp_path / "regions", images.region_volumes(), regions=True)
    for words in (
        ("fit", regions.folds[0], "--labels", regions.labels),
        ("apply", tmp_path / "map.json", regions.folds[0], "-o", tmp_path / "never"),
    ):
        refused = run(capsys, *words)
        assert refused.code == 2
        assert "regions that may overlap" in refused.err
        assert "a map is for one: #head, #core" in refused.err


def test_a_segmentation_that_was_postprocessed_is_copied_and_said(capsys, tmp_path):
    found = folders.nnunet_3d(tmp_path / "data", images.volumes())
    name = found.folds[1] / "head_002.nii.gz"
    folders.save_nifti(name, np.zeros_like(np.asarray(nibabel.load(name).dataobj)), np.eye(4))
    result = repaired(capsys, tmp_path, found, tmp_path / "out")
    assert "segmentations that are not those of the scores are copied as they are: head_002" in result.err
    assert (tmp_path / "out" / "head_002.nii.gz").read_bytes() == name.read_bytes()
