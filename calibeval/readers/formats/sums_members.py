"""Which members a file of saved sums may have, and how large: what is not known is refused before it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from calibeval.core.sums.cells import CELLS
from calibeval.core.sums.key_cells import CELLS as KEY_CELLS

OTHERS = ("header.json", "sha256")
BESIDE = 2**16  # bytes of the description of an array, and more than arrays of fixed size have
NAMES = re.compile(
    r"(?P<base>base\.)?((?P<few>support|temperatures|joint\.(mean|products|counts|outcomes|chances))"
    r"|(?P<bins>top|classes|second|small|cells|curves|keys|groups|sample|joint)\.?[A-Za-z0-9_.+-]*)\.npy"
)


def beyond(header: bytes, sizes: Mapping[str, int]) -> str | None:
    """Which member is not one of saved sums with this header, or too large; None if all may be read.

    sizes: in bytes, by their names.

    >>> beyond(b'{"counts": {"n": 5}, "settings": {"bins": 15}}', {"top.count.npy": 248, "extra.npy": 9})
    'the member extra.npy is none of saved sums'
    """
    try:
        told: Any = json.loads(header)
        n, m, k = int(told["counts"]["n"]), int(told["settings"]["bins"]), max(int(told.get("k") or 1), 1)
        kinds, groups = told.get("rows") or {}, told.get("groups") or ()
        k, j = max(k, int(kinds.get("k") or 1)), len(groups)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return "the header is missing or no JSON"
    most = {
        "top": m,
        "second": m,
        "classes": k * m,
        "small": k * m,
        "cells": KEY_CELLS,
        "curves": CELLS,
        "keys": n,
        "groups": j * max(k * m, 64),
        "sample": n * k,
        "joint": max((2 * k * m) ** 2, 16 * m * m),
    }
    for name, size in sizes.items():
        if name in OTHERS:
            continue
        found = NAMES.fullmatch(name)
        if found is None:
            return f"the member {name:.60} is none of saved sums"
        items = k if found["few"] is not None else most[found["bins"]]
        if size > 8 * items + BESIDE:
            return f"the member {name:.60} says to have {size:,} bytes, more than {n:,} rows need"
    return None
