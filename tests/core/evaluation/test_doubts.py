"""Scores and labels that hardly belong together are doubted before anything else is said; other dumps never are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.evaluation.doubts import doubts_of, exchanged
from calibeval.core.sums.engine import summarise
from tests.cli.invoking import run
from tests.definitions import softmax


def drawn(k, n, skill, seed=0, order=None, prior=None):
    """Logits and labels of a model of some skill; order: how its columns were mixed up."""
    rng = np.random.default_rng(seed)
    shares = np.full(k, 1 / k) if prior is None else np.array(prior) / np.sum(prior)
    labels = rng.choice(k, n, p=shares)
    logits = 2 * rng.normal(size=(n, k)) + np.log(shares)
    logits[np.arange(n), labels] += 2 * skill
    return (logits if order is None else logits[:, order]), labels


def doubts(logits, labels, **more):
    """The doubts by code; looking without sums says the same."""
    predictions = Predictions(logits=logits, labels=labels, **more)
    found = doubts_of(predictions, summarise(predictions))
    assert {one.code for one in found} <= {one.code for one in doubts_of(predictions)}
    return {one.code: str(one) for one in found}


def accuracy(logits, labels):
    return float((logits.argmax(axis=1) == labels).mean())


def test_six_columns_in_another_order():
    """Column i holds the scores of class order[i]: a prediction i stands where the label is order[i]."""
    order = [2, 0, 1, 5, 3, 4]
    logits, labels = drawn(6, 500, 1.5, order=order)
    before, after = accuracy(logits, labels), accuracy(logits[:, np.argsort(order)], labels)
    assert before < 1 / 6 < after
    found = doubts(logits, labels)
    assert [*found] == ["below_chance", "classes_permuted"]
    assert found["below_chance"] == (
        f"accuracy {100 * before:.1f} % lies below chance (16.7 %): check the order of the classes"
    )
    assert found["classes_permuted"] == (
        f"6 classes seem to be exchanged: accuracy is {100 * before:.1f} %, and would be about {100 * after:.1f} % if "
        "they were put in order (0 is predicted where the label is 2, 1 where the label is 0, 2 where the label is 1, "
        "3 where the label is 5, 4 where the label is 3, and 1 more)"
    )


def test_two_of_ten_classes_with_names():
    names = [*"abcdefghij"]
    order = np.arange(10)
    order[[2, 7]] = 7, 2
    logits, labels = drawn(10, 1000, 3, order=order)
    before, after = accuracy(logits, labels), accuracy(logits[:, order], labels)
    found = doubts(logits, labels, class_names=names)
    assert [*found] == ["classes_permuted"]
    assert found["classes_permuted"] == (
        f"2 classes seem to be exchanged: accuracy is {100 * before:.1f} %, and would be about {100 * after:.1f} % if "
        "they were put in order (c is predicted where the label is h, h where the label is c)"
    )


@pytest.mark.parametrize("kind", ["probs", "logits", "log_probs"])
def test_two_columns_that_are_exchanged(kind):
    logits, labels = drawn(2, 200, 1.5, order=[1, 0])
    probs = softmax(logits)
    scores = {"probs": probs, "logits": logits, "log_probs": np.log(probs)}[kind]
    predictions = Predictions(**{kind: scores}, labels=labels)
    text = f"accuracy {100 * accuracy(logits, labels):.1f} % lies below chance (50 %): "
    assert [*doubts_of(predictions)] == [f"{text}the two columns seem to be exchanged"]
    one = Predictions(**{kind: scores[:, 1] - (scores[:, 0] if kind == "logits" else 0)}, labels=labels)
    assert [*doubts_of(one, summarise(one))] == [f"{text}the column seems to belong to class 0, not to class 1"]


def test_labels_of_other_classes_share_nothing():
    logits, _ = drawn(5, 200, 0, prior=[1, 1, 1, 1e-9, 1e-9])
    logits[:, 3:] -= 30
    labels = 3 + np.arange(200) % 2
    assert doubts(logits, labels) == {
        "nothing_shared": (
            "no class that is predicted (0, 1, 2) occurs among the labels (3, 4): check the order of the classes, and "
            "whether these labels belong to these scores"
        )
    }


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("k", "n", "skill", "prior"),
    [
        (100, 1000, 0.35, None),
        (100, 1000, 2.0, None),
        (10, 300, 0.5, None),
        (3, 300, 0.4, [8, 1, 1]),
        (2, 200, 0.4, [95, 5]),
        (10, 1000, 0.3, np.exp(-0.4 * np.arange(10))),
        (1000, 2000, 2.5, None),
    ],
)
def test_weak_models_are_not_doubted(k, n, skill, prior, seed):
    assert doubts(*drawn(k, n, skill, seed, prior=prior)) == {}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("k", "n"), [(3, 100), (10, 1000), (100, 1000), (100, 20_000)])
def test_no_order_is_seen_in_a_model_without_skill(k, n, seed):
    assert "classes_permuted" not in doubts(*drawn(k, n, 0, seed))


def test_a_rare_class_that_is_predicted_too_often_is_no_exchange():
    """A balanced model on unbalanced rows: accuracy is below one half, but labels are where they are predicted."""
    rng = np.random.default_rng(0)
    labels = (rng.random(1000) < 0.05).astype(int)
    score = rng.normal(size=1000) + 1.5 * labels + 0.7
    logits = np.column_stack([np.zeros(1000), score])
    assert accuracy(logits, labels) < 0.4
    assert doubts(logits, labels) == {}


def test_a_class_that_another_one_swallows_is_no_exchange():
    logits, labels = drawn(4, 800, 3)
    logits[:, 1] -= 50
    assert doubts(logits, labels) == {}


@pytest.mark.parametrize("n", [5, 29])
def test_few_rows_are_no_evidence(n):
    assert doubts(*drawn(2, n, 3, order=[1, 0])) == {}


def test_ignored_rows_and_dense_scores():
    logits, labels = drawn(4, 1600, 2, order=[1, 0, 3, 2])
    marked = np.where(np.arange(1600) % 3, labels, -1)
    assert "classes_permuted" in doubts(logits, marked, ignore_index=-1)
    images = np.moveaxis(logits.reshape(4, 20, 20, 4), -1, 1)
    assert "classes_permuted" in doubts(images, labels.reshape(4, 20, 20))


def test_only_the_top_label_gives_no_doubt():
    assert doubts_of(Predictions(confidence=np.full(100, 0.9), correct=np.zeros(100))) == ()


def test_exchanges_are_cycles_of_labels_that_prevail():
    rows = np.full((4, 4), 5)
    for c, t in {0: 1, 1: 2, 2: 0, 3: 3}.items():
        rows[c, t] = 100
    assert exchanged(rows) == {0: 1, 1: 2, 2: 0}
    rows[2, 0], rows[2, 3] = 5, 100  # where 2 is predicted, the label is 3, which is in its place
    assert exchanged(rows) == {}
    assert exchanged(np.full((3, 3), 7)) == {}
    rare = np.diag([10_000, 10_000, 0, 0])
    rare[2, 3] = rare[3, 2] = 100
    assert exchanged(rare) == {}  # accuracy gains one point only


def test_doubts_come_first_in_every_command(tmp_path, capsys):
    logits, labels = drawn(6, 500, 1.5, order=[2, 0, 1, 5, 3, 4])
    path, good = tmp_path / "d.npz", tmp_path / "good.npz"
    np.savez(path, logits=logits, labels=labels, ignore_label=-5)
    np.savez(good, logits=drawn(6, 500, 1.5)[0], labels=labels)
    below = "lies below chance (16.7 %): check the order of the classes"
    for words in (("report", good, path), ("gate", path, "--max", "ece=1"), ("compare", good, path), ("fit", path)):
        err = run(capsys, *words).err
        warnings = [line for line in err.splitlines() if line.startswith("warning: ")]
        assert below in warnings[0], words
        assert "6 classes seem to be exchanged" in warnings[1], words
        assert err.count("lies below chance") == 1
    found = json.loads(run(capsys, "report", good, path, "--json", "-q").out)
    codes = [[one["code"] for one in dump["warnings"]] for dump in found["dumps"]]
    assert codes == [[], ["below_chance", "classes_permuted", "ignored_label"]]
    gate = json.loads(run(capsys, "gate", path, "--max", "ece=1", "--json", "-q").out)
    assert [one["code"] for one in gate["warnings"]][:2] == ["below_chance", "classes_permuted"]
    report = evaluate(str(path), max_memory=4096)
    assert [one.code for one in report.dumps[0].warnings][:2] == ["below_chance", "classes_permuted"]
