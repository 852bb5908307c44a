"""Messages about tables propose a command, and that very command reads the file."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

from calibeval import evaluate, read
from calibeval.core.errors import InputError
from tests.cli.invoking import run
from tests.definitions import softmax

N = 200


def scores_of(k, seed=3, decimals=6):
    """Probabilities with labels that they fit; each row adds up to 1 but for its decimals."""
    rng = np.random.default_rng(seed)
    probs = softmax(2 * rng.normal(size=(N, k)))
    labels = (probs.cumsum(axis=1) > rng.random((N, 1))).argmax(axis=1)
    return probs.round(decimals), labels


def table(path, columns):
    """A CSV file of these columns."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def proposed(capsys, *words):
    """The command at the end of the message."""
    result = run(capsys, *words)
    assert (result.code, result.out) == (3, "")
    return result.err[result.err.index("calibeval report ") :].rstrip("\n"), result.err


def measured(capsys, command):
    result = run(capsys, *shlex.split(command)[1:], "--json", "-q")
    assert result.code == 0, result.err
    return json.loads(result.out)["dumps"][0]["metrics"]


def accuracy(probs, labels):
    return float((probs.argmax(axis=1) == labels).mean())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_shape_of_h2o(folder, capsys):
    probs, labels = scores_of(2)
    table(folder / "h.csv", {"predict": probs.argmax(1), "p0": probs[:, 0], "p1": probs[:, 1], "label": labels})
    command, _ = proposed(capsys, "report", "h.csv")
    assert command == "calibeval report h.csv --score-columns p0,p1 --kind probs"
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, labels)


def test_beside_scores_that_were_calibrated_one_of_the_two_sets_is_taken(folder, capsys):
    probs, labels = scores_of(2)
    sets = {f"{stem}{i}": probs[:, i] for stem in ("p", "cal_p") for i in range(2)}
    table(folder / "h.csv", {"predict": probs.argmax(1), **sets, "label": labels})
    command, _ = proposed(capsys, "report", "h.csv")
    assert command == "calibeval report h.csv --score-columns p0,p1 --kind probs"


@pytest.mark.parametrize("command", ["report", "inspect", "gate"])
def test_seven_numbered_columns(command, folder, capsys):
    probs, labels = scores_of(7)
    table(folder / "p.csv", {"label": labels, **{f"p{i}": probs[:, i] for i in range(7)}, "age": probs[:, 0] * 60})
    words = {"gate": ("--max", "ece=1")}.get(command, ())
    result = run(capsys, command, "p.csv", *words)
    text = " ".join((result.out + result.err).split())
    assert "calibeval report p.csv --score-columns p0..p6 --kind probs" in text
    found = measured(capsys, "calibeval report p.csv --score-columns p0..p6 --kind probs")
    assert found["accuracy"]["value"] == accuracy(probs, labels)


def test_columns_called_as_classes_and_labels_that_are_their_names(folder, capsys):
    probs, labels = scores_of(3)
    names = np.array(["dog", "cat", "bird"])
    columns = {name: probs[:, i] for i, name in enumerate(names)}
    table(folder / "pets.csv", {"site": labels % 2, **columns, "guess": names[probs.argmax(1)], "truth": names[labels]})
    command, _ = proposed(capsys, "report", "pets.csv")
    assert command == "calibeval report pets.csv --score-columns dog,cat,bird --kind probs --labels-key truth"
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, labels)


def test_a_label_is_named_but_never_a_prediction(folder, capsys):
    probs, labels = scores_of(2)
    columns = {"p0": probs[:, 0], "p1": probs[:, 1], "pred_label": probs.argmax(1)}
    table(folder / "a.csv", {**columns, "true_label": labels})
    command, _ = proposed(capsys, "report", "a.csv")
    assert command == "calibeval report a.csv --score-columns p0,p1 --kind probs --labels-key true_label"
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, labels)
    table(folder / "b.csv", {**columns, "outcome": labels})
    command, message = proposed(capsys, "report", "b.csv")
    assert "; name the labels, too: " in message
    assert command == "calibeval report b.csv --score-columns p0,p1 --kind probs --labels-key NAME"
    table(folder / "c.csv", columns)
    command, message = proposed(capsys, "report", "c.csv")
    assert "; name the file with the labels, too: " in message
    assert command == "calibeval report c.csv --score-columns p0,p1 --kind probs --labels FILE"


def test_a_prediction_is_not_offered_as_the_labels(folder, capsys):
    probs, _ = scores_of(2)
    table(folder / "a.csv", {"prob_0": probs[:, 0], "prob_1": probs[:, 1], "pred_label": probs.argmax(1)})
    result = run(capsys, "report", "a.csv")
    assert result.code == 3
    assert "--labels-key pred_label" not in result.err


def test_what_was_said_already_is_repeated_and_names_with_blanks_are_quoted(folder, capsys):
    probs, labels = scores_of(3)
    names = ["big cat", "dog", "no animal"]
    table(folder / "my pets.csv", {name: probs[:, i] for i, name in enumerate(names)})
    np.save(folder / "the labels.npy", labels)
    command, _ = proposed(capsys, "report", "my pets.csv", "--labels", "the labels.npy")
    assert command == (
        "calibeval report 'my pets.csv' --score-columns 'big cat,dog,no animal' --kind probs --labels 'the labels.npy'"
    )
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, labels)


def test_a_hundred_names_of_one_stem(folder, capsys):
    probs, labels = scores_of(100)
    columns = {f"score_{chr(97 + i // 26)}{chr(97 + i % 26)}": probs[:, i] for i in range(100)}
    table(folder / "many.csv", {"label": labels, **columns, "weight": probs[:, 0]})
    command, _ = proposed(capsys, "report", "many.csv")
    assert command == "calibeval report many.csv --score-columns 'score_*' --kind probs"
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, labels)


def test_columns_that_add_up_to_nothing_are_only_a_possibility(folder, capsys):
    probs, labels = scores_of(3)
    table(folder / "a.csv", {**{f"s{i}": np.log(probs[:, i] + 0.1).round(4) for i in range(3)}, "label": labels})
    result = run(capsys, "report", "a.csv")
    assert result.err.endswith("; if these columns are the scores, say --score-columns s0..s2 --kind logits.\n")
    table(folder / "b.csv", {**{f"s{i}": probs[:, i] / 2 for i in range(3)}, "label": labels})
    result = run(capsys, "report", "b.csv")
    assert result.err.endswith("; if these columns are the scores, say --score-columns s0..s2.\n")


def test_one_row_that_does_not_add_up_is_no_proposal(folder, capsys):
    probs, labels = scores_of(3)
    probs[-1, 0] += 0.01
    table(folder / "a.csv", {**{f"s{i}": probs[:, i] for i in range(3)}, "label": labels})
    assert "add up" not in run(capsys, "report", "a.csv").err


@pytest.mark.parametrize("lists", [False, True])
def test_what_is_proposed_can_be_read(lists, folder, capsys):
    """Rounded to two decimals, rows of 12 classes are off by up to 0.06; what rounding does not explain is refused."""
    probs, labels = scores_of(12, decimals=2)
    assert 0.005 < np.abs(probs.sum(axis=1) - 1).max() < 0.06

    def written(name):
        columns = {f"s{i}": probs[:, i] for i in range(12)}
        if lists:
            columns = {"answer": [f'"[{", ".join(map(str, row))}]"' for row in probs.tolist()]}
        table(folder / name, {**columns, "label": labels})

    written("a.csv")
    command, _ = proposed(capsys, "report", "a.csv")
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, labels)
    probs[0] = [0.5, 0.52, *[0.0] * 10]
    written("b.csv")
    assert "add up" not in run(capsys, "report", "b.csv").err


@pytest.mark.parametrize("beside", ["correct", "prediction", "predicted"])
def test_a_confidence_under_another_name(beside, folder, capsys):
    probs, labels = scores_of(4)
    top, right = probs.argmax(1), (probs.argmax(1) == labels).astype(int)
    columns = {"max_prob": probs.max(1), beside: right if beside == "correct" else top, "label": labels}
    table(folder / "c.csv", columns)
    command, message = proposed(capsys, "report", "c.csv")
    assert "is the confidence of the predicted class" in message
    assert command == "calibeval report c.csv --key confidence=max_prob"
    found = measured(capsys, command)
    assert found["accuracy"]["value"] == right.mean()
    assert found["confidence_gap"]["value"] == pytest.approx(probs.max(1).mean() - right.mean())


def test_one_probability_and_a_label(folder, capsys):
    probs, labels = scores_of(2)
    table(folder / "c.csv", {"risk": probs[:, 1], "label": labels})
    command, message = proposed(capsys, "report", "c.csv")
    assert 'If "risk" is a confidence, "correct" or "prediction" is missing' in message
    assert command == "calibeval report c.csv --key probs=risk"
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, labels)


def test_in_python_the_proposal_is_a_call(folder):
    probs, labels = scores_of(2)
    path = table(folder / "h.csv", {"p0": probs[:, 0], "p1": probs[:, 1], "true_label": labels})
    with pytest.raises(InputError) as error:
        read("h.csv")
    call = 'calibeval.evaluate("h.csv", score_columns=["p0", "p1"], kind="probs", labels_key="true_label")'
    assert str(error.value).endswith(f"Columns p0,p1 add up to 1 in every row: {call}")
    found = evaluate(path, score_columns=["p0", "p1"], kind="probs", labels_key="true_label")
    assert found["accuracy"].value == accuracy(probs, labels)
    table(folder / "c.csv", {"max_prob": probs.max(1), "correct": labels})
    with pytest.raises(InputError, match=r'calibeval\.evaluate\("c\.csv", key=\{"confidence": "max_prob"\}\)$'):
        read("c.csv")


@pytest.mark.parametrize("name", ["d.parquet", "d.jsonl", "d.npz", "d.tsv", "d.safetensors"])
def test_every_format_of_columns(name, folder, capsys):
    probs, labels = scores_of(3)
    columns = {**{f"p{i}": probs[:, i] for i in range(3)}, "label": labels}
    if name == "d.npz":
        np.savez(name, **columns)
    elif name == "d.safetensors":
        pytest.importorskip("safetensors.numpy").save_file(
            {key: np.ascontiguousarray(values) for key, values in columns.items()}, name
        )
    elif name == "d.jsonl":
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        (folder / name).write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
    elif name == "d.parquet":
        pandas = pytest.importorskip("pandas")
        pandas.DataFrame(columns).to_parquet(name)
    else:
        path = table(folder / name, columns)
        path.write_text(path.read_text().replace(",", "\t"))
    command, _ = proposed(capsys, "report", name)
    assert command == f"calibeval report {name} --score-columns p0..p2 --kind probs"
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, labels)


def test_decimal_commas_in_columns_of_any_name(folder, capsys):
    probs, labels = scores_of(3)
    texts = [[f"{p:.6f}".replace(".", ",") for p in row] for row in probs]
    lines = [";".join([*row, str(y)]) for row, y in zip(texts, labels, strict=True)]
    (folder / "d.csv").write_text("\n".join(["cat;dog;eel;label", *lines]) + "\n", encoding="utf-8")
    command, message = proposed(capsys, "report", "d.csv")
    assert 'The cells of "cat" have decimal commas: ' in message
    assert command == "calibeval report d.csv --decimal ,"
    command, _ = proposed(capsys, *shlex.split(command)[1:])
    assert command == "calibeval report d.csv --score-columns cat,dog,eel --kind probs --decimal ,"
    assert measured(capsys, command)["accuracy"]["value"] == pytest.approx(accuracy(probs, labels))


def test_thousands_are_no_decimals(folder, capsys):
    (folder / "d.csv").write_text('a,b,label\n"1,234","2,345",0\n"3,456","4,567",1\n', encoding="utf-8")
    assert "decimal commas" not in run(capsys, "report", "d.csv").err


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        ([f"p{i}" for i in range(1, 8)], [*range(1, 8)]),
        ([f"class{i}" for i in (10, 20, 30)], [10, 20, 30]),
        (["p_setosa", "p_versicolor", "p_virginica"], ["setosa", "versicolor", "virginica"]),
        (["p_True", "p_False"], ["True", "False"]),
        (["p_setosa", "p_versicolor"], ["p_setosa", "p_versicolor"]),
    ],
)
def test_labels_are_what_follows_the_stem_of_the_columns(columns, labels, folder, capsys):
    probs, truth = scores_of(len(columns))
    named = {name: probs[:, i] for i, name in enumerate(columns)}
    table(folder / "d.csv", {**named, "label": np.array(labels)[truth]})
    command, _ = proposed(capsys, "report", "d.csv")
    assert measured(capsys, command)["accuracy"]["value"] == accuracy(probs, truth)


def test_labels_that_are_positions_stay_positions(folder):
    probs, truth = scores_of(4)
    path = table(folder / "d.csv", {**{f"p{i}": probs[:, i - 1] for i in range(1, 5)}, "label": truth})
    found = read(path, score_columns=["p1..p4"], kind="probs")
    assert found.class_names == ("p1", "p2", "p3", "p4")
    assert found.labels.tolist() == truth.tolist()


def test_predictions_under_another_name_beside_confidences(folder, capsys):
    probs, labels = scores_of(4)
    table(folder / "c.csv", {"confidence": probs.max(1), "y_pred": probs.argmax(1), "label": labels})
    result = run(capsys, "report", "c.csv")
    assert result.code == 3
    assert result.err.endswith('. If "y_pred" holds the predictions, use --key prediction=y_pred\n')
    found = measured(capsys, "calibeval report c.csv --key prediction=y_pred")
    assert found["accuracy"]["value"] == accuracy(probs, labels)


def test_apply_is_told_the_options(folder, capsys):
    probs, labels = scores_of(3)
    columns = {f"p{i}": probs[:, i] for i in range(3)}
    table(folder / "val.csv", {**columns, "label": labels})
    table(folder / "new.csv", columns)
    said = ("--score-columns", "p0..p2", "--kind", "probs")
    assert run(capsys, "fit", "val.csv", *said, "-o", "m.json", "-q").code == 0
    result = run(capsys, "apply", "m.json", "new.csv", "-o", "out.npz")
    assert result.code == 3
    assert result.err.endswith(" add up to 1 in every row: say --score-columns p0..p2 --kind probs\n")
    assert run(capsys, "apply", "m.json", "new.csv", *said, "-o", "out.npz", "-q").code == 0


RNG = np.random.default_rng(8)
LOGITS, LABELS = RNG.normal(size=(30, 3)), RNG.integers(0, 3, 30)
PROBS = softmax(LOGITS)


@pytest.mark.parametrize(
    ("arrays", "command"),
    [
        ({"preds": PROBS, "labels": LABELS}, ["--probs-key", "preds"]),
        ({"preds": LOGITS, "labels": LABELS}, ["--logits-key", "preds"]),
        ({"y_proba": PROBS, "y_test": LABELS, "age": LABELS}, ["--probs-key", "y_proba", "--labels-key", "y_test"]),
        ({"arr_0": PROBS, "arr_1": LABELS}, ["--probs-key", "arr_0", "--labels-key", "arr_1"]),
        ({"pred": PROBS, "true_label": LABELS}, ["--probs-key", "pred", "--labels-key", "true_label"]),
    ],
)
def test_the_only_array_that_can_be_scores(arrays, command, tmp_path, capsys):
    np.savez(tmp_path / "d.npz", **arrays)
    message = run(capsys, "report", tmp_path / "d.npz").err
    assert shlex.split(message.partition("holds ")[2])[-len(command) :] == command
    done = run(capsys, "report", tmp_path / "d.npz", *command, "--json")
    assert json.loads(done.out)["dumps"][0]["metrics"]["accuracy"]["value"] == np.mean(LOGITS.argmax(axis=1) == LABELS)
