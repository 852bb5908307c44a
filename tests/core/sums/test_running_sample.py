"""The sample of a growing number of rows: at any time that of all rows so far."""

from itertools import pairwise

import numpy as np
import pytest

from calibeval.core.data.predictions import Block
from calibeval.core.sums import kernel, optimum
from calibeval.core.sums import sample as sample_module
from calibeval.core.sums.running_sample import RunningSample
from calibeval.core.sums.sample import Sample, chosen, sample_size
from tests.data import logits_and_labels


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(sample_module, "SAMPLE_SCORES", 60)
    monkeypatch.setattr(sample_module, "SAMPLE_ROWS", 10)


def block(start, stop):
    numbers = np.arange(start, stop)
    return Block(np.stack([numbers, -numbers, numbers], axis=1) * 1.0, numbers % 3, 0, numbers * 0.5)


@pytest.mark.parametrize("step", [1, 7, 500])
def test_it_is_the_sample_of_all_rows(step):
    running = RunningSample(3)
    for start in range(0, 500, step):
        n = min(start + step, 500)
        running.add(block(start, n), start, np.arange(start, n) + 1000)
        parts, codes = running.of(n)
        places = np.concatenate([part.places for part in parts])
        assert np.array_equal(places, chosen(0, n, n, sample_size(n, 3)))
        assert np.array_equal(np.concatenate([part.scores[:, 0] for part in parts]), places)
        assert np.array_equal(np.concatenate([part.weights for part in parts]), places * 0.5)
        assert np.array_equal(codes, places + 1000)


def test_it_holds_few_rows_of_very_many():
    running = RunningSample(3)
    for start in range(0, 20_000, 50):
        running.add(block(start, start + 50), start, None)
        assert running.held <= 2 * 20 + 50
    assert len(running.parts) <= running.held


def test_joined_samples_are_thinned_to_the_size_of_one():
    one, two = RunningSample(3), RunningSample(3)
    one.add(block(0, 400), 0, np.zeros(400, int))
    two.add(block(0, 400), 0, np.ones(400, int))
    one.join(two, 800, np.array([5, 7]))
    parts, codes = one.of(800)
    rows = sum(len(part.labels) for part in parts)
    assert 8 <= rows <= 40
    assert sorted(set(codes.tolist())) == [0, 7]
    assert len(codes) == rows


def test_the_temperature_does_not_depend_on_how_rows_are_divided(monkeypatch):
    monkeypatch.setattr(optimum, "MANY", 1000)  # the search starts on every 16th row
    z, y = logits_and_labels(3000, 3)
    found = []
    for cuts in ([], [7], [1000, 1010, 2555]):
        ends = [0, *cuts, 3000]
        parts = [Sample(z[i:j], y[i:j], np.arange(i, j)) for i, j in pairwise(ends)]
        found.append(optimum.optimum_of(parts, "logits", of_all=False).log_t)
    assert found[0] == found[1] == found[2]


@pytest.mark.skipif(not kernel.available(), reason="the compiled kernel was not built")
@pytest.mark.parametrize(("first", "rows", "n"), [(0, 0, 9), (0, 1000, 1000), (7, 5000, 9000), (2**32 - 50, 99, 2**33)])
def test_the_compiled_kernel_chooses_the_same_rows(monkeypatch, first, rows, n):
    for size in (1, 5, n // 20, n - 1, n):
        found = []
        for name in ("numpy", "native"):
            monkeypatch.setenv(kernel.VARIABLE, name)
            found.append(chosen(first, rows, n, size))
        assert np.array_equal(*found)
        assert found[0].dtype == found[1].dtype
