import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.sums import class_spread
from calibeval.core.sums.binning import bin_index, equal_width_edges, on_grid
from calibeval.core.sums.class_spread import Weighted, class_spreads, sampled_spread
from calibeval.core.sums.sample import Sample

M = 5


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def sample(n, k, kind="logits", seed=0):
    rng = np.random.default_rng(seed)
    logits, labels = 2.0 * rng.normal(size=(n, k)), rng.integers(0, k, n)
    turned = {"logits": lambda x: x, "probs": softmax, "log_probs": lambda x: np.log(softmax(x))}[kind]
    return Predictions(**{kind: turned(logits), "labels": labels}), rng.normal(size=(k, M))


def by_hand(p, labels, weights):
    """The variance over rows of the sum over classes of weight times gap."""
    sums = []
    for row, label in zip(p, labels, strict=True):
        bins = bin_index(row, equal_width_edges(M))
        sums.append(sum(weights[c, bins[c]] * ((label == c) - row[c]) for c in range(len(row))))
    return np.var(sums)


@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
@pytest.mark.parametrize("k", [3, 20])
def test_the_variance_by_loops(k, kind):
    dump, weights = sample(200, k, kind)
    edges = equal_width_edges(M) if kind == "probs" else on_grid(equal_width_edges(M))
    (found,) = class_spreads(dump, [Weighted(np.arange(200), edges, weights)])
    p = softmax(dump.scores) if kind == "logits" else dump.scores if kind == "probs" else np.exp(dump.scores)
    assert found == pytest.approx(by_hand(p, dump.labels, weights), abs=1e-12)


def test_parts_are_read_together_in_blocks(monkeypatch):
    dump, weights = sample(300, 4, "probs")
    parts = [
        Weighted(np.arange(300), equal_width_edges(M), weights),
        Weighted(np.arange(7, 90, 3), equal_width_edges(M), -weights),
    ]
    whole = class_spreads(dump, parts)
    monkeypatch.setattr(class_spread, "READ_SCORES", 100)
    assert class_spreads(dump, parts) == whole
    alone = by_hand(dump.scores[7:90:3], dump.labels[7:90:3], -weights)
    assert whole[1] == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize("rows", [10, 11, 31])
def test_many_rows_are_sampled(rows, monkeypatch):
    monkeypatch.setattr(class_spread, "ENOUGH_SCORES", 40)
    dump, weights = sample(rows, 4, "probs")
    (found,) = class_spreads(dump, [Weighted(np.arange(rows), equal_width_edges(M), weights)])
    used = [i for i in range(rows) if rows <= 10 or i * 2654435769 % 2**32 < 10 * 2**32 // rows]
    assert (len(used) < rows) == (rows > 10)
    assert found == pytest.approx(by_hand(dump.scores[used], dump.labels[used], weights), abs=1e-12)


@pytest.mark.parametrize("rows", [10, 31])
def test_a_sample_of_parts_gives_the_same_variance(rows, monkeypatch):
    monkeypatch.setattr(class_spread, "ENOUGH_SCORES", 40)
    dump, weights = sample(rows, 4, "logits")
    edges = on_grid(equal_width_edges(M))
    (found,) = class_spreads(dump, [Weighted(np.arange(rows), edges, weights)])
    parts = [
        Sample(dump.scores[i : i + 7], dump.labels[i : i + 7], np.arange(rows)[i : i + 7]) for i in range(0, rows, 7)
    ]
    assert sampled_spread(parts, rows, "logits", edges, weights) == found
