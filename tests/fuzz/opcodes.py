"""Archives as `torch.save` writes them, whose pickles are put together opcode by opcode: legal, odd and illegal."""

import struct

from tests.fuzz.odd import chance, names, pick, rows_and_classes, values_of

STORAGES = {
    "b1": "Bool",
    "f4": "Float",
    "f8": "Double",
    "f2": "Half",
    "i8": "Long",
    "i4": "Int",
    "i2": "Short",
    "i1": "Char",
    "u1": "Byte",
}
ODD_TYPES = ("Bool", "BFloat16", "ComplexFloat", "QInt8", "Untyped", "UInt16", "Nothing", "Float")
CALLS = (
    "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "_rebuild_sparse_tensor", "_rebuild_qtensor",
    "_rebuild_nested_tensor", "_rebuild_meta_tensor_no_storage", "_rebuild_wrapper_subclass", "_rebuild_tensor",
    "_rebuild_parameter_with_state", "_rebuild_sparse_csr_tensor", "_rebuild_device_tensor_from_numpy",
)  # fmt: skip
ODD_GLOBALS = (
    ("os", "system"), ("builtins", "eval"), ("torch", "float32"), ("torch", "Size"), ("collections", "OrderedDict"),
    ("_codecs", "encode"), ("numpy", "dtype"), ("torch", "load"), ("torch.nn.parameter", "Parameter"), ("", ""),
    ("torch._tensor", "_rebuild_from_type_v2"), ("torch", "float8_e4m3fn"), ("torch.storage", "UntypedStorage"),
    ("torch.serialization", "_get_layout"), ("torch", "device"),
)  # fmt: skip
ODD_NUMBERS = (-1, 0, 1, 2, 3, 20, 60, 2**31, 2**62, 2**64, True, None, 1.5, "3", (), [], {})


class Pickle:
    """The bytes of a pickle, put together piece by piece."""

    def __init__(self, protocol):
        self.data = bytearray(b"\x80" + bytes([protocol]))

    def add(self, *pieces):
        for piece in pieces:
            self.data += piece
        return self

    def text(self, text):
        raw = text.encode("utf-8", "surrogatepass")
        return self.add(b"X", struct.pack("<I", len(raw)), raw)

    def name(self, module, attribute):
        return self.add(b"c", module.encode(), b"\n", attribute.encode(), b"\n")

    def value(self, value):
        """Plain Python values."""
        if value is None:
            return self.add(b"N")
        if isinstance(value, bool):
            return self.add(b"\x88" if value else b"\x89")
        if isinstance(value, int):
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            if -(2**31) <= value < 2**31:
                return self.add(b"J", struct.pack("<i", value))
            return self.add(b"\x8a", bytes([len(raw)]), raw) if len(raw) < 256 else self.add(b"N")
        if isinstance(value, float):
            return self.add(b"G", struct.pack(">d", value))
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.add(b"B", struct.pack("<I", len(value)), value)
        if isinstance(value, tuple):
            self.add(b"(")
            for one in value:
                self.value(one)
            return self.add(b"t")
        if isinstance(value, list):
            self.add(b"](")
            for one in value:
                self.value(one)
            return self.add(b"e")
        self.add(b"}(")
        for key, one in value.items():
            self.value(key).value(one)
        return self.add(b"u")


def tensor(pickle, key, storage, array, rng):
    """A call that makes a tensor, whose sizes, strides and storage may not fit together."""
    sizes = list(array.shape)
    strides, step = [], 1
    for size in reversed(sizes):
        strides.insert(0, step)
        step *= max(size, 1)
    offset = 0
    if chance(rng, 0.15):
        which = pick(rng, ("sizes", "strides", "offset", "axes", "expand"))
        if which == "expand":
            sizes, strides = [pick(rng, (10**9, 2**40, 7)), *sizes], [0, *strides]
        elif which == "axes":
            sizes, strides = [1] * 40, [1] * 40
        elif which == "offset":
            offset = pick(rng, ODD_NUMBERS)
        else:
            target = sizes if which == "sizes" else strides
            if target:
                target[int(rng.integers(len(target)))] = pick(rng, ODD_NUMBERS)
    call = "_rebuild_tensor_v2" if chance(rng, 0.9) else pick(rng, CALLS)
    pickle.name("torch._utils", call)
    pickle.add(b"((")
    pickle.text("storage" if chance(rng, 0.98) else pick(rng, ("module", "")))
    pickle.name("torch" if chance(rng, 0.98) else "os", f"{storage}Storage")
    pickle.text(key).text("cpu" if chance(rng, 0.9) else "cuda:0")
    pickle.value(array.size if chance(rng, 0.95) else pick(rng, ODD_NUMBERS)).add(b"tQ")
    pickle.value(offset).value(tuple(sizes)).value(tuple(strides)).value(chance(rng, 0.2))
    if chance(rng, 0.97):
        pickle.name("collections", "OrderedDict").add(b")R")
    else:
        pickle.value(pick(rng, ODD_NUMBERS))
    if chance(rng, 0.05):
        pickle.value({"neg": True}) if chance(rng, 0.5) else pickle.name(
            "torch", pick(rng, ("float32", "int64", "quint8"))
        )
    pickle.add(b"tR")


def soup(pickle, rng):
    """Opcodes in any order."""
    opcodes = b"(.012Nabdelopqrstu}])QRc\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x95h"
    for _ in range(int(rng.integers(1, 40))):
        code = opcodes[int(rng.integers(len(opcodes)))]
        if code == ord("c"):
            pickle.name(*pick(rng, ODD_GLOBALS))
        elif code in b"qhr":
            pickle.add(bytes([code]), rng.bytes(4 if code == ord("r") else 1))
        elif code == 0x95:
            pickle.add(b"\x95", struct.pack("<Q", pick(rng, (0, 5, 2**40))))
        elif code in b"doli":
            pickle.add(bytes([code]) if code != ord("i") else b"ios\nsystem\n")
        else:
            pickle.add(bytes([code]))
        if chance(rng, 0.3):
            pickle.value(pick(rng, (1, "storage", (), [], {}, None, 2**70, "logits")))


def strange(pickle, rng):
    """A whole content that no dump has."""
    which = int(rng.integers(9))
    if which == 0:
        pickle.add(b"]q\x00h\x00a")  # a list that holds itself
    elif which == 1:
        pickle.add(b"}q\x00").text("logits").add(b"h\x00s")  # a dict that holds itself
    elif which == 2:
        pickle.add(b"(" * 3000, b"t" * 3000)
    elif which == 3:
        pickle.add(b"]", b"]" * 2000, b"a" * 2000)
    elif which == 4:
        pickle.add(b"Nr", struct.pack("<I", 2**32 - 1))
    elif which == 5:
        pickle.add(b"]q\x00(h\x00h\x00eq\x01" + b"](h\x01h\x01eq\x01" * 40)  # doubles with each step
    elif which == 6:
        pickle.value([("x" * 10**5 if i == 7 else "y") for i in range(300)])
    elif which == 7:
        pickle.name(*pick(rng, ODD_GLOBALS)).value(pick(rng, ((), (1,), ("a", "latin1"), ((),)))).add(b"R")
    else:
        soup(pickle, rng)


def entry(pickle, key, n, k, members, rng):
    """One value of a dict: usually a tensor, or batches of one."""
    if chance(rng, 0.1):
        plain = ([0, 1], ["a", "b", "c"], {}, {"a": 1}, "text", 3, 2**70, [1.5, None], ("a",), b"\xff", float("nan"))
        pickle.value(pick(rng, plain))
        return
    batches = int(rng.integers(1, 4)) if chance(rng, 0.1) else 0
    if batches:
        pickle.add(b"](")
    for _ in range(max(batches, 1)):
        array = values_of(key, n, k, rng)
        storage = STORAGES.get(array.dtype.str[1:], pick(rng, ODD_TYPES))
        place = str(len(members)) if chance(rng, 0.97) else pick(rng, ("0", "99", "../data.pkl", ""))
        members[str(len(members))] = array.tobytes() if chance(rng, 0.97) else b""
        tensor(pickle, place, storage, array, rng)
    if batches:
        pickle.add(b"e")


def torch_archive(rng, zip_of):
    """A file as `torch.save` lays it out."""
    n, k = rows_and_classes(rng)
    pickle, members = Pickle(pick(rng, (2, 2, 3, 4, 5))), {}
    content(pickle, members, n, k, rng)
    if chance(rng, 0.05):
        soup(pickle, rng)
    if chance(rng, 0.98):
        pickle.add(b".")
    folder = pick(rng, ("archive", "archive", "d", "a/b", "")) + "/"
    contents = [(f"{folder}data.pkl", bytes(pickle.data)), *((f"{folder}data/{i}", raw) for i, raw in members.items())]
    if chance(rng, 0.9):
        order = b"little" if chance(rng, 0.9) else pick(rng, (b"big", b"middle", b""))
        contents.append((f"{folder}byteorder", order))
    if chance(rng, 0.03):
        contents.append(contents[0])
    return zip_of(contents, rng, (0,))


def content(pickle, members, n, k, rng):
    """What was saved: a dict, a pair, one tensor, batches, or something strange."""
    form = pick(rng, ("dict", "dict", "dict", "dict", "pair", "list of dicts", "list of pairs", "tensor", "strange"))
    if form == "dict":
        whole_dict(pickle, members, n, k, rng)
    elif form in ("pair", "tensor"):
        entry(pickle, "logits", n, k, members, rng)
        if form == "pair":
            entry(pickle, "labels", n, k, members, rng)
            pickle.add(b"\x86")
    elif form.startswith("list"):
        pickle.add(b"](")
        for _ in range(int(rng.integers(1, 4))):
            pickle.add(b"}(" if form.endswith("dicts") else b"(")
            for key in ("logits", "labels"):
                if form.endswith("dicts"):
                    pickle.text(key if chance(rng, 0.95) else "x")
                entry(pickle, key, n, k, members, rng)
            pickle.add(b"u" if form.endswith("dicts") else b"t")
        pickle.add(b"e")
    else:
        strange(pickle, rng)


def whole_dict(pickle, members, n, k, rng):
    """A dict of tensors, some of them in a dict of their own."""
    pickle.add(b"}(")
    for key in names(rng):
        pickle.value(key if chance(rng, 0.97) else pick(rng, (1, None, True, 1.5, (), [], "\ud800", 2**61)))
        if chance(rng, 0.05):
            pickle.add(b"}(").text("logits")
            entry(pickle, "logits", n, k, members, rng)
            pickle.add(b"u")
        else:
            entry(pickle, key, n, k, members, rng)
    pickle.add(b"u")
