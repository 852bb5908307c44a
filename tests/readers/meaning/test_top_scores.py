"""Files with the scores of the best classes: refused, with what decides; and files that only look like them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibeval.readers.open import read
from tests.cli.invoking import run
from tests.core.data.test_best_first import drawn, scores_of
from tests.readers.dumps import npz, refused

PROBS = scores_of(300, 4)
LABELS = drawn(PROBS)
RANKED = -np.sort(-PROBS, axis=1)
TOP, RIGHT = PROBS.max(axis=1), (PROBS.argmax(axis=1) == LABELS).astype(int)
TOP = np.maximum(TOP, 0.5)
SEEMS = "these seem to be the scores of the best classes of each row, not of the classes in order"


def message_of(capsys, *words):
    result = run(capsys, *words)
    assert (result.code, result.out) == (3, "")
    return result.err


@pytest.mark.parametrize("name", ["d.npz", "d.csv", "d.jsonl", "d.npy"])
def test_a_best_first_list_in_any_format(name, tmp_path, capsys):
    path, more = tmp_path / name, []
    if name == "d.npz":
        np.savez(path, probs=RANKED, labels=LABELS)
    elif name == "d.csv":
        rows = np.column_stack([RANKED, LABELS])
        np.savetxt(path, rows, delimiter=",", header="prob_0,prob_1,prob_2,prob_3,label", comments="", fmt="%.8g")
    elif name == "d.npy":
        np.save(path, RANKED)
        np.save(tmp_path / "y.npy", LABELS)
        more = ["--kind", "probs", "--labels", tmp_path / "y.npy"]
    else:
        lines = (json.dumps({"probs": p, "label": y}) for p, y in zip(RANKED.tolist(), LABELS.tolist(), strict=True))
        path.write_text("\n".join(lines))
    message = message_of(capsys, "report", path, *more)
    assert message.startswith(f"{name}: the scores fall from left to right in every row, but ")
    assert SEEMS in message
    assert "say --labels-are positions if each column is one class" in message
    insisted = run(capsys, "report", path, *more, "--labels-are", "positions", "--json", "-q")
    value = json.loads(insisted.out)["dumps"][0]["metrics"]["accuracy"]["value"]
    assert value == pytest.approx((LABELS == 0).mean())


def test_inspect_and_fit_say_it_too(tmp_path, capsys):
    path = npz(tmp_path, logits=np.log(RANKED), labels=LABELS)
    assert SEEMS in " ".join(run(capsys, "inspect", path).out.split())
    assert SEEMS in message_of(capsys, "fit", path)
    assert SEEMS in message_of(capsys, "gate", path, "--max", "ece=1")


def test_columns_that_were_named_are_no_exception(tmp_path, capsys):
    path = tmp_path / "d.csv"
    rows = np.column_stack([RANKED, LABELS])
    np.savetxt(path, rows, delimiter=",", header="p0,p1,p2,p3,label", comments="", fmt="%.8g")
    assert SEEMS in message_of(capsys, "report", path, "--score-columns", "p0..p3", "--kind", "probs")


def test_labels_beyond_the_columns_of_a_list(tmp_path):
    """The best three of four classes."""
    assert LABELS.max() == 3
    message = (
        "d.npz: the scores fall from left to right in every row, and label 3 has no column: these seem to be the "
        "scores of the best 3 classes of each row, not of the classes in order. Write the scores of all classes in "
        "class order (timm: --topk 0), not what torch.topk or np.sort returns"
    )
    refused(npz(tmp_path, probs=RANKED[:, :3], labels=LABELS), message)
    with pytest.raises(ValueError, match=r"label 3, but the scores have 3 classes \(0 to 2\)"):
        read(npz(tmp_path, probs=PROBS[:, :3], labels=LABELS))


def test_class_names_are_insisted_on_by_saying_names(tmp_path):
    names = np.array(["a", "b", "c", "d"])
    path = npz(tmp_path, probs=RANKED, labels=names[LABELS], class_names=names)
    with pytest.raises(ValueError, match=r"or say --labels-are names if each column is one class$"):
        read(path)
    assert read(path, labels_are="names").labels.tolist() == LABELS.tolist()
    path = npz(tmp_path, probs=RANKED, labels=LABELS, class_names=names)
    with pytest.raises(ValueError, match=r"or say --labels-are positions if each column is one class$"):
        read(path)
    assert read(path, labels_are="positions").labels.tolist() == LABELS.tolist()


def test_dumps_without_labels_have_nothing_that_contradicts(tmp_path, capsys):
    fitted = npz(tmp_path, logits=np.log(PROBS), labels=LABELS)
    assert run(capsys, "fit", fitted, "-o", tmp_path / "m.json", "-q").code == 0
    path = npz(tmp_path, logits=np.log(RANKED))
    assert run(capsys, "apply", tmp_path / "m.json", path, "-o", tmp_path / "out.npz", "-q").code == 0


@pytest.mark.parametrize("shape", [(300,), (300, 1)])
@pytest.mark.parametrize("key", ["probs", "y_prob", "Prob"])
def test_one_column_that_never_falls_below_a_half(key, shape, tmp_path):
    message = (
        f'd.npz: the single column "{key}" never falls below 1/2 in 300 rows, so it looks like the confidence of the '
        f"predicted class, not like P(class 1). Say --key confidence={key}"
    )
    needs = ' (with an array "correct", or "prediction")'
    path = npz(tmp_path, **{key: TOP.reshape(shape)}, labels=LABELS % 2)
    refused(path, f"{message}{needs}, or --kind probs if it is P(class 1)")
    assert read(path, kind="probs").k == 2
    path = npz(tmp_path, **{key: TOP.reshape(shape)}, labels=LABELS % 2, correct=RIGHT)
    refused(path, f"{message}, or --kind probs if it is P(class 1)")


def test_what_the_message_says_is_read(tmp_path, capsys):
    path = npz(tmp_path, probs=TOP, labels=LABELS, prediction=PROBS.argmax(axis=1))
    found = run(capsys, "report", path, "--key", "confidence=probs", "--json", "-q")
    metrics = json.loads(found.out)["dumps"][0]["metrics"]
    assert metrics["accuracy"]["value"] == RIGHT.mean()
    assert metrics["confidence_gap"]["value"] == pytest.approx(TOP.mean() - RIGHT.mean())


def test_a_key_that_was_named_is_no_kind(tmp_path, capsys):
    """`--probs-key max_prob` would read the confidence as P(class 1)."""
    path = npz(tmp_path, max_prob=TOP, label=LABELS % 2, correct=RIGHT)
    assert "looks like the confidence of the predicted class" in message_of(
        capsys, "report", path, "--probs-key", "max_prob"
    )
    for words in (("--key", "confidence=max_prob"), ("--kind", "confidence", "--probs-key", "max_prob")):
        found = run(capsys, "report", path, *words, "--json", "-q")
        assert json.loads(found.out)["dumps"][0]["metrics"]["accuracy"]["value"] == RIGHT.mean()


@pytest.mark.parametrize(("kind", "never"), [("logits", "0"), ("log_probs", "ln 1/2")])
def test_one_column_of_other_kinds(kind, never, tmp_path):
    scores = np.log(TOP / (1 - 0.999 * TOP)) + 0.001 if kind == "logits" else np.log(TOP)
    path = npz(tmp_path, **{kind: scores}, labels=LABELS % 2)
    with pytest.raises(ValueError, match=f'"{kind}" never falls below {never} in 300 rows, .* say --kind {kind} if'):
        read(path)
    assert read(path, kind=kind).k == 2


def test_a_column_of_a_dump_without_labels(tmp_path, capsys):
    path = npz(tmp_path, probs=np.r_[TOP, 0.1], labels=np.r_[LABELS % 2, 0])
    assert run(capsys, "fit", path, "--method", "platt", "-o", tmp_path / "m.json", "-q").code == 0
    path = npz(tmp_path, probs=TOP)
    result = run(capsys, "apply", tmp_path / "m.json", path, "-o", tmp_path / "out.npz")
    assert result.code == 3
    assert "looks like the confidence" in result.err
    again = run(capsys, "apply", tmp_path / "m.json", path, "-o", tmp_path / "out.npz", "--kind", "probs", "-q")
    assert again.code == 0


def test_columns_that_only_look_a_little_like_it(tmp_path):
    low = np.r_[TOP[:-1], 0.49]
    for probs, labels in (
        (low, LABELS % 2),
        (TOP[:99], LABELS[:99] % 2),
        (TOP, np.ones(300, int)),
        (np.full(300, 0.7), LABELS % 2),
    ):
        assert read(npz(tmp_path, probs=probs, labels=labels)).k == 2
    late = np.r_[np.tile(TOP, 2000), 0.1]
    assert read(npz(tmp_path, probs=late, labels=np.arange(len(late)) % 2)).k == 2


def test_labels_that_one_column_does_not_fit(tmp_path):
    remedy = "If the column is the confidence of the predicted class, say --key confidence=prob --key prediction=NAME."
    path = npz(tmp_path, prob=PROBS.max(axis=1), index=PROBS.argmax(axis=1), label=LABELS)
    with pytest.raises(ValueError, match=remedy):
        read(path)
    found = read(path, key={"confidence": "prob", "prediction": "index"})
    assert np.asarray(found.labels).mean() == pytest.approx((PROBS.argmax(axis=1) == LABELS).mean())
    with pytest.raises(ValueError, match="If the labels start at 1") as error:
        read(npz(tmp_path, prob=PROBS.max(axis=1), label=LABELS % 2 + 1))
    assert "confidence" not in str(error.value)
