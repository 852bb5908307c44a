"""Frames and columns of pandas, arrays that lie the wrong way round, and rules and documents in a wrong form."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import calibeval
from tests.data import logits_and_labels

LOGITS, LABELS = logits_and_labels(300, 3, seed=5)
FRAME, SERIES = pd.DataFrame(LOGITS, columns=list("abc")), pd.Series(LABELS, name="y")
DUMP = calibeval.Predictions(logits=LOGITS, labels=LABELS)
EXACT = calibeval.evaluate(DUMP)["nll"].value


def nll(logits, labels, **more):
    return calibeval.evaluate(logits=logits, labels=labels, level=None, **more)["nll"].value


@pytest.mark.parametrize("backend", ["numpy_nullable", "pyarrow"])
def test_nullable_and_arrow_frames(backend):
    if backend == "pyarrow":
        pytest.importorskip("pyarrow")
    frame, series = (one.convert_dtypes(dtype_backend=backend) for one in (FRAME, SERIES))
    assert nll(frame, series) == EXACT
    missing = frame.copy()
    missing.iloc[3, 1] = pd.NA
    with pytest.raises(calibeval.InputError, match="row 3 holds nan in column 1"):
        nll(missing, series)
    missing = series.copy()
    missing[3] = pd.NA
    with pytest.raises(calibeval.InputError, match="row 3: label nan"):
        nll(frame, missing)
    assert calibeval.evaluate(probs=frame["a"] * 0 + 0.5, labels=series == 1)["accuracy"].value is not None


def test_categories_are_names_of_classes():
    names = ["cat", "dog", "fox"]
    series = pd.Series(np.array(names)[LABELS], dtype="category")
    for labels in (series, pd.Categorical(series), series.astype("string")):
        assert nll(FRAME, labels, class_names=names) == EXACT
    assert nll(FRAME, SERIES.astype("category")) == EXACT


def test_a_frame_of_columns():
    columns = pd.DataFrame({"site": np.array(["A", "B"])[LABELS % 2], "n": 1})
    found = calibeval.evaluate(logits=FRAME, labels=SERIES, columns=columns[["site"]], slices="site", min_rows=1)
    assert {one.value for one in found.dumps[0].slices} == {"A", "B"}
    assert list(calibeval.Predictions(logits=FRAME, labels=SERIES, columns=columns).columns) == ["site", "n"]
    with pytest.raises(calibeval.UsageError, match="columns has the key 0, but names are texts"):
        calibeval.Predictions(logits=FRAME, labels=SERIES, columns=pd.DataFrame({0: LABELS}))


def test_rows_in_another_order_are_refused():
    shuffled = SERIES.sample(frac=1, random_state=0)
    refused = r"^logits and {} are of pandas and have different indices"
    with pytest.raises(calibeval.InputError, match=refused.format("labels")):
        nll(FRAME, shuffled)
    with pytest.raises(calibeval.InputError, match=refused.format("ids")):
        nll(FRAME, SERIES, ids=shuffled)
    with pytest.raises(calibeval.InputError, match=refused.format(r'columns\["y"\]')):
        nll(FRAME, SERIES, columns={"y": shuffled})
    assert nll(FRAME, shuffled.loc[FRAME.index]) == EXACT
    assert nll(FRAME.loc[shuffled.index], shuffled) == pytest.approx(EXACT)
    assert nll(FRAME, shuffled.sort_index().to_numpy()) == EXACT


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (
            LOGITS[:, 0],
            r"label 2, but logits of shape \(300\) were read as one binary column with 2 classes \(0 to 1\)",
        ),
        (LOGITS.T, r"logits have shape \(3, 300\), but labels have shape \(300\); .* so transpose the logits"),
    ],
)
def test_shapes_that_do_not_fit(logits, message):
    with pytest.raises(calibeval.InputError, match=message):
        nll(logits, LABELS)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("ece<0.05", r'rules is "ece<0.05", which is no file; a rule is .* such as \{"metric": "ece", "max": 0.05\}'),
        ("ece", r'rules is "ece", which is no file'),
        (["ece<0.05"], r"a rule is a calibeval\.Rule, or a table such as"),
        ({"ece": 0.05}, r'did you mean \{"metric": "ece", "max": 0.05\}\?'),
        ([{"accuracy": 0.9}], r'did you mean \{"metric": "accuracy", "min": 0.9\}\?'),
    ],
)
def test_rules_in_another_form(rules, message):
    with pytest.raises(calibeval.UsageError, match=message):
        calibeval.gate(DUMP, rules)


@pytest.mark.parametrize("path", ["out/report.json", Path("out/report.json")])
@pytest.mark.parametrize("kind", [calibeval.Report, calibeval.Comparison, calibeval.Verdict])
def test_a_path_is_not_the_json_itself(kind, path):
    with pytest.raises(ValueError, match=r'Path\("FILE"\)\.read_text\(encoding="utf-8"\)'):
        kind.from_json(path)
