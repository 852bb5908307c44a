"""Arrays of other libraries as numpy arrays: torch tensors of any type and device, pandas columns, masked arrays.

No other library is imported: whoever has created a tensor has already imported torch.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from calibeval.core.data.labels import check_ignore_index
from calibeval.core.errors import InputError

MASKED_LABEL = -100
DEVICES = {"cuda"}  # tensors on these are added up where they are
# Types that numpy does not have are widened, which does not change values.
_WIDENED = ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
# Slices of these are not numpy arrays, so the whole array is converted.
_WHOLE = ("pandas", "jax", "jaxlib", "tensorflow")


def to_numpy(values: object, name: str) -> object:
    """The values in a form that numpy can use; values that it can use already are returned unchanged.

    name: for messages. Raises: InputError for a masked array with masked entries, which numpy would silently unmask,
    and for a tensor without values, or of a kind that numpy does not have.

    >>> to_numpy(np.ma.masked_array([1.0, 2.0], mask=[False, False]), "logits")
    array([1., 2.])
    """
    if is_masked(values):
        masked = int(np.count_nonzero(np.ma.getmaskarray(values)))
        if masked:
            raise InputError(
                f"{name}: {masked} entries of the masked array are masked, but only labels may have masked entries "
                "(their rows are ignored); remove these rows"
            )
        return np.ma.getdata(values)
    if is_tensor(values):
        return _from_tensor(values, name)
    if isinstance(values, list | tuple) and values and is_tensor(values[0]):
        return [to_numpy(one, name) for one in values]
    if type(values).__module__.partition(".")[0] in _WHOLE:
        return _from_nullable(values)
    return values


def _from_nullable(values: Any) -> npt.NDArray[Any]:
    """The array of a whole; nullable and Arrow columns of pandas, which numpy would take as objects, become numbers.

    A missing number becomes NaN, which is refused where it is read.
    """
    found = np.asarray(values)
    columns = list(values.dtypes) if found.ndim == 2 and hasattr(values, "dtypes") else [getattr(values, "dtype", None)]
    types = [getattr(one, "numpy_dtype", None) for one in columns]
    if found.dtype.kind != "O" or not all(isinstance(one, np.dtype) and one.kind in "fiub" for one in types):
        return found
    if bool(values.isna().to_numpy().any()):
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(values.to_numpy(dtype=np.result_type(*types)))


def check_same_index(given: Mapping[str, object]) -> None:
    """Refuse pandas objects whose rows have different names: they would be joined by position, row by wrong row.

    given: by the names of the arguments; a dict holds columns. Raises: InputError.
    """
    flat: dict[str, Any] = {}
    for name, value in given.items():
        flat.update({f'{name}["{key}"]': one for key, one in value.items()} if type(value) is dict else {name: value})
    found = {name: one for name, one in flat.items() if type(one).__module__.partition(".")[0] == "pandas"}
    indices = [(name, one.index) for name, one in found.items() if hasattr(one, "index")]
    for name, index in indices[1:]:
        first, other = indices[0]
        if len(index) == len(other) and not index.equals(other):
            raise InputError(
                f"{first} and {name} are of pandas and have different indices, so their rows may not belong together; "
                f"bring them into one order ({name}.loc[{first}.index]), or pass {name}.to_numpy() to join them by "
                "position"
            )


def is_masked(values: object) -> TypeGuard[np.ma.MaskedArray[Any, Any]]:
    """Whether the value is a masked array: there is none before somebody has imported `numpy.ma`."""
    return "numpy.ma" in sys.modules and isinstance(values, np.ma.MaskedArray)


def is_tensor(values: object) -> bool:
    """Whether the value is a torch tensor, or an instance of a subclass."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def stays(values: object) -> bool:
    """Whether the value is a tensor that is added up where it is."""
    value: Any = values
    return is_tensor(value) and value.device.type in DEVICES


def _from_tensor(tensor: Any, name: str) -> npt.NDArray[Any]:
    if tensor.device.type == "meta":
        raise InputError(f"{name}: a tensor on the meta device has a shape, but no values")
    if tensor.is_nested:
        raise InputError(
            f"{name}: a nested tensor has rows of different lengths; one with as many numbers a row is needed"
        )
    try:
        plain = tensor.detach().to("cpu")
        if plain.is_quantized:
            plain = plain.dequantize()
        if plain.layout is not sys.modules["torch"].strided:
            plain = plain.to_dense()
        if str(plain.dtype).removeprefix("torch.") in _WIDENED:
            plain = plain.float()
        return np.asarray(plain.resolve_conj().resolve_neg().numpy())
    except (RuntimeError, TypeError) as error:
        why = str(error).partition("\n")[0].rstrip(".")
        raise InputError(f"{name}: a tensor of type {tensor.dtype} that numpy cannot take ({why})") from None


def precision_of(values: object) -> float | None:
    """The relative precision of a type that numpy does not have; None for all other types."""
    one: Any = values[0] if isinstance(values, list | tuple) and values else values
    if not is_tensor(one) or str(one.dtype).removeprefix("torch.") not in _WIDENED:
        return None
    return float(sys.modules["torch"].finfo(one.dtype).eps)


def unmasked_labels(labels: object, ignore_index: int | None) -> tuple[object, int | None]:
    """The labels with masked entries replaced by the ignored label, and that label; other labels stay unchanged.

    Raises: InputError for masked entries in labels that are not whole numbers; UsageError for an ignored label that is
    not a whole number.

    >>> unmasked_labels(np.ma.masked_array([0, 1], mask=[False, True]), None)
    (array([   0, -100]), -100)
    """
    check_ignore_index(ignore_index)
    if not is_masked(labels) or not np.ma.getmaskarray(labels).any():
        return labels, ignore_index
    if labels.dtype.kind not in "iub" or labels.ndim == 2:
        raise InputError("labels: only whole numbers, one per row or pixel, may be masked; remove the masked rows")
    label = MASKED_LABEL if ignore_index is None else ignore_index
    return np.where(np.ma.getmaskarray(labels), label, np.ma.getdata(labels).astype(np.int64)), label
