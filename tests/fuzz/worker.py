"""Runs commands on many files of one format, in one process with little memory, and names those that went wrong.

python worker.py mutants|structures FORMAT COUNT FOLDER SEED...: for each seed, makes so many files, and writes one line
for each that did not end with an allowed exit code in time, with one short message and within memory, and leaves it in
the folder; the last line is `done`, so that a crash is seen.
"""

import contextlib
import functools
import io
import json
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import typer.main

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from calibeval.cli.main import main
from tests.fuzz.mutate import mutant
from tests.fuzz.odd import Dice
from tests.fuzz.seeds import ROWS, SEEDS
from tests.fuzz.structures import STRUCTURES, options

MEMORY = 3 * 2**30
MORE_MEMORY = 300 * 2**10  # KiB above what the process has once everything is imported
SECONDS = 5.0
LONGER = {".h5": 20.0}  # its process is ended after seconds of the processor, and others may want that, too
LONGEST_MESSAGE = 499


def mutants(suffix, seed, folder, rng):
    """Files with random damage, and the command that reads them."""
    content, other = SEEDS[suffix](seed), SEEDS[suffix](seed + 1)
    words = ["report", "{}", "--json", "--jobs", "1"]
    if suffix == ".npy":
        words += ["--kind", "logits", "--labels", str(folder / "labels.npy")]
    while True:
        yield mutant(content, other, rng), words, (0, 3)


def structures(suffix, seed, folder, rng):
    """Complete files that are odd, and commands with options."""
    while True:
        rng.calm()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            content = STRUCTURES[suffix](rng)
        yield content, options(suffix, rng, folder), (0, 2, 3)


def peak():
    """The most memory that the process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(make, suffix, count, seed, folder):
    rng = Dice(seed)
    np.save(folder / "labels.npy", np.arange(ROWS if make is mutants else 20) % 3)
    np.save(folder / "texts.npy", np.array(["a", "b"] * 10))
    np.save(folder / "short.npy", np.arange(5) % 2)
    np.savez(folder / "warm.npz", logits=[[0, 3], [1, 0]], labels=[1, 0])
    path = folder / f"made{suffix}"
    with contextlib.redirect_stdout(io.StringIO()):
        main(["report", str(folder / "warm.npz"), "--jobs", "1"])
    codes, most = {}, None
    for number, (content, template, allowed) in zip(range(count), make(suffix, seed, folder, rng), strict=False):
        path.unlink(missing_ok=True)  # some file systems are slow to write to an old file
        path.write_bytes(content)
        words = [word.replace("{}", str(path)) for word in template]
        errors, before = io.StringIO(), peak()
        began = time.monotonic()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            code = main(words)
        took = time.monotonic() - began
        codes[code] = codes.get(code, 0) + 1
        most = peak() if most is None else most  # the first file imports what its format needs
        said = errors.getvalue().strip()
        message = json.loads(said.splitlines()[-1])["error"]["message"] if code and "--json" in words else said
        endless = code and max(map(len, message.replace(str(folder), "").split("\n"))) > LONGEST_MESSAGE + 80
        hungry = peak() > max(before, most + MORE_MEMORY)
        if code not in allowed or took > LONGER.get(suffix, SECONDS) or "Traceback" in said or endless or hungry:
            kept = folder / f"bad-{seed}-{number}{suffix}"
            kept.write_bytes(content)
            what = f"exit code {code} after {took:.1f} s, {(peak() - before) >> 10} MiB"
            sys.stdout.write(
                f"{kept.name}: {' '.join(words)[:300]!r}: {what}: {' / '.join(said.split(chr(10)))[:300]}\n"
            )
            sys.stdout.flush()
    return codes


if __name__ == "__main__":
    typer.main.get_command = functools.cache(typer.main.get_command)  # otherwise most of the time goes into building it
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    makers = {"mutants": mutants, "structures": structures}
    how, name, files, place, *seeds = sys.argv[1:]
    ended = [run(makers[how], name, int(files), int(seed), Path(place)) for seed in seeds]
    sys.stdout.write(f"done {ended}\n")
