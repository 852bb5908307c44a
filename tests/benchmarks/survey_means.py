"""Coverage of intervals of means over cells that share rows: python -m tests.benchmarks.survey_means.

Images are seen under several corruptions: each cell adds noise of its own to the logits of the same images, and
sharpens them. Printed is a Markdown table: how often the interval of the mean over all cells holds the truth at a
nominal 95 %, and how wide it is, for the sandwich with the images as units, for cells taken as independent of each
other, and for the mean of the cells' own intervals.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibeval import Predictions
from calibeval.core.data.arrays import Floats
from calibeval.core.evaluation.evaluate import measured_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.means import means_of
from calibeval.core.survey.rows import Units, UnitValues
from calibeval.core.survey.survey import Cell
from calibeval.core.survey.together import Kept, Together
from tests.benchmarks.gate_release import softmax

LEVEL, K, MANY = 0.95, 5, 200_000
METRICS = ("accuracy", "confidence_gap", "nll", "brier", "ece")
SETTINGS = checked(level=LEVEL)


@dataclass(frozen=True, slots=True)
class Setting:
    """cells: how many. noise, sharpness: from the first to the last cell. shared: the share of images in all cells.
    scale: of the logits; large: few errors. videos: frames that are alike; 1: images are independent.
    """

    name: str
    cells: int = 10
    noise: tuple[float, float] = (0.2, 2.0)
    sharpness: tuple[float, float] = (1.5, 1.5)
    shared: float = 1.0
    scale: float = 2.0
    videos: int = 1


SCENARIOS = (
    Setting("10 corruptions, over-confident"),
    Setting("10 corruptions, calibrated when clean", sharpness=(1.0, 1.0)),
    Setting("2 cells that are nearly alike", cells=2, noise=(0.2, 0.3)),
    Setting("10 cells, half of the images in all", shared=0.5),
    Setting("10 cells of other images", shared=0.0),
    Setting("10 cells, few errors", noise=(0.05, 0.2), scale=12.0, sharpness=(1.0, 1.0)),
    Setting("10 cells of videos of 10 frames", videos=10),
)


def images(n: int, setting: Setting, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Logits that are calibrated, and labels; the frames of a video share most of their logits, and the label."""
    logits = setting.scale * rng.normal(size=(-(-n // setting.videos), K))
    labels = (rng.random((len(logits), 1)) > softmax(logits).cumsum(axis=1)).sum(axis=1).clip(0, K - 1)
    return np.repeat(logits, setting.videos, axis=0)[:n], np.repeat(labels, setting.videos)[:n]


def scores(logits: Floats, cell: int, setting: Setting, rng: np.random.Generator) -> Floats:
    """What the model says of images in a cell."""
    place = cell / max(setting.cells - 1, 1)
    noise, sharpness = (low + place * (high - low) for low, high in (setting.noise, setting.sharpness))
    return softmax(sharpness * (logits + noise * rng.normal(size=logits.shape)))


def measured(probs: Floats, labels: npt.NDArray[np.int64], ids: npt.NDArray[np.int64], group: str | None):
    """The metrics of a cell and what is kept of its rows."""
    columns = {} if group is None else {"video": ids // 10}
    predictions = Predictions(probs=probs, labels=labels, ids=ids, columns=columns)
    settings = SETTINGS if group is None else checked(level=LEVEL, group=group)
    report, found = measured_dump(predictions, settings, only=METRICS, keep_rows=True)
    rows = found.sums.rows
    units = Units.of(found.predictions, rows, group)
    return report, Kept(units.bare, UnitValues.of(rows, units))


def truth(setting: Setting, *, changes: bool = False) -> dict[str, float]:
    """The mean over cells of the true values, from many images. changes: of the differences from the first cell."""
    rng = np.random.default_rng(7)
    found = []
    logits, labels = images(MANY, setting, rng)
    for cell in range(setting.cells):
        if not changes:  # differences need the same images
            logits, labels = images(MANY, setting, rng)
        predictions = Predictions(probs=scores(logits, cell, setting, rng), labels=labels)
        report, _ = measured_dump(predictions, checked(level=None), only=METRICS)
        found.append({name: report.metrics[name].value for name in METRICS})
    if changes:
        found = [{name: one[name] - found[0][name] for name in METRICS} for one in found[1:]]
    return {name: float(np.mean([one[name] for one in found])) for name in METRICS}


def replicate(setting: Setting, n: int, rng: np.random.Generator):
    """For each metric and method, the interval of the mean."""
    group = "video" if setting.videos > 1 else None
    both, kept_values = [], []
    shared = int(setting.shared * n)
    logits, labels = images(n, setting, rng)
    for cell in range(setting.cells):
        own, known = images(n - shared, setting, rng)
        seen = np.concatenate([logits[:shared], own]) if shared < n else logits
        marks = np.concatenate([labels[:shared], known]) if shared < n else labels
        ids = np.concatenate([np.arange(shared), 10**6 * (cell + 1) + np.arange(n - shared)])
        report, kept = measured(scores(seen, cell, setting, rng), marks, ids, group)
        both.append(Cell({"cell": cell}, "", n, K, report.metrics))
        kept_values.append(kept)
    axes = (Axis("cell", tuple(range(setting.cells))),)
    joint = means_of(axes, both, Together(kept_values, LEVEL))[0]
    ends = means_of(axes, both)[0]
    found = {}
    for name in METRICS:
        widths = [(one.metrics[name].high - one.metrics[name].low) / 2 for one in both]
        half = math.sqrt(sum(width**2 for width in widths)) / setting.cells
        middle = joint[name].value
        found[name] = {
            "shared rows": (joint[name].low, joint[name].high),
            "independent cells": (middle - half, middle + half),
            "mean of ends": (ends[name].low, ends[name].high),
        }
    return found


def changes(setting: Setting, n: int, rng: np.random.Generator) -> dict[str, tuple[tuple[float, float], float]]:
    """For each metric, the interval of the mean change from the first cell over the others, and the reach that it
    would have if cells were independent of it.
    """
    logits, labels = images(n, setting, rng)
    ids, group = np.arange(n), "video" if setting.videos > 1 else None
    every = [measured(scores(logits, cell, setting, rng), labels, ids, group) for cell in range(setting.cells)]
    kept = [own for _, own in every]
    together = Together(kept[1:], LEVEL, [kept[0]] * (setting.cells - 1))
    found = {}
    for name in METRICS[:-1]:
        ends = together.change(name, range(setting.cells - 1))
        halves = [(report.metrics[name].high - report.metrics[name].low) / 2 for report, _ in every]
        apart = math.sqrt(halves[0] ** 2 + sum(half**2 for half in halves[1:]) / (setting.cells - 1) ** 2)
        if ends is not None:
            found[name] = (ends, apart)
    return found


def table_of_changes(settings: Sequence[Setting], n: int, replicates: int, seed: int) -> str:
    lines = ["| cells | metric | intervals | paired by the shared rows | independent cells |", "|---|---|---|---|---|"]
    for setting in settings:
        true = truth(setting, changes=True)
        rng = np.random.default_rng([seed, n, 1])
        every = [changes(setting, n, rng) for _ in range(replicates)]
        for name in METRICS[:-1]:
            held = [one[name] for one in every if name in one]
            ends, apart = np.array([one for one, _ in held]), np.array([one for _, one in held])
            inside = (ends[:, 0] <= true[name]) & (true[name] <= ends[:, 1])
            near = np.abs(ends.mean(axis=1) - true[name]) <= apart
            shown = f"{100 * inside.mean():.1f} ({(ends[:, 1] - ends[:, 0]).mean():.4f})"
            others = f"{100 * near.mean():.1f} ({2 * apart.mean():.4f})"
            lines.append(f"| {setting.name} | {name} | {len(held)} | {shown} | {others} |")
    return "\n".join(lines)


def table(settings: Sequence[Setting], n: int, replicates: int, seed: int) -> str:
    lines = [
        "| cells | metric | shared rows | independent cells | mean of the cells' ends |",
        "|---|---|---|---|---|",
    ]
    for setting in settings:
        true = truth(setting)
        rng = np.random.default_rng([seed, n])
        every = [replicate(setting, n, rng) for _ in range(replicates)]
        for name in METRICS:
            shown = []
            for method in ("shared rows", "independent cells", "mean of ends"):
                ends = np.array([one[name][method] for one in every])
                held = ((ends[:, 0] <= true[name]) & (true[name] <= ends[:, 1])).mean()
                shown.append(f"{100 * held:.1f} ({(ends[:, 1] - ends[:, 0]).mean():.4f})")
            lines.append(f"| {setting.name} | {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="*", default=list(range(len(SCENARIOS))))
    parser.add_argument("--changes", action="store_true", help="mean changes from the first cell instead")
    given = parser.parse_args()
    if given.changes:
        print(table_of_changes([SCENARIOS[i] for i in given.only], given.rows, given.replicates, given.seed))
        return
    print(table([SCENARIOS[i] for i in given.only], given.rows, given.replicates, given.seed))


if __name__ == "__main__":
    main()
