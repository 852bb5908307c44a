from __future__ import annotations

import numpy as np
import pytest

from calibeval import Predictions, read
from calibeval.core.data.predictions import Source
from calibeval.recalibrate.fitting.leak import check_leak
from tests.data import logits_and_labels


def dump(n=300, k=4, seed=0, rows=slice(None), **settings):
    logits, labels = logits_and_labels(n, k, seed=seed)
    return Predictions(logits=logits[rows], labels=labels[rows], **settings)


def test_same_file(sample_data):
    val, test = (read(f"{sample_data}/diamonds.npz#{split}") for split in ("val", "test"))
    both = read(f"{sample_data}/diamonds.npz#val+test")
    assert check_leak(val, test) is None
    assert check_leak(val, val).reason == "file"
    assert check_leak(val, both).reason == "file"
    assert "are the same file and share" in check_leak(val, both).text
    assert check_leak(read(sample_data / "digits_val.npz"), read(sample_data / "digits_test.npz")) is None


def test_same_file_with_known_rows():
    source = Source("a.npz", "val", "f00")
    one, other = (
        dump(source=source, rows=slice(0, 100)),
        dump(source=Source("a.npz", "test", "f00"), rows=slice(90, 200)),
    )
    assert check_leak(one, other) is None
    leak = check_leak(of_rows(one, 0, 100), of_rows(other, 90, 200))
    assert (leak.reason, leak.rows, leak.certain) == ("file", 10, True)
    assert check_leak(of_rows(one, 0, 100), of_rows(other, 100, 200)) is None


def of_rows(predictions, start, stop):
    """The predictions as those of these rows of their file."""
    object.__setattr__(predictions, "file_rows", np.arange(start, stop))
    return predictions


def test_the_same_rows_in_another_format(sample_data):
    leak = check_leak(read(sample_data / "digits_val.npz"), read(sample_data / "digits_val.csv"))
    assert (leak.reason, leak.rows) == ("rows", 600)


@pytest.mark.parametrize(("shared", "leaks"), [(0, False), (40, False), (60, True), (100, True)])
def test_rows_without_ids(shared, leaks):
    one, other = dump(rows=slice(0, 100)), dump(rows=slice(100 - shared, 200 - shared))
    assert (check_leak(one, other) is not None) == leaks
    if leaks:
        assert check_leak(one, other).rows == shared


def test_a_small_part_of_a_large_dump():
    assert check_leak(dump(rows=slice(0, 30)), dump()).rows == 30
    assert check_leak(dump(), dump(rows=slice(0, 30))).rows == 30


def test_another_label_is_another_row():
    logits, labels = logits_and_labels(100, 4)
    assert (
        check_leak(Predictions(logits=logits, labels=labels), Predictions(logits=logits, labels=(labels + 1) % 4))
        is None
    )


def test_saturated_rows_are_alike_by_themselves():
    rng = np.random.default_rng(0)
    sure = np.eye(4)[rng.integers(0, 4, 160)]
    parts = [np.concatenate([sure[i::2], rng.dirichlet(np.ones(4), 20)]) for i in range(2)]
    one, other = (Predictions(probs=p, labels=p.argmax(axis=1)) for p in parts)
    assert check_leak(one, other) is None
    assert check_leak(one, one).rows == 100


def test_shared_ids():
    ids = np.array([f"image-{i}" for i in range(300)])
    one, other = dump(rows=slice(0, 100), ids=ids[:100]), dump(rows=slice(90, 200), ids=ids[90:200])
    leak = check_leak(one, other)
    assert (leak.reason, leak.rows, leak.certain) == ("ids", 10, True)
    assert check_leak(one, dump(rows=slice(100, 200), ids=ids[100:200])) is None


def test_ids_that_merely_coincide_are_a_warning():
    numbers = np.arange(100)
    one, other = dump(rows=slice(0, 100), ids=numbers), dump(rows=slice(100, 200), ids=numbers)
    leak = check_leak(one, other)
    assert (leak.certain, leak.rows) == (False, 0)
    assert "share 100 ids, but only 0 of them with the same label and scores" in leak.text


def test_ids_of_images():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(4, 3, 5, 5)), rng.integers(0, 3, (4, 5, 5))
    names = np.array(["a", "b", "c", "d"])
    one = Predictions(logits=logits[:2], labels=labels[:2], ids=names[:2])
    assert check_leak(one, Predictions(logits=logits[1:], labels=labels[1:], ids=names[1:])).rows == 25
    assert check_leak(one, Predictions(logits=logits[2:], labels=labels[2:], ids=names[2:])) is None


def test_other_classes_cannot_leak():
    assert check_leak(dump(k=3), dump(k=4)) is None


def test_top_label_dumps():
    rng = np.random.default_rng(0)
    one = Predictions(confidence=rng.random(50), correct=rng.integers(0, 2, 50))
    assert check_leak(one, one).reason == "rows"


def test_zero_has_no_sign():
    one, other = (Predictions(logits=[[zero, 1.0]], labels=[0]) for zero in (0.0, -0.0))
    assert check_leak(one, other).rows == 1
