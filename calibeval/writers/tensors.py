"""`.safetensors`: named arrays and a few texts, in a file that many frameworks read and that contains no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.writers.atomic import replacing

CODES = {"<f8": "F64", "<f4": "F32", "<i8": "I64", "<i4": "I32", "|u1": "U8", "|b1": "BOOL"}


def write_tensors(path: Path, arrays: Mapping[str, npt.NDArray[Any]], texts: Mapping[str, str] | None = None) -> None:
    """Write the arrays in their order, and the texts as metadata; equal arrays give equal bytes.

    arrays: of float64, float32, int64, int32, uint8 or bool.
    Raises: FileProblem if the file cannot be written.
    """
    header: dict[str, Any] = {"__metadata__": dict(texts)} if texts else {}
    end = 0
    plain = {name: np.ascontiguousarray(values, values.dtype.newbyteorder("<")) for name, values in arrays.items()}
    for name, values in plain.items():
        begin, end = end, end + values.nbytes
        shape = list(arrays[name].shape)
        header[name] = {"dtype": CODES[values.dtype.str], "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in plain.values():
            file.write(values.tobytes())
