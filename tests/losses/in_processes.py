"""What `test_processes.py` lets several real processes do together, over gloo: `python -m tests.losses.in_processes`.

Each scenario is a function of the rank, or of None for one process that has the rows of all.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from calibeval.losses import CALS, CALSHR
from tests.losses.cases import K, rows

LOSSES = {
    "cals": lambda: CALS(K, margin=2.0, rho_step=2, gamma=1.5, tau=0.5),
    "cals_hr": lambda: CALSHR(K, margin=2.0, gamma=1.5),
}
UNEQUAL = {0: slice(0, 37), 1: slice(37, 50), None: slice(0, 50)}
EPOCHS = 5


def held_out(rank, epoch, dtype):
    """Held-out batches of the rank, of unequal number and size."""
    logits = rows(50, scale=(2.0, 6.0, 3.0, 8.0, 8.0)[epoch], seed=epoch, dtype=dtype)[0]
    return logits[UNEQUAL[rank]].split(7)


def state(criterion):
    return {name: value.clone() for name, value in criterion.state_dict().items()}


def unequal(rank, loss, dtype):
    """Updates from parts of unequal size."""
    criterion = LOSSES[loss]().to(dtype)
    seen = []
    for epoch in range(EPOCHS):
        criterion.update(held_out(rank, epoch, dtype))
        seen.append(state(criterion))
    return seen


def empty_parts(rank, loss):
    """First, rank 1 has no batches; then rank 0 has one without rows and one of ignored rows."""
    criterion = LOSSES[loss]().double()
    logits, labels = rows(20, scale=8.0)
    criterion.update([] if rank == 1 else [logits])
    first = state(criterion)
    pairs = [(logits, labels)] if rank in {None, 1} else [(logits[:0], labels[:0]), (logits, labels * 0 - 100)]
    criterion.update(pairs)
    return [first, state(criterion)]


def whole_everywhere(_, loss):
    criterion = LOSSES[loss]()
    for epoch in range(EPOCHS):
        criterion.update(held_out(None, epoch, torch.float32))
    return state(criterion)


class Both(torch.nn.Module):
    """A network that returns its loss, with the criterion inside."""

    def __init__(self, network, criterion):
        super().__init__()
        self.network, self.criterion = network, criterion

    def forward(self, features, labels):
        return self.criterion(self.network(features), labels)


def trained(rank, loss, *, inside, broadcast=True):
    """Epochs of SGD, each with an update: parts of unequal size, whose summed losses give the mean over all rows."""
    torch.manual_seed(0)
    network, criterion = torch.nn.Linear(6, K).double(), LOSSES[loss]().double()
    with torch.no_grad():
        network.weight *= 4
    criterion.reduction = "sum"
    features, labels = rows(50, k=6, scale=2.0)
    mine, mine_held_out = UNEQUAL[rank], features.flip(0)[UNEQUAL[rank]]
    model, size = Both(network, criterion), 1 if rank is None else dist.get_world_size()
    if rank is not None:
        wrap = {"broadcast_buffers": broadcast}
        model = DistributedDataParallel(model, **wrap) if inside else Both(DistributedDataParallel(network), criterion)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2, momentum=0.9)
    for _ in range(EPOCHS):
        for _ in range(3):
            loss_of_part = model(features[mine], (labels % K)[mine]) * size / len(features)
            optimizer.zero_grad()
            loss_of_part.backward()
            optimizer.step()
        network.eval()
        criterion.update(network(part) for part in mine_held_out.split(4))
        network.train()
    return {**state(criterion), "weight": network.weight.detach().clone(), "loss": loss_of_part.detach()}


def refused(rank):
    """What is wrong in one process only: the errors, and that nothing has changed and the next update works."""
    good, bad = rows(10, scale=8.0)[0], rows(10)[0]
    bad[3, 2] = torch.nan

    def failing():
        yield good
        raise RuntimeError("out of memory")

    cases = {
        "nan": [good] if rank == 0 else [good, bad],
        "type": [{"logits": good}] if rank == 0 else [good],
        "classes": [good[:, :3]] if rank == 1 else [good],
        "generator": failing() if rank == 1 else [good],
        "nothing": [],
        "ignored": [(good, torch.full((10,), -100))],
    }
    criterion = LOSSES["cals"]().double()
    before, found = state(criterion), {}
    for name, batches in cases.items():
        found[name] = error_of(criterion.update, batches)
    unchanged = all(torch.equal(value, before[name]) for name, value in criterion.state_dict().items())
    others = {
        "settings": CALS(K, margin=3.0 + rank),
        "close": CALS(K, margin=3.0 + 1e-12 * rank),
        "weight": CALS(K, weight=[1.0, 2.0, 3.0, 4.0 + 1e-6 * rank]),
        "unweighted": CALS(K, weight=[1.0] * K if rank else None),
        "rule": CALSHR(K, gamma=1.5 + 1e-12 * rank),
    }
    found |= {name: error_of(other.double().update, [good]) for name, other in others.items()}
    drifted = CALS(K, margin=3.0).double()
    drifted.lambd[1] += 0.25 * rank
    found["state"] = error_of(drifted.update, [good])
    criterion.update([good])
    return {"errors": found, "unchanged": unchanged, **state(criterion)}


def error_of(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except Exception as error:  # noqa: BLE001 - what it is, is the result
        return f"{type(error).__name__}: {error}"
    return "none"


def some_processes(rank):
    """Without the others, and in a group of one."""
    alone, group = dist.new_group([0]), None
    criterion = LOSSES["cals"]()
    criterion.update(held_out(rank, 1, torch.float32), distributed=False)
    found = state(criterion)
    if rank == 0:
        group = LOSSES["cals"]()
        group.update(held_out(rank, 1, torch.float32), process_group=alone)
        found |= {f"group.{name}": value for name, value in state(group).items()}
    found["error"] = "none" if rank == 0 else error_of(criterion.update, [], process_group=alone)
    found["both"] = error_of(criterion.update, [], distributed=False, process_group=alone)
    return found


TRAININGS = {
    "inside": {"inside": True},
    "inside, not broadcast": {"inside": True, "broadcast": False},
    "outside": {"inside": False},
}
SCENARIOS = {
    **{
        f"unequal {loss} {dtype}": lambda rank, loss=loss, dtype=dtype: unequal(rank, loss, dtype)
        for loss in LOSSES
        for dtype in (torch.float32, torch.float64)
    },
    **{f"empty {loss}": lambda rank, loss=loss: empty_parts(rank, loss) for loss in LOSSES},
    **{f"whole {loss}": lambda rank, loss=loss: whole_everywhere(rank, loss) for loss in LOSSES},
    **{
        f"{way} {loss}": lambda rank, loss=loss, how=how: trained(rank, loss, **how)
        for loss in LOSSES
        for way, how in TRAININGS.items()
    },
    "refused": refused,
    "some": some_processes,
}


def run_all(folder, size=2):
    """What each of `size` processes found, by scenario."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo0" if sys.platform == "darwin" else "lo",
    }
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", __name__, str(rank), str(size), str(folder)],
                    cwd=Path(__file__).parents[2],
                    env=environment,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for rank in range(size)
        ]
        try:
            errors = [process.communicate(timeout=240)[1] for process in started]
        finally:
            for process in started:
                process.kill()
    if any(process.returncode for process in started):
        raise RuntimeError("\n".join(errors))
    return [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in range(size)]


def main(rank, size, folder):
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=size, timeout=timedelta(seconds=120))
    torch.save({name: scenario(rank) for name, scenario in SCENARIOS.items()}, Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
