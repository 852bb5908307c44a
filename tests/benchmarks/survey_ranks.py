"""Coverage of ranks of models on the same rows: python -m tests.benchmarks.survey_ranks.

Models see the same images, each with noise and a sharpness of its own; a temperature is fitted out of fold. Printed
is a Markdown table, in percent of the replicates: how often all ranks hold at once, at a nominal 95 %, how often the
best model is in the set of those that may be the best, and how many models that set has; last, how often the model
with the smallest ECE is the best, which is why ranks are not by it. Ranks hold if no model is said to be better than
one that is as good or better.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calibeval import Predictions
from calibeval.core.data.arrays import Floats
from calibeval.core.evaluation.evaluate import measured_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.survey.axes import Axis
from calibeval.core.survey.ranking import ranking_of
from calibeval.core.survey.rows import Units, UnitValues
from calibeval.core.survey.survey import Cell
from calibeval.core.survey.together import Kept
from calibeval.recalibrate.base.mapping import mapped
from calibeval.recalibrate.fitting.fit import fit
from calibeval.runs.surveying.repair import FittedOn, Fitting

LEVEL, K, MANY = 0.95, 5, 200_000


@dataclass(frozen=True, slots=True)
class Setting:
    """noise, sharpness: of each model. scale: of the logits; large: few errors. videos: frames that are alike."""

    name: str
    noise: tuple[float, ...]
    sharpness: tuple[float, ...]
    scale: float = 2.0
    videos: int = 1


SHARP = (2.0, 1.5, 1.0, 0.8, 2.5, 1.2)
SCENARIOS = (
    Setting("6 models, ever worse", (0.2, 0.6, 0.9, 1.2, 1.5, 1.8), SHARP),
    Setting("6 models that are as good", (1.0,) * 6, SHARP),
    Setting("3 seeds of 2 models", (0.5, 0.5, 0.5, 1.0, 1.0, 1.0), SHARP),
    Setting("12 models, close", tuple(1.0 + 0.05 * i for i in range(12)), SHARP * 2),
    Setting("6 models, few errors", (0.2, 0.4, 0.6, 0.8, 1.0, 1.2), (1.0,) * 6, scale=10.0),
    Setting("3 seeds of 2 models, videos of 10 frames", (0.5, 0.5, 0.5, 1.0, 1.0, 1.0), SHARP, videos=10),
)


def images(n: int, setting: Setting, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Logits that are calibrated, and labels; the frames of a video share both."""
    logits = setting.scale * rng.normal(size=(-(-n // setting.videos), K))
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = (weights / weights.sum(axis=1, keepdims=True)).cumsum(axis=1)
    labels = (rng.random((len(logits), 1)) > shares).sum(axis=1).clip(0, K - 1)
    return np.repeat(logits, setting.videos, axis=0)[:n], np.repeat(labels, setting.videos)[:n]


def scores(logits: Floats, model: int, setting: Setting, rng: np.random.Generator) -> Floats:
    """What a model says of images: its error is the same for the frames of a video."""
    own = rng.normal(size=(-(-len(logits) // setting.videos), K))
    own = np.repeat(own, setting.videos, axis=0)[: len(logits)]
    return setting.sharpness[model] * (logits + setting.noise[model] * own)


def truth(setting: Setting) -> list[float]:
    """The NLL of each model after its best temperature; equal for models of equal noise."""
    rng = np.random.default_rng(7)
    alone = replace(setting, videos=1)
    logits, labels = images(MANY, alone, rng)
    found: dict[float, float] = {}
    for model, noise in enumerate(setting.noise):
        if noise not in found:
            shown = Predictions(logits=scores(logits, model, alone, rng), labels=labels)
            report, _ = measured_dump(mapped(shown, fit(shown)), checked(level=None), only=("nll",))
            found[noise] = report.metrics["nll"].value
    return [found[noise] for noise in setting.noise]


def measured(logits: Floats, labels: npt.NDArray[np.int64], group: str | None) -> tuple[float, Kept]:
    """The ECE of a model, and what is kept of its rows before and after a temperature that is fitted out of fold."""
    columns = {} if group is None else {"video": np.arange(len(labels)) // 10}
    dump = Predictions(logits=logits, labels=labels, columns=columns)
    settings = checked(level=None, group=group)
    report, before = measured_dump(dump, settings, only=("ece", "nll"), keep_rows=True)
    scaled = FittedOn(dump, Fitting()).applied(dump).predictions
    _, after = measured_dump(scaled, settings, only=("nll",), keep_rows=True)
    units = Units.of(dump, before.sums.rows, group)
    sides = (UnitValues.of(one.sums.rows, units) for one in (before, after))
    return report.metrics["ece"].value, Kept(units.bare, *sides)


def replicate(
    setting: Setting, n: int, true: Sequence[float], rng: np.random.Generator
) -> tuple[bool, bool, int, bool]:
    """Whether all ranks hold, whether the best is in the set, its size, and whether the smallest ECE is of the best."""
    logits, labels = images(n, setting, rng)
    group = None if setting.videos == 1 else "video"
    every = [measured(scores(logits, m, setting, rng), labels, group) for m in range(len(true))]
    axis = Axis("model", tuple(range(len(true))))
    cells = [Cell({"model": m}, "", n, K, {}) for m in range(len(true))]
    found = ranking_of([axis], axis, cells, [kept for _, kept in every], LEVEL, 5)
    holds = all(
        one.first <= 1 + sum(t < true[one.model] for t in true)
        and one.last >= len(true) - sum(t > true[one.model] for t in true)
        for one in found.models
    )
    best = {m for m, value in enumerate(true) if value == min(true)}
    smallest = min(range(len(true)), key=lambda m: every[m][0])
    return holds, best <= {*found.best}, len(found.best), smallest in best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=400)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--only", type=int, help="the number of one scenario, from 0")
    chosen = parser.parse_args()
    print("| models | all ranks hold | best in the set | size of the set | smallest ECE is the best |")
    print("|---|---|---|---|---|")
    for i, setting in enumerate(SCENARIOS):
        if chosen.only not in (None, i):
            continue
        true, rng = truth(setting), np.random.default_rng(i)
        found = [replicate(setting, chosen.rows, true, rng) for _ in range(chosen.replicates)]
        holds, best, size, ece = np.mean(np.array(found, float), axis=0)
        print(f"| {setting.name} | {100 * holds:.1f} | {100 * best:.1f} | {size:.2f} | {100 * ece:.1f} |", flush=True)


if __name__ == "__main__":
    main()
