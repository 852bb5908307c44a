"""Which array of another file holds the labels, and what else that file says."""

from __future__ import annotations

import re

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError

RNG = np.random.default_rng(8)
N = 40
LABELS = RNG.integers(0, 3, N)
LOGITS = RNG.normal(size=(N, 3)) + 2 * np.eye(3)[LABELS]
IDS = np.array([f"img_{i}" for i in RNG.permutation(N)])
ORDER = RNG.permutation(N)
NAMES = np.array(["cat", "dog", "eel"])
OTHERS = np.array(["dog", "eel", "cat"])
THERE = np.array([2, 0, 1])[LABELS]  # the number of the same class in the other order


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def read(tmp_path, labels, dump=None, **options):
    found = calibeval.read(npz(tmp_path / "d.npz", logits=LOGITS, **(dump or {})), labels=labels, **options)
    return found.labels.tolist(), found.class_names


def table(path, columns):
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


def refused(message, *arguments, **options):
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read(*arguments, **options)
    assert len(str(error.value)) < 500


class TestClassNames:
    def test_of_the_labels_file_count_if_there_are_no_others(self, tmp_path):
        labels = npz(tmp_path / "l.npz", labels=LABELS, class_names=NAMES)
        assert read(tmp_path, labels) == (LABELS.tolist(), tuple(NAMES))
        labels = npz(tmp_path / "l.npz", labels=NAMES[LABELS], class_names=NAMES)
        assert read(tmp_path, labels) == (LABELS.tolist(), tuple(NAMES))

    @pytest.mark.parametrize("labels", [THERE, NAMES[LABELS], THERE.astype(float), np.eye(3)[THERE]])
    def test_in_another_order(self, tmp_path, labels):
        path = npz(tmp_path / "l.npz", labels=labels, class_names=OTHERS)
        assert read(tmp_path, path, {"class_names": NAMES}) == (LABELS.tolist(), tuple(NAMES))
        assert read(tmp_path, path, class_names=NAMES.tolist()) == (LABELS.tolist(), tuple(NAMES))

    @pytest.mark.parametrize("mark", [-1, 1])
    def test_with_a_label_to_ignore(self, tmp_path, mark):
        left_out = (np.arange(N) < 5) | (mark == THERE)
        path = npz(tmp_path / "l.npz", labels=np.where(left_out, mark, THERE), class_names=OTHERS, ignore_index=mark)
        dump = calibeval.read(npz(tmp_path / "d.npz", logits=LOGITS, class_names=NAMES), labels=path)
        assert dump.ignored == np.count_nonzero(left_out)
        kept = dump.labels != dump.ignore_index
        assert dump.labels[kept].tolist() == LABELS[~left_out].tolist()
        assert [one.code for one in dump.warnings] == ["ignored_label"]

    def test_of_other_classes(self, tmp_path):
        path = npz(tmp_path / "l.npz", labels=LABELS, class_names=["a", "b", "c"])
        message = 'l.npz: its 3 class names, such as "a", are not the 3 of d.npz, such as "cat"'
        refused(message, tmp_path, path, {"class_names": NAMES})
        assert read(tmp_path, path, class_names=NAMES.tolist())[1] == tuple(NAMES)


class TestWhichColumn:
    def test_the_only_one_that_names_no_rows(self, tmp_path):
        path = table(tmp_path / "l.csv", {"file": IDS, "species": NAMES[LABELS]})
        assert read(tmp_path, path, {"class_names": NAMES})[0] == LABELS.tolist()
        path = table(tmp_path / "l.csv", {"Unnamed: 0": range(N), "species": NAMES[LABELS]})
        assert read(tmp_path, path, {"class_names": NAMES})[0] == LABELS.tolist()

    def test_two_that_could_be(self, tmp_path):
        path = table(tmp_path / "l.csv", {"id": IDS, "pred_label": LABELS, "true_label": LABELS})
        refused('labels_key="true_label"', tmp_path, path, {"ids": IDS})
        assert read(tmp_path, path, {"ids": IDS}, labels_key="true_label")[0] == LABELS.tolist()
        path = npz(tmp_path / "l.npz", target=LABELS, y=LABELS)
        refused('2 arrays have a usual name for labels: "target"', tmp_path, path)

    def test_columns_of_ones_and_zeros(self, tmp_path):
        columns = {name: np.equal(THERE, k)[ORDER].astype(float) for k, name in enumerate(OTHERS)}
        path = table(tmp_path / "l.csv", {"image": IDS[ORDER], **columns})
        assert read(tmp_path, path, {"image": IDS, "class_names": NAMES})[0] == LABELS.tolist()
        expected = [int(np.flatnonzero(name == OTHERS)[0]) for name in NAMES[LABELS]]
        assert read(tmp_path, path, {"image": IDS}) == (expected, tuple(OTHERS))
        columns["dog"][0], columns["cat"][0] = 1, 1
        path = table(tmp_path / "l.csv", {"image": IDS[ORDER], **columns})
        refused("no array has a usual name for labels", tmp_path, path, {"image": IDS, "class_names": NAMES})

    def test_names_of_classes_may_be_the_labels(self, tmp_path):
        path = table(tmp_path / "l.csv", {"id": IDS[ORDER], "classes": NAMES[LABELS][ORDER]})
        assert read(tmp_path, path, {"ids": IDS, "class_names": NAMES})[0] == LABELS.tolist()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(("id", "filename"), ("filename",)), (("filename",), ("id", "filename")), (("sample_id",), ("id", "sample_id"))],
)
def test_ids_that_both_files_have_go_first(tmp_path, ours, theirs):
    known = {"filename": IDS, "sample_id": IDS, "id": np.arange(N)}
    labels = {key: known[key][ORDER] if key != "id" else ORDER + 1000 for key in theirs}
    path = npz(tmp_path / "l.npz", labels=LABELS[ORDER], **labels)
    assert read(tmp_path, path, {key: known[key] for key in ours})[0] == LABELS.tolist()


def test_arrays_of_other_shapes(tmp_path):
    ids = {"ids": IDS}
    refused(
        '"ids" (40, 2) float64 should be the ids', tmp_path, npz(tmp_path / "l.npz", ids=np.ones((N, 2)), y=LABELS), ids
    )
    refused('"ids" () int64 should be the ids', tmp_path, npz(tmp_path / "l.npz", ids=3, y=LABELS), ids)
    refused("a single number in place of labels", tmp_path, npz(tmp_path / "l.npz", ids=IDS, y=3), ids)
    refused("40 of 40 rows have no label", tmp_path, npz(tmp_path / "l.npz", ids=IDS[:0], y=LABELS[:0]), ids)


def test_splits_of_the_labels_file(tmp_path):
    rows = RNG.permutation(N)
    path = npz(tmp_path / "l.npz", labels=LABELS[np.argsort(rows)], val_index=rows, test_index=rows[:3])
    assert read(tmp_path, f"{path}#val")[0] == LABELS.tolist()
    refused("the split's row numbers reach 99", tmp_path, f"{npz(path, labels=LABELS, val_index=np.array([99]))}#val")
    refused("row numbers begin at -1", tmp_path, f"{npz(path, labels=LABELS, val_index=np.array([-1, 0]))}#val")
    path = npz(path, first=LABELS[:9], rest=LABELS[9:])
    assert read(tmp_path, f"{path}#first+rest")[0] == LABELS.tolist()
    assert read(tmp_path, f"{npz(path, labels=LABELS, x=LABELS)}#all")[0] == LABELS.tolist()


def test_what_does_not_go_together(tmp_path):
    path = npz(tmp_path / "l.npz", first=LABELS[:9], rest=LABELS[None])
    refused(
        "the splits of #first+rest hold arrays of types or shapes that do not agree", tmp_path, f"{path}#first+rest"
    )
    np.save(tmp_path / "y.npy", 3)
    with pytest.raises(InputError, match="labels have shape"):
        calibeval.read(npz(tmp_path / "b.npz", probs=np.full(9, 0.5)), labels=tmp_path / "y.npy")


def test_features_find_their_labels_by_ids(tmp_path):
    cache = npz(tmp_path / "f.npz", features=LOGITS, ids=IDS, train_index=ORDER[:25])
    labels = table(tmp_path / "l.csv", {"sample_id": IDS[ORDER][::-1], "class": LABELS[ORDER][::-1]})
    assert calibeval.read_features(cache, labels=labels).labels.tolist() == LABELS.tolist()
    assert calibeval.read_features(f"{cache}#train", labels=labels).labels.tolist() == LABELS[ORDER[:25]].tolist()
    np.save(tmp_path / "y.npy", LABELS)
    found = calibeval.read_features(f"{cache}#all", labels=tmp_path / "y.npy")
    assert ([one.code for one in found.warnings], found.labels.tolist()) == (["paired_by_position"], LABELS.tolist())
    np.save(tmp_path / "own.npy", LABELS[ORDER[:25]])
    found = calibeval.read_features(f"{cache}#train", labels=tmp_path / "own.npy")
    assert found.labels.tolist() == LABELS[ORDER[:25]].tolist()
    right = npz(tmp_path / "right.npz", ids=IDS, correct=LABELS)
    with pytest.raises(InputError, match=r"right\.npz: labels are needed, but this file only says whether rows are"):
        calibeval.read_features(cache, labels=right)


def test_a_file_that_only_says_what_was_right(tmp_path):
    """Its only array is the labels, unless an option says that it is not."""
    right = LOGITS.argmax(axis=1) == LABELS
    dump = npz(tmp_path / "c.npz", confidence=np.full(len(LABELS), 0.75))
    for name in ("correct", "hit"):
        labels = npz(tmp_path / "l.npz", **{name: right})
        assert calibeval.read(dump, labels=labels, key={"correct": name}).labels.tolist() == right.tolist()
    with pytest.raises(InputError, match='also needs an array "correct"'):
        calibeval.read(dump, labels=labels)
    assert read(tmp_path, npz(tmp_path / "l.npz", correct=LABELS))[0] == LABELS.tolist()


def test_a_prediction_is_no_label(tmp_path):
    np.savez(tmp_path / "d.npz", probs=[[0.75, 0.25], [0.25, 0.75]], ids=[1, 2], class_names=["a", "b"])
    for header, rows in (("id,pred", "1,a\n2,b\n"), ("y_pred", "a\nb\n"), ("predicted_class", "a\nb\n")):
        (tmp_path / "l.csv").write_text(f"{header}\n{rows}")
        name = header.rpartition(",")[2]
        message = (
            f'l.csv: "{name}" sounds like predictions, and nothing else can be the labels. If it says what was true'
        )
        with pytest.raises(InputError, match=message):
            calibeval.read(tmp_path / "d.npz", labels=tmp_path / "l.csv")
        read = calibeval.read(tmp_path / "d.npz", labels=tmp_path / "l.csv", labels_key=name)
        assert read.labels.tolist() == [0, 1]
    (tmp_path / "l.csv").write_text("id,pred,gold\n1,a,b\n2,b,b\n")
    with pytest.raises(InputError, match='Name one, as in labels_key="gold"'):
        calibeval.read(tmp_path / "d.npz", labels=tmp_path / "l.csv")
