"""A part of a file counts only if the server says that it is the one that was asked for."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.remote.part import OtherPart, check_part
from tests.cli.invoking import run
from tests.data import logits_and_labels
from tests.readers.remote.serving import answering


class Asked(NamedTuple):
    """A question for the bytes from start to stop of a file of that size."""

    server: Parts
    start: int
    stop: int
    size: int


class Parts:
    """A server's answers for one file. odd: what it answers instead, from the first byte on that it is asked for."""

    def __init__(self, data, odd=None, since=1):
        self.data, self.odd, self.since, self.etag = data, odd, since, "first"

    def __call__(self, handler):
        headers = {"ETag": f'"{self.etag}"', "Accept-Ranges": "bytes"}
        match = re.match(r"bytes=(\d+)-(\d+)", handler.headers.get("Range", ""))
        if match is None:
            answering(200, headers, self.data)(handler)
            return
        start, stop, size = int(match[1]), int(match[2]) + 1, len(self.data)
        status, more, body = 206, {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}, self.data[start:stop]
        if self.odd is not None and start >= self.since:
            status, more, body = self.odd(Asked(self, start, stop, size))
        answering(status, {**headers, **more}, body)(handler)


@pytest.fixture
def dump(shelf, tmp_path):
    """Puts scores behind a server that is odd, and returns their URL and the file of labels."""
    logits, labels = logits_and_labels(30_000, 4)
    np.save(tmp_path / "scores.npy", logits.astype(np.float32))
    np.save(tmp_path / "labels.npy", labels)
    data = (tmp_path / "scores.npy").read_bytes()

    def put(odd=None, **more):
        shelf.odd["/scores.npy"] = Parts(data, odd, **more)
        return f"{shelf.address}/scores.npy", tmp_path / "labels.npy"

    return put


def ranged(start, stop, size):
    return {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}


ODD = {
    "elsewhere": (
        lambda q: (206, ranged(q.start - 80, q.stop - 80, q.size), q.server.data[q.start - 80 : q.stop - 80]),
        r'the server sent "bytes 65456-480047/480128" where it was asked for "bytes 65536-480127/480128"',
    ),
    "later": (
        lambda q: (206, ranged(q.start + 16, q.stop, q.size), q.server.data[q.start + 16 : q.stop]),
        r'the server sent "bytes 65552-480127/480128" where',
    ),
    "another total": (
        lambda q: (206, ranged(q.start, q.stop, q.size + 5), q.server.data[q.start : q.stop]),
        r'the server sent "bytes \d+-\d+/480133" where it was asked for "bytes \d+-\d+/480128"',
    ),
    "unknown total": (
        lambda q: (206, ranged(q.start, q.stop, "*"), q.server.data[q.start : q.stop]),
        r'the server sent "bytes .*/\*" where',
    ),
    "unknown place": (
        lambda q: (206, {"Content-Range": f"bytes */{q.size}"}, q.server.data[q.start : q.stop]),
        r'the server sent "bytes \*/480128" where',
    ),
    "another unit": (
        lambda q: (206, {"Content-Range": f"rows {q.start}-{q.stop - 1}/{q.size}"}, q.server.data[q.start : q.stop]),
        r'the server sent "rows .*" where',
    ),
    "no Content-Range": (
        lambda q: (206, {}, q.server.data[q.start : q.stop]),
        r'the server does not say which bytes it sent \(no Content-Range\); it was asked for "bytes ',
    ),
    "several parts": (
        lambda q: (
            206,
            {"Content-Type": "multipart/byteranges; boundary=x", **ranged(q.start, q.stop, q.size)},
            q.server.data[q.start : q.stop],
        ),
        r"the server sent several parts \(multipart/byteranges\) where",
    ),
    "an encoding": (
        lambda q: (
            206,
            {"Content-Encoding": "gzip", **ranged(q.start, q.stop, q.size)},
            q.server.data[q.start : q.stop],
        ),
        r'the server sent bytes in the encoding "gzip", which nobody asked for',
    ),
    "said shorter": (
        lambda q: (206, ranged(q.start, q.stop - 8, q.size), q.server.data[q.start : q.stop - 8]),
        r'the server sent "bytes \d+-480119/480128" where',
    ),
    "shorter": (
        lambda q: (206, ranged(q.start, q.stop, q.size), q.server.data[q.start : q.stop - 8]),
        r"the server sent 414584 bytes, but 414592 were asked for",
    ),
    "longer": (
        lambda q: (206, ranged(q.start, q.stop, q.size), q.server.data[q.start - 8 : q.stop]),
        r"the server sent more than 414592 bytes, but 414592 were asked for",
    ),
    "no such bytes": (
        lambda q: (416, {"Content-Range": f"bytes */{q.size}"}, b""),
        r"the server has no bytes .* of 480128 \(416\)",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_another_part_than_was_asked_for_is_refused(dump, monkeypatch, name):
    odd, says = ODD[name]
    monkeypatch.setattr("calibeval.readers.remote.fetched.PAGE", 2**30)  # no question about ranges: in the middle
    url, labels = dump(odd)
    with pytest.raises(FileProblem, match=rf"^{url}: {says}") as raised:
        calibeval.evaluate(url, labels=labels, kind="logits")
    assert len(str(raised.value)) < 500


def test_the_first_part_counts_as_well(dump):
    url, labels = dump(lambda q: (206, ranged(q.start, q.stop, q.size + 5), q.server.data[q.start : q.stop]), since=0)
    with pytest.raises(FileProblem, match="/480133"):
        calibeval.evaluate(url, labels=labels, kind="logits")


def test_the_command_ends_with_4(capsys, dump):
    url, labels = dump(ODD["elsewhere"][0])
    done = run(capsys, "report", url, "--labels", str(labels), "--kind", "logits")
    assert (done.code, done.out) == (4, "")
    assert 'where it was asked for "bytes ' in done.err


def test_another_part_of_a_file_that_has_changed_says_so(dump):
    def odd(q):
        q.server.etag = "second"
        return 206, ranged(q.start, q.stop, q.size + 5), q.server.data[q.start : q.stop]

    url, labels = dump(odd, since=2**17)
    with pytest.raises(InputError, match=r"^scores\.npy: the file changed while it was read"):
        calibeval.evaluate(url, labels=labels, kind="logits", max_memory=2**18)


def test_a_server_that_sends_the_whole_file_later_is_an_error(dump, monkeypatch):
    monkeypatch.setattr("calibeval.readers.remote.fetched.PAGE", 2**30)
    url, labels = dump(lambda q: (200, {}, q.server.data))
    with pytest.raises(FileProblem, match=r"the server sent the whole file where it was asked for a part of it$"):
        calibeval.evaluate(url, labels=labels, kind="logits")


def test_right_parts_give_the_numbers_of_the_file(dump, tmp_path):
    url, labels = dump()
    found = calibeval.evaluate(url, labels=labels, kind="logits").dumps[0]
    local = calibeval.evaluate(tmp_path / "scores.npy", labels=labels, kind="logits").dumps[0]
    assert (found.metrics, found.source.sha256) == (local.metrics, local.source.sha256)


@pytest.mark.parametrize("came", ["bytes 10-19/100", " BYTES  10-19/100 ", "bytes 10-19/0100"])
def test_other_ways_to_write_the_same_range(came):
    check_part({"Content-Range": came}, (10, 20, 100))


@pytest.mark.parametrize("came", ["", "bytes=10-19/100", "bytes 10-19", "bytes 10-19/100, bytes 1-2/100", "x\n" * 300])
def test_what_is_no_range_is_shown_in_short(came):
    with pytest.raises(OtherPart) as raised:
        check_part({"Content-Range": came}, (10, 20, 100))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200
