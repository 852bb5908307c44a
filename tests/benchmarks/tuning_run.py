"""One `finetune --tune` without its reports: seconds and scores, as JSON. Started by tests/benchmarks/tuning.py.

    PYTHONPATH=TREE python tests/benchmarks/tuning_run.py CACHE HEAD LOSSES TRIALS SEED THREADS

It uses only what earlier versions of calibeval have, too. CACHE: a file with the splits train and val, or "drawn".
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch

from calibeval.core.heads.features import Features
from calibeval.readers.features.features import open_features
from calibeval.readers.meaning.read_options import ReadOptions
from calibeval.training import settings as known
from calibeval.training.request import Request, prepare
from calibeval.training.settings import TrainingSettings
from calibeval.training.spec import parse_losses

DRAWN = (8000, 2000, 384, 150)  # rows of TRAIN and VAL, features, classes


def main() -> None:
    """Train, and print one line."""
    cache, head, losses, trials, seed, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    train, val = (
        _drawn() if cache == "drawn" else (open_features(f"{cache}#{s}", ReadOptions()) for s in ("train", "val"))
    )
    k = 1 + int(max(split.labels.max() for split in (train, val)))
    request = Request(
        losses=parse_losses(losses),
        settings=TrainingSettings(epochs=getattr(known, "TUNED_EPOCHS", 40)),
        hidden=512 if head == "mlp" else None,
        trials=int(trials),
        seeds=(int(seed),),
    )
    cpu, wall, epochs = time.process_time(), time.perf_counter(), 0
    sweep, _ = prepare(train, val, k, request)
    while not sweep.done:
        sweep.step()
        epochs += 1
    scores = {str(loss): trained.score for loss, trained in zip(request.losses, sweep.heads, strict=True)}
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"cpu": cpu, "wall": wall, "epochs": epochs, "scores": scores}))


def _drawn() -> list[Features]:
    """Rows around the centres of the classes."""
    n, held_out, d, k = DRAWN
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(k, d)).astype(np.float32)
    splits = []
    for rows in (n, held_out):
        labels = rng.integers(0, k, rows)
        noise = 4.0 * rng.normal(size=(rows, d)).astype(np.float32)
        splits.append(Features(features=centres[labels] + noise, labels=labels))
    return splits


if __name__ == "__main__":
    main()
