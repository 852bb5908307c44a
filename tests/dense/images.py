"""Real images with labels, and the predictions of a tiny network that saw other cases: what a segmentation leaves.

Volumes are parts of the brain scan in nibabel's wheel; their labels come from the mean of its two repetitions without
noise, and the network sees a noisy one. Planes show handwritten digits of scikit-learn; a label is the digit's kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from tests.definitions import softmax

HIDDEN = 12
STEPS, SAMPLED, RATE = 120, 300, 0.03

VOLUME_LABELS = {"background": 0, "tissue": 1, "fluid": 2}
REGIONS = {"background": 0, "head": [1, 2], "core": 2}
REGION_ORDER = [1, 2]
PLANE_LABELS = {"background": 0, "zero": 1, "one": 2, "four": 3}

# Where the parts of the scan begin and how large they are, in voxels (x, y, z).
PARTS = {
    "head_001": ((15, 8, 6), (34, 30, 12)),
    "head_002": ((18, 12, 9), (30, 28, 10)),
    "head_003": ((14, 10, 11), (26, 33, 9)),
    "head_004": ((20, 6, 8), (29, 36, 13)),
    "head_005": ((17, 9, 12), (31, 25, 11)),
    "head_006": ((16, 30, 17), (28, 14, 7)),
}


@dataclass(frozen=True)
class Case:
    """One case: image and label (z, y, x), probabilities (k, z, y, x) as float32; z is 1 for a plane.

    affine: (4, 4), from voxels (x, y, z) to millimetres.
    """

    name: str
    image: np.ndarray
    label: np.ndarray
    probs: np.ndarray
    affine: np.ndarray

    @property
    def spacing(self) -> tuple[float, ...]:
        """Millimetres between voxels, (z, y, x)."""
        return tuple(float(size) for size in np.linalg.norm(self.affine[:3, :3], axis=0)[::-1])


@cache
def volumes() -> tuple[Case, ...]:
    """Six volumes of three classes, all of different sizes, oblique and with anisotropic voxels."""
    clean, noisy = _scan()
    levels = np.quantile(clean[clean > 150], [0.9])
    truth = (clean > 150).astype(np.int64) + (clean > levels[0])
    images, labels = {}, {}
    for name, (start, size) in PARTS.items():
        part = tuple(slice(a, a + b) for a, b in zip(start, size, strict=True))
        images[name], labels[name] = noisy[part].T, truth[part].T
    probs = out_of_fold(images, labels, 3, reach=1)
    return tuple(Case(name, images[name], labels[name], probs[name], oblique(i)) for i, name in enumerate(images))


@cache
def region_volumes() -> tuple[Case, ...]:
    """The volumes with the sigmoid of two regions, `REGIONS`: channels that do not add up to 1."""
    found = []
    for case in volumes():
        regions = np.stack([case.probs[1] + case.probs[2], case.probs[2]])
        found.append(Case(case.name, case.image, case.label, _sharper(regions), case.affine))
    return tuple(found)


@cache
def planes() -> tuple[Case, ...]:
    """Eight planes of four classes, (1, y, x), all of different sizes."""
    from sklearn.datasets import load_digits  # noqa: PLC0415

    digits = load_digits()
    rng = np.random.default_rng(23)
    images, labels = {}, {}
    for i in range(8):
        size = (36 + 4 * i, 64 - 3 * i)
        image, label = np.zeros(size), np.zeros(size, np.int64)
        for y in range(0, size[0] - 15, 17):
            for x in range(0, size[1] - 15, 17):
                kind = int(rng.integers(0, 4))
                if kind == 0:
                    continue
                shown = digits.images[rng.choice(np.flatnonzero(digits.target == (0, 1, 4)[kind - 1]))]
                large = np.kron(shown, np.ones((2, 2)))
                image[y : y + 16, x : x + 16] = large
                label[y : y + 16, x : x + 16] = np.where(large > 5, kind, 0)
        noisy = image / 16 + rng.normal(0, 0.15, size)
        images[f"plane_{i:03d}"] = (np.clip(noisy, 0, 1)[None] * 255).round().astype(np.float32)
        labels[f"plane_{i:03d}"] = label[None]
    probs = out_of_fold(images, labels, 4, reach=4)
    flat = np.diag([1.0, 1.0, 1.0, 1.0])
    return tuple(Case(name, images[name], labels[name], probs[name], flat) for name in images)


def fold_of(i: int) -> int:
    """The fold, 0 or 1, of the case of this number."""
    return i % 2


def out_of_fold(images, labels, k, *, reach):
    """The probabilities (k, z, y, x) for every image, from a network that was trained on those of the other fold."""
    names, found = list(images), {}
    for fold in (0, 1):
        seen = [name for i, name in enumerate(names) if fold_of(i) != fold]
        net = trained(
            np.concatenate([patches(images[name], reach) for name in seen]),
            np.concatenate([labels[name].ravel() for name in seen]),
            k,
        )
        for i, name in enumerate(names):
            if fold_of(i) == fold:
                scores = outputs(net, patches(images[name], reach))[1]
                found[name] = softmax(scores).T.reshape(k, *images[name].shape).astype(np.float32)
    return found


def patches(image, reach):
    """What the network sees of each voxel, (n, d): its surroundings, within a step of z, and how bright it is there."""
    deep = 1 if len(image) > 1 else 0
    padded = np.pad(image / 255.0, ((deep, deep), (reach, reach), (reach, reach)), mode="edge")
    shape = (2 * deep + 1, 2 * reach + 1, 2 * reach + 1)
    return np.lib.stride_tricks.sliding_window_view(padded, shape).reshape(image.size, -1)


def trained(x, labels, k):
    """Weights of a network with one hidden layer, after a few steps of Adam on few voxels of every class."""
    rng = np.random.default_rng(1)
    rows = np.concatenate([rng.choice(np.flatnonzero(labels == j), SAMPLED) for j in range(k)])
    rows = np.concatenate([rows, rng.choice(len(x), SAMPLED * k)])
    x, target = x[rows], np.eye(k)[labels[rows]]
    net = [
        rng.normal(0, x.shape[1] ** -0.5, (x.shape[1], HIDDEN)),
        np.zeros(HIDDEN),
        rng.normal(0, HIDDEN**-0.5, (HIDDEN, k)),
        np.zeros(k),
    ]
    first, second = ([np.zeros_like(part) for part in net] for _ in range(2))
    for step in range(1, STEPS + 1):
        hidden, scores = outputs(net, x)
        slope = (softmax(scores) - target) / len(x)
        back = (slope @ net[2].T) * (1 - hidden**2)
        for i, g in enumerate((x.T @ back, back.sum(0), hidden.T @ slope, slope.sum(0))):
            first[i] += 0.1 * (g - first[i])
            second[i] += 0.001 * (g * g - second[i])
            net[i] -= RATE * (first[i] / (1 - 0.9**step)) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
    return net


def outputs(net, x):
    """The hidden values and the logits of rows."""
    hidden = np.tanh(x @ net[0] + net[1])
    return hidden, hidden @ net[2] + net[3]


def oblique(i):
    """An affine with a rotation about two axes, a reversed x and voxels of three different lengths."""
    a, b = 0.2 + 0.05 * i, -0.3 + 0.04 * i
    about_z = [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]
    about_x = [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
    affine = np.eye(4)
    affine[:3, :3] = np.array(about_z) @ about_x @ np.diag([-0.9375, 1.25, 3.5 + 0.1 * i])
    affine[:3, 3] = (80.5, -61.0, 12.25 + i)
    return affine


def _scan():
    """The scan in nibabel's wheel, (x, y, z), at half of the resolution: smoothed, and one repetition with noise."""
    import nibabel  # noqa: PLC0415

    path = Path(nibabel.__file__).parent / "tests" / "data" / "example4d.nii.gz"
    both = nibabel.Nifti1Image.from_filename(path).get_fdata()
    half = both.reshape(64, 2, 48, 2, 24, 2).mean(axis=(1, 3))
    clean = gaussian_filter(half.mean(axis=-1), 0.6)
    noisy = half[..., 0] + np.random.default_rng(7).normal(0, 60, clean.shape)
    return clean, noisy.clip(0, None).astype(np.float32)


def _sharper(probs):
    """Probabilities of independent outputs, over-confident, as float32."""
    odds = np.log(np.clip(probs, 1e-6, 1 - 1e-6) / np.clip(1 - probs, 1e-6, 1)).astype(np.float64)
    return (1 / (1 + np.exp(-1.5 * odds))).astype(np.float32)
