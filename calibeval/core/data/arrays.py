"""Names for the types of arrays that every wing passes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
AnyFloats = npt.NDArray[np.floating[Any]]  # of whatever width a file had
Indices = npt.NDArray[np.intp]
Codes = npt.NDArray[np.intp]  # for each row the number of its value, or of its group
