from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval import Predictions, evaluate
from calibeval.core.data.shared_rows import SKETCH
from calibeval.core.errors import InputError, UsageError
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.methods import METHODS
from calibeval.recalibrate.fitting.read_map import from_json
from tests.data import logits_and_labels

ANY_K = [name for name, spec in METHODS.items() if not spec.binary]


def dump(k=3, n=200, seed=0, **settings):
    logits, labels = logits_and_labels(n, k, seed=seed)
    return Predictions(logits=logits, labels=labels, **settings)


def scores(mapped):
    return np.asarray(mapped.scores[0 : mapped.rows])


def cases():
    return [(name, k) for name, spec in METHODS.items() for k in ((2,) if spec.binary else (2, 5))]


@pytest.mark.parametrize(("method", "k"), cases())
def test_json_round_trip(method, k):
    names = tuple(f"class {i}" for i in range(k))
    found = fit(dump(k, class_names=names), method)
    text = found.to_json()
    again = from_json(text)
    assert again == found
    assert again.to_json() == text
    np.testing.assert_array_equal(scores(again(dump(k))), scores(found(dump(k))))
    document = json.loads(text)
    assert set(document) == {
        *("schema", "method", "parameters", "k", "class_names", "fitted_on", "objective", "nll_before", "nll_after"),
        *("bound", "note", "clipped", "search", "selection", "top_label_only"),
    }
    sketch = document["fitted_on"].pop("sketch")
    assert len(sketch) == 16 * SKETCH
    assert document["fitted_on"] == {"sha256": None, "split": None, "n": 200}


@pytest.mark.parametrize(("method", "k"), cases())
def test_nll_of_the_map_is_that_of_a_report(method, k):
    found = fit(dump(k), method)
    assert evaluate(found(dump(k)), level=None)["nll"].value == pytest.approx(found.fitted.nll_after, abs=1e-10)
    if method != "isotonic":
        assert found.fitted.nll_after <= found.fitted.nll_before
    if METHODS[method].keeps_top:
        assert (scores(found(dump(k))).argmax(axis=1) == scores(dump(k)).argmax(axis=1)).all()


@pytest.mark.parametrize(("method", "k"), cases())
def test_kinds_agree(method, k):
    logits, labels = logits_and_labels(200, k)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    one = Predictions(log_probs=log_probs, labels=labels)
    other = Predictions(probs=np.exp(log_probs), labels=labels)
    found = [fit(p, method) for p in (one, other)]
    assert found[0].fitted.nll_after == pytest.approx(found[1].fitted.nll_after, abs=1e-7)
    np.testing.assert_allclose(scores(found[0](one)), scores(found[0](other)), atol=1e-9)


@pytest.mark.parametrize(("method", "k"), cases())
def test_rows_in_another_order(method, k):
    logits, labels = logits_and_labels(200, k)
    order = np.random.default_rng(2).permutation(200)
    one, other = (fit(Predictions(logits=logits[o], labels=labels[o]), method) for o in (slice(None), order))
    np.testing.assert_allclose(scores(one(dump(k))), scores(other(dump(k))), atol=1e-5)


@given(st.sampled_from(ANY_K), st.integers(1, 12), st.integers(2, 4), st.integers(0, 1000))
def test_a_few_rows_never_give_nan(method, n, k, seed):
    rng = np.random.default_rng(seed)
    p = Predictions(logits=rng.normal(size=(n, k)) * 2, labels=rng.integers(0, k, n))
    if METHODS[method].by_class and k > 2 and len(np.unique(p.labels)) < k:
        with pytest.raises(InputError, match="no row to fit on"):
            fit(p, method)
        return
    found = fit(p, method)
    assert not np.isnan(scores(found(p))).any()
    assert from_json(found.to_json()).to_json() == found.to_json()


@given(st.sampled_from(["platt", "beta", "isotonic", "vector"]), st.integers(1, 12), st.integers(0, 1000))
def test_a_few_binary_rows_never_give_nan(method, n, seed):
    rng = np.random.default_rng(seed)
    p = Predictions(logits=np.rint(rng.normal(size=n) * 2), labels=rng.integers(0, 2, n))
    found = fit(p, method)
    assert not np.isnan(scores(found(p))).any()
    assert np.isfinite(found.fitted.nll_after)


@pytest.mark.parametrize("method", [name for name in ANY_K if name != "sms" and not METHODS[name].by_class])
def test_many_classes_few_rows(method):
    logits, labels = logits_and_labels(450, 1000)
    found = fit(Predictions(logits=logits, labels=labels), method)
    assert np.isfinite(scores(found(Predictions(logits=logits, labels=labels)))).all()
    assert np.isfinite(found.fitted.nll_after)


def refused(change, message):
    document = json.loads(fit(dump(3, class_names=("a", "b", "c"))).to_json())
    change(document)
    with pytest.raises(InputError, match=message):
        from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), "calibeval.map/2", 'schema is "calibeval.map/2", but "calibeval.map/1" is needed'),
        (("method",), "temprature", '"temprature" is unknown .did you mean "temperature"'),
        (("method",), "platt", "platt is for 2 classes, but the map's k is 3"),
        (
            ("method",),
            "vector",
            '^this is not a map of schema calibeval.map/1: parameters has an unknown field "temperature"',
        ),
        (("parameters", "temperature"), 0.0, "temperature.* is 0, but it must be positive"),
        (("parameters", "temperature"), -1.5, "temperature.* is -1.5, but it must be positive"),
        (("parameters", "temperature"), float("nan"), "NaN is not a number"),
        (("parameters", "temperature"), float("inf"), "Infinity is not a number"),
        (
            ("parameters", "temperature"),
            10**400,
            r"parameters.temperature is 1000+\.\.\., but a finite number is needed",
        ),
        (("parameters", "temperature"), "2", 'parameters.temperature is "2", but a finite number is needed'),
        (("parameters", "temperature"), True, "parameters.temperature is a boolean, but a finite number is needed"),
        (("parameters", "temperature"), [1.0, 2.0], "parameters.temperature is a list, but a finite number is needed"),
        (
            ("parameters", "temprature"),
            2.0,
            r'unknown field "temprature" .did you mean "temperature".*; known fields are clip, prior, temperature$',
        ),
        (("selection",), 5, "selection is 5, but a list is needed"),
        (("selection",), [5], r"selection\[0\] is 5, but an object is needed"),
        (("selection",), [{}], r'selection\[0\] has no "method"'),
        (
            ("selection",),
            [{"method": "platt", "nnl": 1.0}],
            r'selection\[0\] has an unknown field "nnl".*did you mean "nll"',
        ),
        (
            ("selection",),
            [{"method": "platt", "nll": "1"}],
            r'selection\[0\].nll is "1", but a finite number is needed',
        ),
        (
            ("selection",),
            [{"method": "platt", "chosen": 1}],
            r"selection\[0\].chosen is 1, but true or false is needed",
        ),
        (("schema",), None, "schema is null, but a string is needed"),
        (("parameters", "clip"), 0.5, "must lie between 0 and 1/k"),
        (("parameters",), {}, 'parameters has no "temperature"'),
        (("parameters",), None, "parameters is null, but an object is needed"),
        (("k",), 4, "3 class names, but k is 4"),
        (("k",), 1, "k is 1, but a whole number of at least 2 is needed"),
        (("class_names",), ["a", 2, "c"], r"class_names\[1\] is 2, but a string is needed"),
        (("fitted_on",), None, "fitted_on is null, but an object is needed"),
        (("fitted_on", "n"), -1, "fitted_on.n is -1, but a count is needed"),
        (("fitted_on", "sha256"), 5, "fitted_on.sha256 is 5, but a string is needed"),
        (("objective",), "mse", '"mse" is unknown'),
        (("nll_after",), None, "nll_after is null, but a finite number is needed"),
    ],
)
def test_maps_that_cannot_be(path, value, message):
    def change(document):
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    refused(change, message)


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "{}", "[" * 100_000])
def test_texts_that_are_no_map(text):
    with pytest.raises(InputError, match=r"not a map|needed"):
        from_json(text)


def test_wrong_shapes():
    document = json.loads(fit(dump(3), "vector").to_json())
    document["parameters"]["biases"].pop()
    with pytest.raises(InputError, match='"biases" has 2 numbers, but 3 are needed'):
        from_json(json.dumps(document))
    document = json.loads(fit(dump(3), "isotonic").to_json())
    document["parameters"]["curves"][1]["y"][0] = 1.5
    with pytest.raises(InputError, match="curve 1 must have ascending x"):
        from_json(json.dumps(document))
    document["parameters"]["curves"].pop()
    with pytest.raises(InputError, match="2 curves, but 3 classes need 3"):
        from_json(json.dumps(document))


def test_other_classes_are_refused():
    found = fit(dump(3, class_names=("a", "b", "c")))
    with pytest.raises(InputError, match="there are 4 classes, but the map was fitted on 3"):
        found(dump(4))
    with pytest.raises(InputError, match='class 1 is "c", but "b" in the map'):
        found(dump(3, class_names=("a", "c", "b")))
    top = Predictions(confidence=[0.5], correct=[1])
    with pytest.raises(InputError, match="only the top label is known"):
        found(top)
    with pytest.raises(
        UsageError, match="only the top label is known, but vector needs the scores of every class; use"
    ):
        fit(top, "vector")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "temprature"}, 'did you mean "temperature"'),
        ({"objective": "eec"}, 'did you mean "ece"'),
        ({"method": "vector", "objective": "ece"}, "for the method temperature only"),
        ({"method": "auto", "objective": "ece"}, 'not "ece"'),
        ({"method": "platt"}, "for 2 classes, but predictions has 3"),
        ({"clip": 0.5}, "between 0 and 1/k"),
        ({"clip": 0.0}, "between 0 and 1/k"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(UsageError, match=message):
        fit(dump(3), **settings)


@pytest.mark.parametrize(("rows", "told"), [(9, True), (10, False)])
def test_a_prior_of_a_class_with_few_rows_is_noted(rows, told):
    p = Predictions(probs=np.linspace(0.1, 0.9, 40), labels=np.arange(40) >= 40 - rows)
    note = fit(p, "temperature", prior=0.1).fitted.note or ""
    words = "a share that is known from few rows: 1 of 2 classes has fewer than 10 (the fewest: 9 rows of 1)"
    assert (words in note) is told


@pytest.mark.parametrize("method", ["temperature", "vector", "isotonic", "top-platt"])
def test_a_clip_raises_minus_zero_as_it_raises_zero(method):
    logits, labels = logits_and_labels(300, 4, seed=3)
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probs[::5, 2] = 0.0
    probs /= probs.sum(axis=1, keepdims=True)
    plain, minus = (Predictions(probs=np.where(probs == 0, zero, probs), labels=labels) for zero in (0.0, -0.0))
    expected, found = (fit(given, method, clip=0.01) for given in (plain, minus))
    assert found.parameters() == expected.parameters()
    mapped = scores(found(minus))
    assert (mapped == scores(expected(plain))).all()
    assert np.isfinite(mapped).all()
