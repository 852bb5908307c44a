"""`.h5`: datasets and groups, texts, attributes, what is never followed, and files that crash the library."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import threading

import h5py
import numpy as np
import pytest

import calibeval
from calibeval.cli.main import main
from calibeval.core.errors import InputError, UsageError
from calibeval.readers.formats import h5, h5_child, h5_process
from calibeval.readers.formats.h5_process import H5Process
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.readers.open import open_dump, read
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.steady import SteadyFile
from tests.readers.dumps import LABELS, LOGITS, part, refused

NAMES = ["cat", "dog", "eel"]
SITES = [f"s{i % 3}é" for i in range(20)]


@pytest.fixture
def made(tmp_path):
    """A new file, which is written into, and its path."""
    with h5py.File(tmp_path / "d.h5", "w") as file:
        yield file, tmp_path / "d.h5"


def scores(group, rows=20, **options):
    group.create_dataset("logits", data=LOGITS[:rows], **options)
    group["labels"] = LABELS[:rows]


def right(predictions, rows=20):
    assert np.asarray(predictions.scores[0:rows]).tolist() == LOGITS[:rows].tolist()
    assert predictions.labels.tolist() == LABELS[:rows].tolist()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (7, 2)},
        {"compression": "gzip", "shuffle": True, "chunks": (3, 3)},
        {"compression": "lzf", "fletcher32": True},
    ],
)
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_ways_to_store_scores(options, libver, monkeypatch, tmp_path):
    path = tmp_path / "d.hdf5"
    with h5py.File(path, "w", libver=libver) as file:
        scores(file, **options)
        file["id"] = np.arange(20)
        file["site"] = SITES
        file["place"] = np.array([site.encode() for site in SITES])
        file["good"] = LABELS > 0
    for streamed in (False, True):
        if streamed:
            monkeypatch.setattr(h5, "PIECE", 50)
            monkeypatch.setattr(h5, "TEXTS", 7)
        limits = Limits(max_memory=100) if streamed else Limits()
        predictions = open_dump(str(path), ReadOptions(limits=limits))
        assert isinstance(predictions.scores, np.ndarray) != streamed
        right(predictions)
        assert (predictions.scores[5:13] == LOGITS[5:13]).all()
        assert predictions.scores[3:3].shape == (0, 3)
        assert predictions.ids.tolist() == list(range(20))
        assert predictions.columns["site"].tolist() == predictions.columns["place"].tolist() == SITES
        assert predictions.columns["good"].tolist() == (LABELS > 0).tolist()
        assert predictions.source.format == "hdf5"


@pytest.mark.parametrize("dtype", ["<f2", ">f4", ">f8", "i4", "u1"])
def test_types(dtype, made):
    file, path = made
    values = np.abs(LOGITS * 10).round().astype(dtype)
    file["logits"], file["labels"] = values, LABELS.astype(">i2")
    file.close()
    assert np.asarray(read(path).scores[0:20]).astype("f8").tolist() == values.astype("f8").tolist()


def test_groups_are_splits(made):
    file, path = made
    for name, rows in (("val", 20), ("test", 7), ("run 1/fold_2", 5)):
        scores(file.create_group(name), rows)
    file.attrs["classes"] = NAMES
    file.close()
    right(read(part(path, "val")))
    right(read(part(path, "test")), 7)
    right(read(part(path, "run 1/fold_2")), 5)
    assert read(part(path, "val")).class_names == tuple(NAMES)
    with pytest.raises(InputError, match="holds several splits: run 1/fold_2, test, val"):
        read(path)


def test_names_and_rows_as_in_npz(made):
    file, path = made
    file["val_logits"], file["val_labels"] = LOGITS, LABELS
    file["feats/x"] = LOGITS
    file.close()
    right(read(part(path, "val")))


@pytest.mark.parametrize("names", [NAMES, np.array(NAMES, "S"), '["cat", "dog", "eel"]', b'["cat", "dog", "eel"]'])
def test_attributes(names, made):
    file, path = made
    scores(file)
    file["logits"].attrs["class_names"] = names
    file.attrs["ignore_index"] = 2
    file.attrs["ignored"] = np.void(b"abc")
    file.close()
    predictions = read(path)
    assert (predictions.class_names, predictions.ignored) == (tuple(NAMES), 6)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("class_names", "cat dog", 'd.h5: the attribute "class_names" must be a list of texts'),
        ("classes", 3, 'd.h5: the attribute "classes" must be a list of texts'),
        ("ignore_index", 1.5, 'd.h5: the attribute "ignore_index" must be an integer'),
    ],
)
def test_odd_attributes(key, value, message, made):
    file, path = made
    scores(file)
    file.attrs[key] = value
    file.close()
    refused(path, message)


def odd(file):
    """Datasets that are never read."""
    file["record"] = np.zeros(20, [("a", "f4"), ("b", "i4")])
    file["refs"] = np.array([file["logits"].ref] * 20, h5py.ref_dtype)
    file.create_dataset("ragged", (20,), h5py.vlen_dtype("i4"))[0] = np.arange(2)
    file["wide"] = np.zeros(20, np.longdouble)
    file["soft"] = h5py.SoftLink("/logits")
    file["outer"] = h5py.ExternalLink("/etc/passwd", "/x")
    file["nothing"] = h5py.Empty("f4")
    file.create_dataset("elsewhere", shape=(20,), dtype="u1", external=[("/etc/passwd", 0, 20)])
    layout = h5py.VirtualLayout((20,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (20,))
    file.create_virtual_dataset("virtual", layout)
    file.create_dataset("empty", shape=(20,), dtype="f8")
    file.create_dataset("huge", shape=(10**12, 3), dtype="f4", chunks=(1000, 3))
    file.create_dataset("half", shape=(20, 3), dtype="f4", chunks=(5, 3))[:5] = 1
    file["a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/x"] = LABELS


WHY = {
    "record": "records of a, b. Save each as a dataset of its own.",
    "refs": "entries of type object, but numbers or texts are needed",
    "ragged": "entries of type object, but numbers or texts are needed",
    "wide": "entries of type float128, but numbers or texts are needed",
    "soft": "a link to another place in the file, which is not followed. Save a copy instead.",
    "outer": "a link to another file, which is not followed. Save a copy instead.",
    "nothing": "no values",
    "elsewhere": "values in another file, which is not opened. Save a copy instead.",
    "virtual": "values from other places (a virtual dataset). Save a copy instead.",
    "empty": "20 values, of which only 0 bytes were written",
    "huge": "1000000000 chunks, of which only 0 were written",
    "half": "4 chunks, of which only 1 were written",
}


def test_what_is_never_read_is_no_hindrance(made, capsys):
    file, path = made
    scores(file)
    odd(file)
    file["circle"] = file["/"]
    file.close()
    right(read(path))
    for name, why in WHY.items():
        refused(path, f'd.h5: "{name}" holds {why}', key={"labels": name})
    assert main(["inspect", str(path)]) == 0
    assert "not used: records of a, b" in capsys.readouterr().out
    with pytest.raises(InputError, match="groups in more than 16 groups"):
        read(path, key={"labels": "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p_q"})


def test_filters_of_others_are_off(made):
    file, path = made
    file["labels"] = LABELS
    made_by = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made_by.set_chunk((20, 3))
    made_by.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1, 2))  # blosc, which is not there: h5py leaves it out
    space = h5py.h5s.create_simple((20, 3))
    made_id = h5py.h5d.create(file.id, b"logits", h5py.h5t.IEEE_F32LE, space, dcpl=made_by)
    h5py.Dataset(made_id)[...] = LOGITS
    file.close()
    refused(
        path,
        'd.h5: "logits" holds values compressed by filter 32001 ("unknown"), which is not supported. Use gzip or no '
        "filter.",
    )


def test_tables_of_pandas(made):
    file, path = made
    file.create_group("df").attrs["pandas_type"] = "frame"
    file["df/block0_values"] = LOGITS
    file.flush()
    why = 'a table of pandas (to_hdf), which is not read. Write it with df.to_parquet("dump.parquet").'
    refused(path, f'd.h5: "df" holds {why}')
    scores(file)
    file.close()
    right(read(path))


def test_sizes_are_checked_first(made):
    file, path = made
    file.create_dataset("logits", data=np.zeros((10**5, 2)), compression="gzip", chunks=(10**5, 2))
    file["labels"] = np.zeros(10**5, "i1")
    file.close()
    message = "d.h5: expands to 1600000 bytes, over the limit of 1000000. If you trust the file, raise --max-bytes."
    refused(path, message, max_bytes=10**6)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (20, 0)])
def test_datasets_of_nothing(shape, made):
    file, path = made
    scores(file)
    file["odd"], file["text"] = np.zeros(shape), np.empty(shape, "S3")
    file.close()
    right(read(path))
    for name in ("odd", "text"):
        with pytest.raises(InputError):
            read(path, key={"labels": name})


def test_two_of_one_name_and_none(made):
    file, path = made
    file.flush()
    refused(path, "d.h5: holds no datasets")
    scores(file)
    file["val/x"] = file["val_x"] = LABELS
    file.close()
    refused(path, 'd.h5: two datasets would be called "val_x"')


def test_many_objects_and_texts_that_are_none(made):
    file, path = made
    scores(file)
    file.create_dataset("note", data=np.array([b"\xff\xfe"] * 20))
    file.flush()
    right(read(path))
    with pytest.raises(InputError, match="a name or a text that is not UTF-8"):
        read(path, key={"labels": "note"})
    del file["note"]
    for i in range(h5_child.MOST_OBJECTS):
        file.create_group(f"g{i}")
    file.close()
    refused(path, "d.h5: not an HDF5 file, or damaged (more than 5000 datasets and groups)")


def test_a_file_that_changes(made, monkeypatch):
    monkeypatch.setattr(h5, "PIECE", 24)
    file, path = made
    scores(file)
    file.close()
    predictions = open_dump(str(path), ReadOptions(limits=Limits(max_memory=100)))
    os.utime(path, ns=(0, 0))
    with pytest.raises(InputError, match="the file changed while it was read"):
        predictions.scores[10:15]


def test_a_process_that_dies_is_replaced(made, monkeypatch):
    file, path = made
    scores(file)
    file.close()
    process, steady = H5Process(), SteadyFile.of(path)
    for request, message in (("crash", "makes the HDF5 library crash"), ("spin", "keeps the HDF5 library busy")):
        assert len(process.ask(steady, {"do": "list"})[0]["arrays"]) == 2
        ended = signal.SIGSEGV if request == "crash" else signal.SIGXCPU
        os.kill(process._process, signal.SIGSTOP)  # it must not answer before it ends
        os.kill(process._process, ended)
        os.kill(process._process, signal.SIGCONT)
        with pytest.raises(InputError, match=message):
            process.ask(steady, {"do": "list"})
    assert len(process.ask(steady, {"do": "list"})[0]["arrays"]) == 2
    process.close()


def test_without_h5py(made, monkeypatch):
    _, path = made
    monkeypatch.setattr(h5_process, "h5_process", H5Process)
    monkeypatch.setattr(h5, "h5_process", H5Process)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError) as error:
        read(path)
    assert str(error.value) == "reading .h5 needs h5py: pip install 'calibeval[hdf5]'"


def test_an_h5py_that_cannot_be_imported(made, tmp_path, monkeypatch):
    _, path = made
    monkeypatch.setattr(h5, "h5_process", H5Process)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "h5py.py").write_text("raise OSError('no libhdf5')")
    monkeypatch.syspath_prepend(tmp_path / "broken")
    with pytest.raises(UsageError, match=r"installed but cannot be imported \(OSError: no libhdf5\)"):
        read(path)
    monkeypatch.setattr(h5_process, "CHILD", tmp_path / "nowhere.py")
    with pytest.raises(UsageError, match="needs another process, which could not be started"):
        read(path)


def test_the_other_end(made, monkeypatch):
    """What the process does, in this one."""
    file, path = made
    scores(file, chunks=(7, 3))
    odd(file)
    file["site"], file["one"] = SITES, 5
    file.create_group("df").attrs["pandas_type"] = "frame"
    file.attrs["classes"], file["logits"].attrs["ignore_index"] = np.array(NAMES, "S"), 2
    file.close()
    limits = []
    monkeypatch.setattr(h5_child, "_lower", lambda _, most: limits.append(most))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(target=h5_child.serve, args=(theirs,))
        thread.start()
        assert h5_process._answer(ours)[0]["broken"] == ""
        process = H5Process()
        process._channel, process._owner = ours, os.getpid()
        found, _ = process.ask(SteadyFile.of(path), {"do": "list"})
        assert {one["path"]: one["why"] for one in found["arrays"] if one["path"] in WHY} == WHY
        assert found["tables"] == ["df"]
        read_rows = {"do": "read", "path": "logits", "start": 3, "stop": 9, "type": "<f4", "size": 72}
        _, data = process.ask(SteadyFile.of(path), read_rows)
        assert np.frombuffer(data, "<f4").reshape(-1, 3).tolist() == LOGITS[3:9].tolist()
        answer, _ = process.ask(SteadyFile.of(path), {**read_rows, "path": "site", "type": "text"})
        assert answer["texts"] == SITES[3:9]
        with pytest.raises(InputError, match="not an HDF5 file, or damaged"):
            process.ask(SteadyFile.of(path), {**read_rows, "path": "nowhere"})
        ours.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert len(limits) == 8


def test_commands(made, capsys):
    file, path = made
    scores(file.create_group("val"))
    scores(file.create_group("test"))
    file["cache/features"], file["cache/y"] = LOGITS, LABELS
    file.close()
    folder, val = path.parent, f"{path}#val"
    assert main(["report", val, "--json"]) == 0
    assert main(["inspect", str(path)]) == 0
    assert main(["fit", val, "--method", "temperature", "-o", str(folder / "t.json")]) == 0
    assert main(["apply", str(folder / "t.json"), f"{path}#test", "-o", str(folder / "e.npz"), "--allow-leak"]) in (
        0,
        2,
    )
    assert "val" in capsys.readouterr().out
    assert calibeval.read_features(f"{path}#cache").d == 3
    with pytest.raises(UsageError, match=r'cannot write "\.h5"'):
        read(val).save(folder / "x.h5")
