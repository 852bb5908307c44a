"""The section of docs/benchmarks.md on head training: beside its products and a DataLoader loop, on one thread.

    python -m tests.benchmarks.training [--quick] [--rounds N]

One epoch of a linear head, batch 256, SGD with momentum. The floor is nothing but the two products of each batch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from calibeval.training.heads import new_heads
from calibeval.training.recipe import Recipe
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import LossSpec
from calibeval.training.split import no_standard, resident
from calibeval.training.trainer import Training
from tests.benchmarks.timing import (
    Contender,
    Timed,
    interleaved,
    machine,
    one_thread,
    ratio,
    show,
    size_name,
    table,
    target_row,
)

ROWS, D, K, BATCH = 100_000, 768, 100, 256
SIDE_BY_SIDE_ROWS, MANY = 10_000, 32
LOSSES = {
    "cross entropy": LossSpec("ce"),
    "MbLS": LossSpec("mbls", {"margin": 6.0}),
    "CALS": LossSpec("cals", {"margin": 6.0}),
}
MOST_FLOORS, LEAST_SPEEDUP, MOST_JOINT_FLOORS, MOST_OF_SEPARATE = 2.0, 2.5, 1.3, 0.7
FLOOR, LOADER = "matmul floor", "DataLoader(TensorDataset), nn.Linear, SGD"


def main() -> None:
    """Print the section."""
    one_thread("tests.benchmarks.training")
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, two rounds")
    parser.add_argument("--rounds", type=int)
    arguments = parser.parse_args()
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    parts = (10 if arguments.quick else 1, rounds)
    print("\n\n".join([machine(), _one_head(*parts), _many_heads(*parts)]))


def _one_head(part: int, rounds: int) -> str:
    n = ROWS // part
    features, labels = _data(n)
    contenders = [
        Contender(FLOOR, lambda rows: _floor(features[:rows], K)),
        Contender(LOADER, _loader(features, labels)),
    ]
    contenders += [Contender(name, _ours(features, labels, [spec])) for name, spec in LOSSES.items()]
    times = interleaved(contenders, n, rounds)
    rows = [_row(name, timed, times) for name, timed in times.items()]
    title = f"A linear head, {size_name(n, D)} features, {K} classes, one epoch:"
    headings = ["", "CPU s", "x matmul floor", "DataLoader loop / it"]
    targets = []
    for name in LOSSES:
        floors, speedup = ratio(times[name], times[FLOOR]), ratio(times[LOADER], times[name])
        targets.append(target_row(f"{name} / matmul floor", MOST_FLOORS, floors, at_least=False))
        targets.append(target_row(f"DataLoader loop / {name}", LEAST_SPEEDUP, speedup, at_least=True))
    return "\n\n".join([title, table(headings, rows), table(["", "target", "reached", ""], targets)])


def _many_heads(part: int, rounds: int) -> str:
    n = SIDE_BY_SIDE_ROWS // part
    features, labels = _data(n)
    specs = [LossSpec("mbls", {"margin": 1.0 + i / 2, "alpha": 0.1}) for i in range(MANY)]
    separate, joint = f"{MANY} separate runs", f"{MANY} side by side"
    single = [_ours(features, labels, [spec]) for spec in specs]
    contenders = [
        Contender("joint matmul floor", lambda rows: _floor(features[:rows], K * MANY)),
        Contender(joint, _ours(features, labels, specs)),
        Contender(separate, lambda rows: [run(rows) for run in single]),
    ]
    times = interleaved(contenders, n, rounds)
    floor = times["joint matmul floor"]
    rows = [[name, show(timed.least), f"{ratio(timed, floor):.2f}"] for name, timed in times.items()]
    targets = [
        target_row(f"{joint} / joint floor", MOST_JOINT_FLOORS, ratio(times[joint], floor), at_least=False),
        target_row(f"{joint} / {separate}", MOST_OF_SEPARATE, ratio(times[joint], times[separate]), at_least=False),
    ]
    title = f"{MANY} linear heads with different margins, {size_name(n, D)} features, {K} classes, one epoch:"
    headings = ["", "CPU s", "x joint floor"]
    return "\n\n".join([title, table(headings, rows), table(["", "target", "reached", ""], targets)])


def _row(name: str, timed: Timed, times: dict[str, Timed]) -> list[str]:
    return [name, show(timed.least), f"{ratio(timed, times[FLOOR]):.2f}", f"{ratio(times[LOADER], timed):.2f}"]


def _data(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, K, n)
    centres = rng.normal(size=(K, D)).astype(np.float32)
    return rng.normal(size=(n, D)).astype(np.float32) + 0.3 * centres[labels], labels


def _floor(features: np.ndarray, outputs: int) -> None:
    """Forward and backward products of every batch, and nothing else."""
    x = torch.from_numpy(features)
    weight, logits, slope = torch.zeros(outputs, D), torch.empty(BATCH, outputs), torch.zeros(outputs, D)
    for start in range(0, len(x) - BATCH + 1, BATCH):
        batch = x[start : start + BATCH]
        torch.mm(batch, weight.T, out=logits)
        torch.mm(logits.T, batch, out=slope)


def _loader(features: np.ndarray, labels: np.ndarray) -> Callable[[int], None]:
    def run(rows: int) -> None:
        data = TensorDataset(torch.from_numpy(features[:rows]), torch.from_numpy(labels[:rows]))
        head = torch.nn.Linear(D, K)
        optimizer = torch.optim.SGD(head.parameters(), lr=0.01, momentum=0.9)
        criterion = torch.nn.CrossEntropyLoss()
        for x, y in DataLoader(data, batch_size=BATCH, shuffle=True):
            optimizer.zero_grad()
            criterion(head(x), y).backward()
            optimizer.step()

    return run


def _ours(features: np.ndarray, labels: np.ndarray, specs: list[LossSpec]) -> Callable[[int], None]:
    settings = TrainingSettings("sgd", 1, BATCH, clip=None, patience=None)
    train, val = (resident(features[:n], labels[:n], no_standard(D), "cpu", torch.float32) for n in (len(labels), 500))

    def run(rows: int) -> None:
        layers = new_heads(len(specs), (D, K), torch.Generator().manual_seed(0))
        part = replace(train, n=rows)
        Training(layers, [Recipe(spec, 0.01, 0.0) for spec in specs], part, val, settings, 0).epoch()

    return run


if __name__ == "__main__":
    main()
