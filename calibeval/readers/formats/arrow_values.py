"""Values of Arrow arrays as numpy arrays, without pandas, which pyarrow's own conversions import."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def numbers(values: Any) -> npt.NDArray[Any]:
    """The values of an array of arrow. Its own conversion imports pandas, which takes longer than most files."""
    dtype = np.dtype(values.type.to_pandas_dtype())
    if values.null_count or dtype.kind not in "iuf":
        return np.asarray(values.to_numpy(zero_copy_only=False))
    return np.frombuffer(values.buffers()[1], dtype, len(values), values.offset * dtype.itemsize)


def lengths(values: Any) -> npt.NDArray[Any]:
    """The length of each list, 0 of a missing one."""
    import pyarrow.compute as pc

    return numbers(pc.list_value_length(values).fill_null(0))


def texts(values: Any) -> npt.NDArray[np.object_]:
    """Texts; equal ones are the same Python object."""
    if not hasattr(values, "indices"):
        values = values.cast("string").dictionary_encode()
    index = numbers(values.indices.cast("int64").fill_null(-1))
    used, place = np.unique(index, return_inverse=True)
    found = np.empty(len(used), object)
    found[:] = [None if i < 0 else values.dictionary[i].as_py() for i in used.tolist()]
    return np.asarray(found[place])
