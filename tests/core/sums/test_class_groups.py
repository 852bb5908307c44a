import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.sums import class_pairs
from calibeval.core.sums.binning import bin_index
from calibeval.core.sums.class_groups import class_group_totals
from calibeval.core.sums.class_pairs import ClassRows
from calibeval.core.sums.engine import summarise

M, N = 5, 90


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("k", [3, 70])
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
@pytest.mark.parametrize("part", [2**20, 300])
def test_totals_are_those_of_a_loop(k, kind, part, monkeypatch):
    monkeypatch.setattr(class_pairs, "PART_SCORES", part)
    rng = np.random.default_rng(k)
    logits, labels, groups = 2.0 * rng.normal(size=(N, k)), rng.integers(0, k, N), rng.permutation(N) % 7
    turned = {"logits": lambda x: x, "probs": softmax, "log_probs": lambda x: np.log(softmax(x))}[kind]
    dump = Predictions(**{kind: turned(logits), "labels": labels})
    sums = summarise(dump, M, keep_rows=True)
    model = ClassRows(dump, np.arange(N), sums.rows.nll, sums.compared)
    expected = np.zeros((7, k, M))
    p, bins = softmax(logits), bin_index(softmax(logits), sums.edges)
    for i in range(N):
        for c in range(k):
            expected[groups[i], c, bins[i, c]] += (labels[i] == c) - p[i, c]
    one, other = (class_group_totals(model, labels, groups, jobs) for jobs in (1, 3))
    np.testing.assert_allclose(one, expected, atol=1e-12)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(one.sum(axis=0), sums.classes.surplus, atol=1e-12)
