"""The section of docs/benchmarks.md on losses: all of them, tuned, on real features, beside cross entropy.

    python -m tests.benchmarks.losses [--quick] [--folder RUNS] [--dumps FOLDER] [--trials N]

Each data set is one `calibeval finetune --tune --seeds 5`; runs that lie in the folder already are not made again.
The data are those of tests/test_real_dumps.py; without them the section says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.timing import machine, say, table

DATA = {
    "text_agnews": ("AG News, 4 classes, 384 MiniLM features, 3,600 / 1,500 / 2,500 rows", "mlp"),
    "text_banking77": ("Banking77, 77 classes, 384 MiniLM features, 8,000 / 2,003 / 3,080 rows", "linear"),
    "cifar10jpeg_resnet20_features": (
        "CIFAR-10 as JPEG, 10 classes, 64 features of a ResNet-20 trained on TRAIN, 8,000 / 2,000 / 4,000 rows",
        "linear",
    ),
}
LOSSES = "ce,ls,ecp,focal,flsd,dual_focal,brier,mbls,acls,mdca,cals,cals_hr"
DUMPS = Path(os.environ.get("CALIBEVAL_REAL_DUMPS", Path(__file__).parents[3] / "shared" / "data"))
SHOWN = {"accuracy": (100, 2), "ece": (100, 2), "nll": (1, 4)}


def main() -> None:
    """Print the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two trials, two seeds, three epochs")
    parser.add_argument("--folder", type=Path, help="where the runs are made, or lie already")
    parser.add_argument("--dumps", type=Path, default=DUMPS, help="where the feature caches are")
    parser.add_argument("--trials", type=int, default=24)
    arguments = parser.parse_args()
    if not arguments.dumps.is_dir():
        print("Not measured: the feature caches are not here.")
        return
    with tempfile.TemporaryDirectory() as temporary:
        parts = [machine()]
        for name, (title, head) in DATA.items():
            run = (arguments.folder or Path(temporary)) / name
            document = _run(arguments.dumps / f"{name}.npz", head, run, arguments.trials, quick=arguments.quick)
            parts += [f"### {title}", *_tables(document, head)]
        print("\n\n".join(parts))


def _run(data: Path, head: str, run: Path, trials: int, *, quick: bool) -> dict[str, Any]:
    run.parent.mkdir(parents=True, exist_ok=True)
    words = [f"{data}#train", "--val", f"{data}#val", "--test", f"{data}#test", "--loss", LOSSES, "--head", head]
    words += ["--tune", "--trials", "2" if quick else str(trials), "--seeds", "2" if quick else "5"]
    words += ["--epochs", "3"] if quick else []
    command = [sys.executable, "-m", "calibeval", "finetune", *words, "--out", str(run), "--resume", "--json"]
    say(" ".join(command[2:]))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _tables(document: dict[str, Any], head: str) -> list[str]:
    losses, trials = document["losses"], document["settings"]["trials"]
    seeds = len(losses[0]["seeds"])
    said = (
        f"Head: {head}. {trials} trials per loss on VAL, then {seeds} seeds of the best trial; results on TEST, mean ± "
        f"standard deviation. Best on VAL: {document['chosen']}."
    )
    heads = ["loss", "accuracy %", "ECE %", "NLL", "ECE after T %", "NLL after T", "chosen"]
    rows = [[loss["name"], *_numbers(loss), _chosen(loss["parameters"])] for loss in losses]
    plain = losses[0]
    names = [name for name in SHOWN if name != "accuracy"]
    differences = [
        [loss["name"], _difference(loss, plain, "accuracy"), *(_difference(loss, plain, name) for name in names)]
        for loss in losses[1:]
    ]
    return [
        said,
        table(heads, rows),
        "Difference from cross entropy after temperature scaling, paired by seed: mean ± standard deviation.",
        table(["loss", "accuracy, points", "ECE, points", "NLL"], differences),
    ]


def _numbers(loss: dict[str, Any]) -> list[str]:
    before = [_spread([seed["before"][name] for seed in loss["seeds"]], name) for name in SHOWN]
    after = [_spread([seed["after"][name] for seed in loss["seeds"]], name) for name in SHOWN if name != "accuracy"]
    return [*before, *after]


def _difference(loss: dict[str, Any], plain: dict[str, Any], name: str) -> str:
    pairs = zip(loss["seeds"], plain["seeds"], strict=True)
    return _spread([one["after"][name] - other["after"][name] for one, other in pairs], name, signed=True)


def _spread(values: list[float], name: str, *, signed: bool = False) -> str:
    scale, places = SHOWN[name]
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1))
    sign = "+" if signed else ""
    return f"{scale * mean:{sign}.{places}f} ± {scale * deviation:.{places}f}"


def _chosen(parameters: dict[str, Any]) -> str:
    told = ("margin", "alpha", "beta", "gamma", "rho_init", "lambd_init", "lr", "weight_decay")
    if {"lambd_min", "beta"} & {*parameters}:  # CALS, CALS-HR and MDCA have a gamma that is not searched
        told = tuple(name for name in told if name != "gamma")
    return ", ".join(f"{name} {parameters[name]:g}" for name in told if parameters.get(name) is not None)


if __name__ == "__main__":
    main()
