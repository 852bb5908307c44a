"""What takes the place of a path: cross-fitted predictions, dumps by name, arrays; and maps that exist already."""

import numpy as np
import pytest

import calibeval
from tests.data import logits_and_labels

LOGITS, LABELS = logits_and_labels(600, 3, seed=11)
A = calibeval.Predictions(logits=LOGITS[:300], labels=LABELS[:300])
B = calibeval.Predictions(logits=LOGITS[300:], labels=LABELS[300:])
RULE = {"metric": "accuracy", "min": 0.0}


def test_what_cross_fit_returns_is_taken_everywhere():
    crossed = calibeval.cross_fit(A, 3)
    assert calibeval.evaluate(crossed)["ece"] == calibeval.evaluate(crossed.predictions)["ece"]
    assert calibeval.compare(A, crossed)["nll"] == calibeval.compare(A, crossed.predictions)["nll"]
    assert calibeval.compare(crossed, [A])["nll"].difference == -calibeval.compare(A, crossed)["nll"].difference
    assert calibeval.gate(crossed, RULE, baseline=crossed)
    assert [dump.n for dump in calibeval.evaluate([A, crossed]).dumps] == [300, 300]


def test_dumps_with_names():
    report = calibeval.evaluate({"clean": A, "noisy": B}, metrics="ece")
    assert [dump.name for dump in report.dumps] == ["clean", "noisy"]
    assert "noisy" in str(report)
    comparison = calibeval.compare(A, {"itself": A, "again": A}, A)
    assert [one.name for one in comparison.candidates] == ["itself", "again", "predictions (2)"]


@pytest.mark.parametrize(
    ("dumps", "message"),
    [
        ({}, "predictions is an empty dict"),
        ({3: A}, "a name in predictions is 3, but it must be a text"),
        ({"clean": 7}, r'predictions\["clean"\] is 7, but it must be a path or calibeval.Predictions'),
        ({"logits": LOGITS, "labels": LABELS}, r'is a dict with "logits"; arrays are given by name: evaluate\(logits='),
    ],
)
def test_dicts_that_hold_no_dumps(dumps, message):
    with pytest.raises(calibeval.UsageError, match=message):
        calibeval.evaluate(dumps)


def test_a_map_that_is_fitted_already(tmp_path):
    mapping = calibeval.fit(A)
    mapping.save(tmp_path / "map.json")
    after = calibeval.evaluate(B, map=mapping).dumps[0]
    assert after.recalibrated.metrics["nll"] == calibeval.evaluate(mapping(B))["nll"]
    assert calibeval.evaluate(B, map=tmp_path / "map.json").dumps[0] == after
    assert [one.code for one in after.warnings] == ["optimistic"]
    with pytest.raises(calibeval.InputError, match=r"the same scores and labels: .* Use allow_leak=True"):
        calibeval.evaluate(A, map=mapping)
    assert "leak" in [one.code for one in calibeval.evaluate(A, map=mapping, allow_leak=True).dumps[0].warnings]
    with pytest.raises(calibeval.UsageError, match="cross_fit and map exclude each other"):
        calibeval.evaluate(B, map=mapping, cross_fit=3)
    with pytest.raises(calibeval.UsageError, match=r"map is 3, but it must be a path or calibeval\.Map"):
        calibeval.evaluate(B, map=3)


IN_PREDICTIONS = r"put arrays into calibeval.Predictions\(logits=..., labels=...\)"
BY_NAME = r"arrays are given by name: evaluate\(logits=..., labels=...\)"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (calibeval.evaluate, BY_NAME),
        (calibeval.fit, IN_PREDICTIONS),
        (calibeval.cross_fit, IN_PREDICTIONS),
        (calibeval.gate, IN_PREDICTIONS),
        (calibeval.conventions, IN_PREDICTIONS),
        (calibeval.compare, IN_PREDICTIONS),
    ],
)
def test_arrays_by_position_are_told_the_way(function, message):
    with pytest.raises((TypeError, calibeval.UsageError), match=message):
        function(LOGITS, LABELS)


@pytest.mark.parametrize("name", ["fit", "cross_fit", "gate", "conventions", "compare"])
def test_arrays_by_keyword_are_told_the_way(name):
    with pytest.raises(TypeError, match=rf'keyword argument "logits"; {IN_PREDICTIONS}, and give these to {name}\(\)'):
        getattr(calibeval, name)(logits=LOGITS, labels=LABELS)
    with pytest.raises(TypeError, match=f'keyword argument "probs"; {IN_PREDICTIONS}$'):
        calibeval.read(probs=LOGITS)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "meant"), [("targets", "labels"), ("y_true", "labels"), ("n_bins", "bins"), ("y_prob", "probs")]
)
def test_words_of_other_tools(name, meant):
    with pytest.raises(TypeError, match=rf'did you mean "{meant}"\?'):
        calibeval.evaluate(logits=LOGITS, **{name: np.asarray(LABELS)})
