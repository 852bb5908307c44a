"""Which array is what: every key of the contract, two candidates, none, overrides, kinds that are not told."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from calibeval import evaluate
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.describe import inspect_dump
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import read
from calibeval.readers.remote import find
from calibeval.readers.stored.digest import checked_sha256
from calibeval.readers.stored.rows import FileRows
from tests.readers.dumps import LABELS, LOGITS, PROBS, needs_labels, npz, part, refused

LOGIT_KEYS = ["logits", "logit", "scores", "outputs"]
PROB_KEYS = ["probs", "prob", "probabilities", "proba", "softmax", "y_prob"]
LABEL_KEYS = ["labels", "label", "targets", "target", "y", "y_true", "gt", "label_ids", "ground_truth"]


@pytest.mark.parametrize("key", [*LOGIT_KEYS, "Logits", "SCORES"])
def test_keys_of_logits(key, tmp_path):
    predictions = read(npz(tmp_path, **{key: LOGITS, "labels": LABELS}))
    assert (predictions.kind, predictions.n, predictions.k) == ("logits", 20, 3)
    assert (predictions.scores[0:20] == LOGITS).all()


@pytest.mark.parametrize("key", PROB_KEYS)
def test_keys_of_probabilities(key, tmp_path):
    assert read(npz(tmp_path, **{key: PROBS, "labels": LABELS})).kind == "probs"


@pytest.mark.parametrize("key", ["log_probs", "logprobs", "log_probabilities"])
def test_keys_of_log_probabilities(key, tmp_path):
    assert read(npz(tmp_path, **{key: np.log(PROBS), "labels": LABELS})).kind == "log_probs"


@pytest.mark.parametrize("key", LABEL_KEYS)
def test_keys_of_labels(key, tmp_path):
    assert read(npz(tmp_path, logits=LOGITS, **{key: LABELS})).labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("key", ["ids", "id", "sample_id", "filename"])
def test_keys_of_ids(key, tmp_path):
    names = np.array([f"f{i}" for i in range(20)])
    predictions = read(npz(tmp_path, logits=LOGITS, labels=LABELS, **{key: names}))
    assert predictions.ids.tolist() == names.tolist()
    assert key not in predictions.columns


@pytest.mark.parametrize("key", ["class_names", "classes"])
def test_keys_of_class_names(key, tmp_path):
    predictions = read(npz(tmp_path, logits=LOGITS, labels=LABELS, **{key: np.array(["a", "b", "c"])}))
    assert predictions.class_names == ("a", "b", "c")


@pytest.mark.parametrize(
    ("beside", "scores", "kind"), [("label_ids", LOGITS, "logits"), ("ground_truth", PROBS, "probs")]
)
def test_predictions_are_told_by_their_neighbour(beside, scores, kind, tmp_path):
    assert read(npz(tmp_path, predictions=scores, **{beside: LABELS})).kind == kind


def test_predictions_beside_anything_else_need_a_kind(tmp_path):
    path = npz(tmp_path, predictions=LOGITS, labels=LABELS)
    refused(path, 'd.npz: "predictions" could be logits or probabilities: say --kind logits or --kind probs')
    assert read(path, kind="logits").kind == "logits"


def test_features_are_no_scores(tmp_path):
    predictions = read(npz(tmp_path, features=np.zeros((20, 5)), logits=LOGITS, labels=LABELS))
    assert predictions.k == 3
    refused(
        npz(tmp_path, features=np.zeros((20, 5), np.float32), labels=LABELS),
        'd.npz: no array has a usual name for scores; found "features" (20, 5) float32, "labels" (20) int64. '
        "Name one with --logits-key or --probs-key. calibeval finetune, or predict with a head, computes "
        'scores from "features".',
    )


def test_two_candidates_for_the_scores(tmp_path):
    path = npz(tmp_path, logits=LOGITS, scores=LOGITS * 2, labels=LABELS)
    refused(
        path,
        'd.npz: two arrays could be the scores: "logits" (20, 3) float32, "scores" (20, 3) float32. '
        "Name one with --logits-key or --probs-key.",
    )
    assert (read(path, logits_key="scores").scores[0:20] == LOGITS * 2).all()


def test_three_candidates_for_the_labels(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, y=LABELS[::-1].copy(), gt=LABELS)
    refused(
        path,
        'd.npz: three arrays could be the labels: "labels" (20) int64, "y" (20) int64, "gt" (20) int64. '
        "Name one with --labels-key.",
    )
    assert read(path, labels_key="y").labels.tolist() == LABELS[::-1].tolist()


def test_no_labels(tmp_path):
    needs_labels(
        npz(tmp_path, logits=LOGITS, site=LABELS),
        'd.npz: no array has a usual name for labels; found "logits" (20, 3) float32, "site" (20) int64. '
        "Name one with --labels-key, or another file with --labels.",
    )


@pytest.mark.parametrize(
    ("role", "flag"), [("logits_key", "logits"), ("probs_key", "probs"), ("labels_key", "labels"), ("ids_key", "ids")]
)
def test_named_keys_must_exist(role, flag, tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS)
    refused(
        path,
        f'd.npz: --{flag}-key: there is no "logitz" (did you mean "logits"?); '
        'found "logits" (20, 3) float32, "labels" (20) int64',
        **{role: "logitz"},
    )


def test_named_keys_decide_the_kind(tmp_path):
    path = npz(tmp_path, mine=PROBS, labels=LABELS)
    assert read(path, probs_key="mine").kind == "probs"
    with pytest.raises(InputError, match="look like probabilities"):
        read(path, logits_key="mine")
    assert read(path, logits_key="mine", kind="probs").kind == "probs"


def test_two_named_scores(tmp_path):
    refused(
        npz(tmp_path, a=LOGITS, b=PROBS, labels=LABELS),
        "d.npz: name one array of scores, not 2",
        logits_key="a",
        probs_key="b",
    )


def test_an_unknown_kind(tmp_path):
    with pytest.raises(
        UsageError, match=r'^kind "logit" is unknown \(did you mean "logits"\?\); kinds are logits, probs, '
    ):
        read(npz(tmp_path, logits=LOGITS, labels=LABELS), kind="logit")


def test_logits_that_look_like_probabilities(tmp_path):
    path = npz(tmp_path, logits=PROBS, labels=LABELS)
    refused(
        path,
        "d.npz: these logits are all non-negative and every row sums to 1: they look like probabilities. "
        "Say --kind probs, or --kind logits if they really are logits.",
    )
    assert read(path, kind="logits").kind == "logits"
    as_probs, as_logits = evaluate(read(path, kind="probs")), evaluate(read(path, kind="logits"))
    assert as_probs["nll"].value != as_logits["nll"].value


@pytest.mark.parametrize("row", [0, 19])
def test_one_row_that_is_no_distribution_is_enough(row, tmp_path):
    scores = PROBS.copy()
    scores[row] *= 1.5
    assert read(npz(tmp_path, logits=scores, labels=LABELS)).kind == "logits"


def test_probabilities_that_are_logits(tmp_path):
    with pytest.raises(InputError, match=r'^d\.npz: row 0 (holds|sums to) .* If they are logits, use kind="logits"\.$'):
        evaluate(read(npz(tmp_path, probs=LOGITS, labels=LABELS)))


def test_logits_and_probabilities_that_agree(tmp_path):
    predictions = read(npz(tmp_path, probs=PROBS.astype(np.float32), logits=LOGITS, labels=LABELS))
    assert (predictions.kind, predictions.warnings) == ("logits", ())


def test_logits_and_probabilities_that_disagree(tmp_path):
    off = PROBS.copy()
    off[4] = [0.0, 0.0, 1.0]
    predictions = read(npz(tmp_path, probs=off, logits=LOGITS, labels=LABELS))
    gap = np.abs(off[4] - PROBS[4]).max()
    assert predictions.kind == "logits"
    assert predictions.warnings == (f'"logits" is used, but "probs" is not its softmax (they differ by {gap:.2g})',)
    assert evaluate(predictions).dumps[0].warnings[0] == predictions.warnings[0]


def test_logits_and_probabilities_of_another_shape(tmp_path):
    predictions = read(npz(tmp_path, probs=PROBS[:, :2], logits=LOGITS, labels=LABELS))
    assert predictions.warnings == ('"logits" is used; "probs" has a different shape and is not used',)


@pytest.mark.parametrize("key", ["ignore_label", "ignore_index"])
@pytest.mark.parametrize("value", [255, -100])
def test_a_scalar_ignore_label_is_honoured_and_told(key, value, tmp_path):
    labels = LABELS.copy()
    labels[[2, 3]] = value
    predictions = read(npz(tmp_path, logits=LOGITS, labels=labels, **{key: np.array(value)}))
    assert (predictions.n, predictions.ignored, predictions.ignore_index) == (18, 2, value)
    assert predictions.warnings == (f'rows with label {value} are ignored, because "{key}" in the file is {value}',)


def test_the_option_wins_over_the_file(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, ignore_label=np.array(2))
    predictions = read(path, ignore_index=1)
    assert (predictions.ignore_index, predictions.ignored, predictions.warnings) == (1, 7, ())


def test_other_arrays_of_length_n_are_columns(tmp_path):
    predictions = read(
        npz(tmp_path, logits=LOGITS, labels=LABELS, site=np.arange(20), short=np.arange(3), wide=np.zeros((20, 2)))
    )
    assert list(predictions.columns) == ["site"]


@pytest.mark.parametrize("key", ["confidence", "confidences"])
def test_top_label_dumps(key, tmp_path):
    confidence, predicted = PROBS.max(axis=1), PROBS.argmax(axis=1)
    one = read(npz(tmp_path, **{key: confidence, "correct": predicted == LABELS}))
    assert (one.kind, one.k, one.n) == ("confidence", None, 20)
    assert one.labels.tolist() == (predicted == LABELS).astype(int).tolist()
    other = read(npz(tmp_path, **{key: confidence, "prediction": predicted, "label": LABELS}))
    assert other.labels.tolist() == (predicted == LABELS).astype(int).tolist()
    refused(
        npz(tmp_path, **{key: confidence, "label": LABELS}),
        f'd.npz: "{key}" also needs an array "correct", or the arrays "prediction" and "label"',
    )


def test_confidences_beside_logits_are_a_column(tmp_path):
    predictions = read(npz(tmp_path, logits=LOGITS, confidence=PROBS.max(axis=1), labels=LABELS))
    assert predictions.kind == "logits"


def test_text_labels_are_looked_up_in_the_class_names(tmp_path):
    names = np.array(["cat", "ant", "bee"])
    assert read(npz(tmp_path, logits=LOGITS, labels=names[LABELS], classes=names)).labels.tolist() == LABELS.tolist()
    path = npz(tmp_path, logits=LOGITS, labels=names[LABELS])
    refused(
        path,
        'd.npz: row 0: label "cat" is text; give the class names, in the order of the columns (--class-names FILE)',
    )
    assert read(path, class_names=["cat", "ant", "bee"]).labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    "labels", [np.eye(3)[LABELS], np.eye(3, dtype=bool)[LABELS], LABELS.astype(float), LABELS[:, None]]
)
def test_one_hot_and_float_labels(labels, tmp_path):
    assert read(npz(tmp_path, logits=LOGITS, labels=labels)).labels.tolist() == LABELS.tolist()


LABELS_REFUSED = [
    (
        LABELS + 1,
        (
            "d.npz: row 2: label 3, but the scores have 3 classes (0 to 2) (6 rows are out of range). "
            "If the labels start at 1, subtract 1 before saving."
        ),
    ),
    (LABELS - 7, "d.npz: row 0: label -7, but the scores have 3 classes (0 to 2) (20 rows are out of range)."),
    (LABELS + 0.5, "d.npz: row 0: label 0.5, but labels must be whole numbers (20 rows are not)"),
    (LABELS[:19], "d.npz: 20 rows of scores, but 19 labels"),
    (np.eye(4)[LABELS], "d.npz: labels have 4 columns, but the scores have 3 classes"),
]


@pytest.mark.parametrize(("labels", "message"), LABELS_REFUSED)
def test_labels_that_do_not_fit(labels, message, tmp_path):
    refused(npz(tmp_path, logits=LOGITS, labels=labels), message)


def test_class_names_that_do_not_fit(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, class_names=np.array(["a", "b"]))
    refused(path, "d.npz: 2 class names, but the scores have 3 classes")


def test_dense_files(tmp_path):
    logits = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    labels = np.zeros((2, 4, 5), np.uint8)
    labels[1, 0, 0] = 255
    predictions = read(
        npz(tmp_path, logits=logits, labels=labels, ignore_index=np.array(255), name=np.array(["a", "b"]))
    )
    assert (predictions.n, predictions.k, predictions.ignored) == (39, 3, 1)
    assert predictions.columns["name"].tolist() == ["a", "b"]


def test_errors_of_values_name_file_and_split(tmp_path):
    bad = LOGITS.copy()
    bad[5, 1], bad[9, 0] = np.nan, np.inf
    path = npz(tmp_path, val_logits=bad, val_labels=LABELS)
    with pytest.raises(InputError) as error:
        evaluate(read(part(path, "val")))
    assert str(error.value) == (
        "d.npz#val: row 5 holds nan in column 1, but logits must be finite or -inf (2 rows of 20 are wrong)."
    )


@pytest.mark.parametrize(("value", "shown"), [(1.5, "1.5"), (np.nan, "nan"), ("abc", "'abc'"), (np.inf, "inf")])
def test_an_ignore_label_is_a_whole_number(value, shown, tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, ignore_label=np.array(value))
    refused(path, f'd.npz: "ignore_label" is {shown}, but the label to ignore must be an integer of at most 64 bits')


def test_a_whole_float_is_an_ignore_label(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, Ignore_Label=np.array(2.0))
    assert read(path).ignore_index == 2


def test_log_probabilities_are_compared_as_probabilities(tmp_path):
    with np.errstate(divide="ignore"):
        log_probs = np.log(PROBS)
    assert read(npz(tmp_path, logits=LOGITS, log_probs=log_probs, labels=LABELS)).warnings == ()
    assert read(npz(tmp_path, probs=PROBS, log_probs=log_probs, labels=LABELS)).warnings == ()
    other = np.roll(log_probs, 1, axis=0)
    gap = np.abs(np.exp(other) - PROBS).max()
    for used, scores in (("logits", LOGITS), ("probs", PROBS)):
        path = npz(tmp_path, **{used: scores}, log_probs=other, labels=LABELS)
        message = f'"{used}" is used, but "log_probs" gives different probabilities (they differ by {gap:.2g})'
        assert read(path).warnings == (message,)


def test_all_rivals_are_compared(tmp_path):
    path = npz(tmp_path, logits=LOGITS, probs=PROBS[::-1], log_probs=np.log(PROBS[::-1]), labels=LABELS)
    assert len(read(path).warnings) == 2


def test_rivals_of_one_column(tmp_path):
    logit = LOGITS[:, 0].astype(float)
    p = 1 / (1 + np.exp(-logit))
    for probs in (p, p[:, None], np.stack([1 - p, p], axis=1)):
        predictions = read(npz(tmp_path, logits=logit, probs=probs, labels=LABELS % 2))
        assert predictions.warnings == ()
        assert "probs" not in predictions.columns
    assert len(read(npz(tmp_path, logits=logit, probs=1 - p, labels=LABELS % 2)).warnings) == 1


def test_rivals_of_dense_scores(tmp_path):
    logits = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    weights = np.exp(logits)
    probs, labels = weights / weights.sum(axis=1, keepdims=True), np.zeros((2, 4, 5), int)
    assert read(npz(tmp_path, logits=logits, probs=probs, labels=labels)).warnings == ()
    last = {"logits": np.moveaxis(logits, 1, -1), "probs": np.moveaxis(probs, 1, -1)}
    assert read(npz(tmp_path, **last, labels=labels)).warnings == ()
    assert len(read(npz(tmp_path, logits=logits, probs=probs[::-1], labels=labels)).warnings) == 1


def test_the_kind_prefers_the_array_of_that_name(tmp_path):
    path = npz(tmp_path, logits=LOGITS, probs=PROBS, log_probs=np.log(PROBS), labels=LABELS)
    for kind, scores in (("logits", LOGITS), ("probs", PROBS), ("log_probs", np.log(PROBS))):
        predictions = read(path, kind=kind)
        assert (predictions.kind, predictions.warnings) == (kind, ())
        assert (predictions.scores[0:20] == scores).all()


def test_dense_logits_that_look_like_probabilities(tmp_path):
    probs = np.full((2, 4, 3, 5), 0.25)
    path = npz(tmp_path, logits=probs, labels=np.zeros((2, 3, 5), int))
    with pytest.raises(InputError, match="look like probabilities"):
        read(path)
    assert read(path, kind="logits").n == 30


def test_two_candidates_for_the_ids(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, id=np.arange(20), sample_id=np.arange(20)[::-1])
    refused(
        path,
        'd.npz: two arrays could be the ids: "id" (20) int64, "sample_id" (20) int64. Name one with --ids-key.',
    )
    assert read(path, ids_key="id").ids.tolist() == list(range(20))


@pytest.mark.parametrize("key", ["id", "ids", "IDs"])
def test_ids_go_before_file_names(key, tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, filename=np.array(["f"] * 20), **{key: np.arange(20)})
    assert read(path).ids.tolist() == list(range(20))


def test_two_candidates_for_the_class_names(tmp_path):
    names = np.array(["a", "b", "c"])
    path = npz(tmp_path, logits=LOGITS, labels=LABELS, classes=names, class_names=names[::-1])
    refused(
        path,
        'd.npz: two arrays could be the class names: "classes" (3) <U1, "class_names" (3) <U1. '
        "Give them with --class-names FILE.",
    )
    assert read(path, class_names=["x", "y", "z"]).class_names == ("x", "y", "z")


def test_capitals_make_no_difference(tmp_path):
    names = np.array(["a", "b", "c"])
    predictions = read(npz(tmp_path, Logits=LOGITS, Labels=LABELS, Classes=names, Sample_ID=np.arange(20)))
    assert (predictions.class_names, predictions.ids.tolist()) == (("a", "b", "c"), list(range(20)))
    assert predictions.columns == {}
    confidence = npz(tmp_path, Confidence=PROBS.max(axis=1), Correct=PROBS.argmax(axis=1) == LABELS)
    assert read(confidence).kind == "confidence"
    assert read(npz(tmp_path, Predictions=LOGITS, Label_IDs=LABELS)).kind == "logits"
    assert read(part(npz(tmp_path, Val_Logits=LOGITS, Val_Labels=LABELS), "Val")).n == 20


@pytest.mark.parametrize("command", ["read", "inspect"])
def test_labels_from_another_file_are_verified_and_hashed(command, tmp_path):
    many = np.tile(LABELS, 1000)
    np.savez(tmp_path / "s.npz", logits=np.tile(LOGITS, (1000, 1)))
    labels = tmp_path / "l.npz"
    np.savez(labels, labels=many)
    source = read(tmp_path / "s.npz", labels=labels).settled_source()
    assert source.labels_path == str(labels)
    assert source.labels_sha256 == hashlib.sha256(labels.read_bytes()).hexdigest()
    assert source.sha256 == hashlib.sha256((tmp_path / "s.npz").read_bytes()).hexdigest()
    raw = bytearray(labels.read_bytes())
    raw[raw.index(many.tobytes()) + 80_000] ^= 1
    labels.write_bytes(raw)
    message = r"l\.npz: labels\.npy is damaged \(its CRC-32 differs\)"
    if command == "read":
        predictions = read(tmp_path / "s.npz", labels=labels)
        with pytest.raises(InputError, match=message):
            predictions.settled_source()
    else:
        (reading,) = inspect_dump(str(tmp_path / "s.npz"), ReadOptions(labels=labels)).readings
        assert "l.npz: labels.npy is damaged" in str(reading.error)


def test_the_source_keeps_the_whole_path(tmp_path):
    path = npz(tmp_path, logits=LOGITS, labels=LABELS)
    predictions = read(path)
    assert predictions.source.path == predictions.settled_source().path == str(path)
    assert predictions.source.labels_path is None
    assert predictions.source.name == "d.npz"


def test_memory_and_checksums_are_options(tmp_path):
    predictions = read(npz(tmp_path, logits=LOGITS, labels=LABELS), max_memory=100)
    assert isinstance(predictions.scores, FileRows)
    assert (predictions.scores[0:20] == LOGITS).all()
    torch.save({"logits": torch.tensor(LOGITS), "labels": torch.tensor(LABELS)}, tmp_path / "d.pt")
    raw = bytearray((tmp_path / "d.pt").read_bytes())
    raw[raw.index(LOGITS.tobytes())] ^= 1
    (tmp_path / "d.pt").write_bytes(raw)
    with pytest.raises(InputError, match="--no-crc"):
        read(tmp_path / "d.pt").settled_source()
    read(tmp_path / "d.pt", checksums=False).settled_source()


def test_inspecting_splits_hashes_the_file_once(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(find, "checked_sha256", lambda *given: calls.append(given) or checked_sha256(*given))
    arrays = {f"s{i}_{key}": values for i in range(20) for key, values in (("logits", LOGITS), ("labels", LABELS))}
    readings = inspect_dump(str(npz(tmp_path, **arrays)), ReadOptions()).readings
    assert len({reading.sha256 for reading in readings}) == 1
    assert (len(readings), len(calls)) == (20, 1)


def test_one_column_of_logits_that_looks_like_probabilities(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, logits=np.array([0.1, 0.9, 1.0, 0.0]), labels=np.array([0, 1, 1, 0]))
    refused(
        path,
        "d.npz: these logits all lie between 0 and 1: they look like probabilities. "
        "Say --kind probs, or --kind logits if they really are logits.",
    )
    assert read(path, kind="probs").k == 2


def test_labels_called_minus_one_and_one(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, logits=np.array([-3.0, 2.0, 1.0]), labels=np.array([-1, 1, 1]))
    refused(
        path,
        "d.npz: row 0: label -1, but the scores have 2 classes (0 to 1). "
        "If the classes are called -1 and 1, save 0 and 1.",
    )


def test_one_text_among_numeric_labels_is_the_one_named(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, logits=np.eye(3), labels=np.array(["2", "1", "unk"]))
    refused(
        path,
        'd.npz: row 2: label "unk" is text; give the class names, in the order of the columns (--class-names FILE)',
    )


def test_a_key_names_the_labels_in_a_file_of_their_own(tmp_path):
    dump = npz(tmp_path, logits=LOGITS)
    other = tmp_path / "labels.npz"
    np.savez(other, mine=LABELS, labels=np.zeros(20, int))
    assert read(dump, labels=other, labels_key="mine").labels.tolist() == LABELS.tolist()
    message = 'labels.npz: --labels-key: there is no "mein" (did you mean "mine"?); found "mine" (20) int64, '
    refused(dump, message + '"labels" (20) int64', labels=other, labels_key="mein")
