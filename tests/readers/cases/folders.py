"""Folders of cases for tests: small images of known sums."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np

KINDS = 3


def image(seed, space=(9, 10), k=KINDS, *, sharp=2.0):
    """Probabilities (k, ...) in float64, and labels of the same place."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(k, *space)) * sharp
    p = np.exp(logits)
    p /= p.sum(axis=0)
    labels = p.argmax(axis=0)
    wrong = rng.random(space) < 0.3
    labels[wrong] = rng.integers(0, k, int(wrong.sum()))
    return p, labels.astype(np.uint8)


def nnunet(folder, cases, *, labels=None, compressed=True):
    """A folder as nnU-Net v2 writes it, (C, Z, Y, X), and one with NIfTI labels (x, y, z). cases: by name."""
    scores_folder, labels_folder = folder / "predictions", folder / "labelsTr"
    scores_folder.mkdir()
    labels_folder.mkdir()
    affine = np.diag([0.5, 0.5, 3.0, 1.0])
    affine[:3, 3] = (-7.0, 12.0, 3.5)
    for name, (p, marks) in cases.items():
        save = np.savez_compressed if compressed else np.savez
        save(scores_folder / f"{name}.npz", probabilities=p.astype(np.float32))
        (scores_folder / f"{name}.pkl").write_bytes(b"never opened")
        nib.Nifti1Image(p.argmax(axis=0).astype(np.uint8).T, affine).to_filename(scores_folder / f"{name}.nii.gz")
        nib.Nifti1Image(marks.T, affine).to_filename(labels_folder / f"{name}.nii.gz")
    said = {"labels": labels or {"background": 0, "liver": 1, "tumour": 2}}
    (scores_folder / "dataset.json").write_text(json.dumps(said))
    return scores_folder, labels_folder


def npz(folder, cases):
    """A folder of .npz, and one of .npz labels."""
    scores_folder, labels_folder = folder / "scores", folder / "marks"
    scores_folder.mkdir()
    labels_folder.mkdir()
    for name, (p, marks) in cases.items():
        np.savez(scores_folder / f"{name}.npz", probs=p)
        np.savez(labels_folder / f"{name}.npz", labels=marks)
    return scores_folder, labels_folder
