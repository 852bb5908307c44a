"""The section of docs/benchmarks.md on head training on a GPU; without one the page stays as it is.

    python -m tests.benchmarks.training_gpu [--quick] [--device cpu]

One epoch of a linear head on features that lie on the device, beside the products of its batches alone, one reading of
the features, and a DataLoader loop over the same rows in host memory (of which only a part is run). Then the same
training on CPU and GPU, side by side, by itself and as `finetune`. All data are drawn here; nothing is read.
--device cpu only shows that it runs: it puts the CPU in the GPU's place.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from calibeval import Features, finetune
from calibeval.training.heads import Layer, new_heads
from calibeval.training.recipe import Recipe
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import LossSpec
from calibeval.training.split import Split
from calibeval.training.trainer import Training
from tests.benchmarks.timing import machine, say, show, size_name, table, target_row

LEAST_SPEEDUP = 20.0
LOSSES = {
    "cross entropy": LossSpec("ce"),
    "MbLS": LossSpec("mbls", {"margin": 6.0}),
    "CALS": LossSpec("cals", {"margin": 6.0}),
}
FINETUNED = "ce,mbls(margin=2),cals(margin=2)"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. rows, d, k, batch: of the timed epochs. loader_rows: of the loop, which is scaled.

    both: rows, features, classes and epochs of the training that is compared on both devices. whole: rows of the
    `finetune` of large features, from host memory.
    """

    rows: int = 1_280_000
    d: int = 1024
    k: int = 1000
    batch: int = 1024
    val_rows: int = 5000
    loader_rows: int = 64_000
    rounds: int = 3
    both: tuple[int, int, int, int] = (20_000, 256, 50, 5)
    whole: int = 1_280_000


QUICK = Sizes(rows=64_000, loader_rows=16_000, rounds=2, whole=64_000)
TINY = Sizes(
    rows=640, d=16, k=5, batch=128, val_rows=100, loader_rows=320, rounds=1, both=(640, 16, 5, 2), whole=640
)  # only for --device cpu


def main() -> None:
    """Print the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        say("training_gpu: this machine has no GPU; nothing is measured, and the page stays as it is")
        return
    sizes = TINY if arguments.device == "cpu" else QUICK if arguments.quick else Sizes()
    print(section(sizes, arguments.device))


def section(sizes: Sizes, device: str) -> str:
    """The section. device: where the training runs that is timed, and compared with the CPU's."""
    name = torch.cuda.get_device_name() if device == "cuda" else "none, the CPU is in its place"
    parts = [f"{machine()} GPU: {name}."]
    for part in (_epochs, _agreement, _finetuned, _whole):
        start = time.perf_counter()
        parts.append(part(sizes, device))
        gc.collect()  # the features of one part leave the device before the next
        say(f"{part.__name__}: {time.perf_counter() - start:.1f} s")
    return "\n\n".join(parts)


def _epochs(sizes: Sizes, device: str) -> str:
    generator = torch.Generator(device).manual_seed(0)
    features = torch.randn(sizes.rows, sizes.d, generator=generator, device=device)
    labels = torch.randint(0, sizes.k, (sizes.rows,), generator=generator, device=device)
    train, val = split_of(features, labels), split_of(features[: sizes.val_rows], labels[: sizes.val_rows])
    host = features[: sizes.loader_rows].cpu(), labels[: sizes.loader_rows].cpu()
    few = tuple(part[: 4 * sizes.batch] for part in host)
    _loader(*few, sizes, device)
    loader = _seconds(lambda: _loader(*host, sizes, device), device) * sizes.rows / sizes.loader_rows
    half = features.bfloat16()

    def least(run: Callable[[], object]) -> float:
        run()
        found = [_seconds(run, device) for _ in range(sizes.rounds)]
        say(f"{statistics.median(found):.4f} s")
        return min(found)

    def epoch(spec: LossSpec, *, amp: bool) -> float:
        shape = (sizes.d, sizes.k)
        return least(lambda: training_of([spec], train, val, shape, epochs=1, batch=sizes.batch, amp=amp).epoch())

    times = {
        "matmul floor, bfloat16": least(lambda: _matmuls(half, sizes)),
        "reading the features once": least(features.sum),
    }
    times |= {name: epoch(spec, amp=True) for name, spec in LOSSES.items()}
    times["cross entropy, float32"] = epoch(LOSSES["cross entropy"], amp=False)
    times["DataLoader(TensorDataset) loop"] = loader
    floor = times["matmul floor, bfloat16"]
    rows = [[name, show(t), f"{t / floor:.2f}", f"{loader / t:.1f}"] for name, t in times.items()]
    targets = [
        target_row(f"DataLoader loop / {name}", LEAST_SPEEDUP, loader / times[name], at_least=True) for name in LOSSES
    ]
    title = (
        f"A linear head, {size_name(sizes.rows, sizes.d)} features, {sizes.k} classes, batch {sizes.batch}, bfloat16 "
        f"products, one epoch with validation on {sizes.val_rows:,} rows; seconds. The loop was run on "
        f"{sizes.loader_rows:,} rows and scaled."
    )
    head = ["", "seconds", "x matmul floor", "DataLoader loop / it"]
    return "\n\n".join([title, table(head, rows), table(["", "target", "reached", ""], targets)])


def _agreement(sizes: Sizes, device: str) -> str:
    """The same float32 trainings on both devices."""
    n, d, k, epochs = sizes.both
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(n, d, generator=generator)
    labels = torch.randint(0, k, (n,), generator=generator)
    rows = []
    for name, spec in LOSSES.items():
        runs = []
        for place in ("cpu", device):
            split = split_of(features.to(place), labels.to(place))
            run = training_of([spec], split, split, (d, k), epochs=epochs, batch=sizes.batch, amp=False)
            nll = [run.epoch().validation.nll[0] for _ in range(epochs)][-1]
            runs.append((run.best[0].weight.cpu(), nll))
        (weight, nll), (other, other_nll) = runs
        apart = float((weight - other).abs().max() / weight.abs().max())
        rows.append([name, show(apart), show(abs(nll - other_nll))])
    title = f"CPU beside GPU after {epochs} epochs in float32, relative to the largest weight, and in nats:"
    return "\n\n".join([title, table(["", "weights", "validation NLL"], rows)])


def _finetuned(sizes: Sizes, device: str) -> str:
    """`finetune` from end to end on both devices: files, temperatures and results."""
    n, d, k, epochs = sizes.both
    train, val, test = (_drawn(rows, d, k, seed) for seed, rows in enumerate((n, n // 4, n // 4)))
    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, place in (("CPU", "cpu"), ("GPU", device)):
            out = Path(folder) / name
            found = finetune(
                train,
                val=val,
                test=test,
                out=out,
                losses=FINETUNED,
                epochs=epochs,
                batch_size=sizes.batch,
                device=place,
            )
            heads = {one.name: load_file(head_file(out, one.name)) for one in found.losses}
            runs[name] = found, heads
    rows = []
    for one, other in zip(runs["CPU"][0].losses, runs["GPU"][0].losses, strict=True):
        weights = [runs[place][1][one.name] for place in runs]
        apart = max(float(np.abs(weights[0][key] - weights[1][key]).max()) for key in weights[0])
        largest = max(float(np.abs(part).max()) for part in weights[0].values())
        (a,), (b,) = one.seeds, other.seeds
        nll = f"{a.after['nll']:.6f}", f"{b.after['nll']:.6f}"
        epochs_kept = f"{a.epoch}, {b.epoch}"
        rows.append([one.name, show(apart / largest), *nll, epochs_kept])
    title = (
        f"`finetune` on {n:,} × {d} features, {k} classes, trained on CPU and on GPU: the heads as "
        "they are saved, relative to the largest weight, NLL of the test rows after the temperature, and the epochs "
        "that were kept:"
    )
    return "\n\n".join([title, table(["", "weights", "NLL, CPU", "NLL, GPU", "epochs"], rows)])


def _whole(sizes: Sizes, device: str) -> str:
    """`finetune` of large float16 features in host memory, in one go."""
    train = _drawn(sizes.whole, sizes.d, sizes.k, 0, device)
    val = _drawn(sizes.val_rows, sizes.d, sizes.k, 1, device)
    clock = Clock()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = finetune(
            train,
            val=val,
            out=Path(folder) / "run",
            losses="mbls(margin=6)",
            epochs=2,
            batch_size=sizes.batch,
            amp=True,
            device=device,
            progress=clock,
        )
    seconds, epoch = time.perf_counter() - start, clock.last - clock.first
    before = clock.first - start - epoch
    accuracy = 100 * found.losses[0].seeds[0].after["accuracy"]
    return (
        f"`finetune` on {size_name(sizes.whole, sizes.d)} float16 features in host memory, {sizes.k} classes, MbLS, "
        f"bfloat16 products, two epochs: {seconds:.1f} s, of which {before:.1f} s before the first epoch (checks, "
        f"means and deviations, copying to the device) and {epoch:.2f} s in the second. Accuracy "
        f"on {sizes.val_rows:,} validation rows: {accuracy:.1f} %."
    )


class Clock:
    """Notes when the first epoch of a training ends, and when the last one does."""

    def __init__(self) -> None:
        self.first = self.last = time.perf_counter()

    def start(self, _name: str, _total: int) -> None:
        """A stage begins; that of a training is told after its first epoch."""
        self.first = self.last = time.perf_counter()

    def advance(self, _steps: int) -> None:
        """An epoch is over."""
        self.last = time.perf_counter()


def head_file(out: Path, name: str) -> Path:
    """The file of the head of one of FINETUNED, whose folder begins with the loss."""
    kind = name.partition("(")[0]
    folder = next(path for path in (out / "losses").iterdir() if path.name.partition("-")[0] == kind)
    return folder / "head.safetensors"


def split_of(features: Tensor, labels: Tensor) -> Split:
    """A split of rows that lie on the device."""
    rows = lambda places: features.index_select(0, places)  # noqa: E731
    return Split(len(labels), labels, rows, lambda a, b: features[a:b], local=True)


def training_of(
    specs: list[LossSpec], train: Split, val: Split, shape: tuple[int, int], *, epochs: int, batch: int, amp: bool
) -> Training:
    """A training of linear heads of this shape, from the same weights on every device."""
    device = train.labels.device
    layers = new_heads(len(specs), shape, torch.Generator().manual_seed(0))
    placed = [Layer(*(part.to(device) for part in layer)) for layer in layers]
    settings = TrainingSettings("sgd", epochs, batch, patience=None, select="last", amp=amp)
    return Training(placed, [Recipe(spec, 0.01, 0.0) for spec in specs], train, val, settings, seed=0)


def _drawn(n: int, d: int, k: int, seed: int, device: str = "cpu") -> Features:
    """Features of classes around their centres, drawn on the device and kept as float16 in host memory."""
    centres = torch.randn(k, d, generator=torch.Generator(device).manual_seed(99), device=device)
    generator = torch.Generator(device).manual_seed(seed)
    labels = torch.randint(0, k, (n,), generator=generator, device=device)
    features = torch.empty((n, d), dtype=torch.float16)
    for start in range(0, n, 2**16):
        part = labels[start : start + 2**16]
        noise = torch.randn(len(part), d, generator=generator, device=device)
        features[start : start + len(part)] = (noise + centres[part] * (4 / d**0.5)).to(torch.float16).cpu()
    return Features(features=features.numpy(), labels=labels.cpu().numpy())


def _matmuls(features: Tensor, sizes: Sizes) -> None:
    weight = torch.zeros(sizes.k, sizes.d, device=features.device, dtype=features.dtype)
    for batch in features.split(sizes.batch):
        logits = batch @ weight.T
        torch.mm(logits.T, batch, out=weight)


def _loader(features: Tensor, labels: Tensor, sizes: Sizes, device: str) -> None:
    head = torch.nn.Linear(sizes.d, sizes.k).to(device)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.01, momentum=0.9)
    criterion = torch.nn.CrossEntropyLoss()
    for x, y in DataLoader(TensorDataset(features, labels), batch_size=sizes.batch, shuffle=True):
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            loss = criterion(head(x.to(device)), y.to(device))
        loss.backward()
        optimizer.step()


def _seconds(run: Callable[[], object], device: str) -> float:
    _wait(device)
    start = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
