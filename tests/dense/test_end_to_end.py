"""From features of real volumes to a report on repaired cases: finetune, predict, nnU-Net's folders, fit, apply."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval import read
from tests.cli.invoking import run
from tests.definitions import softmax
from tests.dense import folders, images

nibabel = pytest.importorskip("nibabel")
pytest.importorskip("torch")

SPACE = (7, 14, 25)
SHARPER = 2.0  # so that there is something to repair


def cropped():
    """The same part of every volume: what a small network sees of each voxel, (d, z, y, x), and labels."""
    for case in images.volumes():
        here = tuple(slice(0, size) for size in SPACE)
        seen = images.patches(case.image, 1).reshape(*case.image.shape, -1)[here]
        yield case, np.moveaxis(seen, -1, 0), case.label[here]


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_heads_on_features_of_volumes_become_repaired_cases(capsys, tmp_path, dtype):
    cases, seen, labels = zip(*cropped(), strict=True)
    for split, start in {"train": 0, "val": 2, "test": 4}.items():
        here = slice(start, start + 2)
        np.savez(tmp_path / f"{split}.npz", features=np.stack(seen[here]).astype(dtype), labels=np.stack(labels[here]))
    files = [tmp_path / f"{split}.npz" for split in ("train", "val", "test")]
    line = ["finetune", files[0], "--val", files[1], "--test", files[2], "-o", tmp_path / "run", "--epochs", "3"]
    found = run(capsys, *line, "--loss", "mbls_dice(margin=4),cals(margin=4)", "-q", "--temperature", "none")
    assert found.code == 0, found.err
    assert "mean Dice" in found.out

    probs = {}
    for i, file in enumerate(files):
        dump = tmp_path / f"logits_{i}.npz"
        assert run(capsys, "predict", tmp_path / "run", file, "-o", dump, "-q").code == 0
        scores = softmax(SHARPER * read(dump).scores[0 : 2 * np.prod(SPACE)]).reshape(2, *SPACE, 3)
        probs |= {cases[2 * i + j].name: np.moveaxis(scores[j], -1, 0) for j in range(2)}
    made = [
        images.Case(case.name, case.image[: SPACE[0], : SPACE[1], : SPACE[2]], label, probs[case.name], case.affine)
        for case, label in zip(cases, labels, strict=True)
    ]
    place = folders.nnunet_3d(tmp_path / "nnunet", made, dtype=dtype)

    for method in ("temperature", "vector"):
        saved, out = tmp_path / f"{method}.json", tmp_path / method
        fitted = run(capsys, "fit", place.folds[0], "--labels", place.labels, "--method", method, "-o", saved)
        assert fitted.code == 0, fitted.err
        applied = run(capsys, "apply", saved, place.folds[1], "-o", out)
        assert applied.code == 0, applied.err
        for case in made[1::2]:
            with np.load(out / f"{case.name}.npz") as file:
                after = file["probabilities"]
            assert (after.dtype, after.shape) == (dtype, (3, *SPACE))
            image = nibabel.load(out / f"{case.name}.nii.gz")
            np.testing.assert_allclose(image.affine, case.affine, rtol=1e-6, atol=1e-6)
            marked = np.asarray(
                image.dataobj
            ).T  # ties that rounding to half precision makes are no reason to change it
            assert np.array_equal(np.take_along_axis(after, marked[None], axis=0)[0], after.max(axis=0))
            if method == "temperature":
                assert np.array_equal(marked, folders.predicted(probs[case.name].astype(dtype)))
        reports = [
            json.loads(run(capsys, "report", folder, "--labels", place.labels, "--json").out)["dumps"][0]
            for folder in (place.folds[1], out)
        ]
        before, after = (one["metrics"]["nll"]["value"] for one in reports)
        assert after < before
        dice = [one["per_image"]["numbers"]["dice"]["mean"] for one in reports]
        assert method == "vector" or dice[0] == pytest.approx(dice[1], abs=2e-3)
        monai = run(capsys, "report", out, "--labels", place.labels, "--convention", "monai", "--json").json
        assert monai["dumps"][0]["per_image"]["numbers"]["expected"]["mean"] is not None
