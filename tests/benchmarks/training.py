"""The section of docs/benchmarks.md on head training: beside its products and a DataLoader loop, on one thread.

    python -m tests.benchmarks.training [--quick] [--rounds N]

One epoch, batch 256, SGD with momentum. The floor is nothing but the products of each batch, forward and backward, on
rows in the order of memory; beside it the same on rows in random order, which have to be gathered first.
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
MLP_ROWS, HIDDEN = 20_000, 512
LOSSES = {
    "cross entropy": LossSpec("ce"),
    "MbLS": LossSpec("mbls", {"margin": 6.0}),
    "CALS": LossSpec("cals", {"margin": 6.0}),
}
MOST_FLOORS, LEAST_SPEEDUP, MOST_JOINT_FLOORS, MOST_OF_SEPARATE = 1.3, 2.5, 1.3, 0.7
FLOOR, GATHERED = "matmul floor", "matmul floor, rows gathered"
LOADER = "DataLoader(TensorDataset), nn.Linear, SGD"


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
    words = (
        f"{machine()} CPU seconds of one thread, in {rounds} rounds in which all take turns; ratios are medians over "
        "the rounds. The floor is nothing but the matrix products of each batch, forward and backward, on rows in the "
        "order of memory; beside it the same on rows in random order, which have to be gathered first."
    )
    print("\n\n".join([words, _one_head(*parts), _mlp_head(*parts), _many_heads(*parts)]))


def _one_head(part: int, rounds: int) -> str:
    n = ROWS // part
    features, labels = _data(n)
    order = np.random.default_rng(0).permutation(n)
    contenders = [
        Contender(FLOOR, lambda rows: _floor(features[:rows], K)),
        Contender(GATHERED, lambda rows: _floor(features[:rows], K, order)),
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


def _mlp_head(part: int, rounds: int) -> str:
    n = MLP_ROWS // part
    features, labels = _data(n)
    contenders = [Contender(FLOOR, lambda rows: _mlp_floor(features[:rows]))]
    contenders += [Contender(name, _ours(features, labels, [spec], (HIDDEN,))) for name, spec in LOSSES.items()]
    times = interleaved(contenders, n, rounds)
    rows = [[name, show(timed.least), f"{ratio(timed, times[FLOOR]):.2f}"] for name, timed in times.items()]
    targets = [
        target_row(f"mlp head, {name} / matmul floor", MOST_FLOORS, ratio(times[name], times[FLOOR]), at_least=False)
        for name in LOSSES
    ]
    title = f"A head with {HIDDEN} hidden units, {size_name(n, D)} features, {K} classes, one epoch:"
    return "\n\n".join(
        [title, table(["", "CPU s", "x matmul floor"], rows), table(["", "target", "reached", ""], targets)]
    )


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


def _floor(features: np.ndarray, outputs: int, order: np.ndarray | None = None) -> None:
    """Forward and backward products of every batch, and nothing else but, in an order, gathering its rows."""
    x, rows = torch.from_numpy(features), None if order is None else torch.from_numpy(order[order < len(features)])
    weight, logits, slope = torch.zeros(outputs, D), torch.empty(BATCH, outputs), torch.zeros(outputs, D)
    gathered = torch.empty(BATCH, D)
    for start in range(0, len(x) - BATCH + 1, BATCH):
        batch = x[start : start + BATCH]
        if rows is not None:
            batch = torch.index_select(x, 0, rows[start : start + BATCH], out=gathered)
        torch.mm(batch, weight.T, out=logits)
        torch.mm(logits.T, batch, out=slope)


def _mlp_floor(features: np.ndarray) -> None:
    """The five products of every batch of a head with hidden units, and nothing else."""
    x = torch.from_numpy(features)
    first, last = torch.zeros(HIDDEN, D), torch.zeros(K, HIDDEN)
    hidden, logits = torch.empty(BATCH, HIDDEN), torch.empty(BATCH, K)
    first_slope, last_slope, hidden_slope = torch.zeros(HIDDEN, D), torch.zeros(K, HIDDEN), torch.empty(BATCH, HIDDEN)
    for start in range(0, len(x) - BATCH + 1, BATCH):
        batch = x[start : start + BATCH]
        torch.mm(batch, first.T, out=hidden)
        torch.mm(hidden, last.T, out=logits)
        torch.mm(logits.T, hidden, out=last_slope)
        torch.mm(logits, last, out=hidden_slope)
        torch.mm(hidden_slope.T, batch, out=first_slope)


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


def _ours(
    features: np.ndarray, labels: np.ndarray, specs: list[LossSpec], hidden: tuple[int, ...] = ()
) -> Callable[[int], None]:
    settings = TrainingSettings("sgd", 1, BATCH, clip=None, patience=None)
    train, val = (resident(features[:n], labels[:n], no_standard(D), "cpu", torch.float32) for n in (len(labels), 500))

    def run(rows: int) -> None:
        layers = new_heads(len(specs), (D, *hidden, K), torch.Generator().manual_seed(0))
        part = replace(train, n=rows)
        Training(layers, [Recipe(spec, 0.01, 0.0) for spec in specs], part, val, settings, 0).epoch()

    return run


if __name__ == "__main__":
    main()
