"""The section of docs/benchmarks.md on maps: every map of calibeval and of its peers, on every real dump.

    python -m tests.benchmarks.recalibrators [--rounds N] [--data FOLDER] [--quick]

Every map is fitted on the val split of a real dump and judged on the test split. Peers get float64 probabilities; a
probability of 0 that a peer gives to a label counts as the smallest positive float32.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibeval import Predictions, read
from calibeval.core.errors import InputError
from calibeval.recalibrate.base.scores import log_scores, log_softmax
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.methods import AUTO, METHODS
from tests.benchmarks.map_peers import PEERS, Peer
from tests.benchmarks.timing import machine, one_thread, say, show, table, version

DATA = Path(__file__).parents[3] / "shared" / "data"
DUMPS = {  # and how the tables call them
    "imdb_binary_cleanlab": "IMDB",
    "text_agnews": "AG News",
    "cifar10_wrn16-4_netcal": "C10 WRN",
    "cifar10_vgg16_kumar": "C10 VGG",
    "cifar10jpeg_resnet20_akamaster": "C10 R20",
    "cifar10jpeg_resnet20_features": "C10 R20f",
    "camvid_seg_tinyunet": "CamVid",
    "text_banking77": "Banking",
    "cifar100_wrn16-4_netcal": "C100 WRN",
    "imagenet_sample1000_efflite0": "ImageNet",
}
TINY = float(np.finfo(np.float32).tiny)
BEHIND = 0.001  # in nats: what needs a reason
REASONS = {  # why a method of calibeval is behind
    "temperature": "`ts-mix` mixes in equal probabilities with the share 1 / (n + 1); so do `svs` and `sms`, not this",
    "svs": "the map is the temperature where that has the lower NLL on `val`; the peer mixes in equal probabilities",
    "auto": "the simpler map, as its NLL, cross-validated on `val`, is within one standard error of the best",
}
OTHER_TEST = {
    "CamVid": "the 12 test frames are unlike the 11 of `val`: the closer a map fits `val`, the worse on `test`"
}
FAILURES = (ImportError, AttributeError, TypeError, ValueError, RuntimeError, IndexError, AssertionError)


@dataclass(frozen=True, slots=True)
class Result:
    """How a map did on held-out rows, or a word in its place. zeros: labels that got probability 0."""

    nll: float = np.nan
    brier: float = np.nan
    seconds: float = np.nan
    zeros: int = 0
    word: str = ""


Row = tuple[str, str]  # the map of calibeval, and the tool
Column = dict[Row, Result]


def main() -> None:
    """Print the section."""
    one_thread("tests.benchmarks.recalibrators")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real dumps")
    parser.add_argument("--quick", action="store_true", help="two small dumps, one round")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # of peers
    rounds, names = (1, list(DUMPS)[1:3]) if arguments.quick else (arguments.rounds, list(DUMPS))
    measured_on = machine()
    columns, heads = {}, []
    for name in names:
        path = arguments.data / f"{name}.npz"
        if path.exists():
            val, test = (read(f"{path}#{split}") for split in ("val", "test"))
            heads.append(f"{DUMPS[name]} = `{name}`: {val.n:,} rows, {test.n:,} held out, {val.k:,} classes")
            columns[DUMPS[name]] = measured(val, test, rounds)
    words = (
        f"{measured_on} Every map of calibeval and of its peers, fitted on `val` and evaluated on `test`. CPU seconds "
        f"of one thread for fitting and mapping, the fastest of {rounds} rounds. A label to which a map gives "
        f"probability 0 counts as {TINY:.1e} in the NLL; `(9)` behind it: 9 such labels. Brier: the sum over classes, "
        "0 to 2."
    )
    parts = [
        words,
        "\n".join(f"- {head}" for head in heads),
        grid("NLL in nats on held-out rows", columns, lambda r: f"{r.nll:.4f}" + (f" ({r.zeros})" if r.zeros else "")),
        grid("Brier score on held-out rows", columns, lambda r: f"{r.brier:.4f}"),
        grid("CPU seconds", columns, lambda r: show(r.seconds)),
        "### Where calibeval is behind\n\n" + "\n".join(behind(columns)),
    ]
    print("\n\n".join(parts))


def measured(val: Predictions, test: Predictions, rounds: int) -> Column:
    """The results of every map on one dump."""
    k = int(val.scores.shape[1])
    z, outcomes = _arrays(test)
    found: Column = {("(no map)", ""): judged(np.exp(z), outcomes, 0.0)}
    for name in (*METHODS, AUTO):
        if name == "none" or (name in METHODS and METHODS[name].binary and k != 2):
            continue
        found[name, "calibeval"] = _own(val, test, outcomes, name, rounds if name != AUTO else 1)
        for peer in PEERS:
            if peer.method == name and k <= peer.most and (k == 2 or not peer.binary):
                found[name, f"{peer.package}: {peer.what}"] = _peer(peer, val, test, rounds)
    for peer in PEERS:
        if not peer.method and k <= peer.most:
            found["(others)", f"{peer.package}: {peer.what}"] = _peer(peer, val, test, rounds)
    return found


def judged(probs: np.ndarray, outcomes: np.ndarray, seconds: float) -> Result:
    """The NLL and the Brier score of probabilities (n, k)."""
    row = np.arange(len(outcomes))
    at_label = probs[row, outcomes]
    nll = float(-np.log(np.maximum(at_label, TINY)).mean())
    brier = float((np.einsum("ij,ij->i", probs, probs) - 2.0 * at_label + 1.0).mean())
    return Result(nll, brier, seconds, int((at_label <= 0).sum()))


def grid(title: str, columns: dict[str, Column], cell: Callable[[Result], str]) -> str:
    """A table of one measure: a row for each map, a column for each dump."""
    order: list[Row] = []
    for column in columns.values():
        at = 0
        for row in column:
            if row in order:
                at = order.index(row) + 1
            else:
                order.insert(at, row)
                at += 1
    lines = []
    for row in order:
        results = [column.get(row) for column in columns.values()]
        lines.append([*row, *("" if r is None else r.word or cell(r) for r in results)])
    return f"### {title}\n\n{table(('map', 'tool', *columns), lines)}"


def behind(columns: dict[str, Column]) -> list[str]:
    """A line for every map of calibeval whose NLL is above that of the best peer of the same method, with a reason.

    The last line: `auto` beside the best of all maps of the peers.
    """
    lines = []
    for dump, column in columns.items():
        for (method, tool), own in column.items():
            if tool != "calibeval":
                continue
            whole = method == AUTO
            peers = {
                row: r for row, r in column.items() if row[1] not in ("calibeval", "") and (whole or row[0] == method)
            }
            least = min((r.nll for r in peers.values() if not r.word), default=np.inf)
            if own.word or not own.nll - least > BEHIND:
                continue
            best = next(row for row, r in peers.items() if r.nll == least)
            reason = OTHER_TEST.get(dump, REASONS.get(method, ""))
            lines.append(
                f"- {dump}, {method}: {own.nll:.4f}, against {least:.4f} of {best[1]}{': ' if reason else ''}{reason}"
            )
    return lines or [f"Nowhere by more than {BEHIND} nats."]


def _own(val: Predictions, test: Predictions, outcomes: np.ndarray, method: str, rounds: int) -> Result:
    seconds, probs = [], np.empty(0)
    try:
        for _ in range(rounds):
            start = time.process_time()
            probs = np.exp(_arrays(fit(val, method)(test))[0])
            seconds.append(time.process_time() - start)
    except InputError as error:
        say(f"calibeval {method}: {error}")
        return Result(word="refused")
    result = judged(probs, outcomes, min(seconds))
    say(f"calibeval {method}: {result.nll:.5f}")
    return result


def _peer(peer: Peer, val: Predictions, test: Predictions, rounds: int) -> Result:
    if version(peer.package) is None:
        return Result(word="not installed")
    (fitted, labels), (tested, outcomes) = (_arrays(part) for part in (val, test))
    fitted, tested = (np.maximum(part, np.log(TINY)) for part in (fitted, tested))
    probs, seconds = np.empty(0), []
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for _ in range(rounds):
                start = time.process_time()
                probs = np.asarray(peer.run(fitted, labels, tested), np.float64)
                seconds.append(time.process_time() - start)
                if seconds[-1] > 5.0:
                    break
    except FAILURES as error:
        say(f"{peer.package} {peer.what}: {type(error).__name__}: {error}")
        return Result(word="fails")
    if probs.shape != tested.shape or not np.isfinite(probs).all():
        return Result(word="fails")
    result = judged(probs, outcomes, min(seconds))
    say(f"{peer.package} {peer.what}: {result.nll:.5f}")
    return result


def _arrays(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities and labels."""
    blocks = list(predictions.blocks(predictions.rows))
    z = np.concatenate([log_scores(b.scores, predictions.kind).z for b in blocks])
    return log_softmax(z), np.concatenate([b.labels for b in blocks])


if __name__ == "__main__":
    main()
