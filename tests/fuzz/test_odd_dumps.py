"""Dumps whose arrays are possible but cannot be meant: each is refused in one sentence, or read as it must be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
import torch

from calibeval import Predictions, evaluate, read
from calibeval.cli.main import main
from calibeval.core.errors import InputError, UsageError
from tests.fuzz.test_hostile import npy_header, zip_of

N = 60
RNG = np.random.default_rng(3)
LOGITS = RNG.normal(size=(N, 3))
LABELS = RNG.integers(0, 3, N)
SURE = RNG.uniform(0.4, 1, N)
LONG = np.longdouble("1e400")


def changed(values, place, value):
    values = np.array(values, np.result_type(values, type(value)))
    values[place] = value
    return values


def points(*codes):
    """Texts of these code points, whether characters or not."""
    return np.array([[code] for code in codes], np.uint32).view("<U1")[:, 0]


def texts_with(code):
    return np.concatenate([points(*[97] * (N - 1)), points(code)])


ARRAYS = {
    "scores of no axes": ({"logits": 1.5, "labels": LABELS}, '"logits" has shape (), one number'),
    "confidence of no axes": ({"confidence": 0.5, "correct": 1}, '"confidence" has shape (), one number'),
    "labels of no axes": ({"logits": LOGITS, "labels": 1}, "labels have shape (), but one label per row is needed"),
    "labels of three axes": ({"logits": LOGITS, "labels": np.ones((N, 1, 1))}, "labels have shape (60, 1, 1)"),
    "ids of no axes": ({"logits": LOGITS, "labels": LABELS, "ids": 5}, '"ids" has shape (), but one value per row'),
    "ids in two columns": ({"logits": LOGITS, "labels": LABELS, "ids": LOGITS}, '"ids" has shape (60, 3)'),
    "too few ids": ({"logits": LOGITS, "labels": LABELS, "ids": LABELS[1:]}, '"ids" has 59 entries, but there are 60'),
    "too many labels": ({"logits": LOGITS[1:], "labels": LABELS}, "59 rows of scores, but 60 labels"),
    "one name": (
        {"logits": LOGITS, "labels": LABELS, "class_names": 3},
        'd: "class_names" () int64 should be the class names, but a list of names is needed',
    ),
    "a table of names": ({"logits": LOGITS, "labels": LABELS, "class_names": LOGITS}, '"class_names" (60, 3) float64'),
    "no rows": ({"logits": LOGITS[:0], "labels": LABELS[:0]}, "there are no rows"),
    "no classes": ({"logits": LOGITS[:, :0], "labels": LABELS}, "logits have shape (60, 0)"),
    "a label of 1e300": (
        {"logits": LOGITS, "labels": changed(LABELS * 1.0, 3, 1e300)},
        "row 3: label 1e+300, but labels are class numbers",
    ),
    "scores beyond float": ({"probs": LOGITS * 1e307, "labels": LABELS}, "so these are not probabilities"),
    "log-probabilities beyond float": ({"log_probs": LOGITS * 1e307, "labels": LABELS}, "not log-probabilities"),
    "confidence beyond float": ({"confidence": SURE * 1e308, "correct": LABELS > 0}, "but it must lie in [0, 1]"),
    "an ignored label of 1e300": (
        {"logits": LOGITS, "labels": LABELS, "ignore_index": 1e300},
        '"ignore_index" is 1e+300, but the label to ignore must be an integer of at most 64 bits',
    ),
}
ONLY_NPZ = {
    "logits of 1e400": ({"logits": changed(LOGITS, (5, 1), LONG), "labels": LABELS}, "row 5 holds inf in column 1"),
    "a confidence of 1e400": (
        {"confidence": changed(SURE, 5, LONG), "correct": LABELS > 0},
        "row 5 has confidence inf, but it must lie in [0, 1]",
    ),
    "a label of 1e400": ({"logits": LOGITS, "labels": changed(LABELS, 3, LONG)}, "row 3: label inf"),
    "complex logits": ({"logits": LOGITS * 1j, "labels": LABELS}, "logits have dtype complex128, but numbers are need"),
    "text as logits": ({"logits": LOGITS.astype(str), "labels": LABELS}, "but numbers are needed"),
    "times as logits": ({"logits": LOGITS.astype("m8[s]"), "labels": LABELS}, "logits have dtype timedelta64[s]"),
    "dates as labels": ({"logits": LOGITS, "labels": LABELS.astype("M8[D]")}, "labels have dtype datetime64[D]"),
    "names in bytes": (
        {"logits": LOGITS, "labels": LABELS, "class_names": np.array([b"\xff", b"a", b"b"])},
        '"class_names" holds bytes that are not UTF-8: save the class names as text',
    ),
    **{
        f"{role} with 0x{code:X}": (arrays(texts_with(code)), f" holds 0x{code:X}, which is not a character")
        for code in (0x110000, 0xD800, 0xDFFF, 0xFFFFFFFF)
        for role, arrays in {
            "labels": lambda texts: {"logits": LOGITS, "labels": texts, "class_names": ["a", "b", "c"]},
            "ids": lambda texts: {"logits": LOGITS, "labels": LABELS, "ids": texts},
            "predictions": lambda texts: {"confidence": SURE, "prediction": texts, "label": texts_with(97)},
            "names": lambda texts: {"logits": LOGITS, "labels": LABELS, "class_names": texts[-3:]},
        }.items()
    },
}


def as_npz(path, arrays):
    np.savez(path, **arrays)


def as_compressed(path, arrays):
    np.savez_compressed(path, **arrays)


def as_pt(path, arrays):
    torch.save({key: torch.from_numpy(np.array(value)) for key, value in arrays.items()}, path)


def as_safetensors(path, arrays):
    safetensors.numpy.save_file({key: np.array(value, order="C") for key, value in arrays.items()}, path)


WRITERS = {".npz": as_npz, ".compressed.npz": as_compressed, ".pt": as_pt, ".safetensors": as_safetensors}
CASES = [(suffix, name, *ARRAYS[name]) for suffix in WRITERS for name in ARRAYS]
CASES += [(suffix, name, *ONLY_NPZ[name]) for suffix in (".npz", ".compressed.npz") for name in ONLY_NPZ]


def refused(capsys, *words, code=3):
    """The one sentence with which a command ends, in text and in JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main([*words]) == code, capsys.readouterr()
        said = capsys.readouterr()
        assert main([*words, "--json"]) == code
        as_json = json.loads(capsys.readouterr().err)["error"]
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert len(as_json["message"]) < 500
    return said.err


@pytest.mark.parametrize(("suffix", "name", "arrays", "message"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_arrays_that_cannot_be_meant(suffix, name, arrays, message, tmp_path, capsys):
    path = tmp_path / f"d{suffix}"
    WRITERS[suffix](path, arrays)
    assert message.replace("d: ", f"d{suffix}: ") in refused(capsys, "report", str(path))
    assert main(["inspect", str(path)]) == 0
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208 - names, not paths


@pytest.mark.parametrize("length", [1, 20_000])  # one is read at once, the other lies in the file
@pytest.mark.parametrize("code", [0x110000, 0xD800])
def test_slices_that_are_no_text(code, length, tmp_path, capsys):
    site = np.array(["a" * length] * N)
    site.view(np.uint32)[-length] = code
    np.savez(tmp_path / "d.npz", logits=LOGITS, labels=LABELS, site=site)
    assert main(["report", str(tmp_path / "d.npz"), "--json"]) == 0  # nobody needs the column
    capsys.readouterr()
    message = refused(capsys, "report", str(tmp_path / "d.npz"), "--slice", "site")
    assert message == f"d.npz: site: entry {N - 1} holds 0x{code:X}, which is not a character\n"


HEADERS = {
    "0 times 2^62": ((0, 2**62), "<i8", "the header gives the impossible shape (0, 4611686018427387904)"),
    "a size of True": ((True, 60), "<i8", "the header gives shape (True, 60), but sizes must be whole numbers from 0"),
    "65 axes": ((1,) * 65, "<i8", "the header gives 65 axes, but at most 32 are read"),
    "texts of no width": ((60,), "<U0", "the header gives entries of type <U0, which have no bytes"),
    "bytes of no width": ((60,), "|S0", "the header gives entries of type |S0, which have no bytes"),
    "nothing at all": ((60,), "|V0", "the header gives entries of type |V0, which have no bytes"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_cannot_be(name, tmp_path, capsys):
    shape, dtype, message = HEADERS[name]
    labels = npy_header(shape, dtype)
    logits = npy_header((N, 3), "<f8") + LOGITS.tobytes()
    (tmp_path / "d.npz").write_bytes(zip_of({"logits.npy": logits, "labels.npy": labels}))
    assert message in refused(capsys, "report", str(tmp_path / "d.npz"))


def test_a_shape_of_2_61_and_0_in_safetensors(tmp_path, capsys):
    header = b'{"logits":{"dtype":"F32","shape":[2305843009213693952,0],"data_offsets":[0,0]}}'
    (tmp_path / "d.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert "the header gives the impossible shape (2305843009213693952, 0)" in refused(
        capsys, "report", str(tmp_path / "d.safetensors")
    )


@pytest.mark.parametrize("split", ["", "#val", "#test", "#val+test", "#all"])
def test_splits_that_reach_beyond_the_labels(split, tmp_path, capsys):
    arrays = {"logits": LOGITS, "labels": LABELS[:50], "val_index": np.arange(40), "test_index": np.arange(40, 60)}
    np.savez(tmp_path / "d.npz", **arrays)
    assert "60 rows of scores, but 50 labels" in refused(capsys, "report", str(tmp_path / f"d.npz{split}"))


def test_a_split_beyond_the_scores_and_beyond_the_ids(tmp_path, capsys):
    dump = {"logits": LOGITS, "labels": LABELS}
    np.savez(tmp_path / "d.npz", **dump, val_index=np.arange(55, 65))
    assert "row numbers run from 55 to 64, but there are 60 rows" in refused(capsys, "report", f"{tmp_path}/d.npz#val")
    np.savez(tmp_path / "d.npz", **dump, ids=np.arange(50), val_index=np.arange(9))
    assert "60 rows of scores, but 50 ids" in refused(capsys, "report", f"{tmp_path}/d.npz#val")
    np.savez(tmp_path / "d.npz", **dump, val_index=np.arange(9))
    np.save(tmp_path / "l.npy", LABELS[:10])
    words = ["report", f"{tmp_path}/d.npz#val", "--labels", str(tmp_path / "l.npy")]
    assert "60 rows of scores, but 10 labels" in refused(capsys, *words)


def test_labels_of_a_split_are_taken_in_its_own_order(tmp_path):
    order = RNG.permutation(N)[:20]
    np.savez(tmp_path / "d.npz", logits=LOGITS, val_index=order)
    np.save(tmp_path / "l.npy", LABELS[order])
    predictions = read(f"{tmp_path}/d.npz#val", labels=tmp_path / "l.npy")
    expected = (LOGITS[order].argmax(axis=1) == LABELS[order]).mean()
    assert evaluate(predictions, level=None)["accuracy"].value == pytest.approx(expected)
    assert [one.code for one in predictions.warnings] == ["labels_of_split"]


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "1" + "0" * 400, "1e400", "-1e400", "-1e999999"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_numbers_that_float64_does_not_hold(suffix, number, tmp_path, capsys):
    rows = [[str(value) for value in row] for row in LOGITS[:5].tolist()]
    rows[3][1] = number
    path = tmp_path / f"d{suffix}"
    if suffix == ".jsonl":
        lines = [f'{{"logits": [{", ".join(row)}], "label": 1}}' for row in rows]
    else:
        between = "," if suffix == ".csv" else "\t"
        lines = [
            between.join([*(f"logit_{i}" for i in range(3)), "label"]),
            *(between.join([*row, "1"]) for row in rows),
        ]
    path.write_text("\n".join(lines) + "\n")
    message = refused(capsys, "report", str(path))
    assert f"d{suffix} line {4 if suffix == '.jsonl' else 5}" in message


def test_a_masked_class_is_still_one(tmp_path):
    (tmp_path / "d.csv").write_text("logit_0,logit_1,logit_2,label\n-inf,1,2,1\n1,-Infinity,-2,0\n")
    assert np.isneginf(read(tmp_path / "d.csv").scores[0:2]).tolist() == [[True, False, False], [False, True, False]]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_what_is_computed_of_scores_is_no_class(suffix, tmp_path):
    table: dict[str, np.ndarray] = {f"logit_{i}": LOGITS[:, i] for i in range(3)}
    table |= {"logit_max": LOGITS.max(axis=1), "label": LABELS, "logit_Margin": LOGITS[:, 0]}
    path = tmp_path / f"d{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table(table), path)
    elif suffix == ".jsonl":
        columns = {key: values.tolist() for key, values in table.items()}
        path.write_text("".join(json.dumps({key: columns[key][i] for key in columns}) + "\n" for i in range(N)))
    else:
        between = "," if suffix == ".csv" else "\t"
        rows = zip(*(values.tolist() for values in table.values()), strict=True)
        path.write_text("\n".join([between.join(table), *(between.join(map(str, row)) for row in rows)]) + "\n")
    predictions = read(path)
    assert (predictions.k, predictions.class_names, [*predictions.columns]) == (3, None, ["logit_max", "logit_Margin"])
    assert np.array_equal(predictions.scores[0:N], LOGITS)


def test_names_of_classes_may_be_such_words_and_numbers(tmp_path):
    head = {"logit_max": "0", "logit_min": "1"}
    (tmp_path / "d.csv").write_text(",".join([*head, "label"]) + "\n0.5,1.5,max\n2.5,0.5,min\n")
    assert read(tmp_path / "d.csv").class_names == ("max", "min")
    (tmp_path / "e.csv").write_text("logit_1,logit_0,logit_unknown,label\n0.5,1.5,3,1\n2.5,0.5,1,unknown\n")
    assert read(tmp_path / "e.csv").class_names == ("1", "0", "unknown")


@pytest.mark.parametrize("names", [5, 1.5, b"abc", object()])
def test_class_names_in_python_are_a_list(names, tmp_path):
    np.savez(tmp_path / "d.npz", logits=LOGITS, labels=LABELS)
    for make in (
        lambda: Predictions(logits=LOGITS, labels=LABELS, class_names=names),
        lambda: read(tmp_path / "d.npz", class_names=names),
    ):
        with pytest.raises(UsageError, match=r"^class_names is .*, but it must be a list with a name for each class"):
            make()


@pytest.mark.parametrize(
    ("text", "length"), [('"' + "x" * 10**6 + '",label\n1,2\n', 10**6), ("logit_0,label\n" + "x" * 10**6 + ",1\n", 0)]
)
def test_endless_names_and_cells_are_cut_in_messages(text, length, tmp_path, capsys):
    (tmp_path / "d.csv").write_text(text)
    refused(capsys, "report", str(tmp_path / "d.csv"))


def test_a_message_in_python_is_as_short(tmp_path):
    key = "k" * 10**6
    (tmp_path / "d.jsonl").write_text(json.dumps({key: 1}) + "\n" + json.dumps({key + "x": 1}) + "\n")
    with pytest.raises(InputError) as error:
        read(tmp_path / "d.jsonl")
    assert len(str(error.value)) < 500


MEASURED = """
import resource, sys
import calibeval, pyarrow.parquet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print(round(calibeval.evaluate(calibeval.read(sys.argv[1], kind="logits"), level=None)["ece"].value, 4))
except calibeval.InputError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before >> 10)
"""


def measured(path):
    """What reading and measuring said, and how many MiB it took."""
    done = subprocess.run([sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=True)
    said, grown = done.stdout.strip().rsplit("\n", 1)
    return said, int(grown)


def test_a_long_text_in_a_dictionary_that_nobody_needs(tmp_path):
    n = 200_000
    codes = pa.array(np.zeros(n, np.int32))
    table = {
        "logit_0": np.ones(n),
        "logit_1": np.zeros(n),
        "label": np.zeros(n, np.int64),
        "x": pa.DictionaryArray.from_arrays(codes, pa.array(["y" * 10**7])),
    }
    pq.write_table(pa.table(table), tmp_path / "d.parquet", compression="zstd")
    said, grown = measured(tmp_path / "d.parquet")
    assert float(said) == 0.2689  # 1 - e / (e + 1)
    assert grown < 200


def test_uneven_lists_that_nobody_needs(tmp_path):
    lists = pa.array([[0.5], np.zeros(2 * 10**7), [0.5], [0.5]], pa.list_(pa.float64()))
    table = pa.table({"logit_0": np.ones(4), "logit_1": np.zeros(4), "label": [0, 1, 0, 1], "x": lists})
    pq.write_table(table, tmp_path / "d.parquet", compression="zstd")
    del table, lists
    said, grown = measured(tmp_path / "d.parquet")
    assert float(said) == 0.2311  # e / (e + 1) - 1/2
    assert grown < 300


@pytest.mark.parametrize("classes", [3, 2**20])
def test_expanded_tensors_take_no_memory(classes, tmp_path):
    torch.save({"logits": torch.zeros(1, 1).expand(10**9, classes), "labels": torch.zeros(1)}, tmp_path / "d.pt")
    said, grown = measured(tmp_path / "d.pt")
    assert "An expanded tensor repeats what it has: save x.clone()." in said
    assert grown < 50


def test_scores_of_many_axes_with_one_label(tmp_path, capsys):
    np.savez(tmp_path / "d.npz", probs=np.ones((1,) * 32, int), label=np.array(1))
    assert main(["inspect", str(tmp_path / "d.npz")]) == 0
    assert "cannot be read as a dump" in capsys.readouterr().out


def test_ids_of_half_precision(tmp_path, capsys):
    np.savez(tmp_path / "d.npz", logits=np.eye(20, 3), labels=np.arange(20) % 3, ids=np.arange(20, dtype="f2"))
    assert main(["compare", str(tmp_path / "d.npz"), str(tmp_path / "d.npz"), "--kind", "logits"]) == 0
    assert capsys.readouterr().err == ""
