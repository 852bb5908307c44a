"""Small feature caches, and what a command made of them."""

from __future__ import annotations

import json

import numpy as np

D, K = 5, 3
CENTRES = np.random.default_rng(0).normal(size=(K, D)) * 1.2


def rows(n, seed):
    """n rows around the centres of three classes, which all occur."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, n)
    labels[:K] = np.arange(K)[: len(labels)]
    return (2.0 + CENTRES[labels] + rng.normal(size=(n, D))).astype(np.float32), labels


def write(path, features, labels, **more):
    """A cache; without labels where they are None."""
    np.savez(path, features=features, **({} if labels is None else {"labels": labels}), **more)
    return path


def splits(folder, **more):
    """train.npz, val.npz and test.npz in a folder."""
    for seed, (name, n) in enumerate((("train", 120), ("val", 80), ("test", 60))):
        write(folder / f"{name}.npz", *rows(n, seed), **more)
    return folder


def words(folder, *arguments, out="run", test=True):
    """A short finetune command on the caches of a folder."""
    named = ["--test", folder / "test.npz"] if test else []
    always = ["--out", folder / out, "--epochs", 3, "--batch-size", 32, "--jobs", 1]
    return ["finetune", folder / "train.npz", "--val", folder / "val.npz", *named, *always, *arguments]


def contents(folder):
    """Every file below a folder, by its name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def load(path):
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
