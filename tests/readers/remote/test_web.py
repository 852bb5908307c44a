"""Dumps on a web server: the bytes that are needed are sent, and no others; results are those of the local file."""

from __future__ import annotations

import hashlib

import calibeval
from calibeval.core.data.source import RemoteFacts
from tests.readers.remote.made import as_npz, dump, without_origin


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
