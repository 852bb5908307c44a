"""What a file is written from, and what a right reading of it must give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TRAIN, TEST, FEW, BINS = 300, 100, 60, 15
LEVELS, ANSWERS = np.array(["high", "low", "medium"]), np.array(["no", "yes"])  # as scikit-learn sorts them


class Truth(NamedTuple):
    """Predictions in memory: probabilities (n, k), and labels that are class numbers."""

    probs: Array
    labels: Array

    @property
    def accuracy(self) -> float:
        """The share of rows whose first largest probability is that of the label."""
        return float(np.mean(self.probs.argmax(axis=1) == self.labels))

    @property
    def ece(self) -> float:
        """Mean |accuracy - confidence| over 15 equal-width bins (a, b], weighted by count."""
        confidence = self.probs.max(axis=1).astype(np.float64)
        right = self.probs.argmax(axis=1) == self.labels
        edges = (np.arange(BINS + 1) / BINS).astype(self.probs.dtype)
        bins = np.clip(np.searchsorted(edges, self.probs.max(axis=1), side="left") - 1, 0, BINS - 1)
        gaps = [abs(float(np.sum(right[bins == b] - confidence[bins == b]))) for b in range(BINS)]
        return sum(gaps) / len(right)


@dataclass(frozen=True)
class Writer:
    """One file: the tool and the call that write it, what is in it, the options that read it.

    packages: those whose versions are recorded. also: files beside it, such as one with the labels.
    top: whether only the largest probability of each row is in it.
    """

    file: str
    tool: str
    call: str
    content: str
    options: str
    packages: tuple[str, ...]
    write: Callable[[Path], Truth]
    also: tuple[str, ...] = ()
    top: bool = False


class Data(NamedTuple):
    """A problem of classification: rows to learn from, rows to predict."""

    train: Array
    train_labels: Array
    test: Array
    test_labels: Array


def data(classes: int, seed: int, rows: int = TEST) -> Data:
    """A made-up problem that a model solves often, but not always. rows: to predict; FEW for formats of many bytes."""
    from sklearn.datasets import make_classification

    features, labels = make_classification(
        TRAIN + TEST,
        n_features=6,
        n_informative=4,
        n_redundant=1,
        n_classes=classes,
        n_clusters_per_class=1,
        class_sep=0.7,
        flip_y=0.15,
        random_state=seed,
    )
    return Data(features[:TRAIN], labels[:TRAIN], features[TRAIN:][:rows], labels[TRAIN:][:rows])


def bayes(problem: Data) -> Array:
    """The probabilities of a quick model that is too sure of itself."""
    from sklearn.naive_bayes import GaussianNB

    return np.asarray(GaussianNB().fit(problem.train, problem.train_labels).predict_proba(problem.test))


def softmax(logits: Array) -> Array:
    """Probabilities in float64."""
    shifted = np.exp(np.asarray(logits, np.float64) - np.max(logits, axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def two(positive: Array) -> Array:
    """Both columns of P(class 1), in the type that it has."""
    return np.stack([1 - positive, positive], axis=1)
