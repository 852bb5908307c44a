"""`.pt` and `.pth` files of tensors, read by torch's weights-only loader: no pickle is executed."""

from __future__ import annotations

import pickle
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from calibeval.core.data.row_source import RowSource
from calibeval.core.errors import BROKEN_IMPORT, InputError, UsageError, not_importable
from calibeval.readers.formats.archive import read_members
from calibeval.readers.stored.digest import Extent
from calibeval.readers.stored.limits import Limits
from calibeval.readers.stored.stored import BFLOAT16_PRECISION, Contents, Stored

FLOOR = (2, 10)
# The errors that torch's reader raises for a damaged file: its unpickler does not check the stack that it works on.
DAMAGE = (
    RuntimeError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    struct.error,
)
UNCHECKED = (
    " If the file was written with checksums switched off (torch.serialization.set_crc32_options(False)), say --no-crc."
)


def read_pt(path: Path, limits: Limits) -> Contents:
    """The tensors of a `torch.save` file: a dict, a (logits, labels) pair, or one tensor, under the empty key "".

    Raises: InputError for anything but tensors; UsageError without torch.
    """
    content, extents = load_pt(path, limits)
    if _is_tensor(content):
        content = {"": content}
    elif isinstance(content, tuple | list) and len(content) == 2 and all(_is_tensor(part) for part in content):
        content = {"logits": content[0], "labels": content[1]}
    if not isinstance(content, dict):
        raise InputError(
            f"{path.name}: holds a {type(content).__name__}, but a tensor, a dict of tensors "
            "or a (logits, labels) pair of tensors is needed"
        )
    return Contents(tensors(content, path.name), extents)


def tensors(content: Mapping[Any, Any], name: str) -> dict[str, Stored]:
    """The tensors, numbers and lists of names in a dict; anything else is left out.

    Raises: InputError if nothing is left.
    """
    arrays = {
        str(key): stored
        for key, value in content.items()
        if (stored := _stored(value, f'{name}: "{key}"' if key != "" else name)) is not None
    }
    if not arrays:
        raise InputError(f"{name}: holds no tensors")
    return arrays


def load_pt(path: Path, limits: Limits) -> tuple[Any, tuple[Extent, ...]]:
    """The content of a `torch.save` file, memory-mapped, and the extents to verify in the background.

    Raises: InputError for an old pickled file, a damaged one, or one that would run code; UsageError without torch.
    """
    try:
        import torch
    except BROKEN_IMPORT as error:
        raise not_importable(error, f"{path.name}: reading .pt", "torch", "torch") from None
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < FLOOR:
        raise UsageError(f"{path.name}: torch {torch.__version__} is installed, but at least 2.10 is needed")
    if not _begins_like_zip(path):
        raise InputError(
            f"{path.name}: not in the zip format of torch.save. An old pickled file is never opened: "
            "if you trust it, load it yourself and save it again with torch.save."
        )
    members = read_members(path)
    if not all(member.stored for member in members):
        raise InputError(f"{path.name}: the archive has compressed members, which torch.save never writes")
    limits.check_expansion(path.name, sum(member.info.file_size for member in members), size=path.stat().st_size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about unusual pickles before it refuses them
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        reason = str(error).split(". ")[0].splitlines()[0]
        raise InputError(f"{path.name}: holds more than tensors, and no pickle is executed ({reason})") from None
    except DAMAGE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path.name}: damaged, or not written by torch.save ({reason})") from None
    return content, tuple(member.extent(UNCHECKED) for member in members) if limits.checksums else ()


def _begins_like_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _stored(value: Any, place: str) -> Stored | None:
    """A tensor, number or list of names as an array; None for anything else.

    place: file and key, for the error about a type that numpy lacks; it is raised when the array is used.
    """
    import torch

    if isinstance(value, torch.Tensor):
        dense = value.detach()
        if dense.layout != torch.strided or dense.is_quantized:
            return None
        try:
            if dense.dtype == torch.bfloat16:
                return Stored.of(dense.float().numpy(), BFLOAT16_PRECISION)
            return Stored.of(dense.resolve_conj().resolve_neg().numpy())
        except (TypeError, RuntimeError, NotImplementedError):
            return _unknown(dense, place)
    if isinstance(value, int | float):
        return Stored.of(np.asarray(value))
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return Stored.of(np.asarray(value))
    return None


def _unknown(tensor: Any, place: str) -> Stored:
    """A tensor whose values numpy cannot hold: using it is an error."""
    what = "no values (it is on the meta device)" if tensor.is_meta else f"{tensor.dtype}, which numpy lacks"

    def refuse() -> RowSource:
        raise InputError(f"{place} holds {what}. Save it as float32.")

    return Stored(tuple(tensor.shape), np.dtype(f"V{tensor.element_size()}"), refuse)
