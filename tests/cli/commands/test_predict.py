"""`calibeval predict`: the logits of a saved head, with labels and without, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

import calibeval
from calibeval.cli.main import main
from tests.cli import feature_files as files
from tests.cli.invoking import python, run

NAMES = ["cat", "dog", "a|b"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = files.splits(tmp_path_factory.mktemp("caches"), class_names=np.array(NAMES))
    words = files.words(folder, "--loss", "ce", "--head", "mlp", "--hidden", 6, "-q", "--json")
    assert main([str(word) for word in words]) == 0
    return folder


@pytest.fixture
def folder(trained, tmp_path, monkeypatch):
    """An own folder beside the run and its caches."""
    monkeypatch.chdir(tmp_path)
    return trained


def refused(capsys, code, message, *words):
    result = run(capsys, "predict", *words)
    assert (result.code, result.out, result.err) == (code, "", f"{message}\n")


def test_predictions_are_those_of_the_run(capsys, folder):
    result = run(capsys, "predict", folder / "run", folder / "test.npz", "-o", "p.npz")
    assert (result.code, result.out, result.err) == (0, "", "written to p.npz\n")
    found, saved = calibeval.read("p.npz"), calibeval.read(folder / "run" / "test_logits.npz")
    assert np.array_equal(found.scores, saved.scores)
    assert (found.labels == saved.labels).all()
    assert found.class_names == tuple(NAMES)
    assert (found.ids, found.ignore_index) == (saved.ids, saved.ignore_index)


def test_one_json_object_says_what_was_written(capsys, folder):
    result = run(capsys, "predict", folder / "run", folder / "test.npz", "-o", "p.npz", "--json", "-q")
    assert (result.code, result.err) == (0, "")
    rows = len(calibeval.read("p.npz").labels)
    facts = {"written": "p.npz", "rows": rows, "kind": "logits", "warnings": []}
    assert result.json == {"schema": "calibeval.dump/1", "version": calibeval.__version__, **facts}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".npz", ".parquet"])
@pytest.mark.parametrize("labelled", [True, False])
def test_every_format_keeps_every_digit(capsys, folder, suffix, labelled):
    features, labels = files.rows(9, seed=4)
    files.write("rows.npz", features, labels if labelled else None, ids=np.arange(9) + 7, site=np.arange(9) % 2)
    assert run(capsys, "predict", folder / "run", "rows.npz", "-o", f"p{suffix}", "-q").code == 0
    files.write("labels.npz", features, labels)
    assert run(capsys, "predict", folder / "run", "labels.npz", "-o", "expected.npz", "-q").code == 0
    np.save("only.npy", labels)
    more = {} if labelled else {"labels": "only.npy"}
    found = calibeval.read(f"p{suffix}", class_names=NAMES if suffix != ".npz" else None, **more)
    assert np.array_equal(found.scores, calibeval.read("expected.npz").scores)
    assert (found.labels == labels).all()
    assert found.ids.tolist() == list(range(7, 16))
    assert found.columns["site"].tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 0]


def test_a_dump_without_labels_cannot_be_reported(capsys, folder):
    files.write("rows.npz", files.rows(9, seed=4)[0], None)
    assert run(capsys, "predict", folder / "run", "rows.npz", "-o", "p.npz", "-q").code == 0
    assert sorted(np.load("p.npz").files) == ["class_names", "logits"]
    assert run(capsys, "report", "p.npz").code == 3


def test_the_weights_alone_will_do(capsys, folder):
    for name in ("run", "run/head.safetensors"):
        out = f"{len(name)}.npz"
        assert run(capsys, "predict", folder / name, folder / "val.npz", "-o", out, "-q").code == 0
        assert calibeval.read(out).class_names == tuple(NAMES)
    np.savez("other.npz", weight=np.eye(3, 5), bias=np.array([0.0, 1.0, 2.0]))
    assert run(capsys, "predict", "other.npz", folder / "val.npz", "-o", "p.npz", "-q").code == 0
    features = np.load(folder / "val.npz")["features"].astype(float)
    assert (calibeval.read("p.npz").scores == features[:, :3] + [0.0, 1.0, 2.0]).all()


def test_wrong_features(capsys, folder):
    features, labels = files.rows(9, seed=4)
    out = ["-o", "p.npz"]
    files.write("narrow.npz", features[:, :4], labels)
    refused(
        capsys, 3, "narrow.npz has 4 features per row, but head.safetensors takes 5", folder / "run", "narrow.npz", *out
    )
    files.write("nan.npz", np.where(np.arange(45).reshape(9, 5) == 17, np.nan, features), labels)
    message = "nan.npz: row 3 holds nan in feature 2, but features must be finite numbers"
    refused(capsys, 3, message, folder / "run", "nan.npz", *out)
    files.write("labels.npz", features, np.full(9, 3))
    result = run(capsys, "predict", folder / "run", "labels.npz", *out)
    assert (result.code, "label 3, but the head has 3 classes (0 to 2)" in result.err) == (3, True)
    files.write("huge.npz", np.where(np.arange(9)[:, None] == 6, 1e308, features.astype(float)), labels)
    np.savez("head.npz", weight=np.full((3, 5), 1e10), bias=np.zeros(3))
    refused(capsys, 3, "huge.npz: the logits of row 6 overflow", "head.npz", "huge.npz", *out)
    assert not any("p.npz" in str(path) for path in folder.iterdir())


def test_class_names_that_are_not_those_of_the_head(capsys, folder):
    features, labels = files.rows(9, seed=4)
    files.write("names.npz", features, labels, class_names=np.array(["dog", "cat", "a|b"]))
    message = f"names.npz and the head in {folder / 'run'} differ in the names or the order of their classes"
    refused(capsys, 3, message, folder / "run", "names.npz", "-o", "p.npz")


def test_wrong_files(capsys, folder):
    cache = folder / "test.npz"
    refused(capsys, 4, "nowhere: there is no such file", "nowhere", cache, "-o", "p.npz")
    refused(capsys, 4, "nowhere.npz: there is no such file", folder / "run", "nowhere.npz", "-o", "p.npz")
    message = 'p.txt: cannot write ".txt" (did you mean ".tsv"?); formats are .npz, .csv, .tsv, .jsonl, .parquet'
    refused(capsys, 2, message, folder / "run", cache, "-o", "p.txt")
    message = f"{cache}: is also an input and would be overwritten; name another output"
    refused(capsys, 2, message, folder / "run", cache, "-o", cache)
    message = "none/p.npz: cannot be written (No such file or directory)"
    refused(capsys, 4, message, folder / "run", cache, "-o", "none/p.npz")


def changed_facts(facts, **changes):
    return json.dumps({key: value for key, value in {**facts, **changes}.items() if value is not ...})


DAMAGED = "head.json: this is not a head of schema calibeval.head/1: {}; delete it, or train again"
COUNT = "head.json: class_names must be 3 names, one for each class of the head"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (b"", DAMAGED.format("Expecting value: line 1 column 1 (char 0)")),
        (b'{"class_names": ["cat"', DAMAGED.format("Expecting ',' delimiter: line 1 column 23 (char 22)")),
        (b"\xff\xfe", DAMAGED.format("byte 0 is not UTF-8")),
        (b"[]", DAMAGED.format("the head is a list, but an object is needed")),
        (b"{}", DAMAGED.format('the head has no "schema"')),
        ({"class_names": ...}, DAMAGED.format('the head has no "class_names"')),
        ({"class_names": ["cat", "dog"]}, COUNT),
        ({"class_names": ["cat", "dog", 3]}, DAMAGED.format("class_names[2] is 3, but a string is needed")),
        ({"class_names": "cat"}, DAMAGED.format('class_names is "cat", but a list is needed')),
        ({"temperature": True}, DAMAGED.format("temperature is a boolean, but a finite number is needed")),
        ({"multipliers": {"lambd": [1.0]}}, DAMAGED.format('multipliers has no "rho"')),
    ],
)
def test_a_damaged_head_json(capsys, folder, change, message):
    np.savez("rows.npz", features=files.rows(4, seed=1)[0])
    weights = (folder / "run" / "head.safetensors").read_bytes()
    content = (
        change if isinstance(change, bytes) else changed_facts(files.load(folder / "run/head.json"), **change).encode()
    )
    for name, data in (("head.safetensors", weights), ("head.json", content)):
        with open(name, "wb") as file:  # noqa: PTH123 - in the working folder
            file.write(data)
    refused(capsys, 3, message, "head.safetensors", "rows.npz", "-o", "p.npz")


def test_damaged_weights(capsys, folder, tmp_path):
    (tmp_path / "head.safetensors").write_bytes((folder / "run" / "head.safetensors").read_bytes()[:-3])
    result = run(capsys, "predict", tmp_path, folder / "test.npz", "-o", "p.npz")
    assert result.code == 3
    assert result.err.startswith("head.safetensors: the header describes ")


def test_nothing_heavy_is_imported(folder):
    code = "import sys; from calibeval.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    loaded = python(code, "predict", folder / "run", folder / "test.npz", "-o", folder / "p.npz").split()
    assert "numpy" in loaded
    assert not {"torch", "scipy", "pandas", "rich", "matplotlib", "pyarrow"} & set(loaded)
