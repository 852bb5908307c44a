import numpy as np
import pytest

from calibeval import Predictions
from calibeval.core.sums import class_pairs
from calibeval.core.sums.binning import bin_index, equal_width_edges
from calibeval.core.sums.class_pairs import ClassRows, PairedClasses
from calibeval.core.sums.engine import summarise

M = 5


def model(scores, labels, kind="logits", rows=None):
    dump = Predictions(**{kind: scores, "labels": labels})
    sums = summarise(dump, M, keep_rows=True)
    rows = np.arange(len(labels)) if rows is None else rows
    return ClassRows(dump, rows, sums.rows.nll[rows], sums.compared)


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def by_hand(probs, labels, weights):
    """Scores and products, row by row and class by class."""
    (n, k), edges = probs[0].shape, equal_width_edges(M)
    scores, products = np.zeros(n), np.zeros((k, M, M))
    for i in range(n):
        for c in range(k):
            happened = float(labels[i] == c)
            m, other_m = (int(bin_index(p[i, c : c + 1], edges)[0]) for p in probs)
            one, other = (happened - p[i, c] for p in probs)
            products[c, m, other_m] += one * other
            scores[i] += weights[1][c, other_m] * other - weights[0][c, m] * one
    return scores, products


def sample(n, k, seed=0):
    rng = np.random.default_rng(seed)
    logits = 2.0 * rng.normal(size=(n, k))
    return logits, logits + 0.5 * rng.normal(size=(n, k)), rng.integers(0, k, n)


@pytest.mark.parametrize("k", [3, 70])  # few classes lie along columns, many along rows
@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_scores_and_products_are_those_of_a_loop(k, kind):
    base, candidate, labels = sample(60, k)
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(k, M)), rng.normal(size=(k, M))
    turned = {"logits": lambda x: x, "probs": softmax, "log_probs": lambda x: np.log(softmax(x))}[kind]
    models = model(turned(base), labels, kind), model(turned(candidate), labels, kind)
    found = PairedClasses(models).products(labels, weights)
    scores, products = by_hand((softmax(base), softmax(candidate)), labels, weights)
    np.testing.assert_allclose(found.scores, scores, atol=1e-12)
    np.testing.assert_allclose(found.products, products, atol=1e-12)


def test_a_label_that_a_model_excludes():
    """Its probability is 0, so -ln of it does not give the sum of the row's weights."""
    base, candidate, labels = sample(20, 4)
    base[3, labels[3]] = -np.inf
    weights = np.ones((4, M)), 2.0 * np.ones((4, M))
    found = PairedClasses((model(base, labels), model(candidate, labels))).products(labels, weights)
    scores, products = by_hand((softmax(base), softmax(candidate)), labels, weights)
    np.testing.assert_allclose(found.products, products, atol=1e-12)
    np.testing.assert_allclose(found.scores, scores, atol=1e-12)


class Forward:
    """Rows that can only be read forward: a read before the last one starts again."""

    def __init__(self, scores):
        self._scores, self.shape, self.dtype, self.starts, self._at = scores, scores.shape, scores.dtype, 0, len(scores)

    def __getitem__(self, rows):
        self.starts += rows.start < self._at
        self._at = rows.stop
        return self._scores[rows]


@pytest.mark.parametrize("shuffled", [False, True])
def test_sources_that_are_read_forward(shuffled):
    base, candidate, labels = sample(500, 5)
    order = np.random.default_rng(2).permutation(500) if shuffled else np.arange(500)
    weights = np.ones((5, M)), np.linspace(0, 1, 5 * M).reshape(5, M)
    stored = np.empty_like(candidate), np.empty_like(labels)
    stored[0][order], stored[1][order] = candidate, labels
    plain = model(stored[0], stored[1], rows=order)
    stream = Forward(stored[0])
    forward = ClassRows(plain.predictions.with_scores(stream, "logits"), order, plain.nll, plain.edges)
    one, other = (PairedClasses((model(base, labels), own)).products(labels, weights) for own in (plain, forward))
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.products, other.products)
    assert stream.starts == 1


def test_the_result_does_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(class_pairs, "PART_SCORES", 100)
    monkeypatch.setattr(class_pairs, "BLOCK_SCORES", 30)
    base, candidate, labels = sample(300, 4)
    models, weights = (model(base, labels), model(candidate, labels)), (np.ones((4, M)), np.ones((4, M)))
    one, other = (PairedClasses(models, jobs).products(labels, weights) for jobs in (1, 4))
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.products, other.products)
    np.testing.assert_allclose(
        one.products, by_hand((softmax(base), softmax(candidate)), labels, weights)[1], atol=1e-12
    )


@pytest.mark.parametrize(
    ("n", "k", "step"), [(2**20, 16, 1), (2**20 + 1, 16, 2), (19_999, 10_000, 1), (20_000, 10_000, 2)]
)
def test_every_other_row_of_many_scores(n, k, step):
    assert class_pairs.every_other(n, k) == step


def test_every_second_row(monkeypatch):
    monkeypatch.setattr(class_pairs, "MOST_SCORES", 1000)
    monkeypatch.setattr(class_pairs, "LEAST_ROWS", 10)
    base, candidate, labels = sample(500, 4)
    weights = np.ones((4, M)), np.ones((4, M))
    found = PairedClasses((model(base, labels), model(candidate, labels))).products(labels, weights)
    scores, products = by_hand((softmax(base[::2]), softmax(candidate[::2])), labels[::2], weights)
    np.testing.assert_allclose(found.scores, scores, atol=1e-12)
    np.testing.assert_allclose(found.products, products, atol=1e-12)
