"""Folders of cases as segmentation tools write them: nnU-Net v2 in 2-D and 3-D, MONAI, plain arrays and masks.

The layouts are those of nnU-Net 2.8 and MONAI 1.6: see the docstring of each function. NIfTI files need nibabel, masks
Pillow, TIFF masks tifffile.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.dense.images import PLANE_LABELS, REGION_ORDER, REGIONS, VOLUME_LABELS, Case, fold_of


@dataclass(frozen=True)
class Folders:
    """Where predictions and labels lie. folds: the validation folder of each fold; images: of the cases."""

    predictions: Path
    labels: Path
    images: Path
    folds: tuple[Path, ...] = ()


def nnunet_3d(root: Path, cases: Sequence[Case], *, regions=False, dtype=np.float32, ignore=False) -> Folders:
    """nnU-Net's folders for volumes: CASE.npz, CASE.pkl and CASE.nii.gz in fold_0 and fold_1, labels in nnUNet_raw.

    CASE.npz is compressed and holds `probabilities` (k, z, y, x); labels are NIfTI (x, y, z). regions: whether the
    cases are of `region_volumes`, one channel for each region. ignore: whether the first row of every slice has the
    label that nnU-Net ignores, which is the number after the last class.
    """
    names = dict(REGIONS if regions else VOLUME_LABELS)
    kept = {"regions_class_order": REGION_ORDER} if regions else {}
    return _nnunet(root, "Dataset101_Head", "3d_fullres", ".nii.gz", cases, names, kept, dtype, ignore)


def nnunet_2d(root: Path, cases: Sequence[Case], *, dtype=np.float32, ignore=False) -> Folders:
    """The same for planes: `probabilities` (k, 1, y, x), labels and predictions as PNG of one channel (y, x)."""
    return _nnunet(root, "Dataset102_Digits", "2d", ".png", cases, dict(PLANE_LABELS), {}, dtype, ignore)


def _nnunet(root, dataset, configuration, ending, cases, names, kept, dtype, ignore):
    if ignore:
        names["ignore"] = 1 + max(int(case.label.max()) for case in cases)
    about = {
        "channel_names": {"0": "scan"},
        "labels": names,
        "numTraining": len(cases),
        "file_ending": ending,
        **kept,
    }
    raw = root / "nnUNet_raw" / dataset
    trainer = root / "nnUNet_results" / dataset / f"nnUNetTrainer__nnUNetPlans__{configuration}"
    folds = tuple(trainer / f"fold_{i}" / "validation" for i in (0, 1))
    for folder in (raw / "imagesTr", raw / "labelsTr", *folds):
        folder.mkdir(parents=True)
    for folder in (raw, trainer):
        (folder / "dataset.json").write_text(json.dumps(about, indent=4))
    for i, case in enumerate(cases):
        label = case.label.copy()
        if ignore:
            label[:, 0] = names["ignore"]
        save_image(raw / "imagesTr" / f"{case.name}_0000{ending}", case.image, case.affine)
        save_image(raw / "labelsTr" / f"{case.name}{ending}", label.astype(np.uint8), case.affine)
        _prediction(folds[fold_of(i)], case, ending, kept.get("regions_class_order"), dtype)
    for fold in folds:
        (fold / "summary.json").write_text(json.dumps({"foreground_mean": {"Dice": 0.5}}))
    return Folders(folds[0], raw / "labelsTr", raw / "imagesTr", folds)


def _prediction(folder, case, ending, order, dtype):
    """What nnU-Net saves of a case with --save_probabilities."""
    np.savez_compressed(folder / f"{case.name}.npz", probabilities=case.probs.astype(dtype))
    shape = list(case.label.shape)
    properties: dict[str, Any] = {
        "spacing": list(case.spacing) if ending == ".nii.gz" else (999, 1, 1),
        "shape_before_cropping": tuple(shape),
        "bbox_used_for_cropping": [[0, size] for size in shape],
        "shape_after_cropping_and_before_resampling": tuple(shape),
    }
    if ending == ".nii.gz":
        properties["nibabel_stuff"] = {"original_affine": case.affine}
    (folder / f"{case.name}.pkl").write_bytes(pickle.dumps(properties))
    save_image(folder / f"{case.name}{ending}", predicted(case.probs, order).astype(np.uint8), case.affine)


def predicted(probs, order=None):
    """The class of every voxel; order: of regions, each overwriting those before it where it is above one half."""
    if order is None:
        return probs.argmax(axis=0)
    found = np.zeros(probs.shape[1:], np.int64)
    for region, label in zip(probs, order, strict=True):
        found[region > 0.5] = label
    return found


def monai(root: Path, cases: Sequence[Case], *, postfix="", separate=False, dtype=np.float32) -> Folders:
    """MONAI's SaveImage after a softmax: CASE.nii.gz of four axes, (x, y, z, k), and labels CASE.nii.gz (x, y, z).

    postfix: MONAI's own is "_trans". separate: whether every case has a folder of its own, as MONAI has it by default.
    """
    folders = [root / name for name in ("predictions", "labels", "images")]
    for folder in folders:
        folder.mkdir(parents=True)
    for case in cases:
        home = folders[0] / case.name if separate else folders[0]
        home.mkdir(exist_ok=True)
        save_nifti(home / f"{case.name}{postfix}.nii.gz", case.probs.astype(dtype).T, case.affine)
        save_nifti(folders[1] / f"{case.name}.nii.gz", case.label.T.astype(np.uint8), case.affine)
        save_nifti(folders[2] / f"{case.name}.nii.gz", case.image.T, case.affine)
    return Folders(*folders)


def arrays(root: Path, cases: Sequence[Case], *, masks=".png", dtype=np.float32) -> Folders:
    """Planes as CASE.npy (k, y, x), with labels as masks of one channel: PNG, TIFF or .npy."""
    folders = [root / name for name in ("predictions", "labels", "images")]
    for folder in folders:
        folder.mkdir(parents=True)
    for case in cases:
        np.save(folders[0] / f"{case.name}.npy", case.probs[:, 0].astype(dtype))
        save_image(folders[1] / f"{case.name}{masks}", case.label.astype(np.uint8), case.affine)
        save_image(folders[2] / f"{case.name}.png", case.image, case.affine)
    return Folders(*folders)


def save_image(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    """Values (z, y, x) as NIfTI (x, y, z), or those of one slice as a picture (y, x)."""
    if path.name.endswith(".nii.gz"):
        save_nifti(path, values.T, affine)
    elif path.suffix == ".npy":
        np.save(path, values[0])
    elif path.suffix in {".tif", ".tiff"}:
        import tifffile  # noqa: PLC0415

        tifffile.imwrite(path, values[0].astype(np.uint8))
    else:
        from PIL import Image  # noqa: PLC0415

        Image.fromarray(values[0].astype(np.uint8)).save(path)


def save_nifti(path: Path, values: np.ndarray, affine: np.ndarray) -> None:
    """Values with the voxels on the first three axes."""
    import nibabel  # noqa: PLC0415

    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(values), affine), path)
