"""Size, power and coverage of the temperature and of Cox's numbers: python -m tests.benchmarks.temperature_power.

Labels are drawn from known probabilities, and stated logits are those times T, so the true temperature is T. Printed
are Markdown tables: how often tests and the noise floor of the ECE say that the model is miscalibrated, in percent of
the samples, and coverage and mean width of the interval of T. Nominal level 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from calibeval import Predictions
from calibeval.core.data.arrays import Floats
from calibeval.core.metrics.result import MetricResult
from calibeval.core.metrics.table import METRICS
from calibeval.core.sums.engine import summarise
from tests.benchmarks.coverage_samples import softmax

TEMPERATURES = (0.7, 1.0, 1.11, 1.25, 1.5)
# Classes, spread of all true logits and lead of one class before the spread, rows.
POWER = ((2, 1.5, 1.0), (10, 1.5, 2.0), (100, 1.5, 4.0), (2, 2.0, 4.0), (10, 2.0, 5.0))
COVERAGE = (*POWER, (100, 3.0, 6.0), (10, 3.0, 6.0))
ROWS = (200, 1000, 5000)
NAMES = ("ece", "temperature", "cox_slope")


def true_logits(n: int, k: int, spread: float, lead: float, rng: np.random.Generator) -> Floats:
    """Logits from which labels are drawn."""
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), rng.integers(0, k, n)] += lead
    return logits * spread


def dump(n: int, k: int, spread: float, lead: float, map_of: Callable[[Floats], Floats], seed: int) -> Predictions:
    """A sample of stated logits. map_of: from true to stated logits."""
    rng = np.random.default_rng([seed, n, k])
    logits = true_logits(n, k, spread, lead, rng)
    labels = (softmax(logits).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return Predictions(logits=map_of(logits), labels=labels)


def measured(predictions: Predictions) -> tuple[float, dict[str, MetricResult]]:
    """The accuracy and the results of one sample."""
    sums = summarise(predictions)
    names = [name for name in NAMES if sums.k == 2 or not METRICS[name].binary]
    accuracy = METRICS["accuracy"].value(sums)
    return accuracy, {name: METRICS[name].measured(sums, None if name == "ece" else 0.95) for name in names}


def rejected(name: str, found: MetricResult, p: float) -> bool:
    """Whether the sample says that the model is miscalibrated, at this p."""
    if name == "ece":
        limit = found.floor_high if p == 0.05 else found.floor_certain
        return found.value is not None and limit is not None and found.value > limit
    return found.p is not None and found.p < p


def power(samples: int) -> None:
    """The table of sizes and powers."""
    print("| classes, accuracy | rows | T | ECE above its floor | temperature test | Cox, 2 df | certain |")
    print("|---|---|---|---|---|---|---|")
    for k, spread, lead in POWER:
        for n in (500, 2000):
            for t in (1.0, 1.11, 1.25):
                every = [measured(dump(n, k, spread, lead, lambda z, t=t: z * t, seed)) for seed in range(samples)]
                accuracy = 100 * np.mean([one for one, _ in every])
                shown = [
                    f"{100 * np.mean([rejected(name, found[name], 0.05) for _, found in every]):.0f}"
                    if name in every[0][1]
                    else ""
                    for name in NAMES
                ]
                certain = 100 * np.mean([rejected("temperature", found["temperature"], 0.001) for _, found in every])
                print(f"| {k}, {accuracy:.1f} % | {n} | {t} | {' | '.join(shown)} | {certain:.1f} |", flush=True)


def coverage(samples: int) -> None:
    """The table of coverage."""
    print("\n| classes, accuracy | rows | no optimum | covered | T below | T above | width of ln T |")
    print("|---|---|---|---|---|---|---|")
    for k, spread, lead in COVERAGE:
        for n in ROWS:
            # The interval of ln T only shifts with T.
            every = [measured(dump(n, k, spread, lead, lambda z: z, seed)) for seed in range(samples)]
            there = [found["temperature"] for _, found in every if found["temperature"].low is not None]
            accuracy = 100 * np.mean([one for one, _ in every])
            above, below = sum(one.low > 1 for one in there), sum(one.high < 1 for one in there)
            width = np.mean([np.log(one.high / one.low) for one in there]) if there else np.nan
            shares = (len(every) - len(there), len(every) - above - below, above, below)
            shown = " | ".join(f"{100 * one / len(every):.0f}" for one in shares)
            print(f"| {k}, {accuracy:.2f} % | {n} | {shown} | {width:.2f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="few samples, to see that it runs")
    given = parser.parse_args()
    samples = 5 if given.quick else given.samples
    power(samples)
    coverage(samples)


if __name__ == "__main__":
    main()
