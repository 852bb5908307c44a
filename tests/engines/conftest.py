"""A cluster of two workers, started once for each module, and dumps whose rows lie in many blocks."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from calibeval.core.sums import engine
from calibeval.readers.stored import rows
from tests.data import logits_and_labels


@pytest.fixture(scope="module")
def cluster(request):
    """Two processes; in a module with THREADS = True two threads of this process, which start in no time."""
    threads = getattr(request.module, "THREADS", False)
    distributed = pytest.importorskip("distributed")
    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
        "processes": not threads,
        "protocol": "tcp://",
    }
    with distributed.LocalCluster(**options, silence_logs=logging.CRITICAL, memory_limit=0) as running:
        yield running


@pytest.fixture
def client(cluster):
    with pytest.importorskip("distributed").Client(cluster, set_as_default=False) as one:
        yield one


@pytest.fixture(autouse=True)
def many_blocks(monkeypatch):
    """Rows of small files stay there, and chunks are small, so that few rows make many tasks."""
    monkeypatch.setattr(rows, "AT_ONCE", 2**12)
    monkeypatch.setattr(engine, "CHUNK_ROWS", 500)


@pytest.fixture
def shards(tmp_path):
    """Writes three shards of unequal size and gives their folder."""

    def write(k=10, n=3000, kind="logits", seed=0, name="dump", save=np.savez, **more):
        folder = tmp_path / name
        folder.mkdir()
        logits, labels = logits_and_labels(n, k, seed=seed)
        scores = logits.astype(np.float32)
        if kind == "probs":
            scores = np.exp(logits - logits.max(axis=1, keepdims=True))
            scores /= scores.sum(axis=1, keepdims=True)
        rng = np.random.default_rng(seed)
        columns = {"weights": rng.uniform(0.5, 2.0, n), "site": rng.integers(0, 60, n), "ids": np.arange(n)}
        every = {kind: scores, "labels": labels, **{name: columns[name] for name in more if more[name]}}
        cuts = [0, n // 5, n // 2 + 7, n]
        for i in range(3):
            here = slice(cuts[i], cuts[i + 1])
            save(folder / f"part-{i}.npz", **{name: values[here] for name, values in every.items()})
        return folder

    return write
