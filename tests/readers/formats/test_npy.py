"""`.npy`: one array, its labels from another file, its kind said."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import evaluate
from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.open import read
from tests.data import from_logits, logits_and_labels
from tests.readers.dumps import LABELS, LOGITS, PROBS, needs_labels, refused


@pytest.fixture
def files(tmp_path):
    np.save(tmp_path / "d.npy", LOGITS)
    np.save(tmp_path / "y.npy", LABELS)
    return tmp_path / "d.npy", tmp_path / "y.npy"


def test_scores_and_labels(files):
    scores, labels = files
    predictions = read(scores, labels=labels, kind="logits")
    assert (predictions.n, predictions.k, predictions.kind) == (20, 3, "logits")
    assert predictions.labels.tolist() == LABELS.tolist()


def test_the_kind_must_be_said(files):
    scores, labels = files
    message = "d.npy: the scores could be logits or probabilities: say --kind logits or --kind probs"
    refused(scores, message, labels=labels)


def test_labels_must_be_given(files):
    needs_labels(
        files[0],
        "d.npy: no array has a usual name for labels; found an array without a name (20, 3) float32. "
        "Name one with --labels-key, or another file with --labels.",
        kind="logits",
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8", "i1"])
def test_every_type_and_order(dtype, order, tmp_path):
    logits, labels = logits_and_labels(60, 5)
    stored = np.round(logits).astype(dtype, order=order)
    np.save(tmp_path / "d.npy", stored)
    np.save(tmp_path / "y.npy", labels)
    report = evaluate(read(tmp_path / "d.npy", labels=tmp_path / "y.npy", kind="logits"), level=None)
    assert {m.name: m.value for m in report.dumps[0].metrics.values()} == from_logits(np.round(logits), labels)


def test_labels_from_other_formats(files, tmp_path):
    scores, _ = files
    np.savez(tmp_path / "one.npz", whatever=LABELS)
    np.savez(tmp_path / "named.npz", site=np.arange(20), targets=LABELS)
    (tmp_path / "y.csv").write_text("label\n" + "\n".join(map(str, LABELS)) + "\n")
    for name in ("one.npz", "named.npz", "y.csv"):
        assert read(scores, labels=tmp_path / name, kind="logits").labels.tolist() == LABELS.tolist()


def test_labels_that_cannot_be_found(files, tmp_path):
    np.savez(tmp_path / "l.npz", a=LABELS, b=LABELS)
    found = 'found "a" (20) int64, "b" (20) int64. Name one, as in --labels-key a.'
    message = f"l.npz: no array has a usual name for labels; {found}"
    refused(files[0], message, labels=tmp_path / "l.npz", kind="logits")
    with pytest.raises(FileProblem, match=r"no\.npy: there is no such file"):
        read(files[0], labels=tmp_path / "no.npy", kind="logits")


def test_labels_of_another_length(files, tmp_path):
    np.save(tmp_path / "y.npy", LABELS[:7])
    refused(files[0], "d.npy: 20 rows of scores, but 7 labels", labels=tmp_path / "y.npy", kind="logits")


def test_a_file_of_labels_replaces_those_in_the_dump(files, tmp_path):
    np.savez(tmp_path / "d.npz", logits=LOGITS, labels=np.zeros(20, int))
    assert read(tmp_path / "d.npz", labels=files[1]).labels.tolist() == LABELS.tolist()


def test_probabilities_of_one_class(tmp_path):
    np.save(tmp_path / "p.npy", PROBS[:, 0])
    np.save(tmp_path / "y.npy", (LABELS == 0).astype(int))
    predictions = read(tmp_path / "p.npy", labels=tmp_path / "y.npy", kind="probs")
    assert (predictions.n, predictions.k) == (20, 2)


def test_an_empty_array(tmp_path):
    np.save(tmp_path / "d.npy", np.zeros((0, 3)))
    np.save(tmp_path / "y.npy", np.zeros(0, int))
    refused(tmp_path / "d.npy", "d.npy: there are no rows", labels=tmp_path / "y.npy", kind="logits")


@pytest.mark.parametrize("change", [-1, 1, -100])
def test_files_shorter_or_longer_than_the_header_says(change, files):
    scores, labels = files
    raw = scores.read_bytes()
    scores.write_bytes(raw[:change] if change < 0 else raw + b"x" * change)
    message = f"d.npy: the header describes 240 bytes of values, but the file holds {240 + change}"
    refused(scores, message, labels=labels, kind="logits")


def test_objects_are_refused(tmp_path):
    np.save(tmp_path / "d.npy", np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(InputError, match=r"^d\.npy holds Python objects\. .* calibeval never does\. "):
        read(tmp_path / "d.npy", kind="logits")


@pytest.mark.parametrize("content", [b"x", b"\x93NUMPY", b"PK\x03\x04rest"])
def test_what_is_no_array(content, tmp_path):
    (tmp_path / "d.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"^d\.npy: not a \.npy array, or its header is damaged \("):
        read(tmp_path / "d.npy", kind="logits")
