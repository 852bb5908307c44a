"""Saved sums: a zip archive like `.npz`, with a header in JSON, plain arrays, and a SHA-256 of all of them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

HEADER, DIGEST = "header.json", "sha256"
DATE = (1980, 1, 1, 0, 0, 0)  # the same sums make the same bytes


def sums_file(header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The content of the file."""
    text = json.dumps(header, allow_nan=False, ensure_ascii=False, indent=1) + "\n"
    members = {HEADER: text.encode("utf-8", "surrogatepass")}
    for name, values in arrays.items():
        stored = io.BytesIO()
        np.lib.format.write_array(stored, np.ascontiguousarray(values), allow_pickle=False)
        members[f"{name}.npy"] = stored.getvalue()
    digest = hashlib.sha256()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            digest.update(name.encode() + b"\0" + len(content).to_bytes(8, "little") + content)
            archive.writestr(_entry(name), content)
        archive.writestr(_entry(DIGEST), digest.hexdigest().encode())
    return whole.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, DATE)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return entry
