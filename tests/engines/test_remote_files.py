"""Workers read ranges of remote files themselves, so perhaps no process reads every byte, as a SHA-256 needs."""

from __future__ import annotations

import pytest

import calibeval
from tests.readers.remote.made import as_npz, dump, without_origin
from tests.readers.remote.serving import web_server

pytest.importorskip("distributed")


@pytest.mark.slow
def test_workers_ask_the_server_for_their_rows(client):
    with web_server() as shelf:
        for i in range(2):
            shelf.files[f"/part-0000{i}-of-00002.npz"] = as_npz(dump(30_000, 20, i))
        url = f"{shelf.address}/part-00000-of-00002.npz"
        plain, origin = without_origin(calibeval.evaluate(url))
        shelf.bodies.clear()
        far, without = without_origin(calibeval.evaluate(url, engine=client))
        assert far == plain
        assert without["sha256"] in (None, origin["sha256"])  # none where no process read every byte
        assert {**without, "sha256": origin["sha256"]} == origin
        assert len(shelf.bodies) > 4
