"""Every format from a web server, in ranges where the format allows, else copied once: the local file's numbers."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest

import calibeval
from calibeval.core.data.source import RemoteFacts
from calibeval.core.errors import InputError
from calibeval.readers.load import FORMATS, needs_all
from calibeval.readers.remote import pages
from tests.readers.remote.made import as_npz, dump, without_origin

WRITTEN = (".npz", ".csv", ".tsv", ".jsonl", ".parquet", ".pt", ".safetensors")
IN_RANGES = {".npz", ".npy", ".parquet", ".pt", ".pth", ".safetensors"}


def saved(tmp_path, suffix, arrays):
    path = tmp_path / f"a{suffix}"
    if suffix in WRITTEN:
        calibeval.Predictions(**arrays).save(path)
    elif suffix in (".h5", ".hdf5"):
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            for key, values in arrays.items():
                file[key] = values
    elif suffix.endswith(".gz"):
        plain = saved(tmp_path, suffix.removesuffix(".gz"), arrays)
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif suffix in (".arrow", ".feather"):
        feather = pytest.importorskip("pyarrow.feather")
        table = pytest.importorskip("pyarrow.parquet").read_table(saved(tmp_path, ".parquet", arrays))
        feather.write_feather(table, path, compression="uncompressed")
    return path


@pytest.mark.parametrize("suffix", [*WRITTEN, ".csv.gz", ".jsonl.gz", ".h5", ".arrow"])
def test_every_format_gives_the_numbers_of_the_local_file(shelf, tmp_path, suffix):
    path = saved(tmp_path, suffix, dump(3000))
    content = path.read_bytes()
    shelf.files[f"/{path.name}"] = content
    local, _ = without_origin(calibeval.evaluate(path))
    remote, origin = without_origin(calibeval.evaluate(f"{shelf.address}/{path.name}"))
    assert remote == local
    how = "ranges" if suffix in IN_RANGES else "whole"
    assert origin["remote"] == {"size": len(content), "etag": "first", "read": how}
    assert origin["sha256"] == hashlib.sha256(content).hexdigest()
    assert shelf.total <= len(content)  # no byte came twice


def test_how_each_format_is_read_is_known():
    assert {suffix for suffix in FORMATS if not needs_all(suffix)} == IN_RANGES


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".csv"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_server_without_ranges_sends_the_file_once(shelf, tmp_path, suffix, announced):
    path = saved(tmp_path, suffix, dump(5000))
    content = path.read_bytes()
    shelf.files[f"/{path.name}"], shelf.ranges, shelf.announced = content, False, announced
    local, _ = without_origin(calibeval.evaluate(path))
    remote, origin = without_origin(calibeval.evaluate(f"{shelf.address}/{path.name}"))
    assert remote == local
    assert origin["remote"] == {"size": len(content), "etag": "first", "read": "whole"}
    assert origin["sha256"] == hashlib.sha256(content).hexdigest()


def test_compressed_members_are_unpacked_on_the_way(shelf, tmp_path):
    parts = {f"{split}_{key}": v for i, split in enumerate("abc") for key, v in dump(20_000, seed=i).items()}
    content = as_npz(parts, np.savez_compressed)
    shelf.files["/a.npz"] = content
    report = calibeval.evaluate(f"{shelf.address}/a.npz#b")
    assert (
        report.dumps[0]["ece"] == calibeval.evaluate(logits=parts["b_logits"], labels=parts["b_labels"]).dumps[0]["ece"]
    )
    assert shelf.total < len(content) * 0.6


def test_a_column_of_a_table_that_nobody_needs_is_not_sent(shelf, tmp_path):
    arrays = dump(20_000, k=4)
    noise = np.random.default_rng(5).normal(size=(20_000, 100))
    pa = pytest.importorskip("pyarrow")
    columns = {f"logit_{i}": arrays["logits"][:, i] for i in range(4)} | {"label": arrays["labels"]}
    table = pa.table(columns | {f"f{i}": noise[:, i] for i in range(100)})
    pytest.importorskip("pyarrow.parquet").write_table(table, tmp_path / "a.parquet", row_group_size=5000)
    content = (tmp_path / "a.parquet").read_bytes()
    shelf.files["/a.parquet"] = content
    report = calibeval.evaluate(f"{shelf.address}/a.parquet")
    assert report.dumps[0]["ece"] == calibeval.evaluate(tmp_path / "a.parquet").dumps[0]["ece"]
    assert shelf.total < len(content) / 4
    assert report.dumps[0].source.remote == RemoteFacts(len(content), "first", "ranges")


@pytest.mark.parametrize("jobs", [1, 2])
def test_more_rows_than_memory_holds_are_read_in_blocks(shelf, jobs):
    arrays = dump(60_000, 20)
    content = as_npz(arrays)
    shelf.files["/a.npz"] = content
    local, _ = without_origin(calibeval.evaluate(**arrays))
    remote, _ = without_origin(calibeval.evaluate(f"{shelf.address}/a.npz", max_memory=2**20, jobs=jobs))
    assert remote["dumps"][0]["metrics"] == local["dumps"][0]["metrics"]
    assert max(one.size for one in shelf.bodies) <= pages.RUN


def test_a_large_file_takes_tens_of_requests(shelf):
    content = as_npz(dump(250_000, 50))
    shelf.files["/a.npz"] = content
    predictions = calibeval.read(f"{shelf.address}/a.npz")
    assert predictions.n == 250_000
    assert len(content) > 5 * 2**23
    assert len(shelf.bodies) < 20
    assert shelf.total == len(content)
    assert predictions.settled_source().sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("split", ["a", "b"])
def test_a_damaged_member_is_noticed_where_it_was_read(shelf, split):
    parts = {f"{name}_{key}": v for i, name in enumerate("ab") for key, v in dump(20_000, seed=i).items()}
    content = bytearray(as_npz(parts))
    at = content.index(parts["a_logits"].tobytes()[:64]) + 2**17
    content[at] ^= 1  # a bit of a number's smallest digits
    shelf.files["/a.npz"] = bytes(content)
    predictions = calibeval.read(f"{shelf.address}/a.npz#{split}")
    if split == "a":
        with pytest.raises(InputError, match=r"^a\.npz: a_logits\.npy is damaged \(its CRC-32 differs\)\.$"):
            predictions.settled_source()
    else:
        assert predictions.settled_source().sha256 is None
