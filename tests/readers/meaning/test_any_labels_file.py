"""Whatever arrays a dump and a file of labels hold: they are read, or refused in a short sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibeval.core.errors import CalibevalError
from calibeval.readers.open import predictions_of
from calibeval.readers.opened import Opened
from calibeval.readers.said import options_of
from calibeval.readers.stored.stored import Contents, Stored

N = 6
NAMES = (
    *("ids", "id", "sample_id", "filename", "labels", "y", "correct", "prediction", "", "index", "Unnamed: 0"),
    *("class_names", "classes", "ignore_index", "val_index", "val_labels", "val_ids", "image", "a", "b", "confidence"),
)


def any_array(rng, n):
    ids = rng.permutation(n)
    kinds = [
        *(ids, ids.astype(str), ids.astype("S"), ids.astype(float), ids.astype("M8[D]"), ids.astype(bool)),
        *(rng.integers(0, 3, n), np.array(["a", "b", "c"])[rng.integers(0, 3, n)], np.array(3), np.full(n, np.nan)),
        *(rng.normal(size=(n, 3)), np.eye(3)[rng.integers(0, 3, n)], np.array(["x", 7, None], object)[ids % 3]),
    ]
    return kinds[rng.integers(0, len(kinds))]


def opened(arrays, name, split=None):
    contents = Contents({key: Stored.of(values) for key, values in arrays.items()})
    return Opened(Path(name), contents, "npz", 1, lambda: lambda: "0" * 64, split)


def files(rng):
    """A dump and a file of labels of any arrays; in half of them, their rows have the same names."""
    confidence = rng.random() < 0.3
    dump = {"confidence": rng.random(N)} if confidence else {"logits": rng.normal(size=(N, 3))}
    for key in rng.choice(NAMES, rng.integers(0, 4), replace=False):
        dump.setdefault(str(key), any_array(rng, N))
    labels = {
        str(key): any_array(rng, N if rng.random() < 0.8 else int(rng.integers(0, 9)))
        for key in rng.choice(NAMES, rng.integers(1, 4), replace=False)
    }
    if rng.random() < 0.5:
        mine, theirs = [("ids", "id"), ("image", "image"), ("", "ids"), ("", "Unnamed: 0")][rng.integers(0, 4)]
        labels = {theirs: any_array(rng, N), "labels": rng.integers(0, 3, N)}
        dump = {**dump, mine: rng.permutation(labels[theirs]) if labels[theirs].ndim else np.arange(N)}
    return dump, labels


def any_options(rng):
    every = {
        "ids_key": str(rng.choice(NAMES)),
        "labels_key": str(rng.choice(NAMES)),
        "key": {str(rng.choice(["correct", "prediction"])): str(rng.choice(NAMES))},
        "drop_duplicates": True,
        "ignore_index": int(rng.integers(-1, 2)),
        "kind": str(rng.choice(["confidence", "logits"])),
    }
    return options_of(**{name: value for name, value in every.items() if rng.random() < 0.12})


@pytest.mark.parametrize("seed", range(8))
def test_it_is_read_or_refused(seed):
    rng, read, messages = np.random.default_rng(seed), 0, []
    for _ in range(250):
        dump, labels = files(rng)
        split = None if rng.random() < 0.6 else str(rng.choice(["val", "all", "val+a"]))
        there = None if rng.random() < 0.8 else str(rng.choice(["val", "a", "a+b", "all"]))
        try:
            found = predictions_of(opened(dump, "d.npz"), opened(labels, "l.npz", there), split, any_options(rng))
        except CalibevalError as error:
            messages.append(str(error))
        else:
            read += 1
            assert len(found.labels) == found.rows
    assert read > 10
    assert 20 < min(map(len, messages)) <= max(map(len, messages)) < 500
