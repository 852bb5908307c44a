"""Which array is what: every key of the contract, two candidates, none, overrides, kinds that are not told."""

from __future__ import annotations

import numpy as np
import pytest

from calibeval import evaluate, read
from calibeval.core.errors import InputError, UsageError
from tests.readers.dumps import LABELS, LOGITS, PROBS, npz, part, refused

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
        'd.npz: no array is named like scores; there are "features" (20, 5) float32, "labels" (20) int64. '
        "Name one with --logits-key or --probs-key.",
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
    refused(
        npz(tmp_path, logits=LOGITS, site=LABELS),
        'd.npz: no array is named like labels; there are "logits" (20, 3) float32, "site" (20) int64. '
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
        'there are "logits" (20, 3) float32, "labels" (20) int64',
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
    with pytest.raises(InputError, match=r"^d\.npz: row 0 (holds|sums to) .* If they are logits, say --kind logits\.$"):
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
    assert predictions.warnings == (f'"logits" are used, and "probs" are not their softmax (they differ by {gap:.2g})',)
    assert evaluate(predictions).dumps[0].warnings[0] == predictions.warnings[0]


def test_logits_and_probabilities_of_another_shape(tmp_path):
    predictions = read(npz(tmp_path, probs=PROBS[:, :2], logits=LOGITS, labels=LABELS))
    assert predictions.warnings == ('"logits" are used; "probs" has another shape and is left out',)


@pytest.mark.parametrize("key", ["ignore_label", "ignore_index"])
@pytest.mark.parametrize("value", [255, -100])
def test_a_scalar_ignore_label_is_honoured_and_told(key, value, tmp_path):
    labels = LABELS.copy()
    labels[[2, 3]] = value
    predictions = read(npz(tmp_path, logits=LOGITS, labels=labels, **{key: np.array(value)}))
    assert (predictions.n, predictions.ignored, predictions.ignore_index) == (18, 2, value)
    assert predictions.warnings == (f'rows with label {value} are ignored, as the file\'s "{key}" says',)


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
        f'd.npz: "{key}" needs an array "correct", or "prediction" and "label", beside it',
    )


def test_confidences_beside_logits_are_a_column(tmp_path):
    predictions = read(npz(tmp_path, logits=LOGITS, confidence=PROBS.max(axis=1), labels=LABELS))
    assert predictions.kind == "logits"


def test_text_labels_are_looked_up_in_the_class_names(tmp_path):
    names = np.array(["cat", "ant", "bee"])
    assert read(npz(tmp_path, logits=LOGITS, labels=names[LABELS], classes=names)).labels.tolist() == LABELS.tolist()
    path = npz(tmp_path, logits=LOGITS, labels=names[LABELS])
    refused(path, 'd.npz: row 0: label "cat" is text; give the class names in the order of the columns')
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
    (LABELS + 0.5, "d.npz: row 0: label 0.5, but labels are whole numbers (20 rows are not)"),
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
