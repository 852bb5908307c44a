"""A table of columns as Parquet."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from calibeval.core.errors import BROKEN_IMPORT


def parquet_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes | None:
    """The file of these columns; None stands for an absent value. None where pyarrow is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except BROKEN_IMPORT:
        return None
    made = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), made)
    return made.getvalue()
