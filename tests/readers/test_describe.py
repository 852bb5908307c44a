"""inspect: every array with its role, every split with its reading, errors as findings."""

from __future__ import annotations

import hashlib

import numpy as np

from calibeval import read, read_features
from calibeval.core.data.inspection import Reading
from calibeval.readers.describe import inspect_dump
from calibeval.readers.meaning.assemble import ReadOptions
from tests.data import logits_and_labels
from tests.readers.dumps import LABELS, LOGITS, PROBS, npz, part


def inspect(path):
    return inspect_dump(str(path), ReadOptions())


def test_roles_of_arrays(tmp_path):
    found = inspect(
        npz(
            tmp_path,
            logits=LOGITS,
            labels=LABELS,
            ids=np.arange(20),
            features=np.zeros((20, 4)),
            class_names=np.array(["a", "b", "c"]),
            ignore_label=np.array(255),
            val_index=np.arange(5),
            site=np.arange(20),
            extra=np.zeros((20, 9)),
            epoch=np.array(3),
        )
    )
    assert {array.key: array.role for array in found.arrays} == {
        "logits": "logits",
        "labels": "labels",
        "ids": "ids",
        "features": "features",
        "class_names": "class names",
        "ignore_label": "ignored label",
        "val_index": "row numbers of a split",
        "site": "possible slice column",
        "extra": "possible scores",
        "epoch": "a number",
    }
    assert {array.key: (array.shape, array.dtype) for array in found.arrays}["logits"] == ((20, 3), "float32")


def test_a_plain_file_has_one_reading(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, site=np.arange(20) % 4)
    found = inspect(path)
    assert (found.format, found.size, found.splits) == ("npz", path.stat().st_size, ())
    assert found.readings == (
        Reading(
            name=str(path),
            kind="logits",
            n=20,
            k=3,
            columns=(("site", 4),),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        ),
    )


def test_every_split_has_a_reading(tmp_path):
    path = npz(tmp_path, val_logits=LOGITS, val_labels=LABELS, test_probs=PROBS, test_labels=LABELS)
    found = inspect(path)
    assert found.splits == ("val", "test")
    assert [(r.name, r.kind, r.n) for r in found.readings] == [
        (f"{path}#val", "logits", 20),
        (f"{path}#test", "probs", 20),
    ]
    assert {array.key: array.role for array in found.arrays}["val_logits"] == "logits of val"
    (one,) = inspect(part(path, "test")).readings
    assert one.name == f"{path}#test"


def test_errors_are_findings(tmp_path):
    bad = PROBS.copy()
    bad[3] = [0.5, 0.5, 1.0]
    found = inspect(npz(tmp_path, probs=bad, labels=LABELS))
    assert found.readings[0].error == (
        "d.npz: row 3 sums to 2, not to 1 within 0.0001, so these are not probabilities. "
        "If they are logits, use --kind logits."
    )
    found = inspect(npz(tmp_path, stuff=PROBS))
    assert found.readings[0].error.startswith("d.npz: no array has a usual name for scores; found ")


def test_a_damaged_member_is_a_finding(tmp_path):
    logits, labels = logits_and_labels(3000, 3)
    path = npz(tmp_path, logits=logits, labels=labels)
    raw = bytearray(path.read_bytes())
    raw[raw.find(logits.tobytes()) + 50_000] ^= 1
    path.write_bytes(raw)
    (reading,) = inspect(path).readings
    assert reading.error is not None
    assert "logits.npy" in reading.error


def test_warnings_ignored_rows_and_many_values(tmp_path):
    logits, labels = np.tile(LOGITS, (5, 1)), np.tile(LABELS, 5)
    labels[:3] = 255
    found = inspect(npz(tmp_path, logits=logits, labels=labels, ignore_index=np.array(255), hour=np.arange(100)))
    (reading,) = found.readings
    assert (reading.n, reading.ignored, reading.columns) == (97, 3, (("hour", None),))
    assert reading.warnings == ('rows with label 255 are ignored, because "ignore_index" in the file is 255',)


def test_splits_by_row_numbers_are_read_together_only_with_a_word(tmp_path):
    rows = {"val_index": np.arange(5), "test_index": np.arange(5, 12)}
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, **rows, weights=np.zeros((4, 3)), bias=np.zeros(3))
    found = inspect(path)
    assert [(reading.name.rpartition("#")[2], reading.n) for reading in found.readings] == [
        ("val", 5),
        ("test", 7),
        ("all", 20),
    ]
    roles = {array.key: array.role for array in found.arrays}
    assert (roles["weights"], roles["bias"]) == ("not used: of another length",) * 2
    (notice,) = read(path).warnings
    assert (notice.code, str(notice)) == (
        "pooled_splits",
        "all rows are read together, of the splits val, test: say d.npz#test for one, or d.npz#all",
    )
    assert read(f"{path}#all").warnings == read(f"{path}#val").warnings == ()
    assert read(f"{path}#all").n == read(path).n == 20
    features = npz(tmp_path, features=np.zeros((20, 2)), labels=LABELS, **rows)
    assert [notice.code for notice in read_features(features).warnings] == ["pooled_splits"]
    assert read_features(f"{features}#all").warnings == ()


def test_columns_of_a_split_are_as_long_as_its_labels(tmp_path):
    long, short = {"val_logits": LOGITS, "val_labels": LABELS}, {"test_logits": LOGITS[:7], "test_labels": LABELS[:7]}
    path = npz(tmp_path, **long, **short, val_site=np.arange(20), test_site=np.arange(20), shared=np.arange(7))
    roles = {array.key: array.role for array in inspect(path).arrays}
    assert roles["val_site"] == "possible slice column of val"
    assert roles["test_site"] == "not used: of another length"
    assert roles["shared"] == "possible slice column"
