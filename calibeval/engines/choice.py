"""The engine that a text names, for the time of a calculation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from calibeval.core.errors import UsageError, nearest

if TYPE_CHECKING:
    from calibeval.core.data.far_rows import Engine

LOCAL, DASK = "local", "dask"
NAMES = (LOCAL, DASK)
ADDRESS = r"^([a-z]+)://\S+$|^[\w.-]+:[0-9]+$"
SCHEMES = ("tcp", "tls", "ws", "wss", "inproc")  # by which `distributed` connects without further packages


def check_engine(engine: str) -> tuple[str, str | None]:
    """The name of an engine, and the address after it.

    Raises: UsageError for an unknown name, or what is no address of a scheduler.

    >>> check_engine("dask"), check_engine("dask=tcp://10.0.0.1:8786")
    (('dask', None), ('dask', 'tcp://10.0.0.1:8786'))
    """
    name, equals, address = engine.partition("=")
    if name not in NAMES:
        raise UsageError(f'engine "{name}" is unknown{nearest(name, NAMES)}; engines are {", ".join(NAMES)}')
    if not equals:
        return name, None
    match = re.match(ADDRESS, address)
    if name != DASK or match is None:
        raise UsageError(f'engine "{engine}": an address is needed after dask=, such as dask=tcp://HOST:8786')
    if match[1] is not None and match[1] not in SCHEMES:
        raise UsageError(
            f'engine "{engine}": a scheduler is not reached by {match[1]}://{nearest(match[1], SCHEMES)}, but by '
            f"{', '.join(f'{one}://' for one in SCHEMES)}; in Python, a client may know other ways"
        )
    return name, address


@contextmanager
def opened_engine(engine: Any, jobs: int | None) -> Iterator[Engine | None]:
    """The engine of this name, or of a client of `distributed`; None: this process reads all rows.

    jobs: how many workers are started, if they are; None: one for each core.
    Raises: as `check_engine`, `dask_engine`.
    """
    if engine is None or engine == LOCAL:
        yield None
        return
    from calibeval.engines.dask import DaskEngine, dask_engine

    if not isinstance(engine, str):
        yield engine if isinstance(engine, DaskEngine) else DaskEngine(engine, "dask")
        return
    with dask_engine(check_engine(engine)[1], jobs) as running:
        yield running


def read_here(engine: Engine | None) -> list[str]:
    """A sentence for each dump that this process read, since its scores do not lie in a file as they are."""
    dumps: list[str] = getattr(engine, "local", [])
    return [
        f"{name}: its rows were read by this process, not by workers, as they do not lie in a file as they are. "
        "Workers read .npy, .npz that is not compressed, .pt and .safetensors, from 4 MiB on"
        for name in dumps
    ]
