"""One web server for each module of tests."""

from __future__ import annotations

import pytest

from tests.readers.remote.serving import web_server


@pytest.fixture(scope="module")
def server():
    with web_server() as shelf:
        yield shelf


@pytest.fixture
def shelf(server):
    server.reset()
    return server
