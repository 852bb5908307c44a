"""The process that opens HDF5 files. A damaged file can crash the HDF5 library, or keep it busy for ever.

It is started by its path, and imports nothing of calibeval. Requests and answers are JSON after its length, in four
bytes; a request comes with the descriptor of the file, and an answer is followed by as many bytes as its "bytes" says.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any

try:
    import h5py
    import numpy as np

    BROKEN = ""
except Exception as error:  # noqa: BLE001 - whatever it is, it is said
    BROKEN = f"{type(error).__name__}: {error}"[:200]

SECONDS = 1  # of the processor, for what takes no time
BYTES_A_SECOND = 2**23
MOST_MEMORY = 2**31
MOST_OBJECTS = 5000
DEEPEST = 16
# What the library and h5py bring; other filters are other people's code.
FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
FACTS = ("class_names", "classes", "ignore_label", "ignore_index")
PANDAS = "pandas_type"

Answer = tuple[dict[str, Any], bytes]


def serve(channel: socket.socket) -> None:
    """Answer requests until nobody asks any more."""
    _send(channel, {"broken": BROKEN})
    while not BROKEN:
        head, descriptors, _, _ = socket.recv_fds(channel, 4, 1)
        if len(head) < 4:
            return
        request = json.loads(_received(channel, struct.unpack("<I", head)[0]))
        with os.fdopen(descriptors[0], "rb") as stream:
            limit(request.get("size", 0))
            try:
                with h5py.File(stream, "r") as file:
                    answer, data = _listing(file) if request["do"] == "list" else _rows(file, request)
            except UnicodeError:
                answer, data = {"error": "a name or a text that is not UTF-8"}, b""
            except Exception as error:  # noqa: BLE001 - h5py raises errors of many kinds
                lines = str(error).splitlines()
                answer, data = {"error": (lines or [type(error).__name__])[0][:200]}, b""
        _send(channel, answer, data)


def limit(size: int) -> None:
    """Let the process end if it takes much longer than reading so many bytes should, or much more memory."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + SECONDS + size // BYTES_A_SECOND
    _lower(resource.RLIMIT_CPU, seconds)
    _lower(resource.RLIMIT_AS, MOST_MEMORY + 4 * size)


def _lower(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    with contextlib.suppress(ValueError, OSError):  # not every system has every limit
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _received(channel: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += channel.recv(length - len(data))
    return data


def _send(channel: socket.socket, answer: dict[str, Any], data: bytes = b"") -> None:
    text = json.dumps({**answer, "bytes": len(data)}).encode()
    channel.sendall(struct.pack("<I", len(text)) + text)
    if data:
        channel.sendall(data)


def _listing(file: Any) -> Answer:
    """All datasets and facts of a file, and what of it pandas wrote."""
    arrays: list[dict[str, Any]] = []
    facts: list[dict[str, Any]] = []
    tables: list[str] = []
    seen: set[Any] = set()
    waiting, objects = [(file["/"], "", 0)], 0
    while waiting:
        group, path, depth = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            continue
        seen.add(address)
        facts += _facts(group, path)
        if PANDAS in group.attrs:
            tables.append(path)
            continue
        inner = []
        for name in group:
            objects += 1
            if objects > MOST_OBJECTS:
                return {"error": f"more than {MOST_OBJECTS} datasets and groups"}, b""
            whole, link = f"{path}/{name}" if path else name, group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                where = "another file" if isinstance(link, h5py.ExternalLink) else "another place in the file"
                arrays.append({"path": whole, "why": f"a link to {where}, which is not followed. Save a copy instead."})
                continue
            found = group[name]
            if isinstance(found, h5py.Group) and depth < DEEPEST:
                inner.append((found, whole, depth + 1))
            elif isinstance(found, h5py.Group):
                arrays.append({"path": whole, "why": f"groups in more than {DEEPEST} groups"})
            elif isinstance(found, h5py.Dataset):
                arrays.append({"path": whole, **_described(found)})
                facts += _facts(found, path)
        waiting += reversed(inner)
    return {"arrays": arrays, "facts": facts, "tables": tables}, b""


def _facts(found: Any, group: str) -> list[dict[str, Any]]:
    """Class names and the label to ignore, from the attributes of a group, or of a dataset in it."""
    facts = []
    for key in FACTS:
        if key in found.attrs and found.attrs.get_id(key).get_storage_size() < 2**24:
            value = found.attrs[key]
            value = value.tolist() if hasattr(value, "tolist") else value
            if isinstance(value, list):
                value = [one.decode() if isinstance(one, bytes) else one for one in value]
            facts.append({"group": group, "key": key, "value": value.decode() if isinstance(value, bytes) else value})
    return facts


def _described(dataset: Any) -> dict[str, Any]:
    """Shape and type of a dataset, or why it is not read."""
    kind, shape = _kind(dataset), list(dataset.shape or ())
    why = _why_no_numbers(dataset) if kind is None else _why_unread(dataset)
    if why is not None:
        return {"why": why, "shape": shape}
    chunks = list(dataset.chunks or ())
    return {"shape": shape, "type": kind, "chunks": chunks, "entry": dataset.dtype.itemsize}


def _kind(dataset: Any) -> str | None:
    """The type of the values in numpy's letters, or "text"; None if they are neither numbers nor texts."""
    kind = dataset.dtype
    if h5py.check_string_dtype(kind) is not None:
        return "text"
    return str(kind.str) if kind.kind in "fiub" and kind.subdtype is None and kind.itemsize <= 8 else None


def _why_no_numbers(dataset: Any) -> str:
    names = dataset.dtype.names
    if names:
        return f"records of {', '.join(names)}. Save each as a dataset of its own."[:200]
    return f"entries of type {dataset.dtype}, but numbers or texts are needed"[:200]


def _why_unread(dataset: Any) -> str | None:
    """Why values cannot be read without other files or code, or were never written."""
    made = dataset.id.get_create_plist()
    if dataset.is_virtual:
        return "values from other places (a virtual dataset). Save a copy instead."
    if dataset.external:
        return "values in another file, which is not opened. Save a copy instead."
    for i in range(made.get_nfilters()):
        code, _, _, name = made.get_filter(i)
        if code not in FILTERS or not h5py.h5z.filter_avail(code):
            known = FILTERS.get(code) or name.decode(errors="replace")[:40] or "unknown"
            return f'values compressed by filter {code} ("{known}"), which is not supported. Use gzip or no filter.'
    if dataset.shape is None or not dataset.size:
        return "no values" if dataset.shape is None else None
    if dataset.chunks is None:
        held = dataset.id.get_storage_size()
        if held < dataset.size * dataset.dtype.itemsize:
            return f"{dataset.size} values, of which only {held} bytes were written"
        return None
    chunks = math.prod(-(-size // step) for size, step in zip(dataset.shape, dataset.chunks, strict=True))
    written = dataset.id.get_num_chunks()
    return None if written == chunks else f"{chunks} chunks, of which only {written} were written"


def _rows(file: Any, request: dict[str, Any]) -> Answer:
    """Some rows of a dataset: the bytes of numbers, or texts."""
    dataset = file[request["path"]]
    found = dataset[request["start"] : request["stop"]] if dataset.shape else dataset[()]
    if request["type"] == "text":
        texts = np.asarray(found, object).ravel().tolist()
        return {"texts": [one.decode() if isinstance(one, bytes) else one for one in texts]}, b""
    values = np.ascontiguousarray(found, request["type"])
    return {"shape": list(np.shape(found))}, values.tobytes()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks is interrupted, and this one ends with it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        serve(asked)
