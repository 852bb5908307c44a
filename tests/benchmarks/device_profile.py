"""Where the time of sums on a device goes: launches, waits, kernels and what the processor does meanwhile.

It writes to stderr, beside the section of `device_sums`.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import time
import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import calibeval
from calibeval.devices.sums import chunk_size
from tests.benchmarks.timing import say

LAUNCHES = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx")
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
COPIES = ("cudaMemcpyAsync",)
ANSWERS = ("aten::_local_scalar_dense", "aten::nonzero")  # on the processor, in place of waits
ROWS = 14


def profile(logits: Tensor, labels: Tensor, batch: int, device: str) -> None:
    """Say where the time goes: of batches that wait, of one chunk, of what is copied, of the report and `evaluate`."""
    k = logits.shape[1]
    chunk = min(len(labels), chunk_size(k))
    waiting = max(1, chunk // batch)

    def added(size: int, rows: int, *, whole: bool) -> calibeval.Accumulator:
        part = calibeval.Accumulator(k)
        for start in range(0, rows, size):
            part.update(logits=logits[start : start + size], labels=labels[start : start + size])
        if whole:
            part._rows.whole()
        return part

    part = added(chunk, chunk, whole=True)
    device_sums: Any = part._rows.device
    parts: list[tuple[str, Callable[[], object]]] = [
        (f"{waiting} batches that wait", lambda: added(batch, waiting * batch, whole=False)),
        ("one chunk, until its sums are in memory", lambda: added(chunk, chunk, whole=True)),
        ("its sums from the device to memory", device_sums.running),
        ("report() of them", part.report),
        ("evaluate of all rows", lambda: calibeval.evaluate(logits=logits, labels=labels)),
    ]
    for name, run in parts:
        try:
            _told(f"{len(labels)} x {k}: {name}", run, device)
        except Exception:  # noqa: BLE001 - it is not part of the section
            say(traceback.format_exc())


def _told(name: str, run: Callable[[], object], device: str) -> None:
    """Say where the time of a run goes."""
    cuda = device == "cuda"

    def waited() -> None:
        run()
        if cuda:
            torch.cuda.synchronize()

    waited()
    start = time.perf_counter()
    waited()
    seconds = time.perf_counter() - start
    kinds = [torch.profiler.ProfilerActivity.CPU]
    kinds += [torch.profiler.ProfilerActivity.CUDA] if cuda else []
    with torch.profiler.profile(activities=kinds) as found:
        waited()
    averages = found.key_averages()
    counts = {one.key: one.count for one in averages}
    told = [("launches", LAUNCHES), ("waits", WAITS), ("copies", COPIES)] if cuda else [("answers", ANSWERS)]
    numbers = ", ".join(f"{sum(counts.get(key, 0) for key in keys)} {what}" for what, keys in told)
    operations = sum(count for key, count in counts.items() if key.startswith("aten::"))
    busy = sum(one.self_device_time_total for one in averages) / 1e6 if cuda else 0.0
    say(f"--- {name}: {1e3 * seconds:.2f} ms; device busy {1e3 * busy:.2f} ms; {numbers}, {operations} operations")
    by = "self_device_time_total" if cuda else "self_cpu_time_total"
    for one in sorted(averages, key=lambda one: -getattr(one, by))[:ROWS]:
        say(f"  {getattr(one, by) / 1e3:9.3f} ms  {one.count:6d} x  {one.key[:90]}")
    profiler, text = cProfile.Profile(), io.StringIO()
    profiler.runcall(waited)
    pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(ROWS)
    lines = [line for line in text.getvalue().splitlines() if line.strip()]
    say("  on the processor:\n" + "\n".join(f"  {line[:120]}" for line in lines[-ROWS - 1 :]))


if __name__ == "__main__":
    raise SystemExit("run python -m tests.benchmarks.device_sums --profile")
