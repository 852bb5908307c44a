"""The part of a pickle that tensors, numbers, texts, lists and dicts need, read opcode by opcode; nothing is executed.

`torch.save` writes a zip archive whose member `data.pkl` is a pickle of what was saved, in which a tensor is a call of
`torch._utils._rebuild_tensor_v2` and its values are a persistent id that names another member. `pickletools` splits the
pickle into opcodes; calls become descriptions, and every other global that the pickle names is refused.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from calibeval.core.errors import InputError

MOST_STEPS = 2**23
MOST_BYTES = 2**28
UNKNOWN = "unknown"  # a type of torch that numpy lacks
LARGEST_KEY = 2**60  # larger numbers as keys could all have one hash
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
HARMLESS = ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.serialization._get_layout", "torch.device")


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
class _Name:
    """A global that the pickle names."""

    name: str


def unpickled(data: bytes, name: str) -> Any:
    """What a pickle describes: dicts, lists, tuples, numbers, texts, and `Tensor`s.

    name: of the file, for messages.
    Raises: InputError for a damaged pickle, one that names anything else, or one that never ends.
    """
    if len(data) > MOST_BYTES:
        raise InputError(f"{name}: a pickle of {len(data)} bytes, but at most {MOST_BYTES} are read")
    try:
        return _Machine(name).run(data)
    except InputError:
        raise
    except RecursionError:
        raise InputError(f"{name}: damaged, or not written by torch.save (nested without end)") from None
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise InputError(f"{name}: damaged, or not written by torch.save ({reason})") from None


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack: list[Any] = []
        self._marks: list[int] = []  # where collections begin on the stack
        self._memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        """The top of the stack when the pickle stops."""
        for step, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if step >= MOST_STEPS:
                raise InputError(f"{self._name}: a pickle of more than {MOST_STEPS} steps")
            if opcode.name == "STOP":
                return self.last(1)[0]
            if opcode.name in CONSTANTS:
                self._stack.append(CONSTANTS[opcode.name])
            elif opcode.name in PUSHED:
                self._stack.append(self._text(argument) if isinstance(argument, str) else argument)
            elif opcode.name in STEPS:
                STEPS[opcode.name](self, argument)
            elif opcode.name not in ("PROTO", "FRAME"):
                raise InputError(
                    f"{self._name}: holds more than tensors, and no pickle is executed (opcode {opcode.name})"
                )
        raise ValueError("the pickle does not stop")

    def _text(self, text: str) -> str:
        text.encode()  # half of a surrogate pair is no character
        return text

    def push_empty(self, kind: Callable[[], Any]) -> None:
        """An empty list, dict or tuple."""
        self._stack.append(kind())

    def mark(self, _: Any) -> None:
        """The beginning of a collection."""
        self._marks.append(len(self._stack))

    def since_mark(self) -> list[Any]:
        """The items above the last mark, which leave the stack with it."""
        return self.last(len(self._stack) - self._marks.pop())

    def last(self, count: int) -> list[Any]:
        """The last items, which leave the stack."""
        at = len(self._stack) - count
        if at < (self._marks[-1] if self._marks else 0):
            raise LookupError("the stack is empty")
        items = self._stack[at:]
        del self._stack[at:]
        return items

    def tuple_of(self, count: int | None) -> None:
        """The last items as a tuple; None: those since the mark."""
        items = self.since_mark() if count is None else self.last(count)
        self._stack.append(tuple(items))

    def append(self, items: list[Any]) -> None:
        """Items for the list below."""
        target = self._stack[-1]
        if type(target) is not list:
            raise TypeError("items for what is no list")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Keys and values for the dict below."""
        target = self._stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise TypeError("keys and values for what is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, int, bool, type(None)) or (type(key) is int and abs(key) >= LARGEST_KEY):
                raise TypeError(f"a key of type {type(key).__name__}")
            target[key] = value

    def memoize(self, place: int | None) -> None:
        """Keep the last item under a number; None: the next."""
        self._memo[len(self._memo) if place is None else place] = self._stack[-1]

    def recall(self, place: int) -> None:
        """An item that was kept."""
        self._stack.append(self._memo[place])

    def name_global(self, name: str) -> None:
        """A name, if it is one of those that tensors need."""
        if name not in CALLS and name not in SPECIAL and name not in HARMLESS and _named_type(name) is None:
            hint = ". Save numpy arrays as tensors, or as .npz" if name.startswith("numpy") else ""
            raise InputError(f"{self._name}: holds more than tensors, and no pickle is executed ({name[:80]}){hint}")
        self._stack.append(_Name(name))

    def stack_global(self, _: Any) -> None:
        """A name whose two parts are on the stack."""
        module, attribute = self.last(2)
        self.name_global(f"{module}.{attribute}")

    def storage(self, _: Any) -> None:
        """A persistent id: ("storage", its type, the member's key, a device, the number of entries)."""
        kind, storage_type, key, _device, entries = self.last(1)[0]
        if kind != "storage" or type(storage_type) is not _Name or type(key) is not str or type(entries) is not int:
            raise TypeError("a persistent id that is no storage")
        found = _named_type(storage_type.name)
        if found is None:
            raise TypeError(f"a storage of type {storage_type.name}")
        self._stack.append(Storage(key, found or None, entries))

    def call(self, _: Any) -> None:
        """Replace a call by a description of its result."""
        function, arguments = self.last(2)
        if type(arguments) is not tuple or type(function) is not _Name:
            raise TypeError("a call of what is no function")
        self._stack.append(_called(function.name, arguments))

    def build(self, _: Any) -> None:
        """The state of an object: only that of an OrderedDict (its metadata) is accepted, and ignored."""
        self.last(1)
        if type(self._stack[-1]) is not dict:
            raise TypeError("a state for what is no dict")


def _named_type(name: str) -> str | None:
    """The type of a storage or tensor that a global names, in numpy's letters; "" for bytes; None for other names."""
    module, _, last = name.rpartition(".")
    if module in ("torch", "torch.storage") and last == "UntypedStorage":
        return ""
    if module == "torch" and last.endswith("Storage"):
        return STORAGES.get(last.removesuffix("Storage"), UNKNOWN if last.startswith("Q") else None)
    if module == "torch" and last in TYPES:
        return TYPES[last]
    return UNKNOWN if module == "torch" and OTHER_TYPE.match(last) else None


def _called(name: str, arguments: tuple[Any, ...]) -> Any:
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
    if len(rest) > 2 and rest[2]:
        return Unread("values that are negated or conjugated when they are used. Save x.clone().", _sizes(shape))
    return Tensor(storage, storage.dtype, offset, shape, strides)


def _typed_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, grad: Any, hooks: Any, dtype: Any, *rest: Any
) -> Tensor | Unread:
    """torch._utils._rebuild_tensor_v3: a storage of bytes, and the type beside it."""
    found = _named_type(dtype.name) if type(dtype) is _Name else None
    if type(storage) is not Storage or not found:
        raise TypeError("a tensor without a storage or type")
    if found == UNKNOWN:
        return Unread(f"{dtype.name}, which numpy lacks. Save it as float32.", _sizes(shape))
    return _tensor(Storage(storage.key, found, storage.entries), offset, shape, strides, grad, hooks, *rest)


def _of_type(function: Any, _kind: Any, arguments: Any, *_: Any) -> Any:
    """torch._tensor._rebuild_from_type_v2: a tensor that has attributes besides."""
    if type(function) is not _Name or type(arguments) is not tuple:
        raise TypeError("a tensor that is made by no function")
    return _called(function.name, arguments)


def _decoded(text: Any, encoding: Any = "latin1") -> bytes:
    """_codecs.encode: bytes, as older pickles hold them."""
    if type(text) is not str or encoding != "latin1":
        raise TypeError("bytes in an unknown encoding")
    return text.encode("latin1")


def _sizes(shape: Any) -> tuple[int, ...]:
    """A shape, if it is one."""
    known = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < LARGEST_KEY for size in shape)
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
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
PUSHED = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
)
STEPS: Mapping[str, Callable[[_Machine, Any], None]] = {
    "EMPTY_LIST": lambda machine, _: machine.push_empty(list),
    "EMPTY_DICT": lambda machine, _: machine.push_empty(dict),
    "EMPTY_TUPLE": lambda machine, _: machine.push_empty(tuple),
    "MARK": _Machine.mark,
    "TUPLE": lambda machine, _: machine.tuple_of(None),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": lambda machine, _: machine.append(machine.last(1)),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "MEMOIZE": lambda machine, _: machine.memoize(None),
    "PUT": _Machine.memoize,
    "BINPUT": _Machine.memoize,
    "LONG_BINPUT": _Machine.memoize,
    "GET": _Machine.recall,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "GLOBAL": lambda machine, argument: machine.name_global(".".join(argument.split(" ", 1))),
    "STACK_GLOBAL": _Machine.stack_global,
    "BINPERSID": _Machine.storage,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
}
