"""What values each kind may have; the whole messages stand in test_engine.py, where a report meets them."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.data.check_values import bad_values_error, check_values, looks_like_probs
from calibeval.core.data.precision import Tolerance, stored_precision
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("f8", 1e-4), ("f4", 1e-4), ("f2", 8 * 2**-10), (">f2", 8 * 2**-10), ("i4", 1e-4), ("b1", 1e-4)],
)
def test_tolerance_follows_the_stored_type(dtype, tolerance):
    assert Tolerance.of(stored_precision(np.dtype(dtype))).of_sum == tolerance


@pytest.mark.parametrize(
    ("dtype", "off", "fine"),
    [
        ("f8", 9e-5, True),
        ("f8", 1.2e-4, False),
        ("f4", 9e-5, True),
        ("f4", 1.2e-4, False),
        ("f2", 0.006, True),
        ("f2", 0.01, False),
    ],
)
@pytest.mark.parametrize("k", [2, 20])
def test_sums_just_inside_and_outside(dtype, off, fine, k):
    probs = np.zeros((2, k))
    probs[:, :2] = 1 / 3, 2 / 3  # not rounded to decimals
    probs[1, 0] += off
    error = bad_values_error(Predictions(probs=probs.astype(dtype), labels=[0, 0]))
    assert (error is None) == fine


def test_good_values_pass():
    check_values(Predictions(logits=[[0.0, -np.inf], [1e308, -1e308]], labels=[0, 1]))
    check_values(Predictions(probs=[[0.0, 1.0]], labels=[0]))
    check_values(Predictions(log_probs=[[0.0, -np.inf]], labels=[0]))
    check_values(Predictions(confidence=[0.0, 1.0], correct=[0, 1]))


def test_rounded_probabilities_of_many_classes_pass():
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(1000), 50)
    check_values(Predictions(probs=probs.astype(np.float16), labels=[0] * 50))
    check_values(Predictions(probs=probs.astype(np.float32), labels=[0] * 50))


def test_all_bad_rows_are_counted_over_all_blocks(monkeypatch):
    monkeypatch.setattr("calibeval.core.data.check_values.ROWS_SCORES", 4)
    probs = np.full((10, 2), 0.5)
    probs[[3, 4, 9]] = 0.7
    with pytest.raises(InputError) as error:
        check_values(Predictions(probs=probs, labels=[0] * 10))
    assert str(error.value) == (
        "predictions: row 3 sums to 1.4, not to 1 within 0.1001 (rounded to 1 decimal), so these are not "
        "probabilities (3 rows of 10 are wrong). renormalize=True divides every row by its sum, and counts these rows."
    )


def test_row_numbers_count_ignored_rows():
    probs = np.array([[0.5, 0.5], [9.0, 9.0], [0.5, 0.7]])
    with pytest.raises(InputError, match=r"^predictions: row 2 sums to 1\.2, "):
        check_values(Predictions(probs=probs, labels=[0, 255, 0], ignore_index=255))


@pytest.mark.parametrize(
    ("scores", "answer"),
    [
        ([[0.25, 0.75], [1.0, 0.0]], True),
        ([[0.25, 0.75], [1.0, 0.1]], False),
        ([[1.25, -0.25]], False),
        ([[0.5, np.nan]], False),
        ([[0, 1], [1, 0]], True),
        ([[0.333, 0.333, 0.333], [0.25, 0.25, 0.5]], True),  # rounded
        ([[0.333, 0.333, 0.335], [0.25, 0.25, 0.48]], False),
        ([[0.3, 0.8], [0.2, 0.7]], False),
    ],
)
def test_what_looks_like_probabilities(scores, answer):
    assert looks_like_probs(np.array(scores)) is answer
    if np.asarray(scores).dtype.kind == "f":
        assert looks_like_probs(np.array(scores, np.float16)) is answer


ROUNDED = np.array([[0.25, 0.75], [0.0, 1.00001], [0.6, 0.4]], np.float32)


def test_rounding_above_1_counts_as_1_in_every_form():
    labels = [1, 1, 0]
    given = [
        Predictions(probs=ROUNDED, labels=labels),
        Predictions(probs=ROUNDED[:, 1], labels=labels),
        Predictions(log_probs=np.log(ROUNDED[:, 1]), labels=labels),
        Predictions(confidence=ROUNDED.max(axis=1), correct=[1, 1, 1]),
    ]
    values = [evaluate(one, level=None)["ece"].value for one in given]
    assert values == pytest.approx([values[0]] * 4, abs=1e-7)
    assert float(given[1].scores[1:2][0, 1]) == 1.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"probs": [0.2, 1.5], "labels": [0, 1]},
            "row 1 holds 1.5, so these are not probabilities. If they are logits",
        ),
        ({"probs": [0.2, -2.1e-05], "labels": [0, 1]}, "row 1 holds -2.1e-05, so these are not probabilities."),
        ({"logits": [0.2, np.nan], "labels": [0, 1]}, "row 1 holds nan, but logits must be finite or -inf."),
        ({"confidence": [0.2, 1.0001], "correct": [0, 1]}, "row 1 has confidence 1.0001, but it must lie in [0, 1]."),
    ],
)
def test_a_single_column_is_not_called_another_one(given, message):
    assert str(bad_values_error(Predictions(**given))).startswith(f"predictions: {message}")


PERCENT = "These look like percentages: divide them by 100"


def test_percentages_are_recognised():
    percent = 100 * np.array([[0.25, 0.75], [0.5, 0.5]])
    for given in (
        {"probs": percent, "labels": [0, 1]},
        {"probs": percent[:, 1], "labels": [0, 1]},
        {"confidence": percent.max(axis=1), "correct": [0, 1]},
    ):
        assert PERCENT in str(bad_values_error(Predictions(**given)))
    assert "logits" not in str(bad_values_error(Predictions(probs=percent, labels=[0, 1])))
    assert PERCENT not in str(bad_values_error(Predictions(probs=[[0.5, 0.7]], labels=[0])))


def test_scores_of_a_file_are_told_the_option():
    source = Source("a.npz")
    error = bad_values_error(Predictions(probs=[[-0.5, 0.7]], labels=[0], source=source))
    assert str(error).endswith("If they are logits, use --kind logits.")


@pytest.mark.filterwarnings("error")
def test_infinities_of_both_signs_are_no_percentages():
    predictions = Predictions(probs=[[np.inf, -np.inf, 0.0]] * 2, labels=[0, 1])
    with pytest.raises(InputError, match="row 0 holds inf in column 0, so these are not probabilities"):
        check_values(predictions)
