"""The section of docs/benchmarks.md on maps with more than one parameter: calibeval beside the peer that has each.

    python -m tests.benchmarks.recalibrators [--rounds N] [--data FOLDER]

Every map is fitted on the val split of a real dump and judged by its NLL on the test split. Peers get float64
probabilities; a probability of 0 that a peer gives to a label counts as the smallest positive float32.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from calibeval import Predictions, read
from calibeval.recalibrate.base.scores import log_scores, log_softmax, row_nll
from calibeval.recalibrate.fitting.fit import fit
from calibeval.recalibrate.fitting.methods import METHODS
from tests.benchmarks.timing import machine, one_thread, say, show, table, version

DATA = Path(__file__).parents[3] / "shared" / "data"
DUMPS = ("imdb_binary_cleanlab.npz", "cifar10_wrn16-4_netcal.npz", "text_banking77.npz")
MORE_CLASSES = (
    "cifar10_wrn16-4_netcal.npz",
    "cifar10_vgg16_kumar.npz",
    "cifar10jpeg_resnet20_akamaster.npz",
    "cifar10jpeg_resnet20_features.npz",
    "text_agnews.npz",
    "camvid_seg_tinyunet.npz",
    "text_banking77.npz",
    "cifar100_wrn16-4_netcal.npz",
    "imagenet_sample1000_efflite0.npz",
)
TINY = float(np.finfo(np.float32).tiny)
SCIKIT_LEARN, NETCAL, PROBMETRICS = "scikit-learn", "netcal", "probmetrics"

FitPredict = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer's map: run takes log-probabilities and labels of val and log-probabilities of test, for probabilities.

    binary: for two classes only.
    """

    method: str
    package: str
    what: str
    run: FitPredict
    binary: bool = False


def main() -> None:
    """Print the section."""
    one_thread("tests.benchmarks.recalibrators")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the real dumps")
    arguments = parser.parse_args()
    measured_on = machine()
    words = (
        f"{measured_on} Fitted on `val`, evaluated on `test`: NLL in nats. A label to which a map gives probability 0 "
        f"counts as {TINY:.1e}; the number of such rows is shown. CPU seconds of one thread for fitting and mapping, "
        f"the fastest of {arguments.rounds} rounds."
    )
    sections = [section(arguments.data / name, arguments.rounds) for name in DUMPS]
    print("\n\n".join([words, *sections, vector_section(arguments.data)]))


def section(path: Path, rounds: int) -> str:
    """The table of one dump."""
    if not path.exists():
        return f"### {path.stem}\n\nNot measured: {path.name} is not there."
    val, test = (read(f"{path}#{split}") for split in ("val", "test"))
    k = val.scores.shape[1]
    before = float(row_nll(test).mean())
    rows = [["(nothing)", "", f"{before:.5f}", "", ""]]
    for name, spec in METHODS.items():
        if spec.binary and k != 2:
            continue
        rows.append([name, "calibeval", *_own(val, test, name, rounds)])
        rows += [[name, f"{p.package}: {p.what}", *_peer(p, val, test, rounds)] for p in PEERS if p.method == name]
    header = ("map", "tool", "test NLL", "impossible labels", "seconds")
    return f"### {path.stem}: {val.n} rows, {test.n} held out, {k} classes\n\n{table(header, rows)}"


def vector_section(folder: Path) -> str:
    """Vector scaling on every dump of more than two classes, beside the temperature and the peer's."""
    peer = next(peer for peer in PEERS if peer.method == "vector")
    rows = []
    for path in (folder / name for name in MORE_CLASSES):
        if not path.exists():
            continue
        val, test = (read(f"{path}#{split}") for split in ("val", "test"))
        own = [_own(val, test, method, 1)[0] for method in ("temperature", "vector")]
        rows.append([path.stem, str(val.n), str(val.scores.shape[1]), *own, _peer(peer, val, test, 1)[0]])
    header = ("dump", "rows", "classes", "temperature", "vector", f"{peer.package}: {peer.what}")
    return f"### Vector scaling, test NLL\n\n{table(header, rows)}"


def _own(val: Predictions, test: Predictions, method: str, rounds: int) -> list[str]:
    losses, seconds = np.empty(0), []
    for _ in range(rounds):
        start = time.process_time()
        losses = row_nll(fit(val, method)(test))
        seconds.append(time.process_time() - start)
    say(f"calibeval {method}: {losses.mean():.5f}")
    return [f"{losses.mean():.5f}", str(int(np.isinf(losses).sum())), show(min(seconds))]


def _peer(peer: Peer, val: Predictions, test: Predictions, rounds: int) -> list[str]:
    if version(peer.package) is None:
        return ["not installed", "", ""]
    (fitted, labels), (tested, outcomes) = (_arrays(part) for part in (val, test))
    probs, seconds = np.empty(0), []
    try:
        for _ in range(rounds):
            start = time.process_time()
            probs = peer.run(fitted, labels, tested)
            seconds.append(time.process_time() - start)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        return [f"cannot be used ({type(error).__name__})", "", ""]
    at_label = np.asarray(probs, np.float64)[np.arange(len(outcomes)), outcomes]
    nll = -np.log(np.maximum(at_label, TINY)).mean()
    say(f"{peer.package} {peer.method}: {nll:.5f}")
    return [f"{nll:.5f}", str(int((at_label <= 0).sum())), show(min(seconds))]


def _arrays(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities and labels."""
    blocks = list(predictions.blocks(predictions.rows))
    z = np.concatenate([log_scores(b.scores, predictions.kind).z for b in blocks])
    return np.maximum(log_softmax(z), np.log(TINY)), np.concatenate([b.labels for b in blocks])


def _margin(log_probs: np.ndarray) -> np.ndarray:
    return log_probs[:, 1] - log_probs[:, 0]


def _two(one: np.ndarray) -> np.ndarray:
    return np.stack([1.0 - one, one], axis=1)


def _sklearn_temperature(z: np.ndarray, y: np.ndarray, other: np.ndarray) -> np.ndarray:
    scaling: Any = import_module("sklearn.calibration")._TemperatureScaling
    return np.asarray(scaling().fit(z, y).predict(other))


def _sklearn_sigmoid(z: np.ndarray, y: np.ndarray, other: np.ndarray) -> np.ndarray:
    sigmoid: Any = import_module("sklearn.calibration")._SigmoidCalibration
    return _two(sigmoid().fit(_margin(z), y).predict(_margin(other)))


def _sklearn_isotonic(z: np.ndarray, y: np.ndarray, other: np.ndarray) -> np.ndarray:
    """One against the rest and normalised, as CalibratedClassifierCV does; rows that lose all become uniform."""
    isotonic: Any = import_module("sklearn.isotonic").IsotonicRegression
    p, q = np.exp(z), np.exp(other)
    columns = [1] if p.shape[1] == 2 else range(p.shape[1])
    found = [isotonic(out_of_bounds="clip").fit(p[:, c], y == c).predict(q[:, c]) for c in columns]
    if len(found) == 1:
        return _two(found[0])
    mapped = np.stack(found, axis=1)
    total = mapped.sum(axis=1, keepdims=True)
    return np.where(total > 0, mapped / np.where(total > 0, total, 1.0), 1.0 / p.shape[1])


def _netcal(module: str, name: str) -> FitPredict:
    def run(z: np.ndarray, y: np.ndarray, other: np.ndarray) -> np.ndarray:
        maker: Any = getattr(import_module(f"netcal.{module}"), name)
        p, q = np.exp(z), np.exp(other)
        binary = p.shape[1] == 2
        calibrator = maker().fit(p[:, 1] if binary else p, y)
        mapped = np.asarray(calibrator.transform(q[:, 1] if binary else q))
        return _two(mapped) if mapped.ndim == 1 else mapped

    return run


def _probmetrics(name: str) -> FitPredict:
    def run(z: np.ndarray, y: np.ndarray, other: np.ndarray) -> np.ndarray:
        torch: Any = import_module("torch")
        torch.set_num_threads(1)
        calibrator: Any = import_module("probmetrics.calibrators").get_calibrator(name)
        calibrator.fit(np.exp(z), y)
        return np.asarray(calibrator.predict_proba(np.exp(other)))

    return run


PEERS = (
    Peer("temperature", SCIKIT_LEARN, "_TemperatureScaling", _sklearn_temperature),
    Peer("temperature", NETCAL, "TemperatureScaling", _netcal("scaling", "TemperatureScaling")),
    Peer("temperature", PROBMETRICS, "temp-scaling", _probmetrics("temp-scaling")),
    Peer("platt", SCIKIT_LEARN, "_SigmoidCalibration", _sklearn_sigmoid),
    Peer("platt", NETCAL, "LogisticCalibration", _netcal("scaling", "LogisticCalibration")),
    Peer("beta", NETCAL, "BetaCalibration", _netcal("scaling", "BetaCalibration")),
    Peer("vector", PROBMETRICS, "svs", _probmetrics("svs")),
    Peer("isotonic", SCIKIT_LEARN, "IsotonicRegression", _sklearn_isotonic),
    Peer("isotonic", NETCAL, "IsotonicRegression", _netcal("binning", "IsotonicRegression")),
    Peer("isotonic", PROBMETRICS, "isotonic", _probmetrics("isotonic")),
)


if __name__ == "__main__":
    main()
