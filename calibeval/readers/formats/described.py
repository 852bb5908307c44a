"""What `torch.save` means by the names in its pickles: tensors, storages and types, described and never made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "unknown"  # a type of torch that numpy lacks
LARGEST_SIZE = 2**60
STORAGES = {
    "Float": "f4", "Double": "f8", "Half": "f2", "BFloat16": "bfloat16", "Long": "i8", "Int": "i4", "Short": "i2",
    "Char": "i1", "Byte": "u1", "Bool": "?", "ComplexFloat": "c8", "ComplexDouble": "c16",
}  # fmt: skip
TYPES = {
    "float32": "f4", "float64": "f8", "float16": "f2", "bfloat16": "bfloat16", "int64": "i8", "int32": "i4",
    "int16": "i2", "int8": "i1", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "?",
    "complex64": "c8", "complex128": "c16",
}  # fmt: skip
SPECIAL = {
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor. Save x.to_dense().",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor. Save x.to_dense().",
    "torch._utils._rebuild_qtensor": "a quantized tensor. Save x.dequantize().",
    "torch._utils._rebuild_nested_tensor": "a nested tensor. Save a list of its parts.",
    "torch._utils._rebuild_meta_tensor_no_storage": "no values (it is on the meta device). Save real ones.",
    "torch._utils._rebuild_wrapper_subclass": "a tensor of a class of its own. Save it as a plain torch.Tensor.",
}
OTHER_TYPE = re.compile(r"^(float|complex|bfloat|u?int|q?u?int|bits)[0-9]\w*$")
# Classes and values that may be named, and say nothing about numbers.
HARMLESS = (
    *("torch.Tensor", "torch.nn.parameter.Parameter", "torch.serialization._get_layout", "torch.device"),
    *("torch.per_tensor_affine", "torch.per_channel_affine", "torch.per_channel_affine_float_qparams"),
)


@dataclass(frozen=True, slots=True)
class Storage:
    """The values behind tensors: a member of the archive with so many entries of one type.

    dtype: in numpy's letters, or "bfloat16"; None: bytes whose type the tensor says.
    """

    key: str
    dtype: str | None
    entries: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: where it begins in its storage, and its sizes and strides, all in entries and none of them checked."""

    storage: Storage
    dtype: str
    offset: Any
    shape: Any
    strides: Any


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that is recognised but never read: what it is and what to save instead; its shape, if it is known."""

    why: str
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """A global that the pickle names."""

    name: str


def known(name: str) -> bool:
    """Whether tensors need that global."""
    return name in CALLS or name in SPECIAL or name in HARMLESS or named_type(name) is not None


def named_type(name: str) -> str | None:
    """The type of a storage or tensor that a global names, in numpy's letters; "" for bytes; None for other names."""
    module, _, last = name.rpartition(".")
    if module in ("torch", "torch.storage") and last == "UntypedStorage":
        return ""
    if module == "torch" and last.endswith("Storage"):
        return STORAGES.get(last.removesuffix("Storage"), UNKNOWN if last.startswith("Q") else None)
    if module == "torch" and last in TYPES:
        return TYPES[last]
    return UNKNOWN if module == "torch" and OTHER_TYPE.match(last) else None


def called(name: str, arguments: tuple[Any, ...]) -> Any:
    """The description of what a call of a known global would return."""
    if name in SPECIAL:
        shapes = [one for one in arguments if isinstance(one, tuple) and one and _sizes(one)]
        return Unread(SPECIAL[name], shapes[0] if shapes else ())
    if name in HARMLESS:
        return Unread(f"a {name}")
    return CALLS[name](*arguments)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Tensor | Unread:
    """torch._utils._rebuild_tensor_v2, whose last argument may hold what changes the values."""
    if type(storage) is not Storage or storage.dtype is None:
        raise TypeError("a tensor without a storage")
    if storage.dtype == UNKNOWN:
        return Unread("a type that numpy lacks. Save it as float32.", _sizes(shape))
    return _made(Tensor(storage, storage.dtype, offset, shape, strides), rest[2:])


def _typed_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, dtype: Any, *rest: Any
) -> Tensor | Unread:
    """torch._utils._rebuild_tensor_v3: a storage of bytes, and the type beside it."""
    found = named_type(dtype.name) if type(dtype) is Name else None
    if type(storage) is not Storage or not found:
        raise TypeError("a tensor without a storage or type")
    if found == UNKNOWN:
        return Unread(f"{dtype.name}, which numpy lacks. Save it as float32.", _sizes(shape))
    return _made(Tensor(storage, found, offset, shape, strides), rest)


def _made(tensor: Tensor, changes: tuple[Any, ...]) -> Tensor | Unread:
    """A tensor, unless something changes its values whenever they are used."""
    if changes and changes[0]:
        return Unread("values that are negated or conjugated when they are used. Save x.clone().", _sizes(tensor.shape))
    return tensor


def _of_type(function: Any, _kind: Any, arguments: Any, *_: Any) -> Any:
    """torch._tensor._rebuild_from_type_v2: a tensor that has attributes besides."""
    if type(function) is not Name or type(arguments) is not tuple:
        raise TypeError("a tensor that is made by no function")
    return called(function.name, arguments)


def _decoded(text: Any, encoding: Any = "latin1") -> bytes:
    """_codecs.encode: bytes, as older pickles hold them."""
    if type(text) is not str or encoding != "latin1":
        raise TypeError("bytes in an unknown encoding")
    return text.encode("latin1")


def _no_bytes(*content: Any) -> bytes:
    """bytes: how older pickles hold an empty one."""
    if content:
        raise TypeError("bytes that are made of something")
    return b""


def _sizes(shape: Any) -> tuple[int, ...]:
    """A shape, if it is one."""
    known = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < LARGEST_SIZE for size in shape)
    return shape if known else ()


def _size(sizes: Any = ()) -> tuple[Any, ...]:
    return tuple(sizes) if isinstance(sizes, list | tuple) else (sizes,)


def _dict(items: Any = ()) -> dict[Any, Any]:
    if items:
        raise TypeError("a dict that is made of items")
    return {}


CALLS: Mapping[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    "torch._utils._rebuild_parameter_with_state": lambda tensor, *_: tensor,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    "torch.Size": _size,
    "collections.OrderedDict": _dict,
    "_codecs.encode": _decoded,
    "__builtin__.bytes": _no_bytes,
}
