"""A release gate on the worst corruption at severity 3: python -m tests.benchmarks.gate_cells.

The same images are seen under several corruptions: each cell adds noise of its own to the logits, and sharpens them.
The limit is set from the true values of the cells, which many images tell. Printed is a Markdown table: how often it
fails, passes and stays open for a model whose worst cells are exactly at the limit (every failure is false, and so is
every pass where a cell is beyond), and for models with some cells beyond it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from calibeval import Predictions
from calibeval.core.data.arrays import Floats
from calibeval.core.evaluation.evaluate import measured_dump
from calibeval.core.evaluation.settings import checked
from calibeval.core.gating.gate import Subject
from calibeval.core.gating.judged import judged
from calibeval.core.gating.of_survey import JudgedCell, SurveySubject
from calibeval.core.gating.over import expanded
from calibeval.core.gating.rules import GateSettings, Rule
from calibeval.core.survey.axes import Axis
from tests.benchmarks.gate_release import softmax

K, MANY, SCALE, NOISE = 5, 400_000, 2.0, 0.8
SETTINGS = GateSettings()


@dataclass(frozen=True, slots=True)
class Setting:
    """cells: how many. shared: whether all show the same images. sharpness: of each cell, the first ones first, then
    that of the others. limit: the sharpness whose true value is the limit.
    """

    name: str
    metric: str
    sharp: tuple[float, ...]
    others: float
    limit: float
    cells: int = 15
    shared: bool = True


def settings(metric: str) -> tuple[Setting, ...]:
    """All cells at the limit; one at it; one and five beyond it; and all within it."""
    return (
        Setting("15 cells at the limit", metric, (), 1.3, 1.3),
        Setting("15 cells at the limit, other images each", metric, (), 1.3, 1.3, shared=False),
        Setting("1 at the limit, 14 within", metric, (1.3,), 1.0, 1.3),
        Setting("1 beyond, 14 within", metric, (1.55,), 1.0, 1.3),
        Setting("1 far beyond, 14 within", metric, (1.75,), 1.0, 1.3),
        Setting("5 far beyond, 10 within", metric, (1.75,) * 5, 1.0, 1.3),
        Setting("15 within", metric, (), 1.0, 1.3),
    )


def images(n: int, rng: np.random.Generator) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Logits that are calibrated, and labels."""
    logits = SCALE * rng.normal(size=(n, K))
    return logits, (rng.random((n, 1)) > softmax(logits).cumsum(axis=1)).sum(axis=1).clip(0, K - 1)


def seen(logits: Floats, sharpness: float, rng: np.random.Generator) -> Floats:
    """What the model says of images under a corruption."""
    return softmax(sharpness * 0.8 * (logits + NOISE * rng.normal(size=logits.shape)))


@cache
def truth(metric: str, sharpness: float) -> float:
    """The true value of a cell, from many images."""
    rng = np.random.default_rng(7)
    logits, labels = images(MANY, rng)
    report, _ = measured_dump(
        Predictions(probs=seen(logits, sharpness, rng), labels=labels), checked(level=None), only=(metric,)
    )
    return float(report.metrics[metric].value or 0.0)


def verdict(setting: Setting, n: int, rng: np.random.Generator) -> str:
    """The verdict of a gate on the worst cell, on one sample."""
    limit = truth(setting.metric, setting.limit)
    rule = Rule(setting.metric, "max", limit, over="corruption", where="severity=3")
    logits, labels = images(n, rng)
    cells = []
    for i in range(setting.cells):
        if not setting.shared:
            logits, labels = images(n, rng)
        sharpness = setting.sharp[i] if i < len(setting.sharp) else setting.others
        dump = Predictions(probs=seen(logits, sharpness, rng), labels=labels)
        own = Subject.of(
            dump,
            None,
            [Rule(setting.metric, "max", limit)],
            SETTINGS,
            bins=None,
            convention="calibeval",
            slices=(),
            group=None,
        )
        cells.append(JudgedCell({"corruption": i, "severity": 3}, str(i), own))
    axes = Axis("corruption", tuple(range(setting.cells))), Axis("severity", (3,))
    subject = SurveySubject("", axes, tuple(cells), cells[0].subject.settings, None)
    rules = expanded([rule], axes, [one.point for one in cells])
    return judged(subject, rules, SETTINGS).verdict


def table(every: Sequence[Setting], n: int, samples: int, seed: int) -> None:
    """Print a row for each setting."""
    print("| cells | metric | rows a cell | fails | stays open | passes |", "|---|---|---|---|---|---|", sep="\n")
    for setting in every:
        rng = np.random.default_rng([seed, n])
        found = Counter(verdict(setting, n, rng) for _ in range(samples))
        shares = " | ".join(f"{100 * found[word] / samples:.1f} %" for word in ("fail", "inconclusive", "pass"))
        print(f"| {setting.name} | {setting.metric} | {n:,} | {shares} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--metric", nargs="*", default=["ece", "nll"])
    parser.add_argument("--only", type=int, nargs="*", default=list(range(len(settings("ece")))))
    given = parser.parse_args()
    every = [settings(metric)[i] for metric in given.metric for i in given.only]
    table(every, given.rows, given.samples, given.seed)


if __name__ == "__main__":
    main()
