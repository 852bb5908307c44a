"""A process without AVX-512, in numpy and in torch, which stands for processors that have AVX2 only.

It holds a dump in memory, and does what it is asked line by line: python -m tests.benchmarks.older LOGITS LABELS K.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from calibeval import Predictions, evaluate
from calibeval.core.sums.engine import summarise
from calibeval.core.sums.kernel import NUMPY, VARIABLE
from calibeval.core.sums.resources import Resources
from calibeval.recalibrate.fitting.fit import fit
from tests.benchmarks import dumps, peers
from tests.benchmarks.timing import numpy_features

ROOT = Path(__file__).resolve().parents[2]
SUMS, REPORT, FIT, PEER = "sums", "report", "fit", "torchmetrics"
OF_NUMPY = ("X86_V4", "AVX512_ICL", "AVX512_SPR")  # what numpy may be told to do without

Run = Callable[[int], object]


def tasks(logits: np.ndarray, labels: np.ndarray, jobs: int = 1) -> dict[str, Run]:
    """Of the first rows: sums with exact equal-mass bins; a report without intervals; a temperature."""

    def of(rows: int) -> Predictions:
        return Predictions(logits=logits[:rows], labels=labels[:rows])

    return {
        SUMS: lambda rows: summarise(of(rows), resources=Resources(jobs=jobs), finish=False),
        REPORT: lambda rows: evaluate(of(rows), level=None, jobs=jobs),
        FIT: lambda rows: fit(of(rows)),
    }


def by_kernel(kernel: str, run: Run) -> Run:
    """The task, done by that kernel."""

    def switched(rows: int) -> object:
        os.environ[VARIABLE] = kernel
        return run(rows)

    return switched


class Older:
    """The process; a context manager. It does its work only while it is asked, so that programs can take turns."""

    def __init__(self, dump: dumps.Dump) -> None:
        avx512 = " ".join(name for name in OF_NUMPY if name in numpy_features())
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": avx512, "ATEN_CPU_CAPABILITY": "avx2"}
        command = [sys.executable, "-m", "tests.benchmarks.older", str(dump.logits), str(dump.labels), str(dump.k)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )

    def run(self, task: str) -> Callable[[int], float]:
        """A function that does the task on so many rows there, and returns its CPU seconds."""

        def asked(rows: int) -> float:
            send: Any = self._process.stdin
            answer: Any = self._process.stdout
            print(task, rows, file=send, flush=True)
            return float(answer.readline())

        return asked

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def main() -> None:
    logits, labels = dumps.Dump(Path(sys.argv[1]), Path(sys.argv[2]), 0, int(sys.argv[3])).load()
    every = {name: by_kernel(NUMPY, run) for name, run in tasks(logits, labels).items()}
    for line in sys.stdin:
        name, rows = line.split()
        if name == PEER and name not in every:
            every[PEER] = peers.contender(peers.TORCHMETRICS, logits, labels).run
        start = time.process_time()
        every[name](int(rows))
        print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
