"""Dumps on a web server: the bytes that are needed are sent, and no others; results are those of the local file."""

from __future__ import annotations

import hashlib
import pickle
import re
import threading
from pathlib import Path

import pytest

import calibeval
from calibeval.core.data.source import RemoteFacts
from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.remote.find import sha256_of, steady_file
from calibeval.readers.remote.pages import PAGE
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.place import place_of
from tests.readers.remote.made import as_npz, dump, without_origin
from tests.readers.remote.serving import answering


def test_a_small_dump_takes_one_request_and_has_its_sha256(shelf, tmp_path):
    content = as_npz(dump(500))
    shelf.files["/runs/a.npz"] = content
    (tmp_path / "a.npz").write_bytes(content)
    remote, origin = without_origin(calibeval.evaluate(f"{shelf.address}/runs/a.npz"))
    local, _ = without_origin(calibeval.evaluate(tmp_path / "a.npz"))
    assert remote == local
    assert origin == {
        "path": f"{shelf.address}/runs/a.npz",
        "sha256": hashlib.sha256(content).hexdigest(),
        "remote": {"size": len(content), "etag": "first", "read": "ranges"},
    }
    assert [one.part for one in shelf.bodies] == [f"bytes=0-{len(content) - 1}"]


def test_of_a_large_archive_only_the_members_of_the_split_are_sent(shelf):
    parts = {
        f"{split}_{key}": value
        for i, split in enumerate(("train", "test", "val"))
        for key, value in dump(50_000, 20, i).items()
    }
    content = as_npz(parts)
    shelf.files["/a.npz"] = content
    report = calibeval.evaluate(f"{shelf.address}/a.npz#test")
    needed = parts["test_logits"].nbytes + parts["test_labels"].nbytes
    assert needed < shelf.total < needed + 2**20 < len(content) / 2
    assert len(shelf.bodies) < 20
    source = report.dumps[0].source
    assert (source.sha256, source.remote) == (None, RemoteFacts(len(content), "first", "ranges"))


def test_pathlib_may_have_made_one_slash_of_two(shelf):
    shelf.files["/a.npz"] = as_npz({f"val_{key}": value for key, value in dump(300).items()})
    assert calibeval.evaluate(Path(f"{shelf.address}/a.npz#val")).dumps[0].n == 300
    assert calibeval.read(Path(f"{shelf.address}/a.npz#val")).n == 300
    assert calibeval.inspect(Path(f"{shelf.address}/a.npz")).path == f"{shelf.address}/a.npz"


def test_numbered_names_imply_all_others(shelf):
    whole = dump(400)
    for first in (0, 1):
        shelf.reset()
        for i in range(4):
            part = {key: value[100 * i : 100 * (i + 1)] for key, value in whole.items()}
            shelf.files[f"/r/d-{i + first:05d}-of-00004.npz"] = as_npz(part)
        for number in range(first, 4 + first):
            report = calibeval.evaluate(f"{shelf.address}/r/d-{number:05d}-of-00004.npz?key=secret")
            assert report.dumps[0]["ece"] == calibeval.evaluate(**whole).dumps[0]["ece"]
            assert report.dumps[0].source.path == f"{shelf.address}/r/d-{number:05d}-of-00004.npz"
    del shelf.files["/r/d-00002-of-00004.npz"]
    with pytest.raises(FileProblem, match=r"/r/d-00002-of-00004\.npz: there is no such file \(404\)"):
        calibeval.evaluate(f"{shelf.address}/r/d-00001-of-00004.npz")


def test_the_same_shard_twice(shelf):
    for i in (1, 2):
        shelf.files[f"/d-{i}-of-2.npz"] = as_npz(dump(100))
    with pytest.raises(InputError, match=r"d-1-of-2\.npz and d-2-of-2\.npz are the same shard twice"):
        calibeval.evaluate(f"{shelf.address}/d-1-of-2.npz")


def test_an_address_that_is_signed_for_reading_only(shelf):
    content = as_npz(dump(300))

    def signed(handler):
        known = handler.command == "GET" and "X-Amz-Signature=a%2Fb%3D" in handler.path
        match = re.match(r"bytes=(\d+)-(\d+)", handler.headers.get("Range", ""))
        if known and match:
            body = content[int(match[1]) : int(match[2]) + 1]
            answering(206, {"Content-Range": f"bytes {match[1]}-{match[2]}/{len(content)}"}, body)(handler)
        else:
            answering(200 if known else 403, {}, content if known else b"")(handler)

    shelf.odd["/signed"] = signed
    report = calibeval.evaluate(f"{shelf.address}/signed?X-Amz-Signature=a%2Fb%3D&x=1", read_as="npz")
    assert (report.dumps[0].n, report.dumps[0].source.path) == (300, f"{shelf.address}/signed")
    assert report.dumps[0].source.remote == RemoteFacts(len(content), None, "ranges")


def test_another_process_reads_on_by_itself(shelf):
    shelf.files["/a.npz"] = as_npz(dump(300))
    file = steady_file(place_of(f"{shelf.address}/a.npz"), Limits())
    again = pickle.loads(pickle.dumps(file))  # noqa: S301 - our own
    with again.open() as stream:
        assert stream.read() == shelf.files["/a.npz"]
    shelf.etag = "second"
    with pytest.raises(InputError, match="the file changed while it was read"):
        again.check()


def test_each_request_of_a_small_dump_has_its_reason(shelf):
    shelf.files["/a.npz"] = as_npz(dump(300))
    calibeval.evaluate(f"{shelf.address}/a.npz")
    # What is it? All of it. Is it still the same?
    assert [one.method for one in shelf.sent] == ["HEAD", "GET", "HEAD"]


def test_shards_are_asked_for_several_at_a_time_and_the_first_wrong_one_is_named(shelf):
    waiting = threading.Barrier(8, timeout=10)  # who asks for one shard after another waits here in vain
    for i in range(8):
        shelf.files[f"/d-{i}-of-8.npz"] = as_npz(dump(200, seed=i))
        shelf.odd[f"/d-{i}-of-8.npz"] = answering(404)

    def together(handler):
        waiting.wait()
        shelf.odd.pop(handler.path, None)
        handler.do_HEAD()

    shelf.odd = dict.fromkeys(shelf.files, together)
    assert calibeval.evaluate(f"{shelf.address}/d-0-of-8.npz").dumps[0].n == 1600
    for i in (5, 2):
        shelf.files[f"/d-{i}-of-8.npz"] = b"no archive"
    with pytest.raises(InputError, match=r"^d-2-of-8\.npz"):
        calibeval.evaluate(f"{shelf.address}/d-0-of-8.npz")


def test_a_file_that_changes_after_it_was_settled_is_noticed_when_more_is_read(shelf):
    shelf.files["/a.npz"] = as_npz(dump(5000))
    file = steady_file(place_of(f"{shelf.address}/a.npz"), Limits())
    file.fill([memoryview(bytearray(10))], [0])
    assert sha256_of(file, ()) is None
    asked = len(shelf.sent)
    assert sha256_of(file, ()) is None
    assert len(shelf.sent) == asked
    with file.open() as stream:
        assert stream.read() == shelf.files["/a.npz"]
    assert sha256_of(file, ()) == hashlib.sha256(shelf.files["/a.npz"]).hexdigest()
    file = steady_file(place_of(f"{shelf.address}/a.npz"), Limits())
    file.fill([memoryview(bytearray(10))], [0])
    assert sha256_of(file, ()) is None
    shelf.etag = "second"
    file.fill([memoryview(bytearray(10))], [2 * PAGE])
    with pytest.raises(InputError, match="the file changed while it was read"):
        sha256_of(file, ())
