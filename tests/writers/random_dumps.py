"""Dumps drawn at random, odd in every way in which files are: names, ids, kinds, columns, ignored rows."""

from __future__ import annotations

import numpy as np

NAMES = [
    None,
    None,
    ["cat", "dog", "eel", "fox"],
    ["True", "False"],
    ["false", "true"],
    ["TRUE", "FALSE", "unknown"],
    ["1.0", "0.0"],
    ["2", "0", "1", "unknown"],
    ["10", "20"],
    ["1", "2", "3"],
    ["3", "2", "1"],
    ["01", "1"],
    ["1", "-1"],
    ["1", "0"],
    ["0", "1", "2"],
    [" a", "b "],
    ["a b", "b"],
    ["", "b"],
    ["a\nb", "c", "d\r"],
    ["a", "a", "b"],
    ["1", "1.0", "2"],
    ["é", "日本", "🙂"],
    ["x,y", 'q"q', "t\tt"],
    ["nan", "inf", "None"],
    ["label", "id", "logit_0"],
    ["-100", "255", "7"],
    ["1e5", "0x10", "1_000"],
    ["9" * 25, "8" * 25],
]
LABEL_KEYS = ["labels", "label", "targets", "y", "Labels", "label_ids"]
ID_KEYS = ["ids", "id", "sample_id", "filename"]
COLUMNS = [
    "age", "site", "logit_x", "prob_max", "log_prob_1", "confidence", "correct", "index", "a,b", "é", 'q"', "weights",
    "1", "predicted", "hour of day", "is_val", "val_id", "line\nbreak", " blank ", "probability", "p", "__metadata__",
]  # fmt: skip
TEXTS = [
    ["a", "b", "c"],
    ["007", "12", "1e5"],
    ["1", "2", "10"],
    ["", "x"],
    [" left", "right ", "in side"],
    ["True", "False"],
    ["nan", "NA", "None", "null"],
    ["1.50", "2"],
    ["inf", "-inf"],
    ["line\nbreak", "tab\t", 'quote"', "comma,", "\r"],
    ["é", "日本", "🙂"],
    ["2024-01-01", "NaT"],
    ["x" * 300, "y"],
]


def pick(rng, values):
    """One of some values."""
    return values[int(rng.integers(len(values)))]


def days(rng, n):
    """Dates, of which some are none."""
    found = np.array("2024-01-28", "M8[D]") + rng.integers(0, 9, n)
    found[rng.random(n) < 0.3] = "NaT"
    return found


KINDS = [
    *[lambda rng, n: np.array([pick(rng, texts) for texts in [pick(rng, TEXTS)] for _ in range(n)])] * 4,
    lambda rng, n: np.array([pick(rng, [b"00", b"a", b"\xff", b"longer"]) for _ in range(n)]),
    lambda rng, n: rng.random(n) < 0.5,
    lambda rng, n: rng.integers(0, 100, n).astype(pick(rng, ["i1", "u1", ">i2", "u2", "i4", "u4", "i8", "u8"])),
    lambda rng, n: rng.integers(0, 9, n).astype("u8") + np.uint64(2**63 + 5),
    lambda rng, n: np.where(rng.random(n) < 0.2, np.nan, rng.integers(0, 5, n)),
    lambda rng, n: rng.normal(size=n).astype(pick(rng, ["f2", "f4", "f8", ">f4"])),
    lambda rng, n: np.where(rng.random(n) < 0.2, np.inf, rng.normal(size=n)),
    lambda rng, n: np.array("2024-01-28", pick(rng, ["M8[D]", "M8[s]", "M8[ns]"])) + rng.integers(0, 9, n),
    days,
    lambda rng, n: rng.integers(0, 20, n).astype("m8[h]"),
    lambda rng, n: rng.integers(0, 3, n) + 1j * rng.integers(0, 3, n),
    lambda rng, n: rng.integers(0, 3, n).astype(np.longdouble) / pick(rng, [2, 3]),
    lambda rng, n: np.full(n, pick(rng, [np.nan])),
]  # columns of every type that an array has
IDS = [
    lambda numbers: numbers + 10_000,
    lambda numbers: np.array([f"{i:03}" for i in numbers]),
    lambda numbers: np.array([f"1e{i}" for i in numbers]),
    lambda numbers: np.array([f" {i}" if i % 2 else f"{i} x" for i in numbers]),
    lambda numbers: np.array([f"{i:02}".encode() for i in numbers]),
    lambda numbers: numbers.astype("u8") + np.uint64(2**63),
    lambda numbers: np.array("2024-01-01", "M8[D]") + numbers,
    lambda numbers: np.array([f"img_{i}.png" for i in numbers]),
]


def arrays(rng):
    """The arrays of a dump, by key."""
    names = pick(rng, NAMES)
    k = int(rng.integers(2, 5)) if names is None else len(names)
    n = int(rng.integers(1, 40))
    truth = rng.integers(0, k, n) if rng.random() < 0.7 else np.full(n, rng.integers(k))
    logits = rng.normal(size=(n, k)) + 2.0 * np.eye(k)[truth]
    if rng.random() < 0.2:
        logits[rng.random((n, k)) < 0.1] = -np.inf
        logits[np.arange(n), truth] = 1.0
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    kind = pick(rng, ["logits", "logits", "probs", "log_probs"])
    with np.errstate(divide="ignore"):
        scores = {"logits": logits, "probs": probs, "log_probs": np.log(probs)}[kind]
    found = {kind: scores.astype(pick(rng, ["f8", "f8", "f4"]))}
    labels = truth
    if names is not None and rng.random() < 0.6:
        labels = np.array(names)[truth]
    if rng.random() < 0.3:
        ignored = int(pick(rng, [-100, 255, 0, 1]))
        gone = rng.random(n) < 0.3
        labels = np.where(gone, str(ignored) if labels.dtype.kind == "U" else ignored, labels)
        found[pick(rng, ["ignore_index", "ignore_label"])] = np.array(ignored)
    found[pick(rng, LABEL_KEYS)] = labels
    if names is not None:
        found[pick(rng, ["class_names", "classes"])] = np.array(names)
    if rng.random() < 0.5:
        found[pick(rng, ID_KEYS)] = pick(rng, IDS)(rng.permutation(n))
    for _ in range(int(rng.integers(0, 4))):
        found.setdefault(pick(rng, COLUMNS), pick(rng, KINDS)(rng, n))
    return found
