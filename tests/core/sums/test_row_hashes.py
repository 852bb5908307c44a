import numpy as np
import pytest

from calibeval.core.sums import kernel
from calibeval.core.sums.row_hashes import MIX_SEED, row_hashes

WIDTHS = [1, 2, 7, 8, 9, 16, 63, 64, 65, 1000]
needs_kernel = pytest.mark.skipif(not kernel.available(), reason=str(kernel.missing()))


def by_hand(values, labels):
    """The hash in Python's integers, which are modulo nothing."""
    factors = np.random.default_rng(MIX_SEED).integers(0, 2**64, values.shape[1] + 1, np.uint64) | np.uint64(1)
    found = []
    for row, label in zip(values.astype(np.float32), labels, strict=True):
        bits = [0 if value == 0 else int(value.view(np.uint32)) for value in row]
        total = sum(b * int(f) for b, f in zip(bits, factors, strict=False)) + int(label) * int(factors[-1])
        total %= 2**64
        found.append(total ^ (total >> 29))
    return found


def rows_of(width, dtype):
    rng = np.random.default_rng(width)
    values = rng.normal(0, 3, (5, width)).astype(dtype)
    values[0], values[1, 0], values[2, -1] = 0.0, -0.0, np.inf
    return values, rng.integers(0, 9, 5)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_hashes_are_those_of_python_integers(monkeypatch, width, dtype):
    values, labels = rows_of(width, dtype)
    monkeypatch.setenv(kernel.VARIABLE, "numpy")
    assert row_hashes([(values, labels)], width).tolist() == by_hand(values, labels)


@needs_kernel
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [one.name for one in kernel.available()])
def test_every_kernel_gives_the_same_hashes(monkeypatch, width, name):
    values, labels = rows_of(width, np.float32)
    monkeypatch.setenv(kernel.VARIABLE, f"native:{name}")
    columns = np.asfortranarray(values)
    for stored in (values, columns, np.repeat(values, 2, axis=0)[::2], values.astype(">f4"), values.astype(np.float64)):
        assert row_hashes([(stored[:3], labels[:3]), (stored[3:], labels[3:])], width).tolist() == by_hand(
            values, labels
        )
    assert np.signbit(values[1, 0])  # the values stay as they are


def test_the_sign_of_zero_does_not_count():
    one, other = (row_hashes([(np.array([[sign, 1.0]]), np.array([1]))], 2) for sign in (0.0, -0.0))
    assert one.tolist() == other.tolist()
