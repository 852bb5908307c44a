"""Workers of dask's `distributed`: a cluster of processes on this machine, or one whose scheduler has an address."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from calibeval.core.errors import BROKEN_IMPORT, CalibevalError, FileProblem, UsageError, first_line, not_importable
from calibeval.core.sums.kernel import NUMPY, VARIABLE
from calibeval.core.sums.threads import processors
from calibeval.engines.tasks import Answer, Versions, WorkerFailed, answer, own_versions, packed

Item = TypeVar("Item")
Result = TypeVar("Result")
TIMEOUT_S = 10  # for the first answer of a scheduler
WAIT_S = 600  # for the first worker, which may be a job in a queue
RETRIES = 2  # of a task whose file could not be read; how often its worker may die is dask's allowed-failures
NEW = "newly-created"  # the status of a client that has not tried to connect
REFRESH_S = 2.0  # how long a number of workers is believed
LARGE = "distributed.admin.large-graph-warning-threshold"  # labels and weights of a task may be 10 MB
# Dask's workers give memory back to the system after each array (glibc), and paging it in again takes a quarter longer.
SPAWNED = "distributed.nanny.pre-spawn-environ"
KEEPING = {"MALLOC_TRIM_THRESHOLD_": 2**28, "MALLOC_MMAP_THRESHOLD_": 2**25}
AHEAD = 2  # tasks of each worker that are under way


class DaskEngine:
    """The workers that a client of `distributed` knows. name: of the cluster, for messages."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._name = client, name
        self._expected = tuple(own_versions())
        self._workers, self._seen = 0, -REFRESH_S
        self.local: list[str] = []

    @property
    def workers(self) -> int:
        """The threads of all workers, at least 1: workers may come and go."""
        now = time.monotonic()
        if now - self._seen >= REFRESH_S:
            try:
                self._workers, self._seen = sum(self._client.nthreads().values()), now
            except OSError as error:
                raise self._lost(error) from None
        return max(1, self._workers)

    def unreachable(self, dump: str) -> None:
        """Is told the name of a dump whose scores this process reads, since workers cannot."""
        if dump not in self.local:
            self.local.append(dump)

    def in_order(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of the work on each item, in the order of the items.

        Raises: what the work raises; FileProblem if a worker cannot read a file, its disk is full or the like, or the
        cluster is lost; UsageError for workers of other versions, or with another kernel.
        """
        waiting: deque[Any] = deque()
        try:
            for item in items:
                task = (self._expected, packed(work, item))
                waiting.append(self._submitted(*task))
                while len(waiting) > AHEAD * self.workers:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            with suppress(Exception):  # where the cluster is lost, nothing is left to stop
                self._client.cancel(list(waiting))

    def _submitted(self, expected: tuple[str, ...], item: bytes) -> Any:
        import dask

        try:
            with dask.config.set({LARGE: "1GB"}):
                return self._client.submit(answer, expected, item, pure=False, retries=RETRIES)
        except Exception as error:  # noqa: BLE001 - of whatever type: a closed client takes no task
            raise self._lost(error) from None

    def _lost(self, error: BaseException) -> FileProblem:
        return FileProblem(f"{self._name}: the cluster was lost ({first_line(error)})")

    def _differing(self, host: str, versions: Versions) -> UsageError:
        own = Versions(*self._expected)
        both = f"{self._name}: the worker on {host} has {versions}, but this process has {own}. "
        if versions != own._replace(kernel=versions.kernel):
            return UsageError(f"{both}Use the same everywhere: others may differ in the last digits")
        return UsageError(
            f"{both}They may differ in the last digits: set {VARIABLE}={NUMPY} here and for every worker, or install "
            "calibeval with the compiled kernel on each machine, as a wheel that holds it or with a compiler for C++"
        )

    def _result(self, future: Any) -> Any:
        from distributed import CancelledError, KilledWorker

        try:
            found: Answer = future.result()
        except FileProblem as error:
            raise FileProblem(
                f"{self._name}, worker on {error}. Workers read the files themselves: all machines must see them under "
                "the same path"
            ) from None
        except WorkerFailed as error:
            raise FileProblem(f"{self._name}, worker on {error}") from None
        except KilledWorker as error:
            raise FileProblem(
                f"{self._name}: {error.allowed_failures + 1} workers died on the same task, perhaps of too little "
                "memory; their logs say more"
            ) from None
        except (CancelledError, OSError) as error:
            raise self._lost(error) from None
        except ModuleNotFoundError as error:
            raise UsageError(
                f"{self._name}: a worker lacks {error.name or 'a module'}; each needs calibeval, of the same version "
                "as here, and numpy"
            ) from None
        if found.versions is not None:
            raise self._differing(found.host, found.versions)
        if found.error is not None:
            raise found.error
        return found.found


@contextmanager
def dask_engine(address: str | None, jobs: int | None) -> Iterator[DaskEngine]:
    """The workers of a scheduler with this address; None: as many processes of this machine as there are
    jobs (None: as there are cores).

    Raises: UsageError if `distributed` is not installed, or the address cannot be one; FileProblem if no scheduler
    answers.
    """
    try:
        from distributed import Client, LocalCluster
    except BROKEN_IMPORT as error:
        raise not_importable(error, "--engine dask", "distributed", "dask") from None
    import dask

    with quiet():
        if address is not None:
            with connected(Client, address) as client:
                try:
                    client.wait_for_workers(1, timeout=WAIT_S)
                except TimeoutError:
                    raise FileProblem(
                        f"--engine dask={address}: no worker has joined this scheduler within {WAIT_S} seconds"
                    ) from None
                yield DaskEngine(client, f"dask={address}")
            return
        try:
            with dask.config.set({f"{SPAWNED}.{name}": value for name, value in KEEPING.items()}):
                cluster = LocalCluster(
                    n_workers=processors() if jobs is None else jobs,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                )
        except (RuntimeError, OSError) as error:
            raise FileProblem(
                f"--engine dask: its processes could not be started ({first_line(error)}). In a script, calls that "
                'start them stand below if __name__ == "__main__":'
            ) from None
        with cluster, Client(cluster, set_as_default=False) as own:
            yield DaskEngine(own, "dask")


def connected(kind: Any, address: str) -> Any:
    """A client of a scheduler. kind: `distributed.Client`.

    Raises: as `dask_engine`.
    """
    client = kind.__new__(kind)  # so that it is at hand where its own __init__ fails
    try:
        client.__init__(address, timeout=TIMEOUT_S, set_as_default=False)
    except Exception as error:  # noqa: BLE001 - of whatever type: each way to connect has its own
        tried = client.status != NEW
        client.status = "closed"  # else it waits for 20 seconds, as garbage, and says that it did
        raise _unconnected(error, address, tried=tried) from None
    return client


def _unconnected(error: Exception, address: str, *, tried: bool) -> CalibevalError:
    """Why there is no connection. tried: whether there was an attempt; before it, certificates are read."""
    named, reason = f"--engine dask={address}", first_line(error)
    if "ssl_context" in str(error) or not tried:
        what = f"its certificates cannot be read ({reason})" if not tried else "it needs certificates"
        return UsageError(
            f"{named}: {what}; set ca-file, client.cert and client.key under distributed.comm.tls in dask's "
            "configuration, or in Python give a client with security="
        )
    if isinstance(error, OSError):
        return FileProblem(f"{named}: no scheduler answers within {TIMEOUT_S} seconds ({reason})")
    return UsageError(f"{named}: this cannot be the address of a scheduler ({reason})")


@contextmanager
def quiet() -> Iterator[None]:
    """Without what dask writes to standard error: what matters comes as an error.

    After an error it stays quiet, since its threads go on to speak of it.
    """
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}  # some of them have a level of their own
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
