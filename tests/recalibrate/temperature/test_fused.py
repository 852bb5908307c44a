"""The temperature by the compiled kernel: numpy's but for rounding, with the same refusals."""

import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.errors import InputError
from calibeval.core.sums import kernel
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.temperature.objectives import OBJECTIVES
from calibeval.recalibrate.temperature.optimum import _closer, optimum
from tests.data import logits_and_labels

pytestmark = pytest.mark.skipif(not kernel.available(), reason="the compiled kernel was not built")
SIZES = [(400, 5), (200_000, 2), (40_000, 10), (900, 400)]


def by_both(monkeypatch, work):
    found = []
    for name in ("numpy", "native"):
        monkeypatch.setenv(kernel.VARIABLE, name)
        found.append(work())
    return found


@pytest.mark.parametrize(("n", "k"), SIZES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_optima_are_equal(monkeypatch, n, k, dtype, weighted):
    logits, labels = logits_and_labels(n, k)
    weights = np.random.default_rng(0).random(n) if weighted else None
    dump = Predictions(logits=(2 * logits).astype(dtype), labels=labels, weights=weights)
    one, other = by_both(monkeypatch, lambda: optimum(dump))
    assert one.temperature == pytest.approx(other.temperature, rel=1e-12)
    assert one.nll_after == pytest.approx(other.nll_after, abs=1e-12)
    assert one.nll_before == pytest.approx(other.nll_before, abs=1e-12)
    assert one.bound == other.bound


@pytest.mark.parametrize("objective", ["accuracy", "ece"])
def test_other_objectives_are_equal(monkeypatch, objective):
    logits, labels = logits_and_labels(60_000, 6)
    dump = Predictions(logits=logits.astype(np.float32), labels=labels)
    one, other = by_both(monkeypatch, lambda: OBJECTIVES[objective].find(dump, None))
    assert one.temperature == pytest.approx(other.temperature, rel=1e-12)
    assert one.nll_after == pytest.approx(other.nll_after, abs=1e-12)


@pytest.mark.parametrize("value", [-np.inf, np.nan])
def test_refusals_have_the_same_words(monkeypatch, value):
    logits, labels = logits_and_labels(200_000, 3)
    logits[150_001, labels[150_001]] = value  # not in the sub-sample
    dump = Predictions(logits=logits.astype(np.float32), labels=labels)

    def message():
        with pytest.raises(InputError) as refused:
            fit(dump)
        return str(refused.value)

    one, other = by_both(monkeypatch, message)
    assert one == other


@pytest.mark.parametrize("scale", [1e-30, 1e30, 1e200])
def test_scores_of_any_size_are_scaled(monkeypatch, scale):
    logits, labels = logits_and_labels(120_000, 3)
    dump = Predictions(logits=logits * scale, labels=labels)
    one, other = by_both(monkeypatch, lambda: optimum(dump))
    assert one.temperature == pytest.approx(other.temperature, rel=1e-10)
    assert one.nll_after == pytest.approx(other.nll_after, abs=1e-12)


def test_a_second_sub_sample_brings_the_start_closer(monkeypatch):
    monkeypatch.setenv(kernel.VARIABLE, "native")
    monkeypatch.setattr("calibeval.recalibrate.temperature.optimum.CLOSER_SCORES", 2**16)
    logits, labels = logits_and_labels(70_000, 8)
    dump = Predictions(logits=logits.astype(np.float32), labels=labels)
    best = -np.log(optimum(dump).temperature)
    assert abs(_closer(dump, None, best + 0.2) - best) < 0.03
    few = Predictions(logits=logits[:60_000], labels=labels[:60_000])
    assert _closer(few, None, best + 0.2) == best + 0.2  # the sub-sample would be more than an eighth
