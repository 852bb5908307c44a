"""The section of docs/benchmarks.md on head training on a GPU; without one it says so.

    python -m tests.benchmarks.training_gpu [--quick]

One epoch of a linear head on features that lie on the device, beside the products of its batches alone, one reading of
the features, and a DataLoader loop over the same rows in host memory (of which only a part is run). Then the same
training on CPU and GPU, side by side. All data are drawn here; nothing is read.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from calibeval.training.heads import Layer, new_heads
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import LossSpec
from calibeval.training.split import Split
from calibeval.training.trainer import Recipe, Training
from tests.benchmarks.timing import machine, say, show, size_name, table, target_row

ROWS, QUICK_ROWS, D, K, BATCH, ROUNDS = 1_280_000, 64_000, 1024, 1000, 1024, 3
LOADER_ROWS = 64_000
LEAST_SPEEDUP = 20.0
AGREEMENT_ROWS, AGREEMENT_D, AGREEMENT_K, AGREEMENT_EPOCHS = 20_000, 256, 50, 5
LOSSES = {
    "cross entropy": LossSpec("ce"),
    "MbLS": LossSpec("mbls", {"margin": 6.0}),
    "CALS": LossSpec("cals", {"margin": 6.0}),
}


def main() -> None:
    """Print the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("Not measured yet: this machine has no GPU. `python -m tests.benchmarks.training_gpu` measures it.")
        return
    n = QUICK_ROWS if arguments.quick else ROWS
    print("\n\n".join([f"{machine()} GPU: {torch.cuda.get_device_name()}.", _epochs(n), _agreement()]))


def _epochs(n: int) -> str:
    generator = torch.Generator("cuda").manual_seed(0)
    features = torch.randn(n, D, generator=generator, device="cuda")
    labels = torch.randint(0, K, (n,), generator=generator, device="cuda")
    train, val = _split(features, labels), _split(features[:5000], labels[:5000])
    loader = _seconds(lambda: _loader(features[:LOADER_ROWS].cpu(), labels[:LOADER_ROWS].cpu())) * n / LOADER_ROWS
    half = features.bfloat16()
    times = {
        "matmul floor, bfloat16": _least(lambda: _matmuls(half)),
        "reading the features once": _least(features.sum),
    }
    for name, spec in LOSSES.items():
        times[name] = _least(lambda spec=spec: _epoch([spec], train, val, amp=True))
    times["cross entropy, float32"] = _least(lambda: _epoch([LOSSES["cross entropy"]], train, val, amp=False))
    times["DataLoader(TensorDataset) loop"] = loader
    floor = times["matmul floor, bfloat16"]
    rows = [[name, show(t), f"{t / floor:.2f}", f"{loader / t:.1f}"] for name, t in times.items()]
    targets = [
        target_row(f"DataLoader loop / {name}", LEAST_SPEEDUP, loader / times[name], at_least=True) for name in LOSSES
    ]
    title = (
        f"A linear head, {size_name(n, D)} features, {K} classes, batch {BATCH}, bfloat16 products, one epoch with "
        f"validation on 5,000 rows; seconds. The loop was run on {LOADER_ROWS:,} rows and scaled."
    )
    head = ["", "seconds", "x matmul floor", "DataLoader loop / it"]
    return "\n\n".join([title, table(head, rows), table(["", "target", "reached", ""], targets)])


def _agreement() -> str:
    """The same float32 trainings on both devices."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(AGREEMENT_ROWS, AGREEMENT_D, generator=generator)
    labels = torch.randint(0, AGREEMENT_K, (AGREEMENT_ROWS,), generator=generator)
    rows = []
    for name, spec in LOSSES.items():
        runs = []
        for device in ("cpu", "cuda"):
            split = _split(features.to(device), labels.to(device))
            run = _training([spec], split, split, AGREEMENT_D, AGREEMENT_K, AGREEMENT_EPOCHS, amp=False)
            epochs = [run.epoch() for _ in range(AGREEMENT_EPOCHS)]
            runs.append((run.best[0].weight.cpu(), epochs[-1].validation.nll[0]))
        (weight, nll), (other, other_nll) = runs
        apart = float((weight - other).abs().max() / weight.abs().max())
        rows.append([name, f"{apart:.1e}", f"{abs(nll - other_nll):.1e}"])
    title = f"CPU beside GPU after {AGREEMENT_EPOCHS} epochs in float32, relative to the largest weight, and in nats:"
    return "\n\n".join([title, table(["", "weights", "validation NLL"], rows)])


def _split(features: Tensor, labels: Tensor) -> Split:
    rows = lambda places: features.index_select(0, places)  # noqa: E731
    return Split(len(labels), labels, rows, lambda a, b: features[a:b], local=True)


def _training(specs: list[LossSpec], train: Split, val: Split, d: int, k: int, epochs: int, *, amp: bool) -> Training:
    device = train.labels.device
    layers = new_heads(len(specs), (d, k), torch.Generator().manual_seed(0))
    placed = [Layer(*(part.to(device) for part in layer)) for layer in layers]
    settings = TrainingSettings("sgd", epochs, BATCH, patience=None, select="last", amp=amp)
    return Training(placed, [Recipe(spec, 0.01, 0.0) for spec in specs], train, val, settings, seed=0)


def _epoch(specs: list[LossSpec], train: Split, val: Split, *, amp: bool) -> None:
    _training(specs, train, val, D, K, 1, amp=amp).epoch()


def _matmuls(features: Tensor) -> None:
    weight = torch.zeros(K, D, device="cuda", dtype=features.dtype)
    for batch in features.split(BATCH):
        logits = batch @ weight.T
        torch.mm(logits.T, batch, out=weight)


def _loader(features: Tensor, labels: Tensor) -> None:
    head = torch.nn.Linear(D, K).cuda()
    optimizer = torch.optim.SGD(head.parameters(), lr=0.01, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()
    for x, y in DataLoader(TensorDataset(features, labels), batch_size=BATCH, shuffle=True):
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.bfloat16):
            loss = criterion(head(x.cuda()), y.cuda())
        loss.backward()
        optimizer.step()


def _seconds(run: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def _least(run: Callable[[], object]) -> float:
    run()
    found = [_seconds(run) for _ in range(ROUNDS)]
    say(f"{statistics.median(found):.4f} s")
    return min(found)


if __name__ == "__main__":
    main()
