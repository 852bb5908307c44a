"""#: prefixes, index arrays, joined splits, named arrays, everything; and what to say where none is named."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval.core.errors import InputError
from calibeval.readers.open import read
from tests.readers.dumps import LABELS, LOGITS, PROBS, needs_labels, npz, part, refused

PREFIXED = {
    "val_logits": LOGITS[:8],
    "val_labels": LABELS[:8],
    "test_logits": LOGITS[8:],
    "test_labels": LABELS[8:],
    "class_names": np.array(["a", "b", "c"]),
}
INDEXED = {
    "logits": LOGITS,
    "labels": LABELS,
    "site": np.arange(20) * 10,
    "ids": np.arange(20) + 100,
    "val_index": np.array([3, 1, 19], np.int32),
    "test_index": np.array([0, 2], np.uint8),
}


def test_prefixed_splits(tmp_path):
    path = npz(tmp_path, **PREFIXED)
    for name, rows in (("val", slice(0, 8)), ("test", slice(8, 20))):
        predictions = read(part(path, name))
        assert predictions.scores[0:20].tolist() == LOGITS[rows].tolist()
        assert predictions.labels.tolist() == LABELS[rows].tolist()
        assert predictions.class_names == ("a", "b", "c")
        assert (predictions.source.path, predictions.source.split, predictions.source.name) == (
            str(path),
            name,
            f"d.npz#{name}",
        )


def test_several_splits_and_none_named(tmp_path):
    message = "d.npz: holds several splits: val, test. Name one, as in d.npz#test"
    refused(npz(tmp_path, **PREFIXED), message)
    refused(part(tmp_path / "d.npz", "all"), message)


def test_joined_splits_follow_the_order_named(tmp_path):
    path = npz(tmp_path, **PREFIXED)
    assert read(part(path, "val+test")).labels.tolist() == LABELS.tolist()
    turned = read(part(path, "test+val"))
    assert turned.labels.tolist() == [*LABELS[8:], *LABELS[:8]]
    assert turned.scores[0:20].tolist() == [*LOGITS[8:].tolist(), *LOGITS[:8].tolist()]


def test_splits_that_cannot_be_joined(tmp_path):
    path = npz(tmp_path, **{**PREFIXED, "val_logits": np.zeros((8, 4))})
    with pytest.raises(InputError):
        read(part(path, "val+test"))
    path = npz(tmp_path, val_logits=np.zeros((4, 5)), val_labels=LABELS[:4], test_logits=LOGITS, test_labels=LABELS)
    refused(part(path, "val+test"), "d.npz: the splits differ in kind or in the shape of their scores")


def test_a_split_cannot_be_joined_to_itself(tmp_path):
    refused(part(npz(tmp_path, **PREFIXED), "val+test+val"), 'd.npz: split "val" is named twice')


def test_index_splits(tmp_path):
    path = npz(tmp_path, **INDEXED)
    val = read(part(path, "val"))
    assert val.labels.tolist() == LABELS[[3, 1, 19]].tolist()
    assert val.scores[0:3].tolist() == LOGITS[[3, 1, 19]].tolist()
    assert val.columns["site"].tolist() == [30, 10, 190]
    assert val.ids.tolist() == [103, 101, 119]
    assert read(part(path, "test+val")).labels.tolist() == LABELS[[0, 2, 3, 1, 19]].tolist()


@pytest.mark.parametrize("split", ["", "#all"])
def test_all_rows_of_index_splits(split, tmp_path):
    assert read(f"{npz(tmp_path, **INDEXED)}{split}").n == 20


@pytest.mark.parametrize(("index", "low", "high"), [([0, 20], 0, 20), ([-1, 3], -1, 3)])
def test_row_numbers_outside_the_file(index, low, high, tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, val_index=np.array(index))
    refused(part(path, "val"), f"d.npz: the split's row numbers run from {low} to {high}, but there are 20 rows")


def test_an_index_as_long_as_the_labels_is_a_column(tmp_path):
    predictions = read(npz(tmp_path, logits=LOGITS, labels=LABELS, orig_index=np.arange(20)))
    assert list(predictions.columns) == ["orig_index"]


def test_a_named_array_needs_a_kind(tmp_path):
    path = npz(tmp_path, clean=LOGITS, noise_1=LOGITS * 2, labels=LABELS)
    message = 'd.npz: "noise_1" could be logits or probabilities: say --kind logits or --kind probs'
    refused(part(path, "noise_1"), message)
    predictions = read(part(path, "noise_1"), kind="logits")
    assert predictions.scores[0:20].tolist() == (LOGITS * 2).tolist()
    assert predictions.source.name == "d.npz#noise_1"


def test_a_split_that_is_not_there(tmp_path):
    refused(
        part(npz(tmp_path, **PREFIXED), "tets"),
        'd.npz: there is no split or array "tets" (did you mean "test"?); found val, test, val_logits, test_logits',
    )


def test_unprefixed_arrays_are_the_dump(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, **{k: v for k, v in PREFIXED.items() if k.startswith("val")})
    assert read(path).n == 20
    assert read(part(path, "val")).n == 8


def test_a_file_whose_own_name_holds_the_sign(tmp_path):
    np.savez(tmp_path / "a#b.npz", **PREFIXED)
    with pytest.raises(InputError, match=r"^a#b\.npz: holds several splits"):
        read(tmp_path / "a#b.npz")
    assert read(f"{tmp_path / 'a#b.npz'}#val").n == 8


def test_columns_that_only_one_split_has_are_left_out_of_a_join(tmp_path):
    path = npz(tmp_path, **PREFIXED, val_site=np.arange(8), test_site=np.arange(12), val_hour=np.arange(8))
    joined = read(part(path, "val+test"))
    assert list(joined.columns) == ["site"]
    assert joined.columns["site"].tolist() == [*range(8), *range(12)]


def test_joined_splits_keep_every_warning(tmp_path):
    noise = np.roll(PROBS, 1, axis=0)
    split = {"val_logits": LOGITS[:8], "val_labels": LABELS[:8], "test_logits": LOGITS[8:], "test_labels": LABELS[8:]}
    path = npz(tmp_path, **split, val_probs=PROBS[:8], test_probs=noise[8:])
    (warning,) = read(part(path, "val+test")).warnings
    assert warning.startswith('test: "logits" is used, but "probs" is not its softmax')


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"val_classes": np.array(["a", "b", "c"]), "test_classes": np.array(["a", "c", "b"])},
            "d.npz: the splits val and test differ in their class names",
        ),
        (
            {"val_ignore_index": np.array(255)},
            "d.npz: val ignores label 255, test ignores None: say which with --ignore-index",
        ),
    ],
)
def test_joined_splits_agree_in_what_they_mean(more, message, tmp_path):
    split = {"val_logits": LOGITS[:8], "val_labels": LABELS[:8], "test_logits": LOGITS[8:], "test_labels": LABELS[8:]}
    refused(part(npz(tmp_path, **split, **more), "val+test"), message)


def test_joined_splits_have_the_coarsest_precision(tmp_path):
    half = LOGITS[8:].astype(np.float16)
    path = npz(tmp_path, val_logits=LOGITS[:8], val_labels=LABELS[:8], test_logits=half, test_labels=LABELS[8:])
    for name in ("val+test", "test+val"):
        assert read(part(path, name)).precision == 2.0**-10


def test_a_split_that_names_a_row_twice_is_refused(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, logits=LOGITS, labels=LABELS, val_index=np.array([0, 1, 1]))
    refused(f"{path}#val", "d.npz: the split names 1 rows more than once")


def test_splits_that_share_rows_cannot_be_joined(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, logits=LOGITS, labels=LABELS, val_index=np.arange(4), test_index=np.arange(2, 8))
    refused(f"{path}#val+test", "d.npz: the splits val and test share 2 rows, which would count twice")


def test_a_prefix_is_a_split_only_with_scores(tmp_path):
    path = npz(tmp_path, logits=LOGITS, true_label=LABELS, pred_label=(LABELS + 1) % 3)
    needs_labels(
        path,
        'd.npz: no array has a usual name for labels; found "logits" (20, 3) float32, "true_label" (20) int64, '
        '"pred_label" (20) int64. Name one with --labels-key, or another file with --labels. '
        'If "true_label" holds them, use --labels-key true_label.',
    )
    predictions = read(path, labels_key="true_label")
    assert predictions.labels.tolist() == LABELS.tolist()
    assert [*predictions.columns] == ["pred_label"]


def test_labels_beside_other_labels_are_columns(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, noisy_label=(LABELS + 1) % 3)
    assert read(path).labels.tolist() == LABELS.tolist()
    refused(f"{path}#noisy", 'd.npz: there is no split or array "noisy" (did you mean "logits"?); found logits')
