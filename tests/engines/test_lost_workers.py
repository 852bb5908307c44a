"""Workers that die, files that they do not see, other versions: a retry or a clear error, never another number."""

from __future__ import annotations

import os
import signal
import socket
import sys

import numpy as np
import pytest

import calibeval
from calibeval.core.errors import FileProblem, InputError, UsageError
from calibeval.core.sums import kernel
from calibeval.engines import dask
from calibeval.engines.choice import opened_engine
from calibeval.engines.dask import DaskEngine
from calibeval.engines.tasks import Versions, own_versions
from calibeval.readers.stored.steady import SteadyFile

pytest.importorskip("distributed")
BEFORE = os.environ.get(kernel.VARIABLE, "")  # which the workers inherit


class Killing:
    """Progress that kills a process when some rows are done."""

    def __init__(self, pid, after):
        self.pid, self.after, self.done = pid, after, 0

    def start(self, title, steps):  # noqa: ARG002 - arguments of the protocol
        self.done = 0

    def advance(self, steps):
        self.done += steps
        if self.pid is not None and self.done > self.after:
            os.kill(self.pid, signal.SIGKILL)
            self.pid = None


def read_whole(file):
    with file.open() as stream:
        return stream.read()


def die(item):
    os.kill(os.getpid(), signal.SIGKILL)


def fail(item):
    raise item


def use_kernel(name):
    os.environ[kernel.VARIABLE] = name


@pytest.mark.parametrize("memory", [None, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_killed_worker_changes_no_byte(client, shards, memory):
    folder = shards()
    plain = calibeval.evaluate(folder, max_memory=memory)
    watch = Killing(next(iter(client.run(os.getpid).values())), 600)
    found = calibeval.evaluate(folder, max_memory=memory, engine=client, progress=watch)
    assert watch.pid is None
    assert found.to_json() == plain.to_json()
    client.wait_for_workers(2)


@pytest.mark.slow
def test_a_task_whose_workers_die_is_an_error(cluster, client, monkeypatch):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    with pytest.raises(FileProblem, match=r"^dask: 1 workers died on the same task, perhaps of too little memory; "):
        list(DaskEngine(client, "dask").in_order(die, [1]))
    client.wait_for_workers(2)


def test_other_versions_are_refused_with_both(client):
    engine = DaskEngine(client, "dask=tcp://a:1")
    engine._expected = Versions("0.0.1", "1.0", "numpy")
    with pytest.raises(
        UsageError, match=rf"^dask=tcp://a:1: the worker on \S+ has calibeval \S+ with numpy {np.__version__}"
    ):
        list(engine.in_order(abs, [1]))


def test_workers_with_another_kernel_are_refused_with_what_to_do(client):
    engine = DaskEngine(client, "dask")
    engine._expected = own_versions()._replace(kernel="other")
    own = kernel.kernel_name()
    with pytest.raises(
        UsageError,
        match=rf"^dask: the worker on \S+ has .* and the {own} kernel, but this process has .* and the other kernel\. "
        r".*: set CALIBEVAL_KERNEL=numpy here and for every worker, or install calibeval with the compiled kernel",
    ):
        list(engine.in_order(abs, [1]))


@pytest.mark.skipif(not kernel.available(), reason=str(kernel.missing()))
def test_workers_that_numpy_was_forced_on_are_refused_by_a_process_with_the_kernel(client, monkeypatch, shards):
    monkeypatch.delenv(kernel.VARIABLE, raising=False)
    client.run(use_kernel, "numpy")
    try:
        with pytest.raises(UsageError, match=r"and the numpy kernel, but this process has .* and the native kernel"):
            calibeval.evaluate(shards(), engine=client)
        client.run(use_kernel, "native:baseline")
        folder = shards(name="other")
        assert calibeval.evaluate(folder, engine=client).to_json() == calibeval.evaluate(folder).to_json()
    finally:
        client.run(use_kernel, BEFORE)


def test_a_kernel_that_a_worker_has_not_is_an_error_with_its_name(client):
    client.run(use_kernel, "odd")
    try:
        with pytest.raises(UsageError, match=rf"^worker on {socket.gethostname()}: CALIBEVAL_KERNEL is 'odd', but it"):
            list(DaskEngine(client, "dask").in_order(abs, [1]))
    finally:
        client.run(use_kernel, BEFORE)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "/data/x"), "/data/x: No space left on device"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (TimeoutError("too long"), "too long"),
    ],
    ids=str,
)
def test_what_the_system_of_a_worker_refuses_is_no_lost_cluster(client, error, says):
    with pytest.raises(FileProblem, match=rf"^dask, worker on {socket.gethostname()}: {says}$"):
        list(DaskEngine(client, "dask").in_order(fail, [error]))


def test_a_file_that_a_worker_does_not_see_is_an_error(client, tmp_path):
    path = tmp_path / "part.npy"
    path.write_bytes(b"abc")
    file = SteadyFile.of(path)
    assert list(DaskEngine(client, "dask").in_order(read_whole, [file])) == [b"abc"]
    path.unlink()
    with pytest.raises(
        FileProblem, match=rf"^dask, worker on {socket.gethostname()}: {path}: there is no such file\. Workers"
    ):
        list(DaskEngine(client, "dask").in_order(read_whole, [file]))


@pytest.mark.parametrize("change", [b"abcd", b"abd"], ids=["size", "time"])
def test_another_file_under_the_same_path_is_an_error(client, tmp_path, change):
    path = tmp_path / "part.npy"
    path.write_bytes(b"abc")
    file = SteadyFile.of(path)
    path.write_bytes(change)
    os.utime(path, ns=(0, file.identity.modified + (len(change) == 3)))
    with pytest.raises(InputError, match=rf"^{path}: {socket.gethostname()} sees another file under this path: of "):
        list(DaskEngine(client, "dask").in_order(read_whole, [file]))


def test_a_link_to_the_same_file_elsewhere_is_no_change(client, tmp_path):
    """Another machine numbers devices and inodes otherwise: size and time decide."""
    path, copy = tmp_path / "part.npy", tmp_path / "copy.npy"
    path.write_bytes(b"abc")
    file = SteadyFile.of(path)
    copy.write_bytes(b"abc")
    os.utime(copy, ns=(0, file.identity.modified))
    copy.rename(path)
    assert list(DaskEngine(client, "dask").in_order(read_whole, [file])) == [b"abc"]
    with pytest.raises(InputError, match="the file changed while it was read"):
        read_whole(file)


def test_an_error_in_the_rows_names_the_row_of_the_dump(client, shards):
    folder = shards()
    path = folder / "part-2.npz"
    with np.load(path) as part:
        arrays = dict(part)
    arrays["logits"][3, 4] = np.nan
    np.savez(path, **arrays)
    with pytest.raises(InputError) as plain:
        calibeval.evaluate(folder)
    with pytest.raises(InputError) as found:
        calibeval.evaluate(folder, engine=client)
    assert str(found.value) == str(plain.value)
    assert "row 1510" in str(plain.value)


@pytest.mark.parametrize("error", [ValueError("odd"), InputError("wrong")], ids=["any", "ours"])
def test_an_error_of_the_work_comes_back_as_it_is(client, error):
    with pytest.raises(type(error), match=f"^{error}$"):
        list(DaskEngine(client, "dask").in_order(fail, [error]))


def test_an_address_without_a_scheduler_is_an_error(monkeypatch, sample_data):
    monkeypatch.setattr(dask, "TIMEOUT_S", 0.3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(FileProblem, match=rf'^engine="dask={address}": no scheduler answers within 0.3 seconds'):
            calibeval.evaluate(sample_data / "digits_test.npz", engine=f"dask={address}")


def test_a_scheduler_without_workers_is_an_error(monkeypatch, sample_data):
    monkeypatch.setattr(dask, "WAIT_S", 0.2)
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 0, "processes": False, "protocol": "tcp://", "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as empty:
        address = empty.scheduler_address
        with pytest.raises(FileProblem, match=rf'^engine="dask={address}": no worker has joined this scheduler within'):
            calibeval.evaluate(sample_data / "digits_test.npz", engine=f"dask={address}")


def test_without_distributed_the_extra_is_named(monkeypatch, sample_data):
    for package in ("dask", "distributed"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=r"^engine=\"dask\" needs distributed: pip install 'calibeval\[dask\]'$"):
        calibeval.evaluate(sample_data / "digits_test.npz", engine="dask")


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("dusk", r'^engine "dusk" is unknown \(did you mean "dask"\?\); engines are local, dask$'),
        ("dask=", r'^engine "dask=": an address is needed after dask=, such as dask=tcp://HOST:8786$'),
        ("dask=here", r'^engine "dask=here": an address'),
        ("local=tcp://a:1", r'^engine "local=tcp://a:1": an address'),
        (
            "dask=http://head:8787",
            r'^engine "dask=http://head:8787": a scheduler is not reached by http:// \(did you mean "tcp"\?\)',
        ),
        (
            "dask=ucx://head:1",
            r'^engine "dask=ucx://head:1": a scheduler is not reached by ucx://, but by tcp://, tls:',
        ),
        (3, r'^engine is 3, but it must be "local", "dask", "dask=ADDRESS" or a client of `distributed`$'),
    ],
)
def test_a_wrong_engine_is_refused(engine, message, sample_data):
    with pytest.raises(UsageError, match=message):
        calibeval.evaluate(sample_data / "digits_test.npz", engine=engine)


def test_no_engine_opens_nothing():
    with opened_engine(None, 1) as none, opened_engine("local", 1) as local:
        assert none is None
        assert local is None


class Broken:
    """A client whose calls fail with an error: those of its futures, its own tasks, or questions about its workers."""

    def __init__(self, error, where):
        self.error, self.where = error, where

    def told(self, where):
        if self.where == where:
            raise self.error

    def nthreads(self):
        self.told("nthreads")
        return {"a": 1}

    def submit(self, *arguments, **options):  # noqa: ARG002 - those of a client
        self.told("submit")
        return self

    def result(self):
        self.told("result")

    def cancel(self, futures):  # noqa: ARG002 - those of a client
        self.told("nthreads")


def gone(name):
    return getattr(pytest.importorskip("distributed"), name)


@pytest.mark.parametrize(
    ("error", "where", "message"),
    [
        (OSError("in <Comm>: closed"), "nthreads", r"^dask: the cluster was lost \(in <Comm>: closed\)$"),
        (OSError("in <Comm>: closed"), "result", r"^dask: the cluster was lost \(in <Comm>: closed\)$"),
        (RuntimeError("closed client"), "submit", r"^dask: the cluster was lost \(closed client\)$"),
        ("CancelledError", "result", r"^dask: the cluster was lost \(gone\)$"),
    ],
    ids=str,
)
def test_a_lost_cluster_is_an_error(error, where, message):
    error = gone(error)("gone") if isinstance(error, str) else error
    with pytest.raises(FileProblem, match=message):
        list(DaskEngine(Broken(error, where), "dask").in_order(abs, range(9)))


def test_workers_without_calibeval_are_an_error():
    error = ModuleNotFoundError("No module named 'calibeval'", name="calibeval")
    with pytest.raises(
        UsageError, match=r"^dask: a worker lacks calibeval; each needs calibeval, of the same version as "
    ):
        list(DaskEngine(Broken(error, "result"), "dask").in_order(abs, [1]))


def test_processes_that_do_not_start_are_an_error(monkeypatch, sample_data):
    def failing(**options):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(pytest.importorskip("distributed"), "LocalCluster", failing)
    with pytest.raises(
        FileProblem, match=r"could not be started \(Nanny failed to start\.\)\. In a script, .*__main__"
    ):
        calibeval.evaluate(sample_data / "digits_test.npz", engine="dask")
