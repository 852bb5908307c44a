"""Runs `report` on many mutants of one format, in one process with little memory, and names those that went wrong.

python worker.py FORMAT COUNT SEED FOLDER: writes one line for each mutant that did not end with exit code 0 or 3 in
time, and leaves it in the folder; the last line is `done`, so that a crash is seen.
"""

import contextlib
import functools
import io
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import typer.main

sys.path.insert(0, str(Path(__file__).parent))

from mutate import mutant
from seeds import ROWS, SEEDS

from calibeval.cli.main import main

MEMORY = 3 * 2**30
SECONDS = 5.0


def run(suffix, count, seed, folder):
    rng = np.random.default_rng(seed)
    content, other = SEEDS[suffix](seed), SEEDS[suffix](seed + 1)
    labels = folder / "labels.npy"
    np.save(labels, np.arange(ROWS) % 3)
    options = ["--kind", "logits", "--labels", str(labels)] if suffix == ".npy" else []
    path = folder / f"mutant{suffix}"
    codes = {}
    for number in range(count):
        path.unlink(missing_ok=True)  # some file systems are slow to write to an old file
        path.write_bytes(mutant(content, other, rng))
        began = time.monotonic()
        errors = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            code = main(["report", str(path), "--json", "--jobs", "1", *options])
        took = time.monotonic() - began
        codes[code] = codes.get(code, 0) + 1
        if code not in (0, 3) or took > SECONDS or "Traceback" in errors.getvalue():
            kept = folder / f"bad-{seed}-{number}{suffix}"
            kept.write_bytes(path.read_bytes())
            sys.stdout.write(f"{kept.name}: exit code {code} after {took:.1f} s: {errors.getvalue().strip()[:300]}\n")
    sys.stdout.write(f"done {codes}\n")


if __name__ == "__main__":
    typer.main.get_command = functools.cache(typer.main.get_command)  # otherwise most of the time goes into building it
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
