"""Rows that a dump holds twice: a warning, or left out."""

from __future__ import annotations

import re

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError
from tests.cli.invoking import run
from tests.definitions import metrics, softmax

RNG = np.random.default_rng(3)
N = 60
LABELS = RNG.integers(0, 3, N)
LOGITS = (RNG.normal(size=(N, 3)) + 2 * np.eye(3)[LABELS]).astype(np.float32)
IDS = np.array([f"img_{i:02}" for i in RNG.permutation(N)])
AGAIN = np.array([*range(N), 0, 1, 2])


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.fixture
def padded(tmp_path):
    return npz(tmp_path / "d.npz", logits=LOGITS[AGAIN], labels=LABELS[AGAIN], ids=IDS[AGAIN], site=AGAIN % 4)


def warnings(path, **options):
    return [(one.code, str(one)) for one in calibeval.read(path, **options).warnings]


def test_copies_are_a_warning_with_their_number(padded):
    text = f'3 ids occur twice (such as "{IDS[0]}"): padding of a distributed sampler? Leave out the copies with'
    assert warnings(padded) == [("duplicate_ids", f"{text} drop_duplicates=True")]
    assert calibeval.read(padded).n == N + 3


def test_copies_are_left_out_on_request(padded):
    dump = calibeval.read(padded, drop_duplicates=True)
    text = f'3 rows were left out: 3 ids occur twice (such as "{IDS[0]}"), with the same label and the same scores'
    assert [(one.code, str(one)) for one in dump.warnings] == [("duplicates_dropped", text)]
    assert dump.labels.tolist() == LABELS.tolist()
    assert dump.ids.tolist() == IDS.tolist()
    assert dump.columns["site"].tolist() == (np.arange(N) % 4).tolist()
    assert dump.file_rows.tolist() == list(range(N))
    report = calibeval.evaluate(padded, drop_duplicates=True, level=None)
    expected = metrics(softmax(LOGITS.astype(np.float64)), LABELS, dtype=np.float64)
    assert report["ece"].value == pytest.approx(expected["ece"], abs=1e-12)
    assert report["nll"].value == pytest.approx(expected["nll"], abs=1e-12)


def test_a_row_that_stands_there_more_than_twice(tmp_path):
    again = np.array([*range(N), 5, 5, 7])
    path = npz(tmp_path / "d.npz", logits=LOGITS[again], labels=LABELS[again], ids=IDS[again])
    assert warnings(path)[0][1].startswith("2 ids occur more than once (such as")
    assert calibeval.read(path, drop_duplicates=True).n == N


@pytest.mark.parametrize("change", ["labels", "logits"])
def test_rows_that_differ_are_no_copies(tmp_path, change):
    arrays = {"logits": LOGITS[AGAIN], "labels": LABELS[AGAIN], "ids": IDS[AGAIN]}
    arrays[change][N] = (arrays[change][N] + 1) % 3 if change == "labels" else arrays[change][N][::-1]
    path = npz(tmp_path / "d.npz", **arrays)
    ids = f'3 ids occur twice (such as "{IDS[0]}")'
    assert warnings(path) == [("duplicate_ids", f"{ids}, and their rows differ: they do not name single rows")]
    message = f"d.npz: drop_duplicates=True: {ids}, but 1 of them has rows with different labels or scores"
    with pytest.raises(InputError, match=re.escape(message)):
        calibeval.read(path, drop_duplicates=True)


@pytest.mark.parametrize(("noise", "close"), [(1e-4, True), (1e-2, False)])
def test_copies_of_another_device_differ_a_little(tmp_path, noise, close):
    logits = LOGITS[AGAIN]
    logits[N:] += noise
    path = npz(tmp_path / "d.npz", logits=logits, labels=LABELS[AGAIN], ids=IDS[AGAIN])
    if close:
        text = str(calibeval.read(path, drop_duplicates=True).warnings[0])
        assert text.endswith("with the same label and scores that differ by at most 0.0001")
        return
    with pytest.raises(InputError, match="3 of them have rows with different"):
        calibeval.read(path, drop_duplicates=True)


def test_half_precision_may_differ_by_some_steps(tmp_path):
    logits = LOGITS[AGAIN].astype(np.float16)
    logits[N:] = np.nextafter(np.nextafter(logits[N:], np.float16(np.inf)), np.float16(np.inf))
    path = npz(tmp_path / "d.npz", logits=logits, labels=LABELS[AGAIN], ids=IDS[AGAIN])
    assert calibeval.read(path, drop_duplicates=True).n == N


def test_masked_classes_agree(tmp_path):
    logits = LOGITS[AGAIN]
    logits[[0, N], 2 - LABELS[0]] = np.where(LABELS[0] == 1, LOGITS[0, 1], -np.inf)
    path = npz(tmp_path / "d.npz", logits=logits, labels=LABELS[AGAIN], ids=IDS[AGAIN])
    assert calibeval.read(path, drop_duplicates=True).n == N


def test_ignored_rows_may_share_an_id(tmp_path):
    labels, ids = LABELS.copy(), IDS.copy()
    labels[:9], ids[:9] = -1, "padding"
    path = npz(tmp_path / "d.npz", logits=LOGITS, labels=labels, ids=ids)
    assert warnings(path, ignore_index=-1) == []
    assert calibeval.read(path, ignore_index=-1, drop_duplicates=True).rows == N


def test_other_shapes(tmp_path):
    column = npz(tmp_path / "b.npz", probs=np.full(5, 0.25), labels=[0, 1, 0, 1, 0], ids=list("abcda"))
    assert calibeval.read(column, drop_duplicates=True).labels.tolist() == [0, 1, 0, 1]
    top = npz(tmp_path / "c.npz", confidence=np.full(5, 0.75), correct=[0, 1, 0, 1, 0], ids=list("abcda"))
    assert calibeval.read(top, drop_duplicates=True).labels.tolist() == [0, 1, 0, 1]
    images = np.arange(3 * 2 * 4 * 4, dtype=float).reshape(3, 2, 4, 4)[[0, 1, 2, 1]]
    truth = np.arange(48).reshape(3, 4, 4)[[0, 1, 2, 1]] % 2
    dense = npz(tmp_path / "e.npz", logits=images, labels=truth, ids=list("xyzy"))
    assert warnings(dense)[0][1].startswith('1 id occurs twice ("y"): padding')
    fewer = calibeval.read(dense, drop_duplicates=True)
    assert str(fewer.warnings[0]).startswith("1 image was left out: 1 id occurs twice")
    assert (fewer.layout, fewer.ids.tolist()) == ((3, 4, 4), ["x", "y", "z"])
    assert fewer.labels.tolist() == truth[:3].reshape(-1).tolist()


def test_splits(tmp_path):
    index = {"val_index": np.array([0, 5, N]), "test_index": np.array([9, N + 1])}
    path = npz(tmp_path / "d.npz", logits=LOGITS[AGAIN], labels=LABELS[AGAIN], ids=IDS[AGAIN], **index)
    assert [code for code, _ in warnings(f"{path}#val")] == ["duplicate_ids"]
    assert warnings(f"{path}#test") == []
    assert calibeval.read(f"{path}#val", drop_duplicates=True).file_rows.tolist() == [0, 5]
    assert calibeval.read(f"{path}#val+test", drop_duplicates=True).file_rows.tolist() == [0, 5, 9, N + 1]


def test_large_files_are_read_block_by_block(padded, monkeypatch, tmp_path):
    big = npz(tmp_path / "big.npz", logits=np.tile(LOGITS, (400, 1)), labels=np.tile(LABELS, 400), ids=ids_of(24_000))
    found = calibeval.evaluate(big, drop_duplicates=True, level=None, max_memory=1000)
    whole = calibeval.evaluate(
        logits=np.tile(LOGITS, (400, 1))[:23_990], labels=np.tile(LABELS, 400)[:23_990], level=None
    )
    assert found["ece"].value == whole["ece"].value


def ids_of(n):
    """Ids of which the last ten repeat the rows of the same logits, 60 rows further up."""
    ids = np.arange(n)
    ids[-10:] = ids[-70:-60]
    return ids


def test_one_label_for_both_copies(padded, tmp_path):
    labels = npz(tmp_path / "l.npz", labels=LABELS[::-1], ids=IDS[::-1])
    found = calibeval.read(padded, labels=labels, drop_duplicates=True)
    assert found.recognised[1] == "60 labels from l.npz, joined by ids"
    assert (found.n, found.labels.tolist()) == (N, LABELS.tolist())


def test_it_needs_ids(tmp_path):
    path = npz(tmp_path / "d.npz", logits=LOGITS, labels=LABELS)
    with pytest.raises(InputError, match="drop_duplicates=True finds copies by ids, but there are none"):
        calibeval.read(path, drop_duplicates=True)


def test_commands_say_so(capsys, padded, tmp_path):
    other = npz(tmp_path / "o.npz", logits=LOGITS + 1, labels=LABELS, ids=IDS)
    (warning,) = run(capsys, "report", padded, "--json", "--no-intervals").json["dumps"][0]["warnings"]
    assert warning["code"] == "duplicate_ids"
    assert warning["message"].endswith("--drop-duplicates")
    assert "3 ids occur twice" in run(capsys, "gate", padded, "--max", "ece=0.9").err
    refused = run(capsys, "compare", padded, other)
    assert refused.code == 3
    assert "leave out the copies with --drop-duplicates" in refused.err
    compared = run(capsys, "compare", padded, other, "--drop-duplicates", "--json")
    assert (compared.code, compared.json["paired"]) == (0, True)
    val = npz(tmp_path / "v.npz", logits=2 - LOGITS, labels=LABELS)
    calibeval.fit(val, method="temperature").save(tmp_path / "map.json")
    written = tmp_path / "out.npz"
    assert run(capsys, "apply", tmp_path / "map.json", padded, "--drop-duplicates", "-o", written).code == 0
    assert np.load(written)["ids"].tolist() == IDS.tolist()


@pytest.mark.parametrize("name", ["index", "idx", "Sample_Idx"])
def test_row_numbers_that_repeat_are_named(name, tmp_path):
    logits = np.random.default_rng(0).normal(size=(40, 3))
    labels = np.arange(40) % 3
    rows = np.array([*range(40), 0, 1])
    for rank in range(2):
        mine = rows[rank::2]
        np.savez(tmp_path / f"rank{rank}.npz", logits=logits[mine], labels=labels[mine], **{name: mine})
    (warning,) = [one for one in calibeval.read(tmp_path).warnings if one.code == "duplicate_ids"]
    assert warning.startswith(f'"{name}": 2 ids occur twice (such as 0), with the same labels and scores')
    found = calibeval.read(tmp_path, ids_key=name, drop_duplicates=True)
    assert found.n == 40


def test_row_numbers_of_other_rows_say_nothing(tmp_path):
    logits = np.random.default_rng(0).normal(size=(40, 3))
    for name, index in {"batch": np.arange(40) % 20, "few": np.array([*range(39), 0])}.items():
        np.savez(tmp_path / f"{name}.npz", logits=logits, labels=np.arange(40) % 3, index=index)
        assert not calibeval.read(tmp_path / f"{name}.npz").warnings


def test_scores_and_labels_are_no_shards_of_one_dump(tmp_path):
    np.save(tmp_path / "probs.npy", np.full((4, 2), 0.5))
    np.save(tmp_path / "labels.npy", np.zeros(4, int))
    with pytest.raises(InputError, match="so they are no shards of one dump"):
        calibeval.read(tmp_path)
