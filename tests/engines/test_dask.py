"""Workers of a dask cluster give the bytes that one process gives."""

from __future__ import annotations

import pytest

import calibeval

pytest.importorskip("distributed")


@pytest.mark.parametrize("k", [2, 10])
@pytest.mark.parametrize("kind", ["logits", "probs"])
@pytest.mark.parametrize("memory", [None, 1000])
def test_reports_of_shards_are_the_same_bytes(client, shards, k, kind, memory):
    folder = shards(k, kind=kind)
    plain = calibeval.evaluate(folder, max_memory=memory)
    assert calibeval.evaluate(folder, max_memory=memory, engine=client).to_json() == plain.to_json()


@pytest.mark.parametrize("memory", [None, 1000])
def test_reports_with_weights_and_groups_are_the_same_bytes(client, shards, memory):
    folder = shards(ids=True, site=True, weights=True)
    settings = {"group": "site", "weights": "weights", "max_memory": memory}
    plain = calibeval.evaluate(folder, **settings)
    assert calibeval.evaluate(folder, **settings, engine=client).to_json() == plain.to_json()


def test_the_rows_are_read_by_all_workers(client, shards):
    def tasks(dask_worker):
        return dask_worker.state.executed_count

    before = client.run(tasks)
    calibeval.evaluate(shards(), engine=client)
    after = client.run(tasks)
    assert all(after[worker] > before[worker] for worker in after)
