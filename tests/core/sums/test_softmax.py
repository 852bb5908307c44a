"""Probabilities and NLL of mapped scores by the compiled kernel, against the definitions in numpy."""

import numpy as np
import pytest

from calibeval.core.sums import kernel, softmax
from calibeval.core.sums.softmax import fused_softmax

KERNELS = kernel.available()
pytestmark = pytest.mark.skipif(not KERNELS, reason="the compiled kernel was not built")


@pytest.fixture(params=range(len(KERNELS)), ids=[one.name for one in KERNELS])
def one(request, monkeypatch):
    monkeypatch.setattr(softmax, "chosen", lambda: KERNELS[request.param])


def plainly(z, labels):
    d = z - z.max(axis=1, keepdims=True)
    e = np.exp(d)
    norm = e.sum(axis=1)
    return e / norm[:, None], np.log(norm) - d[np.arange(len(z)), labels]


@pytest.mark.usefixtures("one")
@pytest.mark.parametrize("k", [2, 3, 8, 13, 64, 257])
@pytest.mark.parametrize("n", [1, 7, 8, 50])
@pytest.mark.parametrize("mapped", [False, True])
def test_probabilities_and_nll_are_those_of_the_definitions(k, n, mapped):
    rng = np.random.default_rng(k * n)
    z, labels = 3 * rng.normal(size=(n, k)), rng.integers(0, k, n)
    slopes, biases = (rng.normal(size=k), 2 * rng.normal(size=k)) if mapped else (None, None)
    p, nll = plainly(z * slopes + biases if mapped else z, labels)
    for axis in (0, 1):
        own = np.ascontiguousarray(z.T) if axis == 0 else z
        out = np.empty(own.shape)
        found = fused_softmax(own, labels, axis, out, slopes, biases)
        if axis == 1 and k < 8:
            assert found is None
            continue
        np.testing.assert_allclose(out.T if axis == 0 else out, p, rtol=1e-12)
        np.testing.assert_allclose(found, nll, rtol=1e-12, atol=1e-15)


@pytest.mark.usefixtures("one")
@pytest.mark.parametrize("k", [9, 40])
def test_classes_of_probability_0_stay_so_and_their_labels_cost_infinitely_much(k):
    z = np.full((9, k), -np.inf)
    z[:, 0], z[:, k - 1] = 1.0, 1.0
    labels = np.array([0, 1, *[k - 1] * 7])
    for axis in (0, 1):
        out = np.empty((9, k) if axis else (k, 9))
        found = fused_softmax(np.ascontiguousarray(z if axis else z.T), labels, axis, out)
        rows = out if axis else out.T
        assert rows[:, [0, k - 1]].tolist() == [[0.5, 0.5]] * 9
        assert not rows[:, 1 : k - 1].any()
        np.testing.assert_allclose(found, [np.log(2), np.inf, *[np.log(2)] * 7], rtol=1e-15)


@pytest.mark.usefixtures("one")
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 8, 16])
def test_what_is_no_number_is_left_to_numpy(bad, at):
    z = np.zeros((10, 17))
    z[9, at] = bad
    for axis in (0, 1):
        own = np.ascontiguousarray(z if axis else z.T)
        assert fused_softmax(own, np.zeros(10, int), axis, np.empty(own.shape)) is None


def test_other_kinds_of_arrays_are_left_to_numpy(monkeypatch):
    z, labels = np.zeros((10, 17)), np.zeros(10, int)
    for own in (z.astype(np.float32), np.asfortranarray(z), z.astype(">f8")):
        assert fused_softmax(own, labels, 1, np.empty((10, 17))) is None
    monkeypatch.setattr(softmax, "chosen", lambda: None)
    assert fused_softmax(z, labels, 1, np.empty((10, 17))) is None


def test_sizes_that_contradict_each_other_are_refused():
    z, labels, p, nll = np.zeros((10, 17)), np.zeros(10, np.int64), np.empty((10, 17)), np.empty(10)

    def call(k=17, z=z, labels=labels, slopes=None, biases=None, p=p, nll=nll):
        return KERNELS[0].module.softmax(0, k, False, z, labels, slopes, biases, p, nll)

    assert call() == 0
    assert call(labels=labels + 17) == 2
    wrong = ({"k": 16}, {"z": z[:9]}, {"slopes": np.zeros(17)}, {"slopes": np.zeros(16), "biases": np.zeros(16)})
    for one in (*wrong, {"p": p[:9]}, {"nll": nll[:9]}):
        with pytest.raises(ValueError, match="another size"):
            call(**one)
