"""Maps of other libraries: log-probabilities and labels of val and log-probabilities of test, for probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

SCIKIT_LEARN, NETCAL, PROBMETRICS = "scikit-learn", "netcal", "probmetrics"

FitPredict = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer's map.

    method: calibeval's method of the same kind; "" if there is none. binary: for two classes only. most: the largest
    number of classes that takes no more than minutes.
    """

    method: str
    package: str
    what: str
    run: FitPredict
    binary: bool = False
    most: int = 1000


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


def _fitted(calibrator: Any, z: np.ndarray, y: np.ndarray, other: np.ndarray) -> np.ndarray:
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    calibrator.fit(np.exp(z), y)
    return np.asarray(calibrator.predict_proba(np.exp(other)))


def _probmetrics(name: str) -> FitPredict:
    def run(z: np.ndarray, y: np.ndarray, other: np.ndarray) -> np.ndarray:
        return _fitted(import_module("probmetrics.calibrators").get_calibrator(name), z, y, other)

    return run


def _probmetrics_class(module: str, name: str) -> FitPredict:
    def run(z: np.ndarray, y: np.ndarray, other: np.ndarray) -> np.ndarray:
        return _fitted(getattr(import_module(f"probmetrics.calibrators.{module}"), name)(), z, y, other)

    return run


PEERS = (
    Peer("temperature", SCIKIT_LEARN, "_TemperatureScaling", _sklearn_temperature),
    Peer("temperature", NETCAL, "TemperatureScaling", _netcal("scaling", "TemperatureScaling")),
    Peer("temperature", PROBMETRICS, "temp-scaling", _probmetrics("temp-scaling")),
    Peer("temperature", PROBMETRICS, "ts-mix", _probmetrics("ts-mix")),
    Peer("ets", PROBMETRICS, "ETSCalibrator", _probmetrics_class("temperature_scaling", "ETSCalibrator")),
    Peer("platt", SCIKIT_LEARN, "_SigmoidCalibration", _sklearn_sigmoid, binary=True),
    Peer("platt", NETCAL, "LogisticCalibration", _netcal("scaling", "LogisticCalibration"), binary=True),
    Peer("platt", PROBMETRICS, "affine-scaling", _probmetrics("affine-scaling"), binary=True),
    Peer("beta", NETCAL, "BetaCalibration", _netcal("scaling", "BetaCalibration"), binary=True),
    Peer("quadratic", PROBMETRICS, "quadratic-scaling", _probmetrics("quadratic-scaling"), binary=True),
    Peer("vector", PROBMETRICS, "svs", _probmetrics("svs")),
    Peer("svs", PROBMETRICS, "svs", _probmetrics("svs")),
    Peer("sms", PROBMETRICS, "sms", _probmetrics("sms"), most=200),
    Peer("isotonic", SCIKIT_LEARN, "IsotonicRegression", _sklearn_isotonic),
    Peer("isotonic", NETCAL, "IsotonicRegression", _netcal("binning", "IsotonicRegression")),
    Peer("isotonic", PROBMETRICS, "isotonic", _probmetrics("isotonic")),
    Peer("", NETCAL, "HistogramBinning", _netcal("binning", "HistogramBinning")),
    Peer("", NETCAL, "BBQ", _netcal("binning", "BBQ"), most=2),
    Peer("", NETCAL, "ENIR", _netcal("binning", "ENIR"), most=2),
)
