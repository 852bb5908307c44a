"""The section of docs/benchmarks.md on the temperature: calibeval beside optimisers that people use.

    python -m tests.benchmarks.temperature [--quick] [--rounds N] [--folder DUMPS]

Every contender gets the same float32 logits and int64 labels in memory; temperatures are judged in float64.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from calibeval import Predictions
from calibeval.core.sums.kernel import NUMPY, VARIABLE
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.temperature.optimum import optimum
from tests.benchmarks import dumps
from tests.benchmarks.kernels import AVX2, has_avx512, kernel_budget, kernels
from tests.benchmarks.older import FIT, Older
from tests.benchmarks.timing import (
    Contender,
    Timed,
    interleaved,
    machine,
    one_thread,
    ratio,
    say,
    show,
    size_name,
    table,
    target_row,
    version,
)

SIZES = ((1_000_000, 10), (50_000, 1000))
QUICK_SIZES = ((100_000, 10), (2_000, 1000))
OWN = "calibeval, its fastest kernel"
OLD_NUMPY = "calibeval, numpy without AVX-512"
TORCH = "torch LBFGS, strong Wolfe, on log T"
PUBLIC = "public recipe: torch LBFGS, lr 0.01, 50 steps, from 1.5"
SCIKIT_LEARN = "scikit-learn _TemperatureScaling"
PROBMETRICS = "probmetrics temp-scaling"
LEAST_SPEEDUP = {10: 20.0, 1000: 10.0}
LEAST_FROM_KERNEL = {1000: 4.0}
MOST_ABOVE, MOST_PASSES = 1e-9, 3
BLOCK = 2**20

Run = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured at one size: times, temperatures and their NLL above the optimum by contender, our passes."""

    n: int
    k: int
    times: dict[str, Timed]
    temperatures: dict[str, float]
    above: dict[str, float]
    passes: int


def main() -> None:
    """Print the section."""
    one_thread("tests.benchmarks.temperature")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, two rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--folder", type=Path, help="where the dumps are made, or lie already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(section(folder, arguments.rounds or (2 if arguments.quick else 5), quick=arguments.quick))


def section(folder: Path, rounds: int, *, quick: bool) -> str:
    """The section of the page."""
    measured_on = machine()
    sizes = [measure(folder, n, k, rounds) for n, k in (QUICK_SIZES if quick else SIZES)]
    words = (
        f"{measured_on} CPU seconds of one thread to find a temperature; float32 logits and int64 labels in memory. "
        f"The programs take turns in {rounds} rounds (slow ones in fewer); ratios are medians over the rounds. "
        "NLL above the optimum is in nats, in float64; the optimum comes from bisection on the slope of the plain "
        "definition. calibeval's time includes the NLL before and after."
        f" Its fastest kernel here is {kernels()[0]}."
    )
    parts = [
        words,
        *(f"### Temperature, {size_name(size.n, size.k)}\n\n{_size_table(size)}" for size in sizes),
        f"### Targets\n\n{table(('what', 'target', 'reached', 'met'), _targets(sizes))}",
    ]
    if quick:
        parts.insert(0, "**A quick run at small sizes: the targets are meant for the full ones.**")
    return "\n\n".join(parts)


def measure(folder: Path, n: int, k: int, rounds: int) -> Size:
    """Times and results of all contenders at one size."""
    say(f"--- temperature, {size_name(n, k)}")
    dump = dumps.make(folder, n, k)
    logits, labels = dump.load()
    contenders = [
        *(_own(kernel, logits, labels) for kernel in kernels()),
        *(_peer(name, logits, labels) for name in (TORCH, SCIKIT_LEARN, PROBMETRICS, PUBLIC)),
    ]
    with ExitStack() as stack:
        if has_avx512():
            run = stack.enter_context(Older(dump)).run(FIT)
            contenders.insert(len(kernels()), Contender(OLD_NUMPY, run, optional=False, timed=True))
        times = interleaved(contenders, n, rounds)
    found = {c.name: float(c.run(n)) for c in contenders if times[c.name].seconds and not c.timed}
    best = bisected(logits, labels)
    least = plain_nll(logits, labels, best)[0]
    above = {name: plain_nll(logits, labels, t)[0] - least if t > 0 else math.inf for name, t in found.items()}
    return Size(n, k, times, found, above, optimum(Predictions(logits=logits, labels=labels)).passes)


def _own(kernel: str, logits: np.ndarray, labels: np.ndarray) -> Contender:
    """calibeval with one of its kernels."""

    def own(rows: int) -> float:
        os.environ[VARIABLE] = kernel
        return fit(Predictions(logits=logits[:rows], labels=labels[:rows])).temperature

    return Contender(own_name(kernel), own, budget=kernel_budget(kernel), optional=False)


def own_name(kernel: str) -> str:
    """The contender of a kernel; that of the fastest is `OWN`, to which the others are compared."""
    return OWN if kernel == kernels()[0] else f"calibeval, {kernel}"


def _peer(name: str, logits: np.ndarray, labels: np.ndarray) -> Contender:
    """The peer of that name, or the reason why it cannot run."""
    makers: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray], Run]]] = {
        TORCH: ("torch", _torch),
        PUBLIC: ("torch", _public),
        SCIKIT_LEARN: ("scikit-learn", _scikit_learn),
        PROBMETRICS: ("probmetrics", _probmetrics),
    }
    package, maker = makers[name]
    if version(package) is None:
        return Contender(name, _nothing, reason="not installed")
    try:
        return Contender(name, maker(logits, labels))
    except (ImportError, AttributeError) as error:
        return Contender(name, _nothing, reason=f"cannot be used ({error})")


def _nothing(rows: int) -> float:
    raise RuntimeError(f"a peer that is not there cannot fit {rows} rows")


def _torch(logits: np.ndarray, labels: np.ndarray) -> Run:
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    scores, target = torch.from_numpy(logits), torch.from_numpy(labels)

    def run(rows: int) -> float:
        log_t = torch.zeros(1, requires_grad=True)
        search = torch.optim.LBFGS(
            [log_t], line_search_fn="strong_wolfe", max_iter=100, tolerance_grad=1e-7, tolerance_change=1e-9
        )

        def closure() -> Any:
            search.zero_grad()
            loss = torch.nn.functional.cross_entropy(scores[:rows] / log_t.exp(), target[:rows])
            loss.backward()
            return loss

        search.step(closure)
        return float(log_t.detach().exp())

    return run


def _public(logits: np.ndarray, labels: np.ndarray) -> Run:
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    scores, target = torch.from_numpy(logits), torch.from_numpy(labels)

    def run(rows: int) -> float:
        temperature = torch.nn.Parameter(torch.ones(1) * 1.5)
        search = torch.optim.LBFGS([temperature], lr=0.01, max_iter=50)

        def closure() -> Any:
            search.zero_grad()
            loss = torch.nn.functional.cross_entropy(scores[:rows] / temperature, target[:rows])
            loss.backward()
            return loss

        search.step(closure)
        return float(temperature.detach())

    return run


def _scikit_learn(logits: np.ndarray, labels: np.ndarray) -> Run:
    scaling: Any = import_module("sklearn.calibration")._TemperatureScaling

    def run(rows: int) -> float:
        return 1.0 / float(np.squeeze(scaling().fit(logits[:rows], labels[:rows]).beta_))

    return run


def _probmetrics(logits: np.ndarray, labels: np.ndarray) -> Run:
    torch: Any = import_module("torch")
    calibrators: Any = import_module("probmetrics.calibrators")
    distributions: Any = import_module("probmetrics.distributions")
    torch.set_num_threads(1)
    scores, target = torch.from_numpy(logits), torch.from_numpy(labels)

    def run(rows: int) -> float:
        """Its own temperature is not public: it follows from the ratio of two log-odds before and after."""
        calibrator = calibrators.get_calibrator("temp-scaling")
        calibrator.fit_torch(distributions.CategoricalLogits(scores[:rows]), target[:rows])
        mapped = calibrator.predict_proba_torch(distributions.CategoricalLogits(scores[:1])).get_logits().double()
        here = scores[:1].double()
        most, least = int(here.argmax()), int(here.argmin())
        return float((here[0, most] - here[0, least]) / (mapped[0, most] - mapped[0, least]))

    return run


def plain_nll(logits: np.ndarray, labels: np.ndarray, temperature: float) -> tuple[float, float]:
    """The mean NLL and its slope by 1/T, from the definition, in float64 over blocks."""
    rows = max(1, BLOCK // logits.shape[1])
    values, slopes = [], []
    for start in range(0, len(labels), rows):
        d = logits[start : start + rows].astype(np.float64)
        d -= d.max(axis=1, keepdims=True)
        here = np.arange(len(d)), labels[start : start + rows]
        weights = np.exp(d / temperature)
        norm = weights.sum(axis=1)
        values.append(float(np.sum(np.log(norm) - d[here] / temperature)))
        slopes.append(float(np.sum((weights * d).sum(axis=1) / norm - d[here])))
    return math.fsum(values) / len(labels), math.fsum(slopes) / len(labels)


def bisected(logits: np.ndarray, labels: np.ndarray, low: float = 1e-3, high: float = 1e3) -> float:
    """The temperature whose NLL has no slope."""
    for _ in range(50):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if plain_nll(logits, labels, middle)[1] > 0 else (low, middle)
    return math.sqrt(low * high)


def _size_table(size: Size) -> str:
    rows = []
    for name, timed in size.times.items():
        if not timed.seconds:
            rows.append([name, timed.reason or "", "", "", "", ""])
            continue
        above = size.above.get(name)
        rows.append(
            [
                name,
                show(timed.least),
                show(timed.median),
                f"{show(ratio(timed, size.times[OWN]))}×",
                f"{size.temperatures[name]:.7f}" if name in size.temperatures else "",
                "" if above is None else "≤ 1e-15" if above < 1e-15 else show(above),
            ]
        )
    header = ("", "fastest, s", "median, s", "vs calibeval", "T", "NLL above the optimum")
    return table(header, rows)


def _targets(sizes: list[Size]) -> list[list[str]]:
    rows = []
    for size in sizes:
        name = size_name(size.n, size.k)
        timed, limit = size.times[TORCH], LEAST_SPEEDUP[size.k]
        what = f"{name}: {TORCH}, over calibeval"
        if timed.seconds:
            rows.append(target_row(what, limit, ratio(timed, size.times[OWN]), at_least=True))
        else:
            rows.append([what, f"≥ {show(limit)}×", timed.reason or "", ""])
        rows += _kernel_rows(name, size)
        rows.append(target_row(f"{name}: NLL above the optimum", MOST_ABOVE, size.above[OWN], at_least=False, unit=""))
        rows.append(target_row(f"{name}: full passes", MOST_PASSES, size.passes, at_least=False, unit=""))
    return rows


def _kernel_rows(name: str, size: Size) -> list[list[str]]:
    """How many times longer numpy takes than the kernel, both without AVX-512."""
    fast, slow = size.times.get(own_name(AVX2)), size.times.get(OLD_NUMPY, size.times.get(own_name(NUMPY)))
    if size.k not in LEAST_FROM_KERNEL or fast is None or slow is None:
        return []
    what = f"{name}: numpy over the kernel, both without AVX-512"
    return [target_row(what, LEAST_FROM_KERNEL[size.k], ratio(slow, fast), at_least=True)]


if __name__ == "__main__":
    main()
