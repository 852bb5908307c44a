"""Sums of rows that the compiled kernel and numpy added up are sums of all rows, within rounding."""

import json

import numpy as np
import pytest

import calibeval
from calibeval import Accumulator
from calibeval.core.sums import kernel

pytestmark = pytest.mark.skipif(not kernel.available(), reason=str(kernel.missing()))
CLOSE = 1e-12
# Where errors of terms cancel, or a search ends within its tolerance.
OF_A_SEARCH = 1e-9


def rows(k, n=900, seed=7):
    rng = np.random.default_rng([seed, k])
    logits = 2.0 * rng.normal(size=(n, k))
    labels = (logits + rng.gumbel(size=(n, k))).argmax(axis=1)
    return logits, 1.4 * logits + 0.3 * rng.normal(size=(n, k)), labels, rng.uniform(0.5, 2.0, n)


def saved(monkeypatch, folder, of, kernels, k, *, weighted=False, base=False):
    """One file of sums for each third of the rows, added up by the kernels in turn; gives their pattern."""
    logits, other, labels, weights = rows(k)
    for i in range(3):
        here = slice(i * 300, (i + 1) * 300)
        monkeypatch.setenv(kernel.VARIABLE, kernels[i % len(kernels)])
        part = Accumulator(k)
        more = {"weights": weights[here]} if weighted else {}
        more |= {"base": other[here]} if base else {}
        part.update(logits=logits[here].astype(np.float32), labels=labels[here], **more)
        part.save(folder / f"{of}-{i}.sums")
    return str(folder / f"{of}-*.sums")


def numbers(value, path=()):
    """Every number of a JSON document, by its path."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: one for name, item in items for key, one in numbers(item, (*path, name)).items()}
    return {path: value}


def measured(document):
    """What was measured, without the names and hashes of files."""
    return {
        path: value
        for path, value in numbers(json.loads(document.to_json())).items()
        if not {"source", "name", "sources", "warnings"} & set(path)
    }


def assert_same(found, wanted):
    found, wanted = measured(found), measured(wanted)
    assert found.keys() == wanted.keys()
    for path, value in wanted.items():
        if isinstance(value, float):
            close = OF_A_SEARCH if {"temperature", "cox_slope", "cox_intercept", "p"} & set(path) else CLOSE
            assert found[path] == pytest.approx(value, rel=close, abs=close), path
        else:
            assert found[path] == value, path


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("k", [2, 3, 40])
def test_files_of_both_kernels_are_one_dump(monkeypatch, tmp_path, k, weighted):
    plain = saved(monkeypatch, tmp_path, "numpy", ("numpy",), k, weighted=weighted)
    mixed = saved(monkeypatch, tmp_path, "mixed", ("native", "numpy"), k, weighted=weighted)
    wanted = calibeval.evaluate(plain)
    assert wanted.dumps[0].n == 900
    for reading in ("numpy", "native"):
        monkeypatch.setenv(kernel.VARIABLE, reading)
        assert_same(calibeval.evaluate(mixed), wanted)


@pytest.mark.parametrize("k", [2, 10])
def test_pairs_of_both_kernels_are_one_comparison(monkeypatch, tmp_path, k):
    plain = saved(monkeypatch, tmp_path, "numpy", ("numpy",), k, base=True)
    mixed = saved(monkeypatch, tmp_path, "mixed", ("native", "numpy"), k, base=True)
    assert_same(calibeval.compare(mixed), calibeval.compare(plain))


@pytest.mark.parametrize("first", ["numpy", "native"])
def test_an_accumulator_goes_on_with_the_other_kernel(monkeypatch, tmp_path, first):
    logits, _, labels, _ = rows(5)
    second = {"numpy": "native", "native": "numpy"}[first]
    reports = []
    for kernels in ((first, second), ("numpy", "numpy")):
        monkeypatch.setenv(kernel.VARIABLE, kernels[0])
        half = Accumulator(5)
        half.update(logits=logits[:450], labels=labels[:450])
        half.save(tmp_path / "half.sums", exact=True)
        monkeypatch.setenv(kernel.VARIABLE, kernels[1])
        whole = Accumulator.load(tmp_path / "half.sums")
        whole.update(logits=logits[450:], labels=labels[450:])
        reports.append(whole.report())
    assert_same(*reports)
