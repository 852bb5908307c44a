"""The NLL of single rows at an inverse temperature, by the compiled kernel, against the definitions in numpy."""

import numpy as np
import pytest

from calibeval.core.sums import kernel, optimum
from calibeval.core.sums.at_beta import at_beta, stored_rows
from calibeval.core.sums.sample import Sample

KERNELS = kernel.available()
pytestmark = pytest.mark.skipif(not KERNELS, reason="the compiled kernel was not built")
CLASSES = (2, 3, 8, 11, 16, 17, 128, 129, 257)


def plainly(z, labels, beta):
    """The eight results by their definitions; all classes are possible."""
    d = z.astype(np.float64) - z.max(axis=1, keepdims=True).astype(np.float64)
    t, x = d[np.arange(len(d)), labels], beta * d
    e = np.exp(x)
    p = e / e.sum(axis=1, keepdims=True)
    mean = (p * x).sum(axis=1)
    off = x - mean[:, None]
    before = np.log(np.exp(d).sum(axis=1)) - t
    third = -(p * off**3).sum(axis=1)
    sure = p.max(axis=1)
    return [
        np.log(e.sum(axis=1)) - beta * t,
        mean - beta * t,
        (p * off**2).sum(axis=1),
        third,
        sure,
        -sure * mean,
        t,
        before,
    ]


@pytest.mark.parametrize("k", CLASSES)
@pytest.mark.parametrize("beta", [1e-3, 0.7, 5.0])
def test_results_are_those_of_the_definitions_with_the_same_bits_everywhere(k, beta):
    rng = np.random.default_rng(k)
    for n, dtype in ((1, np.float32), (77, np.float64), (200, np.float32)):
        z, labels = (3 * rng.normal(size=(n, k))).astype(dtype), rng.integers(0, k, n)
        of_label = z[np.arange(n), labels].astype(np.float64)
        every = [at_beta(one, z, labels, None, beta, before=True) for one in KERNELS]
        every += [at_beta(one, z, None, of_label, beta, before=True) for one in KERNELS]
        if k <= 128:
            every += [
                at_beta(one, np.ascontiguousarray(z.T), labels, None, beta, axis=0, before=True) for one in KERNELS
            ]
        for found in every:
            assert np.array(found).tobytes() == np.array(every[0]).tobytes()
        np.testing.assert_allclose(every[0], plainly(z, labels, beta), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k", [3, 300])
def test_a_row_has_the_same_bits_whatever_stands_beside_it(k):
    rng = np.random.default_rng(1)
    z, labels = rng.normal(size=(100, k)).astype(np.float32), rng.integers(0, k, 100)
    whole = np.array(at_beta(KERNELS[0], z, labels, None, 1.5))
    parts = [np.array(at_beta(KERNELS[0], z[i : i + 7], labels[i : i + 7], None, 1.5)) for i in range(0, 100, 7)]
    assert np.concatenate(parts, axis=1).tobytes() == whole.tobytes()


@pytest.mark.parametrize("k", [4, 200])
@pytest.mark.parametrize("which", range(len(KERNELS)))
def test_classes_of_probability_0_and_far_ones_add_nothing(k, which):
    z = np.full((9, k), -np.inf, np.float32)
    z[:, 0], z[:, 1] = 2.0, 1.0
    z[0, 2], z[1, 2] = -1e30, -2000.0
    found = at_beta(KERNELS[which], z, np.zeros(9, int), None, 0.5, before=True)
    np.testing.assert_allclose(found, plainly(z[:, :2], np.zeros(9, int), 0.5), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("k", [4, 200])
@pytest.mark.parametrize("which", range(len(KERNELS)))
def test_what_is_no_number_or_impossible_is_left_to_numpy(k, which):
    good = np.zeros((20, k), np.float32)
    labels = np.zeros(20, int)
    assert at_beta(KERNELS[which], good, labels, None, 1.0) is not None
    for value, column in ((np.nan, 1), (np.nan, k - 1), (np.inf, 2), (-np.inf, 0)):
        bad = good.copy()
        bad[17, column] = value
        assert at_beta(KERNELS[which], bad, labels, None, 1.0) is None
    nothing = good.copy()
    nothing[3] = -np.inf
    assert at_beta(KERNELS[which], nothing, labels, None, 1.0) is None
    for label in (-1, k):
        assert at_beta(KERNELS[which], good, np.full(20, label), None, 1.0) is None
    for beta in (0.0, np.inf, np.nan):
        assert at_beta(KERNELS[which], good, labels, None, beta) is None


def test_arrays_of_wrong_sizes_are_refused_before_they_are_read():
    module = KERNELS[0].module
    z, labels, rows = np.zeros((4, 3), np.float32), np.zeros(4, np.int64), np.zeros((8, 4))

    def call(width=4, k=3, z=z, labels=labels, of_label=None, rows=rows):
        return module.at_beta(0, width, k, False, False, z, labels, of_label, 1.0, rows)

    assert call() == 0
    assert call(labels=None, of_label=np.zeros(4)) == 0
    wrong = (
        {"width": 8},
        {"k": 4},
        {"z": z[:3]},
        {"labels": labels[:3]},
        {"rows": rows[:7]},
        {"labels": None},
        {"width": 2},
    )
    for one in wrong:
        with pytest.raises(ValueError, match="another size"):
            call(**one)
    with pytest.raises(ValueError, match="contiguous"):
        call(z=np.zeros((3, 4), np.float32).T)


def test_rows_that_are_misaligned_or_in_another_byte_order_are_read_rightly():
    rng = np.random.default_rng(2)
    z, labels = rng.normal(size=(30, 5)).astype(np.float32), rng.integers(0, 5, 30)
    expected = np.array(at_beta(KERNELS[0], z, labels, None, 2.0))
    odd = np.frombuffer(b"x" + z.tobytes(), np.uint8)[1:].view(np.float32).reshape(30, 5)
    for other in (odd, z.astype(">f4"), np.repeat(z, 2, axis=0)[::2]):
        (own,) = stored_rows(other, labels.astype(np.uint8), None)
        assert np.array(own.at(KERNELS[0], 2.0)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize("k", [3, 40])
def test_the_optimum_of_a_sample_is_numpys(monkeypatch, kind, k):
    rng = np.random.default_rng(k)
    z, labels = 2 * rng.normal(size=(500, k)), rng.integers(0, k, 500)
    z[np.arange(500), labels] += 2.0
    scores = z if kind == "logits" else np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    sample = [Sample(scores, labels, np.arange(500), rng.random(500))]
    found = {}
    for name in ("numpy", "native"):
        monkeypatch.setenv(kernel.VARIABLE, name)
        found[name] = optimum.optimum_of(sample, kind, keep_rows=True)
    one, other = found["numpy"], found["native"]
    assert one.log_t == pytest.approx(other.log_t, abs=1e-12)
    assert (one.errors, one.rows) == (other.errors, other.rows)
    assert one.information == pytest.approx(other.information, rel=1e-12)
    np.testing.assert_allclose(one.slopes, other.slopes, atol=1e-12)
