"""Which names of torch stand for which types, and what their calls describe."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from calibeval.readers.formats.described import STORAGES, TYPES, UNKNOWN, Unread, called, known, named_type

KNOWN_TO_NUMPY = [dtype for name in TYPES if (dtype := getattr(torch, name)) is not torch.bfloat16]


@pytest.mark.parametrize("dtype", KNOWN_TO_NUMPY)
def test_types_are_those_of_numpy(dtype):
    assert np.dtype(named_type(str(dtype))) == torch.zeros(1, dtype=dtype).numpy().dtype


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
@pytest.mark.parametrize("name", STORAGES)
def test_storages_are_those_of_torch(name):
    dtype = getattr(torch, f"{name}Storage")().dtype
    assert named_type(f"torch.{name}Storage") == named_type(str(dtype))


def test_every_other_type_of_torch_is_recognised():
    others = {value for value in vars(torch).values() if isinstance(value, torch.dtype)}
    for dtype in others:
        assert named_type(str(dtype)) == TYPES.get(str(dtype).removeprefix("torch."), UNKNOWN), dtype


@pytest.mark.parametrize("name", ["torch.floaty", "os.float32", "torch.nothing", "torch.NothingStorage", "float32", ""])
def test_other_names_are_no_types(name):
    assert named_type(name) is None
    assert not known(name)


def test_untyped_storages():
    assert named_type("torch.UntypedStorage") == named_type("torch.storage.UntypedStorage") == ""


def test_shapes_of_what_is_not_read():
    sparse = "torch._utils._rebuild_sparse_tensor"
    assert called(sparse, (1, (4, 3))) == Unread("a sparse tensor. Save x.to_dense().", (4, 3))
    assert called(sparse, ((-1, 3), ("a",), (2**60,))) == Unread("a sparse tensor. Save x.to_dense().")
