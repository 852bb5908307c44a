from typing import Any

import numpy as np
import numpy.typing as npt

from calibeval.core.data.arrays import Floats

INTERFACE: int
SOURCES: str

def names() -> tuple[str, ...]: ...
def sums(
    which: int,
    kind: int,
    width: int,
    k: int,
    scores: npt.NDArray[Any],
    labels: npt.NDArray[np.int64],
    weights: Floats | None,
    edges: Floats,
    on_grid: float,
    spare: float,
    of_sum: float,
    totals: Floats,
    classes: Floats,
    top: Floats,
    keys: npt.NDArray[np.uint64],
    rows: Floats | None,
    /,
) -> int: ...
def kept_rows(
    which: int,
    edges: Floats,
    confidence: Floats,
    correct: npt.NDArray[np.bool_],
    nll: Floats,
    brier: Floats,
    labels: npt.NDArray[np.int64] | None,
    totals: Floats,
    top: Floats,
    /,
) -> int: ...
def at_beta(
    which: int,
    width: int,
    k: int,
    by_class: bool,
    before: bool,
    scores: npt.NDArray[Any],
    labels: npt.NDArray[np.int64] | None,
    of_label: Floats | None,
    beta: float,
    rows: Floats,
    /,
) -> int: ...
def softmax(
    which: int,
    k: int,
    by_class: bool,
    scores: Floats,
    labels: npt.NDArray[np.int64],
    slopes: Floats | None,
    biases: Floats | None,
    p: Floats,
    nll: Floats,
    /,
) -> int: ...
def histogram(which: int, keys: npt.NDArray[np.uint64], counts: npt.NDArray[np.int64], /) -> int: ...
def segment_sums(
    which: int,
    keys: npt.NDArray[np.uint64],
    of_cell: npt.NDArray[np.int32],
    cuts: npt.NDArray[np.int64],
    kept: npt.NDArray[np.bool_],
    sums: Floats,
    found: npt.NDArray[np.uint64],
    /,
) -> int: ...
def row_hashes(
    which: int,
    values: npt.NDArray[np.float32],
    factors: npt.NDArray[np.uint64],
    hashes: npt.NDArray[np.uint64],
    /,
) -> None: ...
