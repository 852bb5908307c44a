"""Plain batches are those that the long way makes, and all others take it."""

import numpy as np
import pytest

import calibeval
from calibeval.core.evaluation import accumulation
from calibeval.core.evaluation.batches import read_batch
from calibeval.core.evaluation.plain_batches import plain_batch

RNG = np.random.default_rng(2)
Z = RNG.normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 3
OPTIONS: dict[str, object] = {"class_names": None, "labels_are": None, "ignore_index": None, "renormalize": False}


def facts_of(**rows):
    part = calibeval.Accumulator()
    part.update(**rows)
    return part._rows.running.facts


def plain(facts=None, options=OPTIONS, **given):
    return plain_batch({"logits": Z, "labels": Y} | given, "labels", options, facts or facts_of(logits=Z, labels=Y))


def test_it_is_the_batch_of_the_long_way():
    found, long = plain(), read_batch({"logits": Z, "labels": Y}, "labels", None, None, OPTIONS)
    assert found is not None
    assert np.array_equal(found.scores, long.scores)
    assert np.array_equal(found.rows.labels, long.rows.labels)
    assert found.keep.all()
    for name in ("kind", "k", "rows", "n", "layout", "warnings", "precision", "positive", "ignored"):
        assert getattr(found.rows, name) == getattr(long.rows, name), name
    assert (found.weights, found.groups, found.zero) == (long.weights, long.groups, long.zero)


def spoiled(values, place, value):
    changed = values.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize(
    "given",
    [
        {"logits": Z.tolist()},
        {"logits": Z.astype(np.float64)},
        {"logits": Z[:, :2]},
        {"logits": Z[:30]},
        {"logits": Z[:0], "labels": Y[:0]},
        {"logits": np.ma.masked_array(Z)},
        {"logits": spoiled(Z, (3, 1), np.nan)},
        {"logits": spoiled(Z, (3, 1), -np.inf)},
        {"labels": np.ma.masked_array(Y)},
        {"labels": Y.astype(float)},
        {"labels": Y + 1},
        {"labels": Y - 1},
        {"labels": Y[:, None]},
    ],
)
def test_what_needs_a_closer_look_is_not_plain(given):
    assert plain(**given) is None


def test_options_groups_and_weights_are_not_plain():
    for name, value in (("ignore_index", 0), ("class_names", ["a", "b", "c"]), ("labels_are", "positions")):
        assert plain(options=OPTIONS | {name: value}) is None
    assert plain(facts_of(logits=Z, labels=Y, groups=Y)) is None
    assert plain(facts_of(logits=Z, labels=Y, weights=Y + 1.0)) is None
    assert plain(facts_of(probs=np.full((40, 3), 1 / 3), labels=Y)) is None


@pytest.mark.parametrize("tensors", [False, True])
def test_reports_are_the_same_to_the_last_bit(monkeypatch, tensors):
    convert = pytest.importorskip("torch").from_numpy if tensors else np.asarray

    def report():
        part = calibeval.Accumulator(3)
        for i in range(0, 40, 7):
            part.update(logits=convert(Z[i : i + 7]), labels=convert(Y[i : i + 7]))
        return part.report().to_json()

    one = report()
    monkeypatch.setattr(accumulation, "plain_batch", lambda *_: None)
    assert report() == one == calibeval.evaluate(logits=Z, labels=Y).to_json()
