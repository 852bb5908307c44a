"""Probabilities rounded to few decimals, or to half precision: recognised, divided by their sums, and said."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, evaluate
from calibeval.core.data.check_values import bad_values_error
from calibeval.core.data.precision import as_stored
from calibeval.core.data.rounding import decimals_of, rounding_of
from calibeval.core.errors import InputError


def softmax_rows(n, k, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k)) * 2
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    labels = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return p, labels


def ece_of(p, labels, bins=15):
    """The ECE by plain arithmetic, bins (lower, upper]."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins - 1e-12).astype(int) - 1, 0, bins - 1)
    parts = [abs(right[place == b].sum() - confidence[place == b].sum()) for b in range(bins)]
    return sum(parts) / len(labels)


@pytest.mark.parametrize(("k", "decimals"), [(2, 1), (3, 2), (10, 3), (10, 4), (100, 4), (1000, 4), (1000, 3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rounded_rows_are_divided_by_their_sums(k, decimals, dtype):
    p, labels = softmax_rows(400, k)
    rounded = np.round(p, decimals)
    if k == 2:
        rounded[:50] = 0.5, 0.6  # both halves of 0.45 and 0.55, rounded up
    given = Predictions(probs=rounded.astype(dtype), labels=labels)
    sums = rounded.sum(axis=1)
    off = np.abs(sums - 1)
    places = "1 decimal" if decimals == 1 else f"{decimals} decimals"
    (warning,) = given.warnings
    assert warning.code == "rounded"
    assert warning == (
        f"probabilities are rounded to {places}: every row is divided by its sum "
        f"({np.count_nonzero(off > 5e-7)} of 400 rows were off by up to {round(off.max(), 6):.2g})"
    )
    assert given.recognised == (f"rounded to {places}",)
    expected = rounded / sums[:, None]
    found = np.asarray(given.scores[0:400], np.float64)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7 if dtype is np.float32 else 1e-15)
    report = evaluate(given, level=None)
    assert report["ece"].value == pytest.approx(ece_of(expected, labels), abs=1e-7)
    assert bad_values_error(given) is None


def test_a_table_within_the_usual_tolerance_stays_as_it_is():
    p, labels = softmax_rows(200, 3)
    rounded = np.round(p, 6)
    given = Predictions(probs=rounded, labels=labels)
    assert given.scores is rounded
    assert (given.warnings, given.recognised) == ((), ())
    exact = np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])
    assert Predictions(probs=exact, labels=[0, 1, 0]).scores is exact


def test_rows_that_sum_to_1_keep_their_very_numbers():
    probs = np.array([[0.1, 0.2, 0.7], [0.333, 0.333, 0.333], [0.2, 0.2, 0.6]])
    for dtype in (np.float64, np.float32):
        given = Predictions(probs=probs.astype(dtype), labels=[0, 0, 0])
        rows = given.scores[0:3]
        assert rows.dtype == dtype
        assert (rows[[0, 2]] == probs[[0, 2]].astype(dtype)).all()
        assert (rows[1] == dtype(1 / 3)).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_quotient_on_an_edge_stays_on_it(dtype):
    probs = np.full((2, 10), 0.067)
    probs[0, 0] = 0.402  # of 1.005
    probs[1] = 0.4, 0.06, *[0.067] * 4, *[0.068] * 4
    report = evaluate(Predictions(probs=probs.astype(dtype), labels=[0, 1]), level=None, bins=5)
    assert [one.count for one in report.dumps[0].equal_width] == [0, 2, 0, 0, 0]


def test_half_precision_becomes_float64():
    probs = np.array([[0.33, 0.33, 0.33], [0.5, 0.25, 0.25]], np.float16)
    given = Predictions(probs=probs, labels=[0, 1])
    assert given.recognised == ("rounded to 2 decimals",)
    assert given.precision == 2.0**-52
    assert given.scores[0:2].tolist() == [[1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]]


def test_half_precision_of_very_many_classes_loses_its_tail():
    k = 400_000
    probs = np.full((2, k), 0.0, np.float16)
    probs[:, 0] = 0.99  # the rest, 2.5e-8 each, is 0 in float16
    given = Predictions(probs=probs + np.float16(0), labels=[0, 0])
    assert given.recognised == ("rounded to 2 decimals",)
    probs[:, 0] = np.float16(0.98926)
    given = Predictions(probs=probs, labels=[0, 0])
    assert given.recognised == ("rounded to half precision",)
    assert given.scores[0:1][0, 0] == 1.0
    few = probs[:, :1000]
    assert bad_values_error(Predictions(probs=few, labels=[0, 0])) is not None


def test_half_precision_softmax_stays_as_it_is():
    p, labels = softmax_rows(100, 1000)
    given = Predictions(probs=p.astype(np.float16), labels=labels)
    assert given.warnings == ()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        # 7 decimals are not rounding
        ([[0.3333001, 0.3333, 0.3331], [0.5, 0.25, 0.25]], "row 0 sums to 0.9997, not to 1 within 0.0001, "),
        # an excess counts cells that are not 0 only
        ([[0.51, 0.5, 0.0, 0.01]] * 2, "row 0 sums to 1.02, not to 1 within 0.0151 (rounded to 2 decimals), "),
        # a deficit is at most k/2 units
        ([[0.33, 0.33, 0.32]] * 2, "row 0 sums to 0.98, not to 1 within 0.0151 (rounded to 2 decimals), "),
        # one row of many is enough
        ([[0.33, 0.33, 0.33]] * 50 + [[0.5, 0.5, 0.02]], "row 50 sums to 1.02, not to 1 within 0.0151 "),
        # whole numbers were not rounded: two right classes are no rounding
        ([[1.0, 1.0, 0.0]] * 2, "row 0 sums to 2, not to 1 within 0.0001, "),
    ],
)
def test_what_rounding_does_not_explain_is_refused(rows, message):
    for dtype in (np.float64, np.float32):
        with pytest.raises(InputError) as error:
            evaluate(Predictions(probs=np.array(rows, dtype), labels=[0] * len(rows)))
        assert str(error.value).startswith(f"predictions: {message}")


def test_a_deficit_is_never_above_15_percent():
    probs = np.zeros((2, 1000))
    probs[:, 0] = 0.86
    assert Predictions(probs=probs, labels=[0, 0]).recognised == ("rounded to 2 decimals",)
    probs[1, 0] = 0.84
    with pytest.raises(InputError, match=r"row 1 sums to 0\.84, not to 1 within 0\.1501 \(rounded to 2 decimals\)"):
        evaluate(Predictions(probs=probs, labels=[0, 0]))


def test_ignored_rows_do_not_count():
    probs = np.array([[0.33, 0.33, 0.33], [9.123456789, 0.0, 0.0], [0.25, 0.25, 0.5]])
    given = Predictions(probs=probs, labels=[0, 255, 2], ignore_index=255)
    assert given.warnings == (
        "probabilities are rounded to 2 decimals: every row is divided by its sum (1 of 2 rows were off by up to 0.01)",
    )
    assert evaluate(given, level=None)["accuracy"].value == 1.0


def test_dense_scores_are_divided_pixel_by_pixel():
    p, labels = softmax_rows(2 * 4 * 5, 6)
    rounded = np.round(p, 3)
    images = np.moveaxis(rounded.reshape(2, 4, 5, 6), -1, 1)
    given = Predictions(probs=images, labels=labels.reshape(2, 4, 5))
    assert given.layout == (2, 4, 5)
    flat = Predictions(probs=rounded, labels=labels)
    assert (given.scores[0:40] == flat.scores[0:40]).all()
    assert given.warnings == flat.warnings


class Counted:
    """Rows that count how many were read."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, 0

    def __getitem__(self, rows):
        found = self.values[rows]
        self.read += len(found)
        return found


def test_scores_that_were_not_rounded_are_hardly_looked_at():
    p, labels = softmax_rows(20_000, 10)
    for dtype in (np.float64, np.float32, np.float16):
        source = Counted(p.astype(dtype))
        Predictions(probs=source, labels=labels)
        assert source.read * 10 <= 2**12
    source = Counted(np.eye(10, dtype=np.int64)[labels])
    Predictions(probs=source, labels=labels)
    assert source.read == 0


def test_the_pass_ends_where_rounding_cannot_matter():
    p, labels = softmax_rows(20_000, 10)
    source = Counted(np.round(p, 6))  # sums are off by 5e-6 at most
    Predictions(probs=source, labels=labels)
    assert source.read * 10 <= 2**12


def test_one_part_with_more_decimals_is_no_rounding():
    p, labels = softmax_rows(4000, 10)
    mixed = np.concatenate([np.round(p[:2000], 3), p[2000:]])
    with pytest.raises(InputError, match=r"not to 1 within 0\.0001, so these are not probabilities"):
        evaluate(Predictions(probs=mixed, labels=labels))
    two = np.concatenate([np.round(p[:2000], 3), np.round(p[2000:], 4)])
    with pytest.raises(InputError, match=r"\(rounded to 4 decimals\), so these are not probabilities"):
        evaluate(Predictions(probs=two, labels=labels))


def test_parts_of_a_divided_dump_are_those_of_the_whole():
    p, labels = softmax_rows(300, 5)
    given = Predictions(probs=np.round(p, 2), labels=labels, columns={"site": np.arange(300) % 2})
    sites = evaluate(given, slices=["site"], level=None).dumps[0].slices
    expected = np.round(p, 2)
    expected /= expected.sum(axis=1, keepdims=True)
    for one in sites:
        rows = np.arange(300) % 2 == int(one.value)
        assert one.metrics["ece"].value == pytest.approx(ece_of(expected[rows], labels[rows]), abs=1e-12)
    half = given.select(np.arange(150))
    assert (half.scores[0:150] == given.scores[0:150]).all()
    assert half.warnings == given.warnings


def test_decimals_are_counted_in_the_stored_type():
    for precision, dtype in ((2.0**-52, np.float64), (2.0**-23, np.float32), (2.0**-10, np.float16)):
        values = np.array([[0.125, 0.5], [0.3, 0.7]], dtype).astype(np.float64)
        assert decimals_of(values, precision) == 3
    coarse = as_stored(np.array([[0.12, 0.88]]), 2.0**-7)
    assert decimals_of(coarse, 2.0**-7) == 2
    assert decimals_of(np.array([[0.1234567]]), 2.0**-52) is None
    assert decimals_of(np.array([[np.nan, 0.5]]), 2.0**-52) is None
    assert rounding_of(np.array([[0.5, -0.5, 1.02]]), None, 2.0**-52) is None


def test_minus_zero_is_an_option_that_a_row_lacks_only_in_a_log():
    values = np.array([[0.33, 0.33, 0.33, 0.0], [0.98, 0.0, -0.0, -0.0]])  # 0.02 is 4 times half of the last decimal
    found = rounding_of(values, None, 2.0**-52)
    assert (found, found.decimals) == (rounding_of(np.abs(values), None, 2.0**-52), 2)
    assert rounding_of(values, None, 2.0**-52, of_log=True) is None
