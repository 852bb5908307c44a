"""Draw what was simulated: python -m tests.benchmarks.plots --coverage coverage.json --gate gate.json.

The files are those that tests.benchmarks.coverage and tests.benchmarks.gate_errors save; several are joined. The same
files give the same bytes. Written are coverage.svg, widths.svg and gate_errors.svg.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Rows = list[dict[str, Any]]

OURS, OTHER, INK, QUIET, RULE = "#0072b2", "#d55e00", "#1d2228", "#5f6873", "#dde2e7"
TITLES = {
    "ece": "ECE",
    "aece": "AECE",
    "oe": "OE",
    "cwce": "CWCE",
    "mce": "MCE",
    "nll": "NLL",
    "brier": "Brier",
    "accuracy": "accuracy",
}
DRAWN_BY_WIDTH = ("ece", "aece", "oe", "cwce")
MAPS = {"perfect": "o", "over": "s", "wave": "^"}
STYLE = {
    "svg.fonttype": "path",
    "svg.hashsalt": "calibeval",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "legend.frameon": False,
    "grid.color": RULE,
    "figure.facecolor": "white",
}


def missed(percent: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The scale of coverage: by the logarithm of what is missed, with 1 point added so that 100 % has a place."""
    return np.asarray(-np.log(101.0 - np.minimum(np.asarray(percent, np.float64), 100.9)), np.float64)


def covered(place: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The inverse of `missed`."""
    return np.asarray(101.0 - np.exp(-np.asarray(place, np.float64)), np.float64)


def panels(rows: int, columns: int, size: tuple[float, float], **shared: bool) -> tuple[Figure, list[Axes]]:
    """A figure and its panels, in reading order."""
    figure = Figure(figsize=size, layout="constrained")
    return figure, list(np.ravel(figure.subplots(rows, columns, **shared)))


def by_rows(axes: Axes, sizes: Sequence[int]) -> None:
    """A logarithmic axis of rows with these sizes as ticks."""
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{n // 1000}k" if n >= 1000 else str(n) for n in sizes])
    axes.minorticks_off()
    axes.set_xlim(min(sizes) / 1.5, max(sizes) * 1.5)


def spread(axes: Axes, cells: Rows, key: str, colour: str, shift: float) -> None:
    """Every cell as a faint dash beside its n, and a line through the medians."""
    sizes = sorted({cell["n"] for cell in cells})
    dashes = np.array([(cell["n"] * shift, 100.0 * cell[key]) for cell in cells])
    ends = dashes[:, :1] * np.array([0.93, 1.07, np.nan])
    axes.plot(ends.ravel(), np.repeat(dashes[:, 1], 3), "-", color=colour, alpha=0.5, lw=0.6, clip_on=False)
    medians = [np.median([100.0 * cell[key] for cell in cells if cell["n"] == n]) for n in sizes]
    axes.plot(np.array(sizes) * shift, medians, "o-", ms=3, mew=0, color=colour, lw=1.2, clip_on=False)


def coverage_figure(cells: Rows) -> Figure:
    """A panel for each metric: coverage of every cell by n, and of the percentile bootstrap."""
    figure, every = panels(2, 4, (8.4, 4.4), sharex=True, sharey=True)
    for axes, (metric, title) in zip(every, TITLES.items(), strict=True):
        own = [cell for cell in cells if cell["metric"] == metric]
        axes.set_yscale("function", functions=(missed, covered))
        axes.set_yticks([0, 50, 80, 90, 95, 98, 100])
        axes.set_ylim(0, 100)
        axes.axhline(95, color=INK, lw=0.6, ls=(0, (4, 3)))
        if own[0]["bootstrap"] is not None:
            spread(axes, own, "bootstrap", OTHER, 1.12)
        spread(axes, own, "coverage", OURS, 0.89)
        by_rows(axes, sorted({cell["n"] for cell in own}))
        axes.set_title(title)
    for axes in every[::4]:
        axes.set_ylabel("intervals that hold the truth, %")
    for axes in every[4:]:
        axes.set_xlabel("rows")
    figure.suptitle(
        "Coverage of 95 % intervals: calibeval (blue) and the percentile bootstrap (orange)", x=0.01, ha="left", size=10
    )
    return figure


def width_figure(cells: Rows) -> Figure:
    """A panel for each binned metric: mean width by n for three models of ten classes."""
    figure, every = panels(1, 4, (8.4, 2.6), sharex=True, sharey=True)
    for axes, metric in zip(every, DRAWN_BY_WIDTH, strict=True):
        for name, mark in MAPS.items():
            own = sorted(
                (c for c in cells if (c["metric"], c["k"], c["map"]) == (metric, 10, name)), key=lambda c: c["n"]
            )
            sizes = [cell["n"] for cell in own]
            for key, colour in (("bootstrap_width", OTHER), ("width", OURS)):
                values = [100.0 * cell[key] for cell in own]
                label = name if key == "width" else None
                axes.plot(sizes, values, marker=mark, ms=3.5, lw=1.0, color=colour, mew=0, label=label)
        axes.set_yscale("log")
        axes.set_yticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
        by_rows(axes, sizes)
        axes.set_title(TITLES[metric])
        axes.set_xlabel("rows")
    every[0].set_ylabel("mean width, percentage points")
    every[-1].legend(fontsize=7, loc="upper right")
    figure.suptitle(
        "Width for 10 classes: calibeval (blue) and the percentile bootstrap (orange)", x=0.01, ha="left", size=10
    )
    return figure


def gate_figure(rows: Rows) -> Figure:
    """False failures by n, and how often the detectable change is caught."""
    figure, (errors, power) = panels(1, 2, (8.4, 2.9))
    lines: tuple[tuple[str, str, str, str, str], ...] = (
        ("same rows", "bare", "bare rule: ECE up by > 0.005", OTHER, "-"),
        ("two samples", "bare", "bare rule, two samples", OTHER, "--"),
        ("same rows", "ece", "gate: ECE not up", OURS, "-"),
        ("two samples", "ece", "gate: ECE not up, two samples", OURS, "--"),
        ("same rows", "nll", "gate: NLL not up", INK, "-"),
        ("two samples", "nll", "gate: NLL not up, two samples", INK, "--"),
    )
    for case, key, label, colour, dash in lines:
        line(errors, rows, lambda row, case=case: row["case"] == case, key, label, colour, dash)
    errors.axhline(5, color=QUIET, lw=0.6, ls=(0, (4, 3)))
    errors.set_title("Nothing changed: false failures, %")
    for key, label, colour in (("ece", "ECE", OURS), ("nll", "NLL", INK)):
        start = f"{key} up"
        line(power, rows, lambda row, start=start: row["case"].startswith(start), key, label, colour, "-")
    power.axhline(80, color=QUIET, lw=0.6, ls=(0, (4, 3)))
    power.set_title("Worse by the detectable change: caught, %")
    errors.set_ylim(0, 60)
    power.set_ylim(0, 100)
    errors.legend(fontsize=7, loc="upper right")
    power.legend(fontsize=7, loc="lower right")
    for axes in (errors, power):
        by_rows(axes, sorted({row["n"] for row in rows}))
        axes.set_xlabel("rows")
    return figure


def line(
    axes: Axes, rows: Rows, chosen: Callable[[dict[str, Any]], bool], key: str, label: str, colour: str, dash: str
) -> None:
    """A share by n, with one standard error of the simulation on either side."""
    own = sorted((row for row in rows if chosen(row)), key=lambda row: int(row["n"]))
    values, count = np.array([row[key] for row in own]), np.array([row["pairs"] for row in own])
    error = np.sqrt(values * (100.0 - values) / count)
    axes.errorbar([row["n"] for row in own], values, error, color=colour, ls=dash, lw=1.2, elinewidth=0.7, label=label)


def joined(paths: Sequence[Path]) -> Rows:
    """The rows of all files."""
    return [row for path in paths for row in json.loads(path.read_text(encoding="utf-8"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--coverage", type=Path, nargs="+", default=[])
    parser.add_argument("--gate", type=Path, nargs="+", default=[])
    parser.add_argument("--folder", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    with mpl.rc_context(STYLE):
        figures = {}
        if options.coverage:
            cells = joined(options.coverage)
            figures |= {"coverage": coverage_figure(cells), "widths": width_figure(cells)}
        if options.gate:
            figures["gate_errors"] = gate_figure(joined(options.gate))
        for name, figure in figures.items():
            figure.savefig(options.folder / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
