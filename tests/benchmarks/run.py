"""All benchmarks of the engine, written to docs/benchmarks.md: python -m tests.benchmarks.run --quick.

Each benchmark prints its section; here it replaces what the page has between the markers of that benchmark. One that
prints nothing, such as those of a GPU where there is none, leaves the page as it is. --put takes a section from a file,
as `make gpu` writes them.
With --simulations, the simulations behind docs/statistics.md run instead, and print their tables.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TITLES = {
    "engine": "Engine compared with other libraries",
    "startup": "Start-up and whole processes",
    "growth": "Growth, and files larger than memory",
    "kernels": "Compiled kernel",
    "many_cases": "Folders of cases beside reading them alone",
    "cluster": "Many shards, in one process and on a cluster",
    "on_request": "All metrics",
    "temperature": "Temperature",
    "recalibrators": "Recalibrators on held-out rows",
    "training": "Head training on a CPU",
    "training_gpu": "Head training on a GPU",
    "device_sums": "Sums on a GPU",
    "papers": "CIFAR-10 from images",
    "losses": "Losses on real features",
    "tuning": "Tuning",
}
# What docs/statistics.md reports: the arguments of a short run, which only shows that they run.
SIMULATIONS = {
    "scenarios": ["--quick", "--kinds", "accurate", "ties"],
    "coverage": ["--quick", "--replicates", "20", "--again", "0", "--maps", "over"],
    "coverage_classes": ["--samples", "5", "--only", "twins"],
    "coverage_groups": ["--replicates", "5", "--groups", "20", "--effects", "0.8"],
    "coverage_pairs": ["--quick"],
    "accurate_pairs": ["--quick"],
    "wrong_words": ["--quick"],
    "temperature_power": ["--quick"],
    "segments": ["--files", "4", "--power", "2"],
    "gate_errors": ["--quick"],
    "gate_cells": ["--samples", "2", "--rows", "300", "--metric", "ece", "--only", "0"],
    "gate_passes": ["--samples", "20", "--rows", "500", "--classes", "2"],
    "coverage_group_sizes": ["--replicates", "3", "--designs", "20, log-normal"],
    "coverage_one_signed_groups": ["--replicates", "3"],
    "coverage_image_pairs": ["--replicates", "2", "--images", "20", "--truth", "50", "--pairs", "0"],
    "image_coverage": ["--replicates", "2", "--images", "20", "--truth", "50"],
    "survey_means": ["--replicates", "3", "--rows", "200", "--only", "2"],
    "survey_ranks": ["--replicates", "2", "--rows", "200", "--only", "2"],
    "coverage_weights": ["--samples", "5", "--n", "300"],
    "cross_fitted": ["--quick"],
    "recalibration_gain": ["--quick"],
    "gate_release": ["--samples", "5", "--rows", "500", "--cases", "unchanged"],
    "gate_margins": ["--samples", "10", "--rows", "1000"],
    "gate_few_rows": ["--samples", "3", "--rows", "500"],
    "certified_thresholds": ["--samples", "5"],
    "coverage_without_bins": ["--quick"],
    "p_of_calibrated": ["--quick"],
    "gate_advice": ["--samples", "5", "--rows", "500", "--cases", "rows"],
}
HEAD = """# Benchmarks

`make bench` repeats these measurements and writes the tables below. Absolute times depend on the machine; the ratios
compare programs that took turns in one run.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds: do they run?")
    parser.add_argument("--full", action="store_true", help="with a file larger than this machine's memory")
    parser.add_argument("--simulations", action="store_true", help="those of docs/statistics.md, hours without --quick")
    parser.add_argument("--only", choices=[*TITLES, *SIMULATIONS], action="append", help="this one; may be repeated")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "benchmarks.md", help="the page to write")
    parser.add_argument("--put", nargs=2, action="append", metavar=("NAME", "FILE"), help="only: a section from a file")
    arguments = parser.parse_args()
    if arguments.put:
        for name, file in arguments.put:
            write_section(arguments.page, name, Path(file).read_text(encoding="utf-8"))
        return
    if arguments.simulations:
        simulate(arguments.only or SIMULATIONS, quick=arguments.quick)
        return
    for name in arguments.only or TITLES:
        command = [sys.executable, "-m", f"tests.benchmarks.{name}"]
        command += ["--quick"] if arguments.quick else []
        command += ["--full"] if arguments.full and name == "growth" else []
        print(f"== {name}", file=sys.stderr)
        section = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
        write_section(arguments.page, name, section)


def simulate(names: Iterable[str], *, quick: bool) -> None:
    """Run simulations, which print their tables."""
    for name in names:
        print(f"\n## {name}\n", flush=True)
        module = f"tests.benchmarks.{name}"
        subprocess.run([sys.executable, "-m", module, *(SIMULATIONS[name] if quick else [])], check=True, cwd=ROOT)


def write_section(path: Path, name: str, section: str) -> None:
    """Write a benchmark's section to the page, unless it is empty."""
    if section.strip():
        page = path.read_text(encoding="utf-8") if path.exists() else HEAD
        path.write_text(with_section(page, name, section), encoding="utf-8")


def with_section(page: str, name: str, section: str) -> str:
    """The page with this benchmark's section replaced, or added at the end."""
    start, end = f"<!-- benchmark: {name} -->", f"<!-- end of benchmark: {name} -->"
    text = f"{start}\n## {TITLES[name]}\n\n{section.strip()}\n{end}"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    if pattern.search(page):
        return pattern.sub(lambda _: text, page)
    return f"{page.rstrip()}\n\n{text}\n"


if __name__ == "__main__":
    main()
