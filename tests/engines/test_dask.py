"""Workers of a dask cluster give the bytes that one process gives."""

from __future__ import annotations

import numpy as np
import pytest

import calibeval
from calibeval.core.data.far_rows import all_spans, parts_of
from calibeval.core.errors import InputError

pytest.importorskip("distributed")


@pytest.mark.parametrize(
    ("k", "kind", "memory"), [(2, "logits", 1000), (2, "probs", None), (10, "logits", None), (10, "probs", 1000)]
)
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


@pytest.mark.parametrize(
    ("kind", "weights", "memory"),
    [("logits", False, None), ("logits", True, 1000), ("probs", True, None), ("probs", False, 1000)],
)
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


@pytest.mark.parametrize(("ignored", "dtype"), [(255, "u1"), (-1, "i8")])
def test_rows_that_are_left_out_are_the_same_bytes(client, shards, ignored, dtype):
    folder = shards()
    for path in folder.iterdir():
        with np.load(path) as part:
            arrays = dict(part)
        labels = arrays["labels"].astype(np.int64)
        labels[::3] = ignored
        labels[:700] = ignored if path.name == "part-1.npz" else labels[:700]  # a whole block
        np.savez(path, logits=arrays["logits"], labels=labels.astype(dtype))
    plain = calibeval.evaluate(folder, ignore_index=ignored, classes=[3])
    assert calibeval.evaluate(folder, ignore_index=ignored, classes=[3], engine=client).to_json() == plain.to_json()
    assert plain.dumps[0].ignored > 1000


@pytest.mark.parametrize("workers", [1, 2, 50])
@pytest.mark.parametrize("labels", [[0, 9, -1], [0, 9, 200], [-129, 5, 0]])
def test_parts_are_whole_blocks_of_all_rows_with_labels_as_they_were(workers, labels):
    rows = np.random.default_rng(0).choice(np.array(labels[:2]), 2300).astype(np.int64)
    rows[5:1000] = labels[2]
    marks = {} if min(labels) >= 0 else {"ignore_index": min(labels)}
    k = max(rows.max(), 1) + 1
    dump = calibeval.Predictions(logits=np.arange(2300 * k, dtype=np.float32).reshape(2300, k), labels=rows, **marks)
    sent = list(parts_of(dump, 100, workers))
    assert all(part.predictions.rows % 100 == 0 for part in sent)
    assert {part.predictions.labels.itemsize for part in sent} <= {1, 2}
    spans, whole = [one for part in sent for one in part.spans()], list(all_spans(dump, 100))
    assert len(spans) == len(whole)
    for ours, theirs in zip(spans, whole, strict=True):
        assert ours.first == theirs.first
        assert ours.start + ours.block.first_row == theirs.block.first_row
        assert ours.block.labels.dtype == theirs.block.labels.dtype
        assert ours.block.labels.tolist() == theirs.block.labels.tolist()
        assert ours.block.scores.tolist() == theirs.block.scores.tolist()
