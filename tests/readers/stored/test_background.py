"""Work in the background: its result, or its error, belongs to whoever waits for it, and to nobody else."""

from __future__ import annotations

import threading

import pytest

from calibeval.core.errors import FileProblem, InputError
from calibeval.readers.remote.pages import Ahead
from calibeval.readers.stored.digest import Background

ERRORS = (InputError("damaged"), FileProblem("gone"), FileNotFoundError(2, "no such file"), ValueError("closed file"))


@pytest.fixture
def heard(monkeypatch):
    """What threads say of errors that nobody caught."""
    said = []
    monkeypatch.setattr(threading, "excepthook", lambda raised: said.append(raised.exc_value))
    return said


def failing(error):
    def work(*_):
        raise error

    return work


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("waits", [True, False])
def test_an_error_is_raised_where_somebody_waits_and_never_printed(heard, error, waits):
    hashed, asked = Background(failing(error)), Ahead(failing(error), 0, 1)
    for one, wait in ((hashed, hashed.result), (asked, asked.wait)):
        if waits:
            with pytest.raises(type(error)) as raised:
                wait()
            assert raised.value is error
        one._thread.join()
    assert heard == []


def test_the_result_of_the_work(heard):
    assert Background(lambda: "abc").result() == "abc"
    assert Background(lambda: None).result() is None
    assert heard == []
