"""The number of a class: where rows list classes by score, and where --class-names are those of the file reordered."""

import json

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import InputError

RNG = np.random.default_rng(2)
PROBS = RNG.dirichlet([1, 1, 1], 200)
LABELS = np.array([RNG.choice(3, p=row) for row in PROBS])
NAMES = ("neg", "neutral", "pos")
RIGHT = np.mean(PROBS.argmax(axis=1) == LABELS)


def pipeline(names):
    """What pipe(texts, top_k=None) returns: the classes of each row, the best one first."""
    return [
        sorted(
            ({"label": name, "score": p} for name, p in zip(names, row, strict=True)),
            key=lambda one: one["score"],
            reverse=True,
        )
        for row in PROBS.tolist()
    ]


def lines(path, names, labels):
    text = "".join(json.dumps({"output": o, "label": y}) + "\n" for o, y in zip(pipeline(names), labels, strict=True))
    path.write_text(text)
    return path


def test_numbers_in_names_are_the_order(tmp_path):
    path = lines(tmp_path / "d.jsonl", ("LABEL_0", "LABEL_1", "LABEL_2"), LABELS.tolist())
    assert calibeval.evaluate(path)["accuracy"].value == RIGHT
    assert calibeval.read(path).class_names == ("LABEL_0", "LABEL_1", "LABEL_2")


def test_labels_that_are_names_need_no_order(tmp_path):
    path = lines(tmp_path / "d.jsonl", NAMES, [NAMES[i] for i in LABELS])
    assert calibeval.evaluate(path)["accuracy"].value == RIGHT


def test_labels_that_are_numbers_need_the_order(tmp_path):
    path = lines(tmp_path / "d.jsonl", NAMES, LABELS.tolist())
    with pytest.raises(InputError, match="list the classes"):
        calibeval.read(path)
    assert calibeval.evaluate(path, class_names=NAMES)["accuracy"].value == RIGHT


def test_objects_whose_keys_come_in_any_order(tmp_path):
    rows = [{"probs": {o["label"]: o["score"] for o in one}} for one in pipeline(NAMES)]
    texts = [json.dumps({**row, "y": int(y)}) for row, y in zip(rows, LABELS, strict=True)]
    (tmp_path / "d.json").write_text(f"[{','.join(texts)}]")
    with pytest.raises(InputError, match="in different orders"):
        calibeval.read(tmp_path / "d.json")
    assert calibeval.evaluate(tmp_path / "d.json", class_names=NAMES)["accuracy"].value == RIGHT


def test_the_whole_output_of_a_pipeline(tmp_path):
    (tmp_path / "d.json").write_text(json.dumps(pipeline(NAMES)))
    (tmp_path / "y.json").write_text(json.dumps([NAMES[i] for i in LABELS]))
    dump = calibeval.read(tmp_path / "d.json", labels=tmp_path / "y.json")
    assert calibeval.evaluate(dump)["accuracy"].value == RIGHT
    (tmp_path / "n.json").write_text(json.dumps(LABELS.tolist()))
    with pytest.raises(InputError, match="in different orders"):
        calibeval.read(tmp_path / "d.json", labels=tmp_path / "n.json")
    numbered = calibeval.read(tmp_path / "d.json", labels=tmp_path / "n.json", class_names=NAMES)
    assert calibeval.evaluate(numbered)["accuracy"].value == RIGHT


@pytest.mark.parametrize("as_names", [True, False])
@pytest.mark.parametrize("beside", [True, False])
def test_class_names_in_another_order_than_the_columns(as_names, beside, tmp_path):
    order = [2, 0, 1]
    header = ",".join(f"prob_{NAMES[i]}" for i in order)
    labels = [NAMES[i] if as_names else str(i) for i in LABELS]
    rows = [",".join(map(repr, row)) for row in PROBS[:, order].tolist()]
    both = [f"{row},{y}" for row, y in zip(rows, labels, strict=True)]
    text = "\n".join([header, *rows] if beside else [f"{header},label", *both])
    (tmp_path / "d.csv").write_text(text + "\n")
    (tmp_path / "y.csv").write_text("\n".join(["label", *labels]))
    given = {"labels": tmp_path / "y.csv"} if beside else {}
    dump = calibeval.read(tmp_path / "d.csv", class_names=NAMES, **given)
    assert dump.class_names == tuple(NAMES[i] for i in order)
    assert calibeval.evaluate(dump)["accuracy"].value == RIGHT


def test_ignored_labels_stay_ignored(tmp_path):
    labels = np.where(np.arange(200) < 50, -1, LABELS)
    np.savez(tmp_path / "d.npz", probs=PROBS[:, ::-1], labels=labels, class_names=np.array(NAMES[::-1]))
    dump = calibeval.read(tmp_path / "d.npz", class_names=NAMES, ignore_index=-1)
    assert (dump.n, dump.ignored) == (150, 50)
    kept = labels >= 0
    assert calibeval.evaluate(dump)["accuracy"].value == np.mean((PROBS.argmax(axis=1) == LABELS)[kept])


def test_an_ignored_label_that_is_a_class(tmp_path):
    np.savez(tmp_path / "d.npz", probs=PROBS[:, ::-1], labels=LABELS, class_names=np.array(NAMES[::-1]))
    dump = calibeval.read(tmp_path / "d.npz", class_names=NAMES, ignore_index=0)
    assert dump.ignored == (LABELS == 0).sum()
    kept = LABELS != 0
    assert calibeval.evaluate(dump)["accuracy"].value == np.mean((PROBS.argmax(axis=1) == LABELS)[kept])


@pytest.mark.parametrize(
    ("labels", "name", "names"),
    [
        (("ham", "spam"), "spam", ("ham", "spam")),
        ((False, True), "True", ("False", "True")),
        ((0, 1), "spam", None),
        ((0, 1), "1", None),
    ],
)
def test_one_column_named_after_its_class(labels, name, names, tmp_path):
    y = LABELS == 1
    rows = [f"{p!r},{labels[int(one)]}" for p, one in zip(PROBS[:, 1].tolist(), y, strict=True)]
    (tmp_path / "d.csv").write_text("\n".join([f"prob_{name},label", *rows]))
    dump = calibeval.read(tmp_path / "d.csv")
    assert dump.class_names == names
    assert calibeval.evaluate(dump)["accuracy"].value == np.mean((PROBS[:, 1] > 0.5) == y)


def test_one_column_that_labels_do_not_explain(tmp_path):
    (tmp_path / "d.csv").write_text("prob_spam,label\n0.5,ham\n0.6,eggs\n0.7,spam\n")
    with pytest.raises(InputError, match='"prob_spam" is the only column of scores'):
        calibeval.read(tmp_path / "d.csv")


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("as_names", [True, False])
def test_long_tables(k, as_names, tmp_path):
    p = PROBS[:, :k] / PROBS[:, :k].sum(axis=1, keepdims=True)
    y = [NAMES[i % k] if as_names else i % k for i in LABELS]
    rows = [f"img{i},{NAMES[j]},{p[i, j]!r},{y[i]}" for i in range(200) for j in range(k)]
    (tmp_path / "d.csv").write_text(
        "\n".join(["id,class,prob,label", *rows]).replace("np.float64(", "").replace("),", ",")
    )
    with pytest.raises(InputError, match=f"every id occurs {k} times, .* one row for each class"):
        calibeval.read(tmp_path / "d.csv")
