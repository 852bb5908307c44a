"""Labels of another file: found by ids, or by position, and what is said of it."""

from __future__ import annotations

import gzip
import json
import re

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError

RNG = np.random.default_rng(5)
N = 60
LABELS = RNG.integers(0, 3, N)
LOGITS = RNG.normal(size=(N, 3)) + 2 * np.eye(3)[LABELS]
IDS = np.array([f"img_{i}" for i in RNG.permutation(N)])
ORDER = RNG.permutation(N)
ACCURACY = float(np.mean(LOGITS.argmax(axis=1) == LABELS))
BY_POSITION = float(np.mean(LOGITS.argmax(axis=1) == LABELS[ORDER]))


@pytest.fixture
def dump(tmp_path):
    np.savez(tmp_path / "d.npz", logits=LOGITS, ids=IDS)
    return tmp_path / "d.npz"


def table(path, columns, separator=","):
    lines = [separator.join(columns), *(separator.join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def accuracy(dump, **options):
    predictions = calibeval.read(dump, **options)
    return float(np.mean(np.asarray(predictions.scores[0 : predictions.rows]).argmax(axis=1) == predictions.labels))


def told(dump, **options):
    """How rows were paired, and the codes of the warnings."""
    predictions = calibeval.read(dump, **options)
    return predictions.recognised[1], [one.code for one in predictions.warnings]


def refused(dump, message, **options):
    with pytest.raises(InputError, match=re.escape(message)) as error:
        calibeval.read(dump, **options)
    assert len(str(error.value)) < 500
    return str(error.value)


def labels_in(tmp_path, suffix, ids, labels):
    path = tmp_path / f"labels{suffix}"
    if suffix == ".npz":
        np.savez(path, ids=ids, labels=labels)
    elif suffix in (".csv", ".tsv"):
        table(path, {"sample_id": ids, "class": labels}, "," if suffix == ".csv" else "\t")
    elif suffix == ".jsonl.gz":
        rows = ({"filename": i, "y": int(y)} for i, y in zip(ids, labels, strict=True))
        path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    else:
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table({"id": ids, "class": labels}), path)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".tsv", ".jsonl.gz", ".parquet"])
def test_rows_are_found_by_their_ids(dump, tmp_path, suffix):
    assert ACCURACY > BY_POSITION + 0.2
    path = labels_in(tmp_path, suffix, IDS[ORDER], LABELS[ORDER])
    assert accuracy(dump, labels=path) == ACCURACY
    assert calibeval.read(dump, labels=path).labels.tolist() == LABELS.tolist()
    assert accuracy(dump, labels=labels_in(tmp_path, suffix, IDS, LABELS)) == ACCURACY


def test_it_is_said_how_rows_were_paired(dump, tmp_path):
    assert told(dump, labels=npz(tmp_path / "l.npz", ids=IDS[ORDER], y=LABELS[ORDER])) == (
        "60 labels from l.npz, joined by ids",
        [],
    )
    path = table(tmp_path / "l.csv", {"filename": IDS[ORDER], "y": LABELS[ORDER]})
    assert told(dump, labels=path) == ('60 labels from l.csv, joined by "ids" and "filename"', [])
    np.save(tmp_path / "l.npy", LABELS)
    assert told(dump, labels=tmp_path / "l.npy") == ("60 labels from l.npy, by position", ["paired_by_position"])
    plain = npz(tmp_path / "plain.npz", logits=LOGITS)
    assert told(plain, labels=tmp_path / "l.npy") == ("60 labels from l.npy, by position", [])
    assert told(plain, labels=npz(tmp_path / "i.npz", ids=IDS, y=LABELS))[1] == ["paired_by_position"]
    warning = str(calibeval.read(dump, labels=tmp_path / "l.npy").warnings[0])
    assert warning == "labels were paired with rows by position: d.npz has ids, l.npy has none"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (np.arange(N), np.arange(N).astype(str)),
        (np.arange(N), np.arange(N).astype("S")),
        (IDS, IDS.astype("S")),
        (np.arange(N), np.array([f"{i:03}" for i in range(N)])),
        (np.arange(N).astype(np.int16), np.arange(N).astype(np.uint64)),
        (np.arange(N).astype(float), np.arange(N)),
        (np.arange(N).astype(float), np.arange(N).astype(str)),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_ids_of_other_types(tmp_path, ours, theirs, swapped):
    ours, theirs = (theirs, ours) if swapped else (ours, theirs)
    dump = npz(tmp_path / "d.npz", logits=LOGITS, ids=ours)
    assert accuracy(dump, labels=npz(tmp_path / "l.npz", ids=theirs[ORDER], labels=LABELS[ORDER])) == ACCURACY


def test_ids_that_have_no_partner(dump, tmp_path):
    few = npz(tmp_path / "few.npz", ids=IDS[ORDER][:-3], labels=LABELS[ORDER][:-3])
    gone = next(name for name in IDS if name in IDS[ORDER][-3:])
    refused(dump, f'd.npz: 3 of 60 rows have no label in few.npz, such as id "{gone}". Rows are paired', labels=few)
    more = npz(tmp_path / "more.npz", ids=[*IDS[ORDER], "x", "y"], labels=[*LABELS[ORDER], 0, 1])
    refused(dump, 'd.npz: 2 of 62 labels have no row, such as id "x". Rows are paired by ids', labels=more)
    both = npz(tmp_path / "both.npz", ids=[*IDS[1:], "x"], labels=LABELS)
    message = f'd.npz: 1 of 60 rows has no label in both.npz, such as id "{IDS[0]}"; 1 of 60 labels has no row, such as'
    refused(dump, message, labels=both)
    none = npz(tmp_path / "none.npz", ids=np.arange(N), labels=LABELS)
    refused(dump, f'd.npz: no row has its id in none.npz: "{IDS[0]}" here, 0 there', labels=none)


def test_ids_that_occur_twice_in_the_labels_file(dump, tmp_path):
    same = npz(tmp_path / "same.npz", ids=[*IDS, *IDS[:2]], labels=[*LABELS, *LABELS[:2]])
    message = f'same.npz: 2 ids occur twice, such as "{IDS[0]}", with the same labels each time. Keep one of each with'
    refused(dump, message, labels=same)
    assert accuracy(dump, labels=same, drop_duplicates=True) == ACCURACY
    other = npz(tmp_path / "other.npz", ids=[*IDS, *IDS[:2]], labels=[*LABELS, LABELS[0], 1 - LABELS[1] % 2])
    refused(dump, "2 ids occur twice", labels=other)
    assert "1 of them with different labels" in refused(dump, "other.npz", labels=other, drop_duplicates=True)
    refused(dump, "other.npz: 60 ids, but 59 labels", labels=npz(tmp_path / "other.npz", ids=IDS, labels=LABELS[1:]))


def test_ids_under_a_name_that_is_given(tmp_path):
    dump = npz(tmp_path / "d.npz", logits=LOGITS, uid=IDS)
    labels = npz(tmp_path / "l.npz", uid=IDS[ORDER], labels=LABELS[ORDER])
    assert accuracy(dump, labels=labels, ids_key="uid") == ACCURACY
    assert accuracy(dump, labels=labels, key={"ids": "uid"}) == ACCURACY
    other = npz(tmp_path / "o.npz", id=IDS[ORDER], labels=LABELS[ORDER])
    assert told(dump, labels=other, ids_key="uid")[0] == '60 labels from o.npz, joined by "uid" and "id"'
    usual = npz(tmp_path / "u.npz", logits=LOGITS, ids=IDS)
    assert told(usual, labels=labels, ids_key="uid")[0] == '60 labels from l.npz, joined by "ids" and "uid"'
    plain = npz(tmp_path / "p.npz", logits=LOGITS)
    refused(plain, 'p.npz: ids_key: only l.npz has "uid", here there are no ids', labels=labels, ids_key="uid")
    alone = npz(tmp_path / "a.npz", labels=LABELS)
    assert told(dump, labels=alone, ids_key="uid") == ("60 labels from a.npz, by position", ["paired_by_position"])


@pytest.mark.parametrize("split", ["val", "val+test"])
def test_a_split_by_row_numbers(tmp_path, split):
    val, test = ORDER[:20], ORDER[30:50]
    rows = val if split == "val" else np.concatenate([val, test])
    right = float(np.mean(LOGITS.argmax(axis=1)[rows] == LABELS[rows]))
    dump = npz(tmp_path / "d.npz", logits=LOGITS, ids=IDS, val_index=val, test_index=test)
    every = npz(tmp_path / "every.npz", ids=IDS[ORDER], labels=LABELS[ORDER])
    assert accuracy(f"{dump}#{split}", labels=every) == right
    own = npz(tmp_path / "own.npz", ids=IDS[rows][::-1], labels=LABELS[rows][::-1])
    assert accuracy(f"{dump}#{split}", labels=own) == right
    assert told(f"{dump}#val", labels=every)[0] == "20 of 60 labels from every.npz, joined by ids"
    refused(f"{dump}#all", "40 of 60 rows" if split == "val" else "20 of 60 rows", labels=own)


def test_a_split_by_prefix(tmp_path):
    arrays = {"val_logits": LOGITS[:40], "val_ids": IDS[:40], "test_logits": LOGITS[40:], "test_ids": IDS[40:]}
    dump = npz(tmp_path / "d.npz", **arrays, val_labels=np.zeros(40, int), test_labels=np.zeros(20, int))
    every = npz(tmp_path / "every.npz", ids=IDS[ORDER], labels=LABELS[ORDER])
    right = float(np.mean(LOGITS[40:].argmax(axis=1) == LABELS[40:]))
    assert accuracy(f"{dump}#test", labels=every) == right
    parts = {"val_labels": LABELS[:40], "val_ids": IDS[:40], "test_labels": LABELS[40:], "test_ids": IDS[40:]}
    labels = npz(tmp_path / "parts.npz", **parts)
    assert accuracy(f"{dump}#test", labels=f"{labels}#test") == right
    assert accuracy(f"{dump}#test", labels=labels) == right
    assert accuracy(f"{dump}#test", labels=f"{labels}#test_labels") == right
    assert accuracy(f"{dump}#val+test", labels=labels) == ACCURACY
    every = npz(tmp_path / "e.npz", logits=LOGITS)
    refused(every, 'Name one, as in labels_key="val_labels", or a split, as in labels="parts.npz#val"', labels=labels)
    assert calibeval.read(f"{dump}#test", labels=f"{labels}#test").source.labels_path.endswith("parts.npz#test")
    refused(f"{dump}#test", 'there is no split or array "dev" in the file of labels', labels=f"{labels}#dev")


def test_labels_by_position_are_those_of_one_split(tmp_path):
    labels = npz(tmp_path / "l.npz", labels=LABELS[:30])
    refusal = "l.npz has labels by position for one split, but several splits are read. Save the labels of each, as "
    prefixed = npz(tmp_path / "p.npz", val_logits=LOGITS[:30], test_logits=LOGITS[30:])
    refused(f"{prefixed}#val+test", refusal, labels=labels)
    indexed = npz(tmp_path / "i.npz", logits=LOGITS, val_index=np.arange(30), test_index=np.arange(30, N))
    refused(f"{indexed}#val+test", refusal, labels=labels)
    every = npz(tmp_path / "every.npz", labels=LABELS)
    assert accuracy(f"{indexed}#val+test", labels=every) == ACCURACY
    parts = npz(tmp_path / "parts.npz", val_labels=LABELS[:30], test_labels=LABELS[30:])
    assert accuracy(f"{prefixed}#val+test", labels=parts) == accuracy(f"{indexed}#val+test", labels=parts) == ACCURACY
    refused(f"{prefixed}#val+test", "l.npz has labels by position", labels=f"{labels}#labels")
    named = npz(tmp_path / "n.npz", clean=LOGITS, noisy=LOGITS[:, ::-1])
    turned = float(np.mean(LOGITS[:, ::-1].argmax(axis=1) == LABELS))
    assert accuracy(f"{named}#clean+noisy", labels=every, kind="logits") == pytest.approx((ACCURACY + turned) / 2)


def test_the_labels_of_one_of_several_arrays(tmp_path):
    dump = npz(tmp_path / "d.npz", logits=LOGITS)
    labels = npz(tmp_path / "l.npz", coarse=LABELS[ORDER], fine=LABELS, val_index=np.arange(5))
    assert accuracy(dump, labels=f"{labels}#fine") == ACCURACY
    assert accuracy(dump, labels=labels, labels_key="fine") == ACCURACY
    assert "labels_key=" in refused(dump, "l.npz: no array has a usual name for labels", labels=labels)


def test_shards_on_either_side(tmp_path):
    for i, rows in enumerate((slice(0, 25), slice(25, N))):
        npz(tmp_path / f"d-0000{i}-of-00002.npz", logits=LOGITS[rows], ids=IDS[rows])
        npz(tmp_path / f"l-0000{i}-of-00002.npz", labels=LABELS[ORDER][rows], ids=IDS[ORDER][rows])
    assert accuracy(tmp_path / "d-00000-of-00002.npz", labels=tmp_path / "l-00001-of-00002.npz") == ACCURACY


def test_dense_labels_with_an_id_for_each_image(tmp_path):
    labels = RNG.integers(0, 3, (6, 4, 5))
    logits = RNG.normal(size=(6, 3, 4, 5)) + 3 * np.moveaxis(np.eye(3)[labels], -1, 1)
    order = np.array([3, 1, 5, 0, 2, 4])
    dump = npz(tmp_path / "d.npz", logits=logits, ids=np.arange(6))
    found = calibeval.read(dump, labels=npz(tmp_path / "l.npz", labels=labels[order], id=order))
    assert found.labels.tolist() == labels.reshape(-1).tolist()
    assert found.recognised[1] == 'labels of 6 images from l.npz, joined by "ids" and "id"'
    one = npz(tmp_path / "one.npz", logits=logits[0], ids=["x"])
    found = calibeval.read(one, labels=npz(tmp_path / "l.npz", labels=labels[0], ids=["x"]))
    assert (found.layout, found.labels.tolist()) == ((1, 4, 5), labels[0].reshape(-1).tolist())
    refused(one, "no row has its id in l.npz", labels=npz(tmp_path / "l.npz", labels=labels[0], ids=["y"]))


def test_columns_that_name_the_rows_without_being_called_ids(tmp_path):
    dump = table(tmp_path / "d.csv", {"image": IDS, **{f"logit_{k}": LOGITS[:, k] for k in range(3)}})
    labels = table(tmp_path / "l.csv", {"image": IDS[ORDER], "class": LABELS[ORDER]})
    assert accuracy(dump, labels=labels) == ACCURACY
    assert told(dump, labels=labels)[0] == '60 labels from l.csv, joined by "image"'
    groups = np.repeat(np.arange(20), 3)
    dump = npz(tmp_path / "d.npz", logits=LOGITS, site=groups)
    labels = npz(tmp_path / "l.npz", labels=LABELS, site=groups[::-1])
    assert told(dump, labels=labels)[0] == "60 labels from l.npz, by position"


class TestIndexOfADataFrame:
    """A column without a name that only counts says nothing; any other names the rows."""

    def scores(self, tmp_path, index, name=""):
        return table(tmp_path / "d.csv", {name: index, **{f"logit_{k}": LOGITS[:, k] for k in range(3)}})

    @pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "__index_level_0__"])
    def test_it_is_neither_scores_nor_labels(self, tmp_path, name):
        labels = table(tmp_path / "l.csv", {name: range(N), "class": LABELS})
        assert accuracy(self.scores(tmp_path, range(N), name), labels=labels) == ACCURACY
        scores = table(tmp_path / "s.csv", {name: range(N), "no": np.full(N, 0.5), "yes": np.full(N, 0.5)})
        message = "s.csv: no array has a usual name for scores"
        assert 'score_columns=["no' in refused(scores, message, labels=labels)

    def test_it_pairs_rows_if_it_names_them(self, tmp_path):
        index = RNG.permutation(1000)[:N]
        labels = table(tmp_path / "l.csv", {"": index[ORDER], "0": LABELS[ORDER]})
        assert told(self.scores(tmp_path, index), labels=labels)[0] == "60 labels from l.csv, joined by the index"
        assert accuracy(self.scores(tmp_path, index), labels=labels) == ACCURACY

    def test_it_pairs_rows_with_ids(self, dump, tmp_path):
        labels = table(tmp_path / "l.csv", {"": IDS[ORDER], "0": LABELS[ORDER]})
        assert told(dump, labels=labels) == ('60 labels from l.csv, joined by "ids" and the index', [])
        assert accuracy(dump, labels=labels) == ACCURACY

    def test_it_does_not_if_it_only_counts(self, dump, tmp_path):
        labels = table(tmp_path / "l.csv", {"": range(N), "0": LABELS})
        assert told(dump, labels=labels) == ("60 labels from l.csv, by position", ["paired_by_position"])
        shuffled = table(tmp_path / "l.csv", {"": ORDER, "0": LABELS})
        assert accuracy(self.scores(tmp_path, range(N)), labels=shuffled) == ACCURACY


class TestConfidence:
    """Files with the confidence of the predicted class only."""

    TOP = LOGITS.argmax(axis=1)
    RIGHT = (TOP == LABELS).astype(int)

    def dump(self, tmp_path, **more):
        return npz(tmp_path / "c.npz", confidence=np.full(N, 0.75), ids=IDS, **more)

    def correct(self, path, **options):
        return calibeval.read(path, **options).labels.tolist()

    def test_outcomes_in_the_labels_file(self, tmp_path):
        labels = npz(tmp_path / "l.npz", ids=IDS[ORDER], correct=self.RIGHT[ORDER])
        assert self.correct(self.dump(tmp_path), labels=labels) == self.RIGHT.tolist()
        named = npz(tmp_path / "n.npz", ids=IDS[ORDER], ok=self.RIGHT[ORDER], x=ORDER)
        assert self.correct(self.dump(tmp_path), labels=named, key={"correct": "ok"}) == self.RIGHT.tolist()
        logits = npz(tmp_path / "d.npz", logits=LOGITS, ids=IDS)
        refused(logits, "only says whether rows are correct", labels=labels)

    def test_labels_and_predictions_in_the_labels_file(self, tmp_path):
        labels = npz(tmp_path / "l.npz", ids=IDS[ORDER], label=LABELS[ORDER], guess=self.TOP[ORDER])
        right = self.RIGHT.tolist()
        assert self.correct(self.dump(tmp_path, prediction=self.TOP), labels=labels) == right
        assert self.correct(self.dump(tmp_path), labels=labels, key={"prediction": "guess"}) == right

    def test_a_split(self, tmp_path):
        rows = ORDER[:20]
        dump = self.dump(tmp_path, prediction=self.TOP, val_index=rows)
        labels = npz(tmp_path / "l.npz", ids=IDS[ORDER], label=LABELS[ORDER])
        assert self.correct(f"{dump}#val", labels=labels) == self.RIGHT[rows].tolist()
        np.save(tmp_path / "own.npy", LABELS[rows])
        assert self.correct(f"{dump}#val", labels=tmp_path / "own.npy") == self.RIGHT[rows].tolist()
