"""Work in threads: results in the order of the pieces, little under way at once, and errors that reach the caller."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator

import pytest

from calibeval.core.sums.threads import in_order, processors


def test_the_processors_of_this_process_or_those_of_the_machine(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert processors() == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_results_are_those_of_the_work(jobs):
    assert list(in_order(lambda piece: piece * piece, range(20), jobs)) == [piece * piece for piece in range(20)]


@pytest.mark.parametrize("jobs", [2, 5])
def test_results_come_in_the_order_of_the_pieces_whichever_is_done_first(jobs):
    later = threading.Event()

    def work(piece):
        if piece == 0:
            assert later.wait(10)
        later.set()
        return piece

    assert list(in_order(work, range(20), jobs)) == list(range(20))


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_few_pieces_are_under_way_at_once(jobs):
    taken = []
    results = in_order(lambda piece: piece, (taken.append(i) or i for i in range(100)), jobs)
    for done in range(50):
        assert next(results) == done
        assert len(taken) <= done + 1 + (jobs if jobs > 1 else 0)
    assert isinstance(results, Generator)
    results.close()
    assert len(taken) <= 50 + jobs


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_first_error_is_raised_in_its_place(jobs):
    results = in_order(lambda piece: 1 // (2 - piece), range(10), jobs)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("broken", [0, 1, 2, 7])
@pytest.mark.parametrize("odd", [0, 1, 6, 9])
def test_a_piece_that_cannot_be_made_comes_after_the_work_on_those_before(broken, odd, jobs):
    def pieces():
        yield from range(broken)
        raise KeyError(broken)

    results = in_order(lambda piece: 1 // (piece - odd), pieces(), jobs)
    for piece in range(min(broken, odd)):
        assert next(results) == 1 // (piece - odd)
    with pytest.raises(ZeroDivisionError if odd < broken else KeyError):
        next(results)


@pytest.mark.parametrize(("pieces", "own"), [(0, True), (1, True), (2, False)])
def test_a_single_piece_needs_no_thread(pieces, own):
    threads = set(in_order(lambda _: threading.current_thread(), range(pieces), jobs=2))
    assert threads <= {threading.main_thread()} if own else threading.main_thread() not in threads
