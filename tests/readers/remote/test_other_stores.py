"""Stores that no test can reach: what is asked of their file systems is tried on one in memory, under their names."""

from __future__ import annotations

import pytest

import calibeval
from calibeval.core.data.source import RemoteFacts
from calibeval.readers.remote import store
from tests.readers.remote.made import as_npz, dump

fsspec = pytest.importorskip("fsspec")
PLACES = ("memory://run", "gs://bucket/run", "hf://datasets/user/repo@main/run")


@pytest.fixture(params=PLACES)
def place(request, monkeypatch):
    """A folder of a store, which is one in memory; of gs:// and hf://, no more than the names is tested."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()

    def found(url, **_):
        return memory, f"/{url.partition('://')[2]}"

    if not request.param.startswith("memory"):
        monkeypatch.setattr(fsspec.core, "url_to_fs", found)
    yield request.param, memory, f"/{request.param.partition('://')[2]}"
    memory.store.clear()


def test_a_file_and_its_splits(place):
    url, memory, folder = place
    content = as_npz({f"test_{key}": value for key, value in dump(300).items()})
    memory.pipe_file(f"{folder}/a.npz", content)
    source = calibeval.evaluate(f"{url}/a.npz#test").dumps[0].source
    assert (source.path, source.split) == (f"{url}/a.npz", "test")
    assert source.remote == RemoteFacts(len(content), source.remote.etag, "ranges")


@pytest.mark.parametrize("name", ["/*.csv", "/", "/a-1-of-2.csv"])
def test_shards(place, name):
    url, memory, folder = place
    for i in (1, 2):
        memory.pipe_file(f"{folder}/a-{i}-of-2.csv", b"logit_0,logit_1,label\n" + b"1,2,0\n3,1,1\n2,1,0\n" * i)
    report = calibeval.evaluate(f"{url}{name}")
    assert (report.dumps[0].n, report.dumps[0].source.remote.read) == (9, "whole")


def test_names_are_those_that_fsspec_knows():
    assert set(store.SCHEMES) <= set(fsspec.available_protocols())
