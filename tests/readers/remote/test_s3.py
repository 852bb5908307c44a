"""Dumps in a bucket of moto's S3 server on the loopback, read through s3fs."""

from __future__ import annotations

import hashlib

import pytest

import calibeval
from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.remote import pages
from tests.readers.remote.made import as_npz, dump, without_origin
from tests.readers.remote.serving_s3 import s3_server

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(scope="module")
def bucket():
    with s3_server() as made:
        yield made


def test_a_report_is_that_of_the_local_file(bucket, tmp_path):
    content = as_npz(dump(500))
    url = bucket.put("runs/a.npz", content)
    (tmp_path / "a.npz").write_bytes(content)
    remote, origin = without_origin(calibeval.evaluate(url))
    local, _ = without_origin(calibeval.evaluate(tmp_path / "a.npz"))
    assert remote == local
    md5 = hashlib.md5(content).hexdigest()  # noqa: S324 - which S3 gives as the ETag
    assert origin == {
        "path": url,
        "sha256": hashlib.sha256(content).hexdigest(),
        "remote": {"size": len(content), "etag": md5, "read": "ranges"},
    }
    assert [one.part for one in bucket.bodies] == [f"bytes=0-{len(content) - 1}"]


def test_a_pattern_a_folder_and_a_numbered_name_are_all_shards(bucket, tmp_path):
    whole = dump(600)
    for i in range(3):
        rows = slice(200 * i, 200 * (i + 1))
        content = as_npz({key: value[rows] for key, value in whole.items()})
        bucket.put(f"shards/d-{i}-of-3.npz", content)
        (tmp_path / f"d-{i}-of-3.npz").write_bytes(content)
    expected, local = calibeval.evaluate(**whole).dumps[0]["ece"], calibeval.evaluate(tmp_path).dumps[0].source
    for name in ("shards/*.npz", "shards/", "shards", "shards/d-1-of-3.npz"):
        found = calibeval.evaluate(f"s3://bucket/{name}").dumps[0]
        assert (found.n, found["ece"], found.source.sha256) == (600, expected, local.sha256)
        assert found.source.remote.size > 600 * 40
    bucket.client.delete_object(Bucket="bucket", Key="shards/d-1-of-3.npz")
    with pytest.raises(InputError, match="2 of 3 shards are there; number 1 is missing"):
        calibeval.evaluate("s3://bucket/shards/*.npz")
    with pytest.raises(FileProblem, match=r"s3://bucket/none/\*\.npz: no file matches this pattern"):
        calibeval.evaluate("s3://bucket/none/*.npz")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://bucket/none.npz", "s3://bucket/none.npz: there is no such file, or no such bucket"),
        ("s3://buckets/a.npz", "s3://buckets/a.npz: there is no such file, or no such bucket"),
        ("s3://bucket/private.npz", r"s3://bucket/private.npz: no permission \(403\): these credentials, or none, may"),
    ],
)
def test_what_cannot_be_read(bucket, url, says):
    bucket.denied.add("private.npz")
    with pytest.raises(FileProblem, match=says) as raised:
        calibeval.evaluate(url)
    assert "secret" not in str(raised.value)


def test_a_name_that_looks_like_a_pattern(bucket):
    url = bucket.put("g[1]/a.npz", as_npz(dump(100)))
    assert calibeval.evaluate(url).dumps[0].source.path == "s3://bucket/g[1]/a.npz"


def test_an_object_that_changes_while_it_is_read(bucket):
    url = bucket.put("b.npz", as_npz(dump(500)))
    predictions = calibeval.read(url)
    bucket.put("b.npz", as_npz(dump(500, seed=1)))
    with pytest.raises(InputError, match=r"b\.npz: the file changed while it was read"):
        predictions.settled_source()


def test_an_object_that_changes_between_two_blocks(bucket, monkeypatch):
    monkeypatch.setattr(pages, "SHELF", pages.Shelf(0))
    url = bucket.put("c.npz", as_npz(dump(50_000, 20)))
    predictions = calibeval.read(url, max_memory=2**19)
    bucket.put("c.npz", as_npz(dump(50_000, 20, seed=1)))
    with pytest.raises(InputError, match=r"c\.npz: the file changed while it was read"):
        calibeval.evaluate(predictions)


def test_without_credentials(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(FileProblem, match=r"s3://bucket/a\.npz: no (credentials|permission)"):
        calibeval.evaluate("s3://bucket/a.npz")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
