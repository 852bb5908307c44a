"""Every method on data at the edge: a map without NaN, or a refusal in words."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.errors import InputError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.fitting.read_map import from_json
from tests.data import logits_and_labels

BINARY = (*METHODS, "auto")
ANY_K = tuple(name for name in BINARY if name == "auto" or not METHODS[name].binary)


def mostly_zero():
    """20 classes, 74 % exact zeros or more, and rows saturated at 1."""
    rng = np.random.default_rng(0)
    labels, probs = rng.integers(0, 20, 600), np.zeros((600, 20))
    for i, label in enumerate(labels):
        others = rng.permutation(np.delete(np.arange(20), label))[:4]
        probs[i, [label, *others]] = rng.dirichlet(np.ones(5))
    sure = rng.random(600) < 0.3
    probs[sure] = np.eye(20)[labels[sure]]
    return Predictions(probs=probs, labels=labels)


def of(n, k, change=None):
    logits, labels = logits_and_labels(n, k)
    if change is not None:
        logits, labels = change(logits, labels)
    return Predictions(logits=logits, labels=labels)


def saturated():
    """Two classes, rows at 0 and 1 that are right among open ones."""
    rng = np.random.default_rng(0)
    p = rng.random(300)
    labels = (rng.random(300) < p).astype(int)
    p[:60] = labels[:60]
    return Predictions(probs=p, labels=labels)


CASES = {
    "zeros": mostly_zero,
    "saturated": saturated,
    "all at 0 or 1": lambda: Predictions(probs=np.eye(2)[[0, 1] * 10], labels=[0, 1] * 10),
    "separable, 2 classes": lambda: of(60, 2, lambda z, _: (z, z.argmax(axis=1))),
    "separable, 4 classes": lambda: of(60, 4, lambda z, _: (z, z.argmax(axis=1))),
    "always wrong": lambda: of(60, 2, lambda z, _: (z, z.argmin(axis=1))),
    "absent class": lambda: of(300, 5, lambda z, y: (z, np.where(y == 3, 0, y))),
    "one class of two": lambda: of(40, 2, lambda z, y: (z, 0 * y)),
    "2 rows": lambda: Predictions(logits=[[1.0, 0.0], [0.5, 0.2]], labels=[0, 1]),
    "2 rows, 3 classes": lambda: Predictions(logits=[[1.0, 0.0, 2.0], [0.5, 0.2, 0.1]], labels=[0, 1]),
    "1000 classes": lambda: of(450, 1000),
    "equal logits": lambda: Predictions(logits=np.zeros((30, 3)), labels=[0, 1, 2] * 10),
    "equal logits, 2 classes": lambda: Predictions(logits=np.zeros((30, 2)), labels=[0, 1, 1] * 10),
}
# Where a method refuses, and what it says; everywhere else there is a map.
REFUSALS = {
    ("platt", "all at 0 or 1"): "nothing to fit",
    ("beta", "all at 0 or 1"): "nothing to fit",
    ("quadratic", "all at 0 or 1"): "nothing to fit",
    ("quadratic", "saturated"): "falls at an end, but 60 rows assign probability 0",
    ("top-platt", "all at 0 or 1"): "nothing to fit",
    ("top-beta", "all at 0 or 1"): "nothing to fit",
    ("spline", "all at 0 or 1"): "nothing to fit",
    ("top-spline", "all at 0 or 1"): "nothing to fit",
    ("top-platt", "zeros"): "the best slope is -0.04834, which reverses the order",
    ("top-beta", "zeros"): "172 rows assign probability 0 to a class",
    ("sms", "1000 classes"): "sms is for at most 200 classes, .* but there are 1000; use vector",
    ("isotonic", "absent class"): "1 of 5 classes has no row to fit on .the first: 3",
    ("isotonic", "2 rows, 3 classes"): "1 of 3 classes has no row to fit on",
    ("isotonic", "1000 classes"): "644 of 1,000 classes have no row to fit on",
    ("auto", "2 rows"): "2 rows cannot be split into 5 folds",
    ("auto", "2 rows, 3 classes"): "2 rows cannot be split into 5 folds",
}


def pairs():
    made = {case: make() for case, make in CASES.items()}
    return [(method, case) for case, dump in made.items() for method in (BINARY if dump.k == 2 else ANY_K)]


@pytest.mark.parametrize(("method", "case"), pairs())
def test_a_map_or_a_refusal(method, case):
    dump = CASES[case]()
    if (method, case) in REFUSALS:
        with pytest.raises(InputError, match=REFUSALS[method, case]):
            fit(dump, method)
        return
    found = fit(dump, method)
    facts = found.fitted
    assert np.isfinite([facts.nll_before, facts.nll_after]).all()
    if found.method == "temperature":
        assert 0 < found.temperature < np.inf
    if found.method in ("temperature", "vector"):
        assert facts.nll_after <= facts.nll_before + 1e-12
    mapped = np.asarray(found(dump).scores[0 : dump.rows])
    assert not np.isnan(mapped).any()
    assert (mapped.max(axis=1) > -np.inf).all()
    values = evaluate(found(dump), level=None)
    assert values["nll"].value == pytest.approx(facts.nll_after, abs=1e-9)
    assert values["accuracy"].value == evaluate(dump, level=None)["accuracy"].value or not found.keeps_top
    text = found.to_json()
    assert from_json(text).to_json() == text
    assert "NaN" not in text


@pytest.mark.parametrize("method", ANY_K)
def test_an_impossible_label_is_refused(method):
    probs = np.tile([[0.7, 0.3, 0.0]], (20, 1))
    with pytest.raises(InputError, match=r"probability 0 to the label.*Use --clip 1e-12"):
        fit(Predictions(probs=probs, labels=[0, 1, 2, 0] * 5), method)
    found = fit(Predictions(probs=probs, labels=[0, 1, 2, 0] * 5), method, clip=1e-6)
    assert (found.clip, found.fitted.clipped) == (1e-6, 5)


@pytest.mark.parametrize("method", BINARY)
def test_probabilities_that_were_stored_short(method):
    """Rows that sum to 1 within the steps of bfloat16 are taken wherever a report takes them."""
    rng = np.random.default_rng(0)
    p = rng.random(80)
    labels = rng.random(80) < p
    rows = np.stack([1 - p, p], axis=1) * 1.004
    short = Predictions(probs=rows, labels=labels, precision=2.0**-7)
    found = fit(short, method)
    mapped = np.exp(np.asarray(found(short).scores[0:80]))
    assert mapped.sum(axis=1) == pytest.approx(np.ones(80))
    with pytest.raises(InputError, match="sum"):
        fit(Predictions(probs=rows, labels=labels), method)


@pytest.mark.parametrize("method", ["vector", "isotonic", "auto"])
@pytest.mark.parametrize("few", [True, False])
def test_logits_near_the_largest_number_give_a_map_or_an_error_without_warnings(method, few):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(200, 3)) if few else rng.choice([1e308, -1e308], size=(200, 3))
    logits[0, :2] = 1e308, -1e308
    dump = Predictions(logits=logits, labels=rng.integers(0, 3, 200))
    with contextlib.suppress(InputError):  # warnings are errors here
        assert np.isfinite(fit(dump, method).fitted.nll_after)
