"""The section of docs/benchmarks.md on tuning: time and score of `finetune --tune` beside those of an earlier version.

    python -m tests.benchmarks.tuning [--quick] [--before COMMIT] [--folder RESULTS [--kept]] [--dumps FOLDER]
        [--seeds N]

Both versions take turns on the same caches, losses and seeds, on one thread. Results that lie in the folder already are
not measured again. The caches are those of tests/benchmarks/losses.py and the repository's own; without them the
section says so.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.benchmarks.losses import DUMPS
from tests.benchmarks.timing import THREAD_VARIABLES, cores, machine, say, show, table, target_row

ROOT = Path(__file__).resolve().parents[2]
BEFORE = "3987985"  # the last commit with 40 epochs, and without heads that leave
LOSSES = "ce,mbls,cals"
TITLES = {
    "text_agnews": "AG News",
    "text_banking77": "Banking77",
    "cifar10jpeg_resnet20_features": "CIFAR-10 as JPEG",
    "diamonds_features": "diamonds",
}
TRIALS = {"linear": 24, "mlp": 8}
LEAST_SPEEDUP, MOST_WORSE, MOST_SECONDS = 4.0, 0.003, 300.0


def main() -> None:
    """Print the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two trials, the smallest cache, one seed")
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    parser.add_argument("--folder", type=Path, help="where results are kept, or lie already")
    parser.add_argument("--kept", action="store_true", help="measure nothing: show what lies in the folder")
    parser.add_argument("--dumps", type=Path, default=DUMPS, help="where the feature caches are")
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    caches = {name: arguments.dumps / f"{name}.npz" for name in TITLES}
    caches["diamonds_features"] = ROOT / "sample_data" / "diamonds_features.npz"
    caches = {name: path for name, path in caches.items() if path.exists()}
    if arguments.quick:
        caches = {"diamonds_features": caches["diamonds_features"]}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary) / "results"
        folder.mkdir(parents=True, exist_ok=True)
        trees = {"before": _tree(arguments.before, Path(temporary) / "tree"), "after": ROOT}
        parts, targets = [machine(), _how(arguments.before)], []
        for head, trials in TRIALS.items():
            rows = []
            for name, path in caches.items():
                case = (head, 2 if arguments.quick else trials, 1 if arguments.quick else arguments.seeds)
                found = _compared(name, path, case, trees, folder, kept=arguments.kept)
                if not found["after"]:
                    continue
                rows.append(_row(TITLES[name], found))
                targets += _targets(f"{TITLES[name]}, {head}", found)
            heads = ["", *(f"{what} CPU s" for what in trees), "ratio", *(f"{loss}: NLL" for loss in LOSSES.split(","))]
            parts += [f"### Head: {head}, {trials} candidates for each of 3 losses", table(heads, rows)]
        if not (arguments.quick or arguments.kept) or (folder / f"after-drawn-{_threads()}.json").exists():
            targets += _drawn(folder)
        parts += ["### Targets of tuning", table(["what", "target", "reached", "met"], targets)]
    print("\n\n".join(parts))


def _how(before: str) -> str:
    return (
        f"`finetune --tune` with the losses `{LOSSES}`, beside commit `{before}`, which trains 40 epochs and goes on "
        "computing heads that have stopped. CPU seconds of one thread for candidates and final heads, means over the "
        "seeds; NLL on VAL after temperature of the final heads: that of today, and in brackets its difference from "
        "before. The standard error of a difference between two candidates is about .003."
    )


def _compared(
    name: str, path: Path, case: tuple[str, int, int], trees: dict[str, Path | None], folder: Path, *, kept: bool
) -> dict[str, list[dict[str, Any]]]:
    """The results of both versions, seed by seed; nothing for a version that is not there."""
    head, trials, seeds = case
    found: dict[str, list[dict[str, Any]]] = {what: [] for what in trees}
    for seed in range(seeds):
        files = {what: folder / f"{what}-{name}-{head}-{trials}-{seed}.json" for what in trees}
        if kept and not all(file.exists() for file in files.values()):
            continue
        for what, tree in trees.items():
            if tree is not None:
                words = [str(path), head, LOSSES, str(trials), str(seed), "1"]
                found[what].append(_result(files[what], tree, words))
    return found


def _result(kept: Path, tree: Path, words: list[str]) -> dict[str, Any]:
    if not kept.exists():
        say(f"{kept.stem} ...")
        environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_WAIT_POLICY": "passive"}
        environment |= dict.fromkeys(THREAD_VARIABLES, words[-1])
        command = [sys.executable, str(ROOT / "tests" / "benchmarks" / "tuning_run.py"), *words]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=tree)
        kept.write_text(done.stdout, encoding="utf-8")
        say(done.stdout.strip())
    result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return result


def _tree(commit: str, folder: Path) -> Path | None:
    """The package at a commit; None where the repository does not have it."""
    command = ["git", "archive", commit, "calibeval"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        say(f"commit {commit} is not here: {done.stderr.decode().strip()}")
        return None
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _row(title: str, found: dict[str, list[dict[str, Any]]]) -> list[str]:
    seconds = {what: [one["cpu"] for one in results] for what, results in found.items()}
    cells = [show(fmean(values)) if values else "" for values in seconds.values()]
    ratio = f"{_speedup(found):.1f}×" if seconds["before"] else ""
    return [title, *cells, ratio, *(_nll(loss, found) for loss in LOSSES.split(","))]


def _nll(loss: str, found: dict[str, list[dict[str, Any]]]) -> str:
    after = fmean(one["scores"][loss] for one in found["after"])
    return f"{after:.4f} ({_worse(loss, found):+.4f})" if found["before"] else f"{after:.4f}"


def _speedup(found: dict[str, list[dict[str, Any]]]) -> float:
    pairs = zip(found["before"], found["after"], strict=True)
    return fmean(before["cpu"] / after["cpu"] for before, after in pairs)


def _worse(loss: str, found: dict[str, list[dict[str, Any]]]) -> float:
    """By how much the score is above that of before, on average over the seeds."""
    pairs = zip(found["before"], found["after"], strict=True)
    return fmean(after["scores"][loss] - before["scores"][loss] for before, after in pairs)


def _targets(what: str, found: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    if not found["before"]:
        return []
    worst = max(_worse(loss, found) for loss in LOSSES.split(","))
    return [
        target_row(f"{what}: time before, over after", LEAST_SPEEDUP, _speedup(found), at_least=True),
        target_row(f"{what}: NLL above that of before, worst loss", MOST_WORSE, worst, at_least=False, unit=""),
    ]


def _threads() -> int:
    return min(cores(), 2)


def _drawn(folder: Path) -> list[list[str]]:
    """The target in minutes, on as many threads as there are cores, up to two."""
    threads = _threads()
    result = _result(folder / f"after-drawn-{threads}.json", ROOT, ["drawn", "mlp", "ce", "24", "0", str(threads)])
    what = f"24 candidates, mlp head, 8,000 × 384, 150 classes, {threads} threads: wall"
    return [target_row(what, MOST_SECONDS, result["wall"], at_least=False, unit=" s")]


if __name__ == "__main__":
    main()
