"""Files that the reader tests share: a small dump, and shorthands."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.open import read
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


def refused(path, message, **options):
    """Reading fails with exactly this message."""
    with pytest.raises(InputError) as error:
        read(path, **options)
    assert str(error.value) == message
