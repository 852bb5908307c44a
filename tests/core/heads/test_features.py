"""Features: shapes, labels, ignored rows, values, and rows that two caches share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.data.picked_rows import PickedRows
from calibeval.core.data.predictions import Source
from calibeval.core.errors import InputError
from calibeval.core.heads.features import Features
from calibeval.core.heads.leak import feature_leak
from tests.core.streams import Forward

ROWS = np.arange(12.0).reshape(6, 2)
LABELS = [0, 2, 1, 0, 2, 1]


def refused(message, **given):
    with pytest.raises(InputError) as error:
        Features(**{"features": ROWS, **given})
    assert str(error.value) == message


def cache(rows=slice(None), n=100, d=5, seed=0, **more):
    rng = np.random.default_rng(seed)
    features, labels = rng.normal(size=(n, d)), rng.integers(0, 3, n)
    return Features(features=features[rows], labels=labels[rows], **more)


def test_what_is_known_of_plain_features():
    features = Features(features=ROWS, labels=LABELS)
    assert (features.n, features.d, features.k, features.ignored) == (6, 2, 3, 0)
    assert (features.ids, features.class_names, features.warnings, features.file_rows) == (None, None, (), None)
    assert features.source == features.settled_source() == Source()


def test_labels_may_be_missing():
    features = Features(features=ROWS)
    assert (features.labels, features.k, features.n) == (None, None, 6)
    assert [block.labels for block in features.blocks(4)] == [None, None]
    assert Features(features=ROWS, class_names=["a", "b"]).k == 2


@pytest.mark.parametrize(
    ("labels", "k"),
    [
        (LABELS, 3),
        (np.array(LABELS, float), 3),
        (np.eye(4)[LABELS], 4),
        (np.array(LABELS)[:, None], 3),
        (np.array([0, 1, 0, 1, 0, 1], bool), 2),
        (np.zeros(6, np.uint8), 1),
    ],
)
def test_labels_of_every_form(labels, k):
    features = Features(features=ROWS, labels=labels)
    expected = np.argmax(labels, axis=1) if np.shape(labels) == (6, 4) else np.ravel(labels)
    assert features.labels.dtype.kind in "iu"
    assert features.labels.tolist() == expected.tolist()
    assert features.k == k


def test_names_as_labels():
    features = Features(features=ROWS, labels=["b", "a", "c", "b", "a", "c"], class_names=["a", "b", "c", "d"])
    assert features.labels.tolist() == [1, 0, 2, 1, 0, 2]
    assert features.k == 4


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [0, 1, -1, 0, 1, 1],
            ("row 2: label -1, but there are 2 classes (0 to 1). If the classes are called -1 and 1, save 0 and 1."),
        ),
        (
            [0, -100, 3, 0, 1, 1],
            (
                "row 1: label -100, but there are 4 classes (0 to 3). "
                "If -100 marks rows without a label, use ignore_index=-100."
            ),
        ),
        ([0, 0.5, 1, 0, 1, 1], "row 1: label 0.5, but labels must be whole numbers (1 rows are not)"),
        (
            [0, np.nan, 1, 0, 1, 1],
            (
                "row 1: label nan, but labels must be whole numbers (1 rows are not). "
                "Leave out the rows without a label before saving."
            ),
        ),
        ([0, np.inf, 1, 0, 1, 1], "row 1: label inf, but labels must be whole numbers (1 rows are not)"),
        ([0, 2**40, 1, 0, 1, 1], "the largest label is 1099511627776, but at most 1048576 classes are supported"),
        ([0, 1], "6 rows of features, but 2 labels"),
        (3, "6 rows of features, but a single label"),
        (
            np.ones((6, 2)),
            (
                "row 0: labels of shape (6, 2) must be one-hot (a single 1, all others 0), but 6 rows are "
                "not; rows with several labels or none are not supported"
            ),
        ),
        (
            np.full((6, 2), 0.25),
            "row 0: its soft label sums to 0.5, but the probabilities of the classes sum to 1 (6 rows are wrong)",
        ),
        (
            ["a", "b"] * 3,
            ('row 0: label "a" is text; give the class names, in the order of the columns (class_names=[...])'),
        ),
        (np.zeros((6, 2, 2)), "labels have shape (6, 2, 2), but one label per row is needed"),
        (np.zeros(6, complex), "labels have dtype complex128, but whole numbers are needed"),
    ],
)
def test_labels_that_cannot_be(labels, message):
    refused(message, labels=labels)


def test_labels_beyond_the_class_names():
    refused(
        "row 1: label 3, but there are 3 classes (0 to 2). If the labels start at 1, subtract 1 before saving.",
        labels=[1, 3, 2, 1, 1, 1],
        class_names=["a", "b", "c"],
    )
    refused("labels have 2 columns, but there are 3 classes", labels=np.eye(2)[[0] * 6], class_names=["a", "b", "c"])


def test_labels_that_seem_to_start_at_1():
    (warning,) = Features(features=ROWS, labels=[1, 2, 3, 1, 2, 3]).warnings
    assert warning == "labels range from 1 to 3, and none is 0: if they start at 1, subtract 1 before saving"
    assert Features(features=ROWS, labels=[1, 3, 3, 1, 3, 3]).warnings == ()
    assert Features(features=ROWS, labels=[1, 2, 3] * 2, class_names=["a", "b", "c", "d"]).warnings == ()


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.arange(6.0), "features have shape (6), but (n, d) is needed"),
        (np.zeros((6, 0)), "features have shape (6, 0), but (n, d) is needed"),
        (
            np.zeros((6, 2, 3)),
            (
                "features have shape (6, 2, 3), but (n, d) is needed. "
                "Flatten or average the values of a row before saving; or save a label for every pixel, (n, h, w) "
                "beside features (n, c, h, w)."
            ),
        ),
        (np.array([["a", "b"]] * 6), "features have dtype <U1, but numbers are needed"),
        (np.array([[{}, {}]] * 6), "features have dtype object, but numbers are needed"),
        (np.zeros((6, 2), complex), "features have dtype complex128, but numbers are needed"),
        (np.zeros((0, 2)), "there are no rows"),
    ],
)
def test_features_that_cannot_be(features, message):
    refused(message, features=features)


def test_lists_of_unequal_length():
    with pytest.raises(InputError, match=r"^features do not form an array: "):
        Features(features=[[1.0], [1.0, 2.0]])


def test_ids_and_columns_have_a_value_for_each_row():
    refused('"ids" has 2 entries, but there are 6 rows', ids=["a", "b"])
    refused('"site" has shape (6, 1), but one value per row is needed', columns={"site": np.zeros((6, 1))})


def test_ignored_rows_are_left_out_of_everything():
    features = Features(
        features=ROWS,
        labels=[0, 255, 1, 255, 2, 0],
        ids=list("abcdef"),
        columns={"site": [5, 6, 7, 8, 9, 10]},
        file_rows=np.array([10, 11, 12, 13, 14, 15]),
        ignore_index=255,
    )
    kept = [0, 2, 4, 5]
    assert (features.n, features.ignored, features.k) == (4, 2, 3)
    assert features.labels.tolist() == [0, 1, 2, 0]
    assert features.matrix(np.float64).tolist() == ROWS[kept].tolist()
    assert features.ids.tolist() == ["a", "c", "e", "f"]
    assert features.columns["site"].tolist() == [5, 7, 9, 10]
    assert features.file_rows.tolist() == [10, 12, 14, 15]
    assert features.stored_rows.tolist() == kept
    refused("there are no rows except 6 ignored ones", labels=[255] * 6, ignore_index=255)
    assert Features(features=ROWS, labels=LABELS, ignore_index=255).stored_rows is None


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_that_are_not_finite(dtype):
    rows = ROWS.astype(dtype)
    rows[3, 1], rows[5, 0] = np.nan, -np.inf
    features = Features(features=rows, labels=LABELS, source=Source("runs/a.npz", "val"))
    message = "a.npz#val: row 3 holds nan in feature 1, but features must be finite numbers (2 rows of 6 are wrong)"
    for look in (features.check_values, features.matrix):
        with pytest.raises(InputError) as error:
            look()
        assert str(error.value) == message


def test_rows_are_counted_as_the_file_does():
    rows = ROWS.copy()
    rows[4, 0] = np.inf
    features = Features(features=rows, labels=[9, 9, 0, 1, 1, 3], ignore_index=9)
    with pytest.raises(InputError, match=r"^predictions: row 4 holds inf in feature 0, but features must be finite"):
        features.check_values()
    with pytest.raises(InputError, match=r"^predictions: row 5: label 3, but the head has 3 classes \(0 to 2\)\.$"):
        features.check_classes(3, "the head has")
    features.check_classes(4)
    Features(features=ROWS).check_classes(1)


def test_a_number_too_large_for_the_type_asked_for():
    features = Features(features=[[1.0], [1e300]])
    with pytest.raises(InputError, match=r"holds 1e\+300 in feature 0, but the largest float32 number is 3\.4e\+38$"):
        features.matrix()
    assert features.matrix(np.float64)[1, 0] == 1e300


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", ">f2", "i1", "i8", "u2", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_type_and_order_gives_the_same_matrix(dtype, order):
    stored = np.asarray([[1, 0], [0, 1], [1, 1]], dtype, order=order)
    found = Features(features=stored).matrix()
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert found.flags.writeable
    assert found.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert not np.shares_memory(found, stored)


@given(st.integers(1, 9))
def test_blocks_are_the_rows_in_order(step):
    blocks = [*Features(features=ROWS, labels=LABELS).blocks(step)]
    assert np.concatenate([block.features for block in blocks]).tolist() == ROWS.tolist()
    assert np.concatenate([block.labels for block in blocks]).tolist() == LABELS
    assert [block.first_row for block in blocks] == [*range(0, 6, step)]


def test_a_stream_is_read_once_in_blocks():
    """A source that refuses to go back, or to serve all of its rows at once."""
    values = np.random.default_rng(0).normal(size=(300_000, 8))
    stream = Forward(values)
    features = Features(features=stream, labels=np.zeros(len(values), int))
    assert stream.served == 0
    features.check_values()
    assert stream.served == len(values)
    assert stream.largest <= 2**17
    assert (Features(features=Forward(values)).matrix(np.float64) == values).all()


@given(st.lists(st.integers(0, 19), min_size=1, unique=True), st.integers(0, 20), st.integers(0, 20))
def test_picked_rows(rows, start, stop):
    values = np.arange(60).reshape(20, 3)
    expected = values[np.array(rows)][start:stop].tolist()
    for source in (values, Slices(values)):
        picked = PickedRows(source, np.array(rows))
        assert picked.shape == (len(rows), 3)
        assert picked[start:stop].tolist() == expected


class Slices:
    """Serves slices only."""

    def __init__(self, values):
        self._values, self.shape, self.dtype = values, values.shape, values.dtype

    def __getitem__(self, rows):
        return self._values[rows.start : rows.stop]


def test_the_same_rows_are_a_leak():
    leak = feature_leak(cache(), cache(rows=slice(40, None)))
    assert (leak.reason, leak.rows, leak.certain) == ("rows", 60, True)
    assert leak.text == "predictions and predictions share 60 rows, identical in features and label"
    assert feature_leak(cache(rows=slice(0, 60)), cache(rows=slice(40, None))) is None
    assert feature_leak(cache(), cache(seed=1)) is None
    assert feature_leak(cache(), cache(d=6)) is None


def test_another_label_is_another_row():
    one = Features(features=ROWS, labels=LABELS)
    assert feature_leak(one, Features(features=ROWS, labels=LABELS[::-1])) is None
    assert feature_leak(one, Features(features=ROWS.astype("f4"), labels=np.array(LABELS, "u1"))).rows == 6


def test_shared_ids():
    ids = np.array([f"text-{i}" for i in range(100)])
    one = cache(rows=slice(0, 60), ids=ids[:60])
    leak = feature_leak(one, cache(rows=slice(50, 100), ids=ids[50:]))
    assert (leak.reason, leak.rows) == ("ids", 10)
    assert leak.text.endswith("share 10 rows: the same ids with the same labels and features")
    coincidence = feature_leak(one, cache(rows=slice(60, 100), ids=ids[:40]))
    assert (coincidence.certain, coincidence.rows) == (False, 0)
    assert feature_leak(one, cache(rows=slice(60, 100), ids=ids[60:])) is None


def test_ids_of_numbers_and_of_text_are_compared_as_text():
    one, other = cache(ids=np.arange(100)), cache(ids=np.arange(100).astype(str))
    assert feature_leak(one, other).reason == "ids"


def test_caches_without_labels_are_compared_by_their_features():
    one = Features(features=ROWS)
    assert feature_leak(one, Features(features=ROWS)).rows == 6


def test_the_same_rows_of_one_file():
    def part(split, rows=None, start=0):
        more = {"file_rows": rows, "source": Source("a.npz", split, "f00")}
        return cache(slice(start, start + 10), **more)

    assert feature_leak(part("train"), part("val", start=50)) is None
    leak = feature_leak(part("train"), part("train+val", start=50))
    assert (leak.reason, leak.text) == ("file", "a.npz#train and a.npz#train+val are the same file and share 10 rows")
    one, other = part("train", np.arange(10)), part("val", np.arange(7, 17), start=50)
    assert feature_leak(one, other).rows == 3
    assert feature_leak(one, part("val", np.arange(10, 20), start=50)) is None
