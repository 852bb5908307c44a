"""Names for the array types that all packages use."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
AnyFloats = npt.NDArray[np.floating[Any]]  # in the precision of the file
Indices = npt.NDArray[np.intp]
Codes = npt.NDArray[np.intp]  # for each row, the index of its value or group
