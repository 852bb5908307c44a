"""The section of docs/benchmarks.md on sums on a GPU; without one the page stays as it is.

    python -m tests.benchmarks.device_sums [--quick] [--device cpu] [--profile] [--cases 1000000x10]

An `Accumulator` of scores that lie on the device, in batches and in one piece, beside the same rows in memory: one
thread, and as many as there are cores, each with rows of its own, which are merged. Then `evaluate` of the tensors. All
scores are drawn on the device; nothing is read. Needs numpy, scipy and torch only.
--device cpu only shows that it runs: tensors in memory are then added up as those on a GPU are.
"""

from __future__ import annotations

import argparse
import gc
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

import calibeval
from calibeval.core.data.foreign import DEVICES
from calibeval.core.sums.kernel import kernel_name
from tests.benchmarks.device_profile import profile
from tests.benchmarks.timing import cores, machine, say, show, size_name, table, target_row

LEAST_SPEEDUP, FARTHEST = 20.0, 1e-12
LEAST = 1e-3  # to which the difference of a smaller metric is related: a gap is the difference of larger numbers
BATCH = 4096


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. cases: rows and classes; the first has the target of speed. rounds: of the device."""

    cases: tuple[tuple[int, int], ...] = ((1_000_000, 1000), (1_000_000, 100), (1_000_000, 10), (10_000_000, 2))
    rounds: int = 3
    batch: int = BATCH


QUICK = Sizes(cases=((50_000, 1000), (100_000, 100), (200_000, 10), (1_000_000, 2)), rounds=2)
TINY = Sizes(cases=((2_000, 100), (3_000, 10), (20_000, 2)), rounds=1, batch=256)  # only for --device cpu


@dataclass(slots=True)
class Found:
    """Seconds of a case by what was timed, and how far sums and metrics are from those of the CPU."""

    seconds: dict[str, float]
    sums: float
    metrics: tuple[float, str]  # the largest difference, and the metric that has it
    memory: float


def main() -> None:
    """Print the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows and less")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--cases", help="only these, such as 1000000x10,10000000x2")
    parser.add_argument("--profile", action="store_true", help="also say where the time of each case goes")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        say("device_sums: this machine has no GPU; nothing is measured, and the page stays as it is")
        return
    sizes = TINY if arguments.device == "cpu" else QUICK if arguments.quick else Sizes()
    if arguments.cases:
        cases = [one.split("x") for one in arguments.cases.split(",")]
        sizes = replace(sizes, cases=tuple((int(n), int(k)) for n, k in cases))
    print(section(sizes, arguments.device, profiled=arguments.profile))


def section(sizes: Sizes, device: str, *, profiled: bool = False) -> str:
    """The section. device: where the scores lie. profiled: whether to say where the time goes."""
    before = set(DEVICES)
    DEVICES.add(device)
    try:
        return "\n\n".join(_parts(sizes, device, profiled=profiled))
    finally:
        DEVICES.clear()
        DEVICES.update(before)


def _parts(sizes: Sizes, device: str, *, profiled: bool) -> Iterator[str]:
    name = torch.cuda.get_device_name() if device == "cuda" else "none, the CPU is in its place"
    yield f"{machine()} GPU: {name}. The CPU's sums are made by the kernel {kernel_name()}."
    found: dict[tuple[int, int], Found] = {}
    failed = []
    for n, k in sizes.cases:
        start = time.perf_counter()
        try:
            found[n, k] = measured(n, k, sizes, device, profiled=profiled)
        except Exception:  # noqa: BLE001 - the other sizes are measured all the same
            failed.append(f"{size_name(n, k)} failed:\n\n```text\n{traceback.format_exc()}```")
        gc.collect()  # the scores of one size leave the device before the next
        say(f"{size_name(n, k)}: {time.perf_counter() - start:.1f} s in all")
    yield from _tables(found, sizes)
    yield from failed


def measured(n: int, k: int, sizes: Sizes, device: str, *, profiled: bool = False) -> Found:
    """The seconds of everything for n rows of k classes."""
    logits, labels = drawn(n, k, device)
    host, host_labels = logits.cpu().numpy(), labels.cpu().numpy()
    few = min(n, 8 * sizes.batch)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    base = torch.cuda.memory_allocated() if device == "cuda" else 0
    batches(logits[:few], labels[:few], sizes.batch)._rows.whole()
    whole_batch(logits, labels)._rows.whole()

    seconds: dict[str, float] = {}
    timed = [_added(lambda: batches(logits, labels, sizes.batch), device) for _ in range(sizes.rounds)]
    seconds["batches"], part = min(timed, key=lambda one: one[0])
    seconds["one piece"] = min(_added(lambda: whole_batch(logits, labels), device)[0] for _ in range(sizes.rounds))
    memory = (torch.cuda.max_memory_allocated() - base) / 2**20 if device == "cuda" else 0.0
    seconds["report"], report = _timed(part.report, device)
    say(", ".join(f"{name} {value:.3f} s" for name, value in seconds.items()))
    if profiled:
        profile(logits, labels, sizes.batch, device)

    seconds["CPU"], of_cpu = _added(lambda: batches(host, host_labels, sizes.batch), "cpu")
    seconds["CPU, all"], _ = _added(lambda: threads(host, host_labels, sizes.batch), "cpu")
    seconds["CPU report"], cpu_report = _timed(of_cpu.report, "cpu")
    say(", ".join(f"{name} {value:.3f} s" for name, value in seconds.items() if "CPU" in name))
    found = Found(seconds, farthest(of_cpu._rows.whole().total, part._rows.whole().total), (0.0, ""), memory)
    found.metrics = farthest_metric(values(cpu_report), values(report))
    try:
        calibeval.evaluate(logits=logits[:few], labels=labels[:few])
        seconds["evaluate"], evaluated = _timed(lambda: calibeval.evaluate(logits=logits, labels=labels), device)
        seconds["CPU evaluate"], expected = _timed(
            lambda: calibeval.evaluate(logits=host, labels=host_labels, jobs=cores()), "cpu"
        )
        found.metrics = max(found.metrics, farthest_metric(values(expected), values(evaluated)))
    except Exception:  # noqa: BLE001 - the accumulator's numbers are there
        say(traceback.format_exc())
    return found


def _tables(found: dict[tuple[int, int], Found], sizes: Sizes) -> Iterator[str]:
    yield (
        f"`Accumulator` of float32 logits on the device, in batches of {sizes.batch:,} and in one batch, until its "
        f"sums are in memory, beside the same rows in memory: one thread, and {cores()} threads with an accumulator "
        "each. Seconds, the best of the rounds on the device; MiB on the device beside the scores:"
    )
    rows = []
    for (n, k), one in found.items():
        s = one.seconds
        ratios = [f"{s[name] / s['batches']:.1f}" for name in ("CPU", "CPU, all")]
        own = [show(s[name]) for name in ("batches", "one piece", "CPU", "CPU, all")]
        rows.append([size_name(n, k), *own, *ratios, f"{one.memory:.0f}"])
    head = ["", "batches", "one batch", "CPU", f"CPU, {cores()} threads", "CPU / batches", "threads / batches", "MiB"]
    yield table(head, rows)
    yield (
        "The report, whose temperature is fitted in memory on a sample of the rows, and `evaluate` of the tensors "
        f"beside that of arrays with {cores()} threads, reports included; seconds. The largest differences: of sums "
        f"relative to the largest of their kind, of metrics relative to their values, or to {LEAST} if that is larger:"
    )
    rows = []
    for (n, k), one in found.items():
        s = one.seconds
        own = [show(s[name]) if name in s else "failed" for name in ("report", "evaluate", "CPU evaluate")]
        rows.append([size_name(n, k), *own, show(one.sums), " ".join((show(one.metrics[0]), one.metrics[1]))])
    yield table(["", "report()", "evaluate", f"evaluate, CPU, {cores()} threads", "sums", "metrics"], rows)
    if found:
        targets = []
        (n, k), first = next(iter(found.items()))
        reached = first.seconds["CPU"] / first.seconds["batches"]
        targets.append(target_row(f"CPU / GPU, {size_name(n, k)}", LEAST_SPEEDUP, reached, at_least=True))
        apart = max(one.sums for one in found.values())
        targets.append(target_row("difference of sums", FARTHEST, apart, at_least=False, unit=""))
        apart = max(one.metrics[0] for one in found.values())
        targets.append(target_row("difference of metrics", FARTHEST, apart, at_least=False, unit=""))
        yield table(["", "target", "reached", ""], targets)


def drawn(n: int, k: int, device: str) -> tuple[Tensor, Tensor]:
    """Logits of a model that is somewhat too sure of itself, and labels."""
    generator = torch.Generator(device).manual_seed(k)
    logits = torch.empty((n, k), dtype=torch.float32, device=device)
    labels = torch.empty(n, dtype=torch.int64, device=device)
    for start in range(0, n, step := max(1, 2**25 // k)):
        part = logits[start : start + step]
        part.normal_(generator=generator)
        part *= 2.5
        noise = torch.empty_like(part).exponential_(generator=generator).log_().neg_()
        labels[start : start + step] = (0.8 * part + noise).argmax(1)
    return logits, labels


def batches(logits: Any, labels: Any, size: int) -> calibeval.Accumulator:
    """An accumulator that took the rows batch by batch."""
    part = calibeval.Accumulator(logits.shape[1])
    for start in range(0, len(labels), size):
        part.update(logits=logits[start : start + size], labels=labels[start : start + size])
    return part


def whole_batch(logits: Any, labels: Any) -> calibeval.Accumulator:
    """An accumulator that took all rows at once."""
    return batches(logits, labels, len(labels))


def threads(logits: Any, labels: Any, size: int) -> calibeval.Accumulator:
    """The same of as many threads as there are cores, each with rows of its own."""
    step = -(-len(labels) // cores())
    starts = range(0, len(labels), step)
    with ThreadPoolExecutor(cores()) as pool:
        parts = [*pool.map(lambda i: batches(logits[i : i + step], labels[i : i + step], size), starts)]
    first, *others = parts
    for other in others:
        first.merge(other)
    return first


def _added(run: Callable[[], calibeval.Accumulator], device: str) -> tuple[float, calibeval.Accumulator]:
    """Seconds until all sums are in memory, and what was filled."""

    def both() -> calibeval.Accumulator:
        part = run()
        part._rows.whole()
        return part

    return _timed(both, device)


def _timed(run: Callable[[], Any], device: str) -> tuple[float, Any]:
    _wait(device)
    start = time.perf_counter()
    found = run()
    _wait(device)
    return time.perf_counter() - start, found


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def values(report: calibeval.Report) -> dict[str, float]:
    """The metrics of a report that have values."""
    return {name: one.value for name, one in report.dumps[0].metrics.items() if one.value is not None}


def farthest_metric(one: dict[str, float], other: dict[str, float]) -> tuple[float, str]:
    """The largest difference of two reports, and the name of the metric that has it."""
    if one.keys() != other.keys():
        return np.inf, " ".join(sorted(one.keys() ^ other.keys()))
    return max((abs(one[name] - other[name]) / max(abs(one[name]), LEAST), name) for name in one)


def farthest(one: Any, other: Any) -> float:
    """The largest difference of two records of numbers, relative to the largest number of each array."""
    if one is None or isinstance(one, str):
        return 0.0 if one == other else np.inf
    if isinstance(one, dict):
        return max(farthest(one[name], other[name]) for name in one) if one.keys() == other.keys() else np.inf
    if is_dataclass(one):
        return max(farthest(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    if isinstance(one, tuple):
        return max(farthest(a, b) for a, b in zip(one, other, strict=True))
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    scale = float(np.abs(a).max(initial=0.0))
    return float(np.abs(a - b).max(initial=0.0)) / scale if scale else float(np.abs(b).max(initial=0.0))


if __name__ == "__main__":
    main()
