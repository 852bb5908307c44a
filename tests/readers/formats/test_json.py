"""`.json`: rows, columns, splits, what pandas writes, texts cut anywhere, and damage."""

from __future__ import annotations

import gzip
import io
import json

import numpy as np
import pandas as pd
import pytest

import calibeval
from calibeval import UsageError
from calibeval.cli.main import main
from calibeval.core.errors import InputError
from calibeval.readers.formats import json as json_module
from calibeval.readers.formats import text as text_module
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump, read
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.spool import SpooledRows
from tests.readers.dumps import LABELS, LOGITS, PROBS, part

SCORES = LOGITS.astype("f8")
SITES = [f's{i % 3}"],\\"{{' for i in range(20)]
ROWS = [{"logits": z, "label": y, "site": s} for z, y, s in zip(SCORES.tolist(), LABELS.tolist(), SITES, strict=True)]
COLUMNS = {"logits": SCORES.tolist(), "labels": LABELS.tolist(), "site": SITES}
FRAME = pd.DataFrame({**{f"logit_{i}": SCORES[:, i] for i in range(3)}, "label": LABELS, "site": SITES})
NAMES = ["cat", "dog", "eel"]


def saved(folder, content, name="d.json"):
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder / name


def right(predictions, rows=20):
    assert np.asarray(predictions.scores[0:rows]).tolist() == SCORES[:rows].tolist()
    assert predictions.labels.tolist() == LABELS[:rows].tolist()


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        json.dumps(ROWS, indent=2),
        "\ufeff" + json.dumps(ROWS),
        "\n".join(map(json.dumps, ROWS)),
        COLUMNS,
        json.dumps(COLUMNS, indent=1),
        {
            "class_names": NAMES,
            **COLUMNS,
            "config": {"lr": 0.1, "deep": {"a": [1]}},
            "more": [{"a": 1}],
            "nothing": None,
        },
        {"rows": ROWS, "made": "today"},
        {"model": {"label": "a net", "size": 3}, **COLUMNS},
        FRAME.to_dict("list"),
        FRAME.to_json(double_precision=15),
        FRAME.to_json(orient="records", double_precision=15),
        FRAME.to_json(orient="index", double_precision=15),
        FRAME.to_json(orient="table", double_precision=15),
        {f"image {i}": row for i, row in enumerate(ROWS)},
        {
            "logits": dict(enumerate(SCORES.tolist())),
            "label": dict(enumerate(LABELS.tolist())),
            "site": dict(enumerate(SITES)),
        },
    ],
    ids=[
        *("rows", "indented", "mark", "lines", "columns", "indented columns", "extras", "named rows", "model", "lists"),
        *("pandas", "records", "index", "table", "by id", "lists by name"),
    ],
)
@pytest.mark.parametrize("block", [None, 7, 100])
def test_ways_to_write_a_dump(content, block, monkeypatch, tmp_path):
    if block is not None:
        monkeypatch.setattr(text_module, "READ_BYTES", block)
    path = saved(tmp_path, content)
    predictions = read(path)
    assert predictions.source.format == "json"
    assert np.allclose(predictions.scores[0:20], SCORES, rtol=0, atol=1e-14)
    assert predictions.labels.tolist() == LABELS.tolist()
    assert "site" not in content if "site" not in predictions.columns else predictions.columns["site"].tolist() == SITES


def test_rows_without_labels_have_names_of_files(tmp_path):
    content = {f"img_{i}.png": {"prob": row} for i, row in enumerate(PROBS.tolist())}
    predictions = read(saved(tmp_path, content), labels=tmp_path / saved(tmp_path, LABELS.tolist(), "labels.json"))
    assert predictions.ids[:2].tolist() == ["img_0.png", "img_1.png"]
    assert predictions.scores[0:20].tolist() == PROBS.tolist()
    # What has labels in a list is a split, whatever its name.
    split = {"probs": PROBS[:, 1].tolist(), "labels": (LABELS % 2).tolist()}
    assert read(saved(tmp_path, {"model.v1": split}).with_name("d.json#model.v1")).n == 20


def test_names_of_rows_are_ids(tmp_path):
    path = saved(tmp_path, {f"image {i}": row for i, row in enumerate(ROWS)})
    assert read(path).ids.tolist() == [f"image {i}" for i in range(20)]
    assert read(saved(tmp_path, {str(i): row for i, row in enumerate(ROWS)})).ids is None
    path = saved(tmp_path, {f"row {i}": {"id": i, **row} for i, row in enumerate(ROWS)})
    assert read(path).ids.tolist() == list(range(20))


def test_splits(tmp_path):
    for content in (
        {"val": COLUMNS, "test": {key: values[:7] for key, values in COLUMNS.items()}},
        {"val": ROWS, "test": ROWS[:7]},
        {f"{s}_{key}": values[:n] for s, n in (("val", 20), ("test", 7)) for key, values in COLUMNS.items()},
    ):
        path = saved(tmp_path, content)
        right(read(part(path, "val")))
        right(read(part(path, "test")), 7)
        with pytest.raises(InputError, match=r"holds several splits: val, test\. Name one, as in d\.json#test"):
            read(path)


def test_one_row_and_numbers_alone(tmp_path):
    right(read(saved(tmp_path, ROWS[0])), 1)
    labels = saved(tmp_path, LABELS.tolist(), "y.json")
    right(read(saved(tmp_path, SCORES.tolist()), kind="logits", labels=labels))
    with pytest.raises(InputError, match=r"logits or probabilities: say --kind"):
        read(tmp_path / "d.json", labels=labels)


def test_facts_and_other_shapes(tmp_path):
    path = saved(
        tmp_path, {**COLUMNS, "labels": [0, *LABELS.tolist()[1:-1], 255], "ignore_index": 255, "classes": NAMES}
    )
    predictions = read(path)
    assert (predictions.ignored, predictions.class_names) == (1, tuple(NAMES))
    assert read(saved(tmp_path, {"probs": PROBS[:, 1].tolist(), "labels": (LABELS % 2).tolist()})).k == 2
    one_hot = np.eye(3, dtype=int)[LABELS].tolist()
    right(read(saved(tmp_path, {"logits": SCORES.tolist(), "labels": one_hot})))
    dense = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    read_back = read(saved(tmp_path, {"logits": dense.tolist(), "labels": dense.argmax(axis=1).tolist()}))
    assert (read_back.n, read_back.k) == (40, 3)
    assert (read_back.labels == dense.argmax(axis=1).ravel()).all()
    path = saved(tmp_path, {"confidence": [0.5, 0.75], "correct": [True, False]})
    assert read(path).labels.tolist() == [1, 0]


@pytest.mark.parametrize("block", [7, 50, 101, 333])
def test_columns_of_pandas_cut_anywhere_have_the_same_rows(block, monkeypatch, tmp_path):
    monkeypatch.setattr(text_module, "READ_BYTES", block)
    monkeypatch.setattr(json_module, "LARGEST_ROW", 0)  # otherwise all of it is in memory
    right(read(saved(tmp_path, FRAME.to_dict())))
    other = {"logits": dict(enumerate(SCORES.tolist())), "label": {i + 1: int(y) for i, y in enumerate(LABELS)}}
    with pytest.raises(InputError, match='"label" holds other rows than "logits"'):
        read(saved(tmp_path, other))


def test_compressed_streamed_and_named(monkeypatch, tmp_path):
    (tmp_path / "d.json.gz").write_bytes(gzip.compress(json.dumps(COLUMNS).encode()))
    right(read(tmp_path / "d.json.gz"))
    right(read(saved(tmp_path, ROWS, "d.dump"), read_as="json"))
    monkeypatch.setattr(text_module, "READ_BYTES", 100)
    for content in (ROWS, COLUMNS):
        streamed = open_dump(str(saved(tmp_path, content)), ReadOptions(limits=Limits(max_memory=100)))
        assert isinstance(streamed.scores, SpooledRows)
        right(streamed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("5", f"d.json: this is not a JSON array or object. Expected {json_module.NEEDED}"),
        ("[]", "d.json: there are no rows"),
        ("{}", f"d.json: the object holds no arrays. Expected {json_module.NEEDED}"),
        ('[{"logits":[1,2],"label":0},]', "d.json row 1: not valid JSON (Expecting value, column 1)"),
        ('[{"logits":[1,2],"label":0},5]', "d.json row 1: this is a number, but every row must be a JSON object"),
        (
            '[{"logits":[1,2],"label":0}',
            "d.json, byte 1: not valid JSON (the text ends before its brackets are closed)",
        ),
        ('[{"logits":[1,2],"label":0}}', "d.json, byte 27: not valid JSON (the brackets do not match)"),
        ('[{"logits":[1,2],"label":0}] x', "d.json, byte 29: not valid JSON (more text follows the end)"),
        (
            '[{"logits":[1,2],"label":0},{"logits":[1,2]}]',
            'd.json row 1: "label" is missing, but the first row has it (it is in 1 of 2 rows)',
        ),
        ('[{"logits":[1,NaN],"label":0}]', "d.json row 0: NaN is neither a score nor a label"),
        ('{"logits":[[1,2]],"logits":[[1,2]],"labels":[0]}', 'd.json, byte 0: the key "logits" occurs twice'),
        ('{"logits":[[1,2]] "labels":[0]}', "d.json, byte 0: not valid JSON (Expecting ',' delimiter, column 19)"),
        ('{"logits":[[1,2],],"labels":[0]}', "d.json, byte 0: not valid JSON (Expecting value, column 18)"),
        (
            '{"logits":[[1,2],[1]],"labels":[0,1]}',
            'd.json: "logits" holds lists of different lengths: row 1 has 1, the first row 2',
        ),
        ('{"logits":[[1,2],[1,null]],"labels":[0,1]}', 'd.json: "logits" holds lists that hold null'),
        (
            '{"logits":[[1,2],[1,2]],"labels":[0,1%s]}' % ("0" * 30),
            'd.json: "labels" holds an integer of more than 64 bits in row 1; write it as text',
        ),
        (
            '{"logits":[[1,2],[1,2]],"labels":[0,"a"]}',
            'd.json: "labels" holds text ("a") in row 1, but numbers, texts or lists of numbers are needed',
        ),
        (
            '{"logit_0":[1,2],"logit_1":[1],"labels":[0,1]}',
            (
                'd.json: "logit_1" is (1) int64, but a list of numbers is needed, as long as the scores of the '
                "other classes"
            ),
        ),
        (
            '{"logit_0":{"0":1,"1":2},"logit_1":{"0":1,"2":1},"label":{"0":1,"1":0}}',
            'd.json: "logit_1" holds other rows than "logit_0"',
        ),
        (
            FRAME.to_json(orient="split"),
            (
                'd.json: this looks like what pandas writes with orient="split". Write the table with '
                'df.to_json("dump.json", orient="records").'
            ),
        ),
    ],
)
def test_damage(content, message, tmp_path):
    with pytest.raises(InputError) as error:
        read(saved(tmp_path, content))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"logits":[[1,2]] "labels":[0]}', "byte 18: not valid JSON (a comma or a closing bracket is missing)"),
        ('{"logits":[[1,2],],"labels":[0]}', "byte 11: not valid JSON (Expecting value, column 8)"),
        ('{"logits":[[1,2]],"labels":[0],}', "byte 31: not valid JSON (Expecting value, column 1)"),
        ('{"logits":[[1,2]],"labels":[0]} {}', "byte 32: not valid JSON (more text follows the end)"),
        ('{"logits":[[1,2]],"labels":[0],5:5}', "byte 32: not valid JSON (a key must be text)"),
        ('{"logits":[[1,2]],"logits":[[1,2]]}', 'byte 26: not valid JSON (the key "logits" occurs twice)'),
        ('{"logits":[[1,2]],"labels":[0,}', "byte 28: not valid JSON (Expecting value, column 4)"),
    ],
)
def test_damage_of_long_objects(content, message, monkeypatch, tmp_path):
    monkeypatch.setattr(json_module, "LARGEST_ROW", 0)
    with pytest.raises(InputError) as error:
        read(saved(tmp_path, content))
    assert str(error.value) == f"d.json, {message}"


def test_documents_of_its_own_are_no_dumps(tmp_path):
    report = calibeval.evaluate(logits=SCORES, labels=LABELS)
    saved(tmp_path, report.to_json(), "report.json")
    with pytest.raises(InputError, match=r"this is calibeval's own report \(calibeval\.report/1\), not a dump"):
        read(tmp_path / "report.json")
    calibeval.fit(calibeval.Predictions(logits=SCORES, labels=LABELS), method="temperature").save(tmp_path / "t.json")
    with pytest.raises(InputError, match="calibeval's own map"):
        read(tmp_path / "t.json")


@pytest.mark.parametrize("start", ["[", '{"a":', '[{"a":[', '{"a":[{"b":', '{"a":{"b":['])
def test_what_never_ends_is_refused_soon(start, tmp_path):
    for content in (start * 300_000, start + '"' + "x" * 2**25, start + "1," * 100, start + '"\\' * 10**6):
        with pytest.raises(InputError):
            read(saved(tmp_path, content))


def test_many_keys_are_refused_soon(tmp_path):
    with pytest.raises(InputError, match="more than 32768 keys"):
        read(saved(tmp_path, {f"k{i}": [] for i in range(33_000)}))


def test_standard_input(monkeypatch):
    for content, read_as in ((ROWS, None), (ROWS, "json"), (COLUMNS, "json")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(content, indent=1).encode())))
        predictions = read("-", read_as=read_as)
        right(predictions)
        assert predictions.source.format == "stdin-json"


def test_numbers_of_float32_are_float32(tmp_path):
    thirds = np.full((4, 3), 1 / 3, "f4")
    for content in (
        [{"probs": [0.33333334] * 3, "label": i % 3} for i in range(4)],
        {"probs": [[0.33333334] * 3] * 4, "labels": [0, 1, 2, 0]},
    ):
        found = read(saved(tmp_path, content)).scores[0:4]
        assert found.dtype == "f4"
        assert (found == thirds).all()


def test_commands(tmp_path, capsys):
    saved(tmp_path, COLUMNS)
    dump = str(tmp_path / "d.json")
    assert main(["report", dump, "--json"]) == 0
    assert main(["inspect", dump]) == 0
    assert main(["compare", dump, dump]) in (0, 3)
    assert main(["fit", dump, "--method", "temperature", "-o", str(tmp_path / "t.json")]) == 0
    assert main(["apply", str(tmp_path / "t.json"), dump, "-o", str(tmp_path / "e.npz")]) == 0
    assert "site" in capsys.readouterr().out


def test_json_is_not_written(tmp_path):
    with pytest.raises(UsageError, match=r"\.json"):
        calibeval.Predictions(logits=SCORES, labels=LABELS).save(tmp_path / "d.json")
