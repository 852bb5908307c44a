"""inspect: every array with its role, every split with its reading, errors as findings."""

from __future__ import annotations

import hashlib

import numpy as np

from calibeval import read, read_features
from calibeval.core.data.inspection import Reading
from calibeval.readers.describe import inspect_dump
from calibeval.readers.meaning.read_options import ReadOptions
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
            recognised=('logits from "logits"', 'labels from "labels"'),
        ),
    )


def recognised(path, **options):
    (reading,) = inspect_dump(str(path), ReadOptions(**options)).readings
    return reading.recognised


def test_the_arrays_that_were_used_are_said(tmp_path):
    first = 'logits from "outputs"'
    assert recognised(npz(tmp_path, outputs=LOGITS, y=LABELS)) == (first, 'labels from "y"')
    np.save(tmp_path / "y.npy", LABELS)
    path = npz(tmp_path, outputs=LOGITS)
    assert recognised(path, labels=tmp_path / "y.npy") == (first, "20 labels from y.npy, by position")
    top = {"confidence": np.full(20, 0.5), "prediction": LABELS, "label": LABELS}
    found = ('confidence from "confidence"', 'labels from "label"', 'predictions from "prediction"')
    assert recognised(npz(tmp_path, **top)) == found
    path = npz(tmp_path, confidence=np.full(20, 0.5), correct=LABELS == 0)
    assert recognised(path) == ('confidence from "confidence"', 'right or wrong from "correct"')


def test_columns_of_a_table_that_were_used_are_said(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("p1,prob_cat,prob_dog,prob_emu,label\n.3,.5,.25,.25,dog\n.3,.25,.5,.25,emu\n")
    columns = "probs from columns prob_cat to prob_emu"
    float32 = "float32, by the digits of every score"
    assert recognised(path) == (columns, float32, 'labels from "label"', "labels are names of classes")
    path.write_text("a,p0,p1,label\n2,.5,.5,0\n2,.25,.75,1\n")
    options = {"kind": "probs", "score_columns": ("p0..p1",)}
    assert recognised(path, **options)[0] == "probs from columns p0 and p1"
    path.write_text("prob_1,prob_2,label\n.5,.5,0\n.25,.75,1\n")
    assert recognised(path)[3:] == ("labels are positions of classes, from 0, not names",)


def test_what_a_shape_was_taken_for_is_said(tmp_path):
    assert recognised(npz(tmp_path, probs=PROBS[:, 0], labels=LABELS > 1))[2:] == ("one column, P(class 1)",)
    path = npz(tmp_path, logits=LOGITS[:, :1] - 1, labels=LABELS > 1)
    assert recognised(path)[2:] == ("one column, the logit of class 1",)
    dense = {"logits": LOGITS[:16].reshape(2, 2, 4, 3), "labels": LABELS[:16].reshape(2, 2, 4)}
    assert recognised(npz(tmp_path, **dense))[2:] == ("2 images of 2 × 4 pixels",)
    predictions = read(npz(tmp_path, **dense))
    assert predictions.recognised == predictions.select(np.arange(3)).recognised
    assert predictions.with_scores(predictions.scores, "logits").recognised == predictions.recognised


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
        "--renormalize divides every row by its sum, and counts these rows."
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
    held = "d.npz holds the splits val and test; all rows are read together."
    assert notice.code == "pooled_splits"
    assert notice == f"{held} Use d.npz#test for one, or d.npz#all to say so."
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
