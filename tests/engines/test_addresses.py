"""Addresses by which no scheduler is reached: an error at once, and a client that failed is not heard of again."""

from __future__ import annotations

import gc
import sys

import pytest

import calibeval
from calibeval.core.errors import FileProblem, UsageError
from calibeval.engines import dask

TLS = "distributed.comm.tls"
FILES = (f"{TLS}.ca-file", f"{TLS}.client.cert", f"{TLS}.client.key")
SETTINGS = "; set ca-file, client.cert and client.key under distributed.comm.tls in dask's configuration, or in Python "

settings = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")


@pytest.fixture(autouse=True)
def nothing_unheard(monkeypatch):
    """Nothing goes wrong where nobody can catch it, as in `Client.__del__`."""
    unheard = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: unheard.append(raised.exc_value))
    monkeypatch.setattr(dask, "TIMEOUT_S", 0.2)  # a client that failed half-way waits twice as long to be closed
    yield
    gc.collect()
    assert unheard == []


def refused(address, sample_data, kind=UsageError):
    with pytest.raises(kind) as raised:
        calibeval.evaluate(sample_data / "digits_test.npz", engine=f"dask={address}")
    said = str(raised.value)
    assert said.startswith(f'engine="dask={address}": ')
    assert len(said) < 500
    return said.partition('": ')[2]


def test_tls_without_certificates(sample_data):
    assert refused("tls://127.0.0.1:1", sample_data).startswith(f"it needs certificates{SETTINGS}")


@pytest.mark.parametrize("exists", [False, True])
def test_certificates_that_cannot_be_read(sample_data, tmp_path, exists):
    file = tmp_path / "any.pem"
    if exists:
        file.write_text("no certificate")
    with settings.config.set(dict.fromkeys(FILES, str(file))):
        said = refused("tls://127.0.0.1:1", sample_data)
    assert said.startswith("its certificates cannot be read (")
    assert SETTINGS in said


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("inproc://x", "not enough values"),
        ("inproc://10.0.0.1/1/1", "does not match host"),
        ("tcp://127.0.0.1:ab", "invalid literal"),
        ("tcp://::1:8786", "ipv6 needs brackets"),
    ],
)
def test_what_cannot_be_an_address(sample_data, address, why):
    said = refused(address, sample_data)
    assert said.startswith("this cannot be the address of a scheduler (")
    assert why in said


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "ws://127.0.0.1:1"])
def test_where_nobody_answers(sample_data, address):
    assert refused(address, sample_data, FileProblem).startswith("no scheduler answers within 0.2 seconds (")


def test_a_scheduler_of_this_process(sample_data):
    path = sample_data / "digits_test.npz"
    options = {"n_workers": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster:
        assert cluster.scheduler_address.startswith("inproc://")
        found = calibeval.evaluate(path, engine=f"dask={cluster.scheduler_address}")
    assert found.to_json() == calibeval.evaluate(path).to_json()
