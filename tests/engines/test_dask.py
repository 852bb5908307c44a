"""Workers of a dask cluster give the bytes that one process gives."""

from __future__ import annotations

import pytest

import calibeval
from calibeval.core.errors import InputError

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


@pytest.mark.parametrize("metrics", ["all", "ece,ece_top2"])
def test_metrics_on_request_are_the_same_bytes(client, shards, metrics):
    folder = shards()
    plain = calibeval.evaluate(folder, metrics=metrics)
    assert calibeval.evaluate(folder, metrics=metrics, engine=client).to_json() == plain.to_json()


@pytest.mark.parametrize(
    "settings",
    [
        {"slices": ["site", "class"], "min_rows": 40},
        {"cross_fit": 3},
        {"convention": "guo"},
        {"fit_on": True},
        {"fit_on": True, "clip": 1e-6},
    ],
    ids=str,
)
def test_reports_of_other_settings_are_the_same_bytes(client, shards, settings):
    folder = shards(site=True)
    settings = settings if "fit_on" not in settings else {**settings, "fit_on": shards(seed=1, name="val")}
    plain = calibeval.evaluate(folder, **settings)
    assert calibeval.evaluate(folder, **settings, engine=client).to_json() == plain.to_json()


@pytest.mark.parametrize("metrics", [None, "all"])
def test_comparisons_are_the_same_bytes(client, shards, metrics):
    base, other = shards(ids=True), shards(ids=True, name="other", kind="probs")
    plain = calibeval.compare(base, other, metrics=metrics)
    assert calibeval.compare(base, other, metrics=metrics, engine=client).to_json() == plain.to_json()


def test_verdicts_are_the_same_bytes(client, shards):
    dump = shards()
    rules = [{"metric": "ece", "max": 0.5}, {"metric": "nll", "max_increase": 0.1}]
    settings = {"why": True, "slices": ["class"]}
    plain = calibeval.gate(dump, rules, baseline=dump, **settings)
    assert calibeval.gate(dump, rules, baseline=dump, **settings, engine=client).to_json() == plain.to_json()


@pytest.mark.parametrize("memory", [None, 1000])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_temperatures_are_the_same_bytes(client, shards, monkeypatch, kind, weights, memory):
    for name in ("SAMPLE_SCORES", "WHOLE_SCORES"):
        monkeypatch.setattr(f"calibeval.recalibrate.temperature.pieces.{name}", 2**10)
    folder = shards(kind=kind, weights=weights)
    settings = {"weights": "weights" if weights else None, "max_memory": memory}
    plain = calibeval.fit(folder, **settings)
    assert calibeval.fit(folder, **settings, engine=client).to_json() == plain.to_json()


def test_workers_hash_shards_and_find_damage(client, shards):
    folder = shards()
    assert calibeval.evaluate(folder, engine=client).dumps[0].source.sha256
    path = folder / "part-1.npz"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1  # one bit of a score
    path.write_bytes(whole)
    with pytest.raises(InputError) as plain:
        calibeval.evaluate(folder)
    with pytest.raises(InputError) as found:
        calibeval.evaluate(folder, engine=client)
    assert str(found.value) == str(plain.value)
    assert "part-1.npz: logits.npy is damaged (its CRC-32 differs)" in str(plain.value)
