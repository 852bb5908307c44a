"""Files that the reader tests share: a small dump, and shorthands."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.open import open_dump, read
from calibeval.readers.said import options_of
from tests.definitions import softmax

LOGITS = np.random.default_rng(7).normal(size=(20, 3)).astype(np.float32) * 2
LABELS = np.arange(20) % 3
PROBS = softmax(LOGITS)


def npz(folder, **arrays):
    """A file of these arrays; the name is always d.npz."""
    np.savez(folder / "d.npz", **arrays)
    return folder / "d.npz"


def part(path, split):
    return f"{path}#{split}"


def needs_labels(path, message, **options):
    """Reading what is to be measured fails with exactly this message; `read` alone needs no labels."""
    with pytest.raises(InputError) as error:
        open_dump(str(path), options_of(**options))
    assert str(error.value) == message
    assert not read(path, **options).labelled


def refused(path, message, **options):
    """Reading fails with exactly this message."""
    with pytest.raises(InputError) as error:
        read(path, **options)
    assert str(error.value) == message
