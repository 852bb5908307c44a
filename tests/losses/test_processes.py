"""Multipliers in distributed training: two processes find what one finds that has all rows, or stop together."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist

from calibeval.losses.processes import _of_messages, processes
from tests.losses.in_processes import LOSSES, SCENARIOS, TRAININGS, held_out, run_all

EVERY = pytest.mark.parametrize("loss", LOSSES)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return run_all(tmp_path_factory.mktemp("processes"))


def same(found, name, *, rtol):
    """Both processes have the very same state, which is that of one process up to rounding."""
    expected = SCENARIOS[name](None)
    for one, other, alone in zip(*(flat(run[name]) for run in found), flat(expected), strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, alone, rtol=rtol, atol=rtol)
    return expected


def flat(result):
    """The tensors of a result but the loss of a part."""
    parts = result if isinstance(result, list) else [result]
    return [value for part in parts for key, value in part.items() if key != "loss"]


@EVERY
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_parts_of_unequal_size(found, loss, dtype, rtol):
    seen = same(found, f"unequal {loss} {dtype}", rtol=rtol)
    assert not torch.equal(seen[-1]["lambd"], seen[0]["lambd"])
    alone = LOSSES[loss]().to(dtype)
    alone.update(held_out(0, 0, dtype))  # the part of rank 0 gives other multipliers
    memory = alone.rule.memory
    assert not torch.allclose(getattr(alone, memory), seen[0][memory], atol=1e-3)


@EVERY
def test_a_part_may_be_empty_or_ignored(found, loss):
    same(found, f"empty {loss}", rtol=1e-12)


@EVERY
def test_the_whole_split_in_every_process(found, loss):
    same(found, f"whole {loss}", rtol=1e-6)


@EVERY
@pytest.mark.parametrize("way", TRAININGS)
def test_training(found, loss, way):
    after = same(found, f"{way} {loss}", rtol=1e-9)
    parts = [run[f"{way} {loss}"]["loss"] for run in found]
    torch.testing.assert_close(sum(parts) / 2, after["loss"], rtol=1e-9, atol=1e-9)
    assert not torch.isclose(after["lambd"], LOSSES[loss]().lambd.double()).all()


OTHER = "ValueError: update: another loss, or other parameters, than on rank 0 (on rank 1)"
ERRORS = {
    "nan": "ValueError: update: the logits contain NaN or +inf, or a row of -inf only (on rank 1)",
    "type": "TypeError: update: a batch is a dict, expected logits or a pair (logits, labels)",
    "classes": "ValueError: logits: 3 classes on axis 1, but num_classes is 4",
    "generator": "RuntimeError: out of memory",
    "nothing": "ValueError: update: no batches; a generator can be used only once",
    "ignored": "ValueError: update: there are no rows, or all are ignored",
    **dict.fromkeys(("settings", "close", "weight", "unweighted", "rule"), OTHER),
    "state": "ValueError: update: other multipliers than on rank 0, load the same state_dict (on rank 1)",
}
ELSEWHERE = {
    "type": "TypeError: update: a batch is a dict, expected logits or a pair (logits, labels) (on rank 0)",
    "classes": "ValueError: logits: 3 classes on axis 1, but num_classes is 4 (on rank 1)",
    "generator": "RuntimeError: update: RuntimeError: out of memory (on rank 1)",
}


def test_all_raise_what_is_wrong_in_one(found):
    place = {"type": 0}
    for name, message in ERRORS.items():
        mine = place.get(name, 1)
        assert found[mine]["refused"]["errors"][name] == message
        assert found[1 - mine]["refused"]["errors"][name] == ELSEWHERE.get(name, message)


def test_after_an_error_nothing_has_changed_and_the_next_update_works(found):
    one, other = (run["refused"] for run in found)
    assert one["unchanged"]
    assert other["unchanged"]
    assert one["epoch"].item() == 1
    assert all(torch.equal(one[name], other[name]) for name in ("lambd", "rho", "mean_constraint"))


def test_one_process_alone(found):
    for rank, run in enumerate(found):
        alone = LOSSES["cals"]()
        alone.update(held_out(rank, 1, torch.float32))
        assert torch.equal(run["some"]["lambd"], alone.lambd)
    group, outside = found[0]["some"], found[1]["some"]
    assert torch.equal(group["group.lambd"], group["lambd"])
    assert outside["error"] == "ValueError: process_group: this process is not in it"
    assert group["both"] == outside["both"] == "ValueError: process_group: needs distributed=True"


def test_without_torch_distributed_there_is_one_process():
    assert not dist.is_initialized()
    assert processes(None, torch.device("cpu"), "") is None


@pytest.mark.parametrize(
    ("backends", "device", "expected"),
    [
        ("cpu:gloo,cuda:gloo", "cuda:1", "cpu"),
        ("cpu:gloo,cuda:nccl", "cuda:1", "cpu"),
        ("cuda:nccl", "cuda:1", "cuda:1"),
        ("cuda:nccl", "cpu", "cuda"),
    ],
)
def test_messages_are_where_the_backend_takes_them(monkeypatch, backends, device, expected):
    monkeypatch.setattr(dist, "get_backend_config", lambda _: backends)
    assert _of_messages(None, torch.device(device)) == torch.device(expected)
