"""Pages: whatever is read in whatever order, the bytes are right, none is asked for twice, and the hash is known."""

from __future__ import annotations

import hashlib
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibeval.core.errors import FileProblem
from calibeval.readers.remote import pages
from calibeval.readers.remote import whole as whole_module
from calibeval.readers.remote.crc import joined
from calibeval.readers.remote.pages import Pages, Shelf
from calibeval.readers.remote.whole import Room, WholeHash

SIZE = 1000
DATA = bytes(i * i % 251 for i in range(SIZE))


class Server:
    """Notes what it is asked for."""

    def __init__(self, data=DATA):
        self.data, self.asked = data, []

    def fetch(self, start, stop):
        self.asked.append((start, stop))
        return self.data[start:stop]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 8)
    monkeypatch.setattr(pages, "RUN", 64)
    monkeypatch.setattr(pages, "SHELF", Shelf(10**6))


def opened(server, size=SIZE):
    return Pages(server.fetch, size, lambda: FileProblem("changed"))


def read(found, start, stop, until=0):
    room = bytearray(stop - start)
    found.read_into(memoryview(room), start, until)
    return bytes(room)


def settled(found):
    """No request is on its way."""
    if found._ahead is not None:
        found._ahead.wait()


parts = st.tuples(st.integers(0, SIZE), st.integers(0, 200), st.integers(0, SIZE))


@given(st.lists(parts, max_size=30), st.sampled_from([0, 100, 10**6]), st.sampled_from([0, 40, 10**6]))
def test_bytes_are_right_in_any_order(reads, kept, waiting):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "PAGE", 8)
        patch.setattr(pages, "RUN", 64)
        patch.setattr(pages, "SHELF", Shelf(kept))
        patch.setattr(whole_module, "ROOM", Room(waiting))
        server = Server()
        found, used = opened(server), set()
        for start, length, until in reads:
            stop = min(start + length, SIZE)
            assert read(found, start, stop, until) == DATA[start:stop]
            used |= {*range(start // 8, -(-stop // 8))} if stop > start else set()
        settled(found)
        assert all(stop - start <= 64 for start, stop in server.asked)
        whole = found.used.result(lambda page: found.page(page, 8))
        assert (whole is not None) == (len(used) == SIZE // 8)
        assert whole in (None, hashlib.sha256(DATA).hexdigest())
        if kept == 10**6:
            asked = [page for start, stop in server.asked for page in range(start // 8, -(-stop // 8))]
            assert len(asked) == len(set(asked))


def test_one_long_reading_asks_for_whole_runs():
    server = Server()
    found = opened(server)
    assert read(found, 100, 900, 900) == DATA[100:900]
    settled(found)
    assert sorted(server.asked) == [(96 + 64 * i, min(96 + 64 * (i + 1), 904)) for i in range(13)]


def test_reading_on_asks_for_more_each_time_but_not_beyond_what_is_needed():
    server = Server()
    found = opened(server)
    for start in range(0, 400, 8):
        read(found, start, start + 8, 400)
    settled(found)
    assert max(stop for _, stop in server.asked) == 400
    assert len(server.asked) < 10


def test_reading_on_without_a_known_end_asks_for_more_each_time():
    server = Server()
    found = opened(server)
    for start in range(0, 400, 8):
        read(found, start, start + 8)
        settled(found)
    sizes = [stop - start for start, stop in server.asked]
    assert (sizes[0], max(sizes)) == (8, 64)
    assert len(sizes) < 14  # of 50 pages


def test_single_readings_here_and_there_ask_for_their_page_only():
    server = Server()
    found = opened(server)
    for start in (500, 20, 903):
        read(found, start, start + 4)
    assert server.asked == [(496, 504), (16, 24), (896, 912)]


def test_several_threads():
    server = Server()
    found, wrong = opened(server), []

    def work(offset):
        starts = range(offset, SIZE - 10, 40)
        wrong.extend(start for start in starts if read(found, start, start + 10, SIZE) != DATA[start : start + 10])

    threads = [threading.Thread(target=work, args=(10 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("error", [FileProblem, ValueError, MemoryError])
def test_a_request_in_the_background_that_fails_is_an_error_where_its_bytes_are_needed(error):
    server = Server()

    def fetch(start, stop):
        if threading.current_thread() is not threading.main_thread():
            raise error("gone")
        return server.fetch(start, stop)

    found = Pages(fetch, SIZE, lambda: FileProblem("changed"))
    assert read(found, 0, 64, SIZE) == DATA[:64]
    with pytest.raises(error, match="gone"):
        read(found, 64, 70)


@pytest.mark.parametrize("start", [990, 1001])
def test_bytes_that_are_not_there(start):
    with pytest.raises(FileProblem, match="changed"):
        read(opened(Server()), start, start + 11)


def test_an_answer_that_is_too_short():
    with pytest.raises(FileProblem, match="changed"):
        read(opened(Server(DATA[:500])), 400, 600)


def test_pages_that_wait_give_their_room_back(monkeypatch):
    monkeypatch.setattr(whole_module, "ROOM", room := Room(8))
    found = WholeHash(3, 4)
    found.add(1, b"abcd")
    found.add(2, b"ef")
    assert (room.take(3), room.take(2)) == (False, True)
    found.add(0, b"1234")
    assert (room.take(7), room.take(6)) == (False, True)
    del found
    assert not room.take(1)


@given(st.binary(max_size=50), st.integers(0, 50), st.integers(0, 50))
def test_checksums_of_parts(data, start, length):
    start = min(start, len(data))
    length = min(length, len(data) - start)
    found = WholeHash(-(-len(data) // 4), 4)
    pieces = [data[i : i + 4] for i in range(0, len(data), 4)]
    for i, piece in enumerate(pieces):
        found.add(i, piece)
    assert found.crc(start, length, pieces.__getitem__) == zlib.crc32(data[start : start + length])


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_the_checksum_of_two_pieces(one, other):
    assert joined(zlib.crc32(one), zlib.crc32(other), len(other)) == zlib.crc32(one + other)
