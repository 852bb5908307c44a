"""The part of a pickle that tensors, numbers, texts, lists and dicts need, read opcode by opcode; nothing is executed.

`torch.save` writes a zip archive whose member `data.pkl` is a pickle of what was saved, in which a tensor is a call of
`torch._utils._rebuild_tensor_v2` and its values are a persistent id that names another member. `pickletools` splits the
pickle into opcodes; calls become descriptions, and every other global that the pickle names is refused.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from calibeval.core.errors import InputError, first_line
from calibeval.readers.formats.described import Name, Storage, called, known, named_type

MOST_STEPS = 2**23
MOST_BYTES = 2**28
LARGEST_KEY = 2**60  # larger numbers as keys could all have one hash


def unpickled(data: bytes, name: str) -> Any:
    """What a pickle describes: dicts, lists, tuples, numbers, texts, and `Tensor`s.

    name: of the file, for messages.
    Raises: InputError for a damaged pickle, one that names anything else, or one that never ends.
    """
    if len(data) > MOST_BYTES:
        raise InputError(f"{name}: a pickle of {len(data)} bytes, but at most {MOST_BYTES} are read")
    try:
        with warnings.catch_warnings():  # of Python, about the escapes in texts of old protocols
            warnings.simplefilter("ignore", DeprecationWarning)
            return _Machine(name).run(data)
    except InputError:
        raise
    except RecursionError:
        raise InputError(f"{name}: damaged, or not written by torch.save (nested without end)") from None
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InputError(f"{name}: damaged, or not written by torch.save ({first_line(error)})") from None


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
        if not known(name):
            hint = ". Save numpy arrays as tensors, or as .npz" if name.startswith("numpy") else ""
            raise InputError(f"{self._name}: holds more than tensors, and no pickle is executed ({name[:80]}){hint}")
        self._stack.append(Name(name))

    def stack_global(self, _: Any) -> None:
        """A name whose two parts are on the stack."""
        module, attribute = self.last(2)
        self.name_global(f"{module}.{attribute}")

    def storage(self, _: Any) -> None:
        """A persistent id: ("storage", its type, the member's key, a device, the number of entries)."""
        kind, storage_type, key, _device, entries = self.last(1)[0]
        if kind != "storage" or type(storage_type) is not Name or type(key) is not str or type(entries) is not int:
            raise TypeError("a persistent id that is no storage")
        found = named_type(storage_type.name)
        if found is None:
            raise TypeError(f"a storage of type {storage_type.name}")
        self._stack.append(Storage(key, found or None, entries))

    def call(self, _: Any) -> None:
        """Replace a call by a description of its result."""
        function, arguments = self.last(2)
        if type(arguments) is not tuple or type(function) is not Name:
            raise TypeError("a call of what is no function")
        self._stack.append(called(function.name, arguments))

    def build(self, _: Any) -> None:
        """The state of an object: only that of an OrderedDict (its metadata) is accepted, and ignored."""
        self.last(1)
        if type(self._stack[-1]) is not dict:
            raise TypeError("a state for what is no dict")


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
