"""`.pt` files that are written without torch, as torch sees them."""

from __future__ import annotations

import io
import pickletools
import zipfile

import numpy as np
import pytest

import calibeval
from calibeval.writers.dump import write_dump

torch = pytest.importorskip("torch")

COLUMNS = {
    **{dtype: np.array([1, 0, 3], dtype) for dtype in ("i1", "i2", "i4", "i8", "u1", "f2", "f4", ">f8", ">i4")},
    "u2": np.array([1, 0, 65535], "u2"),
    "u8": np.array([1, 0, 2**63 - 1], "u8"),
    "bool": np.array([True, False, True]),
    "nan": np.array([np.nan, np.inf, -0.0]),
}


def written(folder, **more):
    """A dump of three rows, as .pt."""
    path = folder / "a.pt"
    given = {"logits": [[1.5, -np.inf], [0, 2], [3, 4]], "labels": [0, 255, 1], "ignore_index": 255, **more}
    write_dump(calibeval.Predictions(**given), path)
    return path


@pytest.mark.parametrize("mmap", [False, True])
def test_torch_loads_tensors_lists_and_a_number(mmap, tmp_path):
    path = written(tmp_path, columns={**COLUMNS, "site": ["a", "ü\n", ""]}, ids=["x", "y", "z"], class_names=["c", "d"])
    found = torch.load(path, weights_only=True, mmap=mmap)
    assert [*found] == ["logits", "labels", "ids", *COLUMNS, "site", "class_names", "ignore_index"]
    assert found["logits"].dtype == torch.float64
    assert found["logits"].tolist() == [[1.5, -np.inf], [0, 2], [3, 4]]
    assert found["labels"].tolist() == [0, 255, 1]
    assert (found["ids"], found["site"]) == (["x", "y", "z"], ["a", "ü\n", ""])
    assert (found["class_names"], found["ignore_index"]) == (["c", "d"], 255)
    for name, values in COLUMNS.items():
        assert np.array_equal(found[name].numpy(), values, equal_nan=True), name
    assert found["f4"].dtype == torch.float32
    assert found["bool"].dtype == torch.bool


def test_images_stay_images(tmp_path):
    rng = np.random.default_rng(0)
    given = {"logits": rng.normal(size=(2, 4, 5, 3)), "labels": rng.integers(0, 3, (2, 4, 5))}
    write_dump(calibeval.Predictions(**given), tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert np.array_equal(found["logits"].numpy(), given["logits"])
    assert np.array_equal(found["labels"].numpy(), given["labels"])
    assert found["logits"].is_contiguous()


@pytest.mark.parametrize("n", [1, 999, 1000, 1001, 70_000])
def test_many_rows(n, tmp_path):
    logits = np.arange(2.0 * n).reshape(n, 2)
    dump = calibeval.Predictions(logits=logits, labels=np.arange(n) % 2, ids=[f"r{i}" for i in range(n)])
    write_dump(dump, tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert np.array_equal(found["logits"].numpy(), logits)
    assert found["ids"] == [f"r{i}" for i in range(n)]


def test_the_archive_is_as_torch_writes_it(tmp_path):
    path = written(tmp_path, columns=COLUMNS)
    torch.save({"logits": torch.zeros(3, 2)}, tmp_path / "torch.pt")
    with zipfile.ZipFile(path) as ours, zipfile.ZipFile(tmp_path / "torch.pt") as theirs:
        assert ours.testzip() is None
        names = {name.partition("/")[2] for name in theirs.namelist()} & {"data.pkl", "byteorder", "version", "data/0"}
        assert names <= {name.partition("/")[2] for name in ours.namelist()}
        assert all(info.compress_type == zipfile.ZIP_STORED for info in ours.infolist())
        pickletools.dis(ours.read("archive/data.pkl"), out=io.StringIO())  # which is an error where it is none
        used = {text for op, text, _ in pickletools.genops(ours.read("archive/data.pkl")) if op.name == "GLOBAL"}
    assert {name.split()[0] for name in used} == {"torch._utils", "torch", "collections"}


def test_equal_dumps_are_equal_files(tmp_path):
    (tmp_path / "b").mkdir()
    assert written(tmp_path, columns=COLUMNS).read_bytes() == written(tmp_path / "b", columns=COLUMNS).read_bytes()
