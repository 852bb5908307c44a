"""The pickle of a `.pt` file, opcode by opcode: what tensors need is described, everything else refused."""

from __future__ import annotations

import collections
import pickle
import struct
import time

import pytest

from calibeval.core.errors import InputError
from calibeval.readers.formats.described import Name, Storage, Tensor, Unread
from calibeval.readers.formats.pickled import unpickled

PLAIN = {
    "logits": [1, 2.5, -3, 2**40, -(2**70), True, None],
    "names": ("a", "é", "\U0001f600", ""),
    "more": {"x": [], "y": (), "z": {}, 3: (1,), None: (1, 2), True: (1, 2, 3)},
    "long": ["x" * 300, (1, 2, 3, 4), b"ab", b"", b"x" * 300],
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("content", [PLAIN, [PLAIN, PLAIN], ("a",) * 5, "text", 5, None, [], {}])
def test_plain_values_are_those_of_pickle(content, protocol):
    if protocol < 2 and any(word in pickle.dumps(content, protocol) for word in (b"I01", b"(l", b"(d", b"_codecs")):
        pytest.skip("collections of protocols 0 and 1 are written by no torch.save")
    assert unpickled(pickle.dumps(content, protocol), "d.pt") == content


@pytest.mark.parametrize("protocol", range(2, 6))
def test_an_ordered_dict_is_a_dict(protocol):
    content: collections.OrderedDict[str, object] = collections.OrderedDict(a=1, b=[2])
    vars(content)["_metadata"] = collections.OrderedDict(version=1)  # as state dicts have it
    assert unpickled(pickle.dumps(content, protocol), "d.pt") == {"a": 1, "b": [2]}


def text(word):
    return b"X" + struct.pack("<I", len(word.encode())) + word.encode()


def named(module, attribute):
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def storage(kind="FloatStorage", key="0", entries=b"K\x06"):
    return b"(" + text("storage") + named("torch", kind) + text(key) + text("cpu") + entries + b"tQ"


def tensor(call="_rebuild_tensor_v2", held=None, rest=b""):
    sizes, strides = b"K\x02K\x03\x86", b"K\x03K\x01\x86"
    arguments = (held or storage()) + b"K\x00" + sizes + strides + b"\x89" + named("collections", "OrderedDict") + b")R"
    return named("torch._utils", call) + b"(" + arguments + rest + b"tR"


def read(pieces):
    return unpickled(b"\x80\x02" + pieces + b".", "d.pt")


def test_a_tensor_is_described():
    assert read(tensor()) == Tensor(Storage("0", "f4", 6), "f4", 0, (2, 3), (3, 1))
    assert read(tensor(held=storage("BFloat16Storage"))).dtype == "bfloat16"
    typed = read(tensor("_rebuild_tensor_v3", storage("UntypedStorage"), named("torch", "uint16")))
    assert typed == Tensor(Storage("0", None, 6), "u2", 0, (2, 3), (3, 1))  # six bytes, not six numbers
    parameter = named("torch._utils", "_rebuild_parameter") + b"(" + tensor() + b"\x89Nt" + b"R"
    assert read(parameter) == read(tensor())


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        (tensor(held=storage("QInt8Storage")), "a type that numpy lacks. Save it as float32."),
        (tensor("_rebuild_tensor_v3", storage("UntypedStorage"), named("torch", "float8_e5m2")), "torch.float8_e5m2, "),
        (tensor(rest=b"}" + text("neg") + b"\x88s"), "values that are negated or conjugated"),
        (named("torch._utils", "_rebuild_sparse_tensor") + b")R", "a sparse tensor. Save x.to_dense()."),
        (named("torch._utils", "_rebuild_nested_tensor") + b")R", "a nested tensor. Save a list of its parts."),
        (named("torch", "device") + text("cpu") + b"\x85R", "a torch.device"),
    ],
)
def test_what_is_recognised_and_never_read(pieces, why):
    found = read(pieces)
    assert isinstance(found, Unread)
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    "name",
    [
        *("os system", "builtins eval", "torch load", "torch.hub load", "torch._utils _rebuild_tensor", "posix system"),
        *("torch.jit _load", "__builtin__ exec", "torch.storage _load_from_bytes", "codecs encode", "torch Tensor.a"),
    ],
)
def test_any_other_name_is_refused(name):
    module, _, attribute = name.partition(" ")
    for pieces in (named(module, attribute), text(module) + text(attribute) + b"\x93"):
        with pytest.raises(InputError) as error:
            read(pieces + b")R")
        assert str(error.value) == f"d.pt: holds more than tensors, and no pickle is executed ({module}.{attribute})"


def test_numpy_arrays_have_a_hint():
    with pytest.raises(InputError, match=r"\(numpy\.dtype\)\. Save numpy arrays as tensors, or as \.npz$"):
        read(named("numpy", "dtype"))


@pytest.mark.parametrize(
    "opcode", [b"P1\n", b"\x82\x01", b"o", b"ios\nsystem\n", b"\x81", b"\x92", b"\x97", b"0", b"2"]
)
def test_other_opcodes_are_refused(opcode):
    with pytest.raises(
        InputError, match=r"^d\.pt: (holds more than tensors, and no pickle is executed \(opcode|damaged)"
    ):
        read(b"N)" + opcode)


@pytest.mark.parametrize(
    "pieces",
    [
        b"\x87", b"a", b"Na", b"(Ns", b"}K\x01s", b"}(K\x01u", b"}]Ns", b"})Ns", b"R", b"NNR", b")NR", b"N)R", b"Q",
        b"NQ", b"(Ntt", b"h\x05", b"j" + b"\xff" * 4, b"\x94", b"b", b"]}b", b"NNb",
        b"}\x8a\x09" + b"\xff" * 8 + b"\x7fNs",
        b"X\xff\xff\xff\xff", b"\x8b\xff\xff\xff\x7f", b"G", b"c\n\n", b"X\x03\0\0\0\xed\xa0\x80", b"\xff", b"U\x01a",
        b"(" + text("module") + b"NNNNtQ", storage(entries=b"N"), storage("OddStorage"),
        named("collections", "OrderedDict") + b"K\x01\x85R", named("torch._utils", "_rebuild_tensor_v2") + b")R",
        named("torch._utils", "_rebuild_tensor_v3") + b")R", named("torch._utils", "_rebuild_tensor_v2") + b"]R",
        named("_codecs", "encode") + text("a") + text("utf-16") + b"\x86R", tensor(held=b"N"),
        named("__builtin__", "bytes") + text("a") + b"\x85R", tensor(held=storage("UntypedStorage")),
    ],
)  # fmt: skip
def test_pickles_that_cannot_be(pieces):
    with pytest.raises(InputError) as error:
        read(pieces)
    assert str(error.value).startswith("d.pt: ")
    assert len(str(error.value)) < 300


def test_bytes_of_older_protocols():
    assert read(named("_codecs", "encode") + text("aÿ") + text("latin1") + b"\x86R") == b"a\xff"


def test_a_pickle_without_an_end():
    with pytest.raises(InputError, match=r"^d\.pt: damaged, or not written by torch\.save"):
        unpickled(b"\x80\x02]", "d.pt")


@pytest.mark.parametrize(
    "pieces",
    [
        b"]q\x00h\x00a",  # a list that holds itself
        b"}q\x00" + text("a") + b"h\x00s",
        b"(" * 10**5 + b"t" * 10**5,
        b"]" * 10**5 + b"a" * (10**5 - 1),
        b"Nr" + struct.pack("<I", 2**32 - 1),
        b"](K\x01K\x01eq\x00" + b"](h\x00h\x00eq\x00" * 2000,  # each list holds the one before twice: 2^2000 numbers
    ],
)
def test_what_pickles_say_of_memory_and_cycles_is_not_believed(pieces):
    began = time.monotonic()
    read(pieces)
    assert time.monotonic() - began < 5  # it takes less than a second


def test_keys_that_would_share_a_hash_are_refused():
    with pytest.raises(InputError, match="a key of type int"):
        unpickled(pickle.dumps({2**60: 1}, 2), "d.pt")
    assert unpickled(pickle.dumps({2**60 - 1: 1}, 2), "d.pt") == {2**60 - 1: 1}


def test_names_are_only_names():
    assert read(named("torch", "float32")) == Name("torch.float32")
