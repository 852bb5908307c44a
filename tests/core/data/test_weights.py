"""Weights at the door: what is refused, which rows are left out, and what copies and files keep of them."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate, inspect, read
from calibeval.core.data.weighted import row_weights, weighted
from calibeval.core.errors import InputError, UsageError

PROBS = [[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.1, 0.9]]
LABELS = [0, 1, 1, 1]


def given(weights, **more):
    return Predictions(probs=PROBS, labels=LABELS, weights=weights, **more)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1.0, -0.5, 1.0, 1.0], '"weights" row 1: weight -0.5, but a weight must be a finite number of at least 0'),
        ([1.0, np.nan, np.inf, 1.0], "row 1: weight nan, .* \\(2 rows have no such weight\\)"),
        ([1.0, 1.0, 1.0, np.inf], "row 3: weight inf"),
        ([0.0, 0.0, 0.0, 0.0], '"weights": every weight is 0'),
        (
            [1.0, 1e-60, 1.0, 0.0],
            "the largest weight is 1e\\+60 times the smallest, .* the most is 1e\\+50: write 0 for",
        ),
        (["a", "b", "c", "d"], '"weights" holds <U1, but rows are weighted by numbers'),
        ([1.0, 2.0], '"weights" has 2 entries, but there are 4 rows'),
        ([[1.0], [1.0], [1.0], [1.0]], "one value per row is needed"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights, said):
    with pytest.raises(InputError, match=said):
        given(weights)


def test_a_column_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r'no column "wieght" \(did you mean "weight"\?\); there are weight'):
        given("wieght", columns={"weight": [1, 2, 3, 4]})


def test_rows_of_weight_0_are_ignored_and_counted_beside_those_with_the_ignored_label():
    predictions = Predictions(probs=PROBS, labels=[0, 1, 255, 1], ignore_index=255, weights=[0.0, 2.0, 0.0, 1.0])
    assert (predictions.n, predictions.ignored, predictions.weights.zero) == (2, 2, 1)
    assert row_weights(predictions).tolist() == [0.5, 0.25]  # times a power of 2
    assert predictions.weights.effective == pytest.approx(9 / 5)


def test_what_is_left_is_that_of_the_other_rows_alone():
    some = given([3.0, 0.0, 1.0, 2.0])
    others = Predictions(probs=[PROBS[i] for i in (0, 2, 3)], labels=[0, 1, 1], weights=[3.0, 1.0, 2.0])
    assert evaluate(some)["ece"] == evaluate(others)["ece"]


def test_weights_of_one_value_are_none_for_calculations():
    assert row_weights(given([7.0] * 4)) is None
    assert row_weights(given([7.0, 0.0, 7.0, 7.0])) is None
    assert row_weights(given([7.0, 0.0, 7.0, 7.1])).tolist() == pytest.approx([7 / 8, 7 / 8, 7.1 / 8])


def test_huge_and_tiny_weights_neither_overflow_nor_vanish():
    plain = evaluate(given([1.0, 2.0, 3.0, 4.0]))
    for factor in (1e300, 1e-300):
        assert evaluate(given(factor * np.array([1.0, 2.0, 3.0, 4.0])))["nll"].high == pytest.approx(plain["nll"].high)
    integers = evaluate(given(np.array([1, 2, 3, 4], np.uint8)))
    assert integers["nll"] == plain["nll"]


def test_an_array_becomes_a_column_of_a_free_name():
    predictions = given([1.0, 2.0, 3.0, 4.0], columns={"weights": ["a", "b", "a", "b"]})
    assert predictions.weights.column == "weights_2"
    assert predictions.columns["weights_2"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert predictions.columns["weights"].tolist() == ["a", "b", "a", "b"]


def test_selected_rows_keep_their_weights():
    some = given("w", columns={"w": [1.0, 0.0, 3.0, 5.0]}).select(np.array([0, 1, 3]))
    assert some.weights.column == "w"
    assert some.columns["w"].tolist() == [1.0, 0.0, 5.0]
    assert (some.n, some.weights.zero, some.weights.effective) == (2, 1, pytest.approx(36 / 26))


def test_images_may_have_one_weight_each():
    probs = np.full((3, 2, 1, 4), 0.5)  # (n, k, h, w)
    labels = np.array([[[0, 1, 0, 1]]] * 3)
    predictions = Predictions(probs=probs, labels=labels, weights=[1.0, 2.0, 0.0])
    assert (predictions.n, predictions.ignored) == (8, 4)
    assert row_weights(predictions).tolist() == [0.25] * 4 + [0.5] * 4


def test_weights_can_be_said_later_and_again():
    plain = Predictions(probs=PROBS, labels=LABELS, columns={"w": [1.0, 0.0, 1.0, 2.0], "v": [1.0, 1.0, 0.0, 2.0]})
    first = weighted(plain, "w")
    again = weighted(first, "v")
    assert first.labels.tolist() == [0, -1, 1, 1]
    assert again.labels.tolist() == [0, 1, -1, 1]
    assert weighted(plain, None) is plain


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".jsonl", ".parquet", ".safetensors", ".pt"])
def test_a_saved_dump_has_its_labels_and_weights(tmp_path, suffix):
    path = tmp_path / f"dump{suffix}"
    given("w", columns={"w": [1.5, 0.0, 3.0, 5.0]}).save(path)
    again = read(path, key={"weights": "w"})
    assert again.weights.labels.tolist() == LABELS
    assert (again.n, again.weights.zero) == (3, 1)
    assert evaluate(again)["nll"].value == pytest.approx(evaluate(given([1.5, 0.0, 3.0, 5.0]))["nll"].value)


def test_a_file_without_that_column_says_what_there_is(tmp_path):
    path = tmp_path / "dump.npz"
    np.savez(path, probs=PROBS, labels=LABELS, site=["a", "b", "a", "b"], weight=[1, 1, 1, 2])
    with pytest.raises(InputError, match=r'key=\{"weights": "wt"\}: there is no column "wt".*site, weight'):
        read(path, key={"weights": "wt"})
    assert read(path).weights is None  # a name alone says nothing
    assert read(path, key={"weights": "weight"}).weights.effective == pytest.approx(25 / 7)


def test_inspect_says_what_weights_a_file_may_have(tmp_path):
    path = tmp_path / "dump.npz"
    np.savez(path, probs=PROBS, labels=LABELS, sample_weight=[1, 1, 0, 2])
    assert "a column, or --key weights=sample_weight" in str(inspect(path))
    told = inspect(path, key={"weights": "sample_weight"}).readings[0]
    assert told.recognised[0] == 'weighted by "sample_weight": 3 rows count as 3, 1 of weight 0'


def test_the_terminal_and_the_page_show_how_much_weighted_rows_count():
    report = evaluate(given([1.0, 0.0, 3.0, 5.0]))
    _, size, counts = str(report).splitlines()[:3]
    assert size == '3 rows · 2 classes · probs · positive: class 1 (88.9 % of weight; the other: positive="0")'
    assert counts == "1 of weight 0 · weighted by weights, counts as 2 rows"
    assert "weighted by" in report._repr_html_()


def test_weights_of_any_size_and_of_very_different_sizes_are_finite():
    for scale in (1.0, 1e300):
        report = evaluate(given([scale, scale * 1e-49, scale, scale]))
        assert report["accuracy"].value == pytest.approx(2 / 3)
        report.to_json()  # which refuses NaN


@pytest.mark.parametrize("ratio", [1e12, 1e15, 1e16, 1e17, 1e18, 1e20, 1e25, 1e30, 1e40, 1e49])
def test_a_row_that_outweighs_all_others_is_as_if_alone(ratio):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        logits, labels = rng.normal(size=(60, 3)), rng.integers(0, 3, 60)
        labels[1:4] = range(3)
        report = evaluate(logits=logits, labels=labels, weights=[ratio] + [1.0] * 59)
        alone = evaluate(logits=logits[:1], labels=labels[:1])
        for name in ("accuracy", "nll", "ece"):
            assert report[name].value == pytest.approx(alone[name].value, abs=1e-9)
            assert report[name].floor_high == pytest.approx(alone[name].floor_high, abs=1e-3)
        report.to_json()


@pytest.mark.parametrize("seed", range(5))
def test_rows_that_are_all_right_have_an_accuracy_of_exactly_1(seed):
    rng = np.random.default_rng(seed)
    p, weights = rng.uniform(0.5, 1.0, 300), rng.exponential(size=300)
    for factor in (1.0, 7.3):
        accuracy = evaluate(probs=np.column_stack((1 - p, p)), labels=np.ones(300, int), weights=factor * weights)
        assert (accuracy["accuracy"].value, accuracy["accuracy"].high) == (1.0, 1.0)
        assert accuracy["accuracy"].low < 1.0


@pytest.mark.parametrize("n", [30, 400])
def test_results_do_not_depend_on_the_scale_of_weights(n):
    rng = np.random.default_rng(n)
    logits, weights = 2 * rng.normal(size=(n, 3)), rng.exponential(size=n)
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    one, other = (evaluate(logits=logits, labels=labels, weights=s * weights) for s in (1.0, 7.3))
    for name, metric in one.items():
        for field in ("value", "low", "high", "corrected", "floor", "floor_high", "floor_certain", "z", "p"):
            numbers = getattr(metric, field), getattr(other[name], field)
            assert numbers[0] == numbers[1] or numbers[0] == pytest.approx(numbers[1], rel=1e-9), (name, field)
