"""What other libraries have of calibeval's metrics, each computed from logits as its documentation shows."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.timing import Contender, version

BINS = 15
TORCHMETRICS_ECE = "torchmetrics: ECE alone"
TORCHMETRICS = "torchmetrics: accuracy, ECE, MCE, classes"
SCIKIT_LEARN = "scikit-learn: accuracy, NLL, Brier, curves"
NETCAL = "netcal: ECE, ACE, MCE"
PROBMETRICS = "probmetrics: accuracy, NLL, Brier, ECE, MCE"
ORDER = (TORCHMETRICS_ECE, TORCHMETRICS, SCIKIT_LEARN, PROBMETRICS, NETCAL)

Run = Callable[[int], "dict[str, float]"]
Scores = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def contender(name: str, logits: Scores, labels: Labels) -> Contender:
    """The peer of that name, or the reason why it cannot run; run returns the errors that compare with calibeval's."""
    makers: dict[str, tuple[str, Callable[[Scores, Labels], Run]]] = {
        TORCHMETRICS_ECE: ("torchmetrics", _torchmetrics_ece),
        TORCHMETRICS: ("torchmetrics", _torchmetrics),
        SCIKIT_LEARN: ("scikit-learn", _scikit_learn),
        PROBMETRICS: ("probmetrics", _probmetrics),
        NETCAL: ("netcal", _netcal),
    }
    package, maker = makers[name]
    if version(package) is None:
        return Contender(name, _nothing, reason="not installed")
    try:
        return Contender(name, maker(logits, labels))
    except ImportError as error:
        return Contender(name, _nothing, reason=f"cannot be imported ({error})")


def _nothing(rows: int) -> dict[str, float]:
    raise RuntimeError(f"a peer that is not there cannot measure {rows} rows")


def _torch() -> Any:
    torch = import_module("torch")
    torch.set_num_threads(1)
    return torch


def _torchmetrics_ece(logits: Scores, labels: Labels) -> Run:
    torch, metrics = _torch(), import_module("torchmetrics.functional.classification")
    scores, target = torch.from_numpy(logits), torch.from_numpy(labels)

    def run(rows: int) -> dict[str, float]:
        p = torch.softmax(scores[:rows], dim=1)
        k = p.shape[1]
        return {"ece": float(metrics.multiclass_calibration_error(p, target[:rows], num_classes=k, n_bins=BINS))}

    return run


def _torchmetrics(logits: Scores, labels: Labels) -> Run:
    """Class-wise errors are its binary calibration error of each class in turn."""
    torch, metrics = _torch(), import_module("torchmetrics.functional.classification")
    scores, target = torch.from_numpy(logits), torch.from_numpy(labels)

    def run(rows: int) -> dict[str, float]:
        p, y = torch.softmax(scores[:rows], dim=1), target[:rows]
        k = p.shape[1]
        columns = (p[:, c] for c in range(k))
        errors = [metrics.binary_calibration_error(p_c, (y == c).long(), n_bins=BINS) for c, p_c in enumerate(columns)]
        return {
            "accuracy": float(metrics.multiclass_accuracy(p, y, num_classes=k, average="micro")),
            "ece": float(metrics.multiclass_calibration_error(p, y, num_classes=k, n_bins=BINS)),
            "mce_all_bins": float(metrics.multiclass_calibration_error(p, y, num_classes=k, n_bins=BINS, norm="max")),
            "cwce": float(torch.stack(errors).mean()),
        }

    return run


def _scikit_learn(logits: Scores, labels: Labels) -> Run:
    """It has no calibration error, but the curves from which a person would compute one, of each class in turn."""
    metrics, calibration = import_module("sklearn.metrics"), import_module("sklearn.calibration")
    softmax = import_module("scipy.special").softmax

    def run(rows: int) -> dict[str, float]:
        p, y = softmax(logits[:rows], axis=1), labels[:rows]
        classes = np.arange(p.shape[1])
        predicted = p.argmax(axis=1)
        calibration.calibration_curve(predicted == y, p.max(axis=1), n_bins=BINS)
        for c in classes:
            calibration.calibration_curve(y == c, p[:, c], n_bins=BINS, pos_label=True)
        return {
            "accuracy": float(metrics.accuracy_score(y, predicted)),
            "nll": float(metrics.log_loss(y, p, labels=classes)),
            "brier": float(metrics.brier_score_loss(y, p, labels=classes, scale_by_half=False)),
        }

    return run


def _probmetrics(logits: Scores, labels: Labels) -> Run:
    torch = _torch()
    wanted = ["accuracy", "logloss", "brier", "ece-15", "mce-15"]
    metrics = import_module("probmetrics.metrics").Metrics.from_names(wanted)
    scores, target = torch.from_numpy(logits), torch.from_numpy(labels)
    # Of two classes it measures P(class 1), not the confidence.
    ece = "ece_positive" if logits.shape[1] == 2 else "ece"

    def run(rows: int) -> dict[str, float]:
        found = metrics.compute_all_from_labels_logits(target[:rows], scores[:rows])
        return {
            "accuracy": float(found["accuracy"]),
            "nll": float(found["logloss"]),
            "brier": float(found["brier"]),
            ece: float(found["ece-15"]),
        }

    return run


def _netcal(logits: Scores, labels: Labels) -> Run:
    metrics, softmax = import_module("netcal.metrics.confidence"), import_module("scipy.special").softmax

    def run(rows: int) -> dict[str, float]:
        p = softmax(logits[:rows], axis=1)
        metrics.ACE(BINS).measure(p, labels[:rows])
        return {
            "ece": float(metrics.ECE(BINS).measure(p, labels[:rows])),
            "mce_all_bins": float(metrics.MCE(BINS).measure(p, labels[:rows])),
        }

    return run
