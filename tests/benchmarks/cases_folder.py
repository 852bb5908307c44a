"""How long `calibeval report` takes on a folder of cases beside inflating its files alone, and how much memory.

A folder of cases of 512 x 512 pixels and 19 classes in float32, as nnU-Net writes them: twenty compressed files stand
behind all cases as links, so that thousands of cases need little room. The memory must not grow with their number.

    python -m tests.benchmarks.cases_folder /tmp/cases --cases 20 100
    python -m tests.benchmarks.cases_folder /tmp/cases --cases 2000 --jobs 2
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

DIFFERENT, CLASSES, SIDE = 20, 19, 512
MIB = 2.0**20


def main() -> None:
    """Make the folders, and print one line of JSON for each number of cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    originals = asked.folder / "originals"
    if not originals.exists():
        make(originals)
    for count in asked.cases:
        scores, labels = linked(originals, asked.folder / f"{count}_cases", count)
        inflating = run([sys.executable, "-c", INFLATE, str(scores)])
        command = [sys.executable, "-m", "calibeval", "report", str(scores), "--labels", str(labels)]
        measured = run([*command, "--json", "-q", "--jobs", str(asked.jobs)])
        print(
            json.dumps(
                {
                    "cases": count,
                    "jobs": asked.jobs,
                    "inflating": inflating,
                    "report": measured,
                    "load": round(os.getloadavg()[0], 1),
                }
            ),
            flush=True,
        )


INFLATE = """
import sys, zipfile
from pathlib import Path
for file in sorted(Path(sys.argv[1]).iterdir()):
    with zipfile.ZipFile(file) as archive, archive.open("probabilities.npy") as member:
        while member.read(1 << 20):
            pass
"""


def make(folder: Path) -> None:
    """Different cases with their labels: smooth fields, whose probabilities are compressed as those of a network."""
    rng = np.random.default_rng(0)
    for side in ("scores", "labels"):
        (folder / side).mkdir(parents=True)
    for number in range(DIFFERENT):
        coarse = rng.normal(size=(CLASSES, 33, 33)).astype(np.float32)
        fields = 4.0 * enlarged(coarse) + rng.normal(0.0, 0.3, (CLASSES, SIDE, SIDE)).astype(np.float32)
        probs = np.exp(fields - fields.max(axis=0))
        probs /= probs.sum(axis=0)
        labels = (fields + rng.gumbel(size=fields.shape)).argmax(axis=0).astype(np.uint8)
        np.savez_compressed(folder / "scores" / f"{number:02d}.npz", probabilities=probs)
        np.save(folder / "labels" / f"{number:02d}.npy", labels)


def enlarged(coarse: np.ndarray) -> np.ndarray:
    """Fields at 512 x 512 pixels, linear between those of a coarse grid."""
    places = np.linspace(0.0, coarse.shape[-1] - 1.001, SIDE)
    low, share = places.astype(int), (places % 1.0).astype(np.float32)
    rows = coarse[:, low] * (1 - share)[:, None] + coarse[:, low + 1] * share[:, None]
    return rows[:, :, low] * (1 - share) + rows[:, :, low + 1] * share


def linked(originals: Path, folder: Path, count: int) -> tuple[Path, Path]:
    """Folders with so many links to the originals."""
    for side, ending in (("scores", ".npz"), ("labels", ".npy")):
        (folder / side).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            link = folder / side / f"case_{number:05d}{ending}"
            if not link.exists():
                link.symlink_to((originals / side / f"{number % DIFFERENT:02d}{ending}").resolve())
    return folder / "scores", folder / "labels"


def run(command: list[str]) -> dict[str, float]:
    """Seconds by the clock and of the processor, and the most memory, of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[-1]} ended with {status}")
    return {
        "wall_s": round(time.perf_counter() - start, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_mib": round(used.ru_maxrss * 1024 / MIB, 0),
    }


if __name__ == "__main__":
    main()
