"""How far the NLL exceeds what calibrated probabilities would give, and how much that varies by chance.

If the probabilities p of a row are true, its NLL is -ln p_k with probability p_k. The excess over the mean of this
distribution has the mean 0, and its cumulants follow from the scores alone. The excess is also minus the derivative of
the log-likelihood with respect to 1/T at T = 1, and the variance is Fisher's information: both give the score test of a
temperature. Source: Rao, Proc. Camb. Phil. Soc. 44:50 (1948).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from calibeval.core.data.arrays import Floats
from calibeval.core.sums.lines import row_sums

VANISHED = -800.0  # exp of less is 0, and 0 times -inf would be NaN


class Excess(NamedTuple):
    """Sums over rows, in nats: the NLL minus its expectation under the stated probabilities, and that NLL's cumulants.

    total: positive if the model is over-confident. variance, third, fourth: the second to fourth cumulants of the NLL
    of labels that are drawn from the probabilities. Those of two disjoint sets of rows add up. With weights w, they are
    sums of w, w squared and so on times the values, which are the cumulants of the weighted total.
    """

    total: float
    variance: float
    third: float
    fourth: float

    def joined(self, other: Excess) -> Excess:
        """The sums over both sets of rows."""
        return Excess(*(one + two for one, two in zip(self, other, strict=True)))

    def scaled(self, factor: float) -> Excess:
        """The sums as if every weight were multiplied by the factor."""
        return Excess(*(value * factor**power for power, value in enumerate(self, 1)))


def excess_of(
    p: Floats,
    z: Floats,
    z_label: Floats,
    axis: int,
    work: Floats,
    out: Floats,
    weights: Floats | None = None,
    rows: Floats | None = None,
) -> Floats:
    """The excess of each row of a block; returns the sums of the second to fourth cumulants, (3,).

    p: probabilities. z: their logarithms up to a constant for each row; it is overwritten. z_label: the label's z.
    axis: of the classes. work: memory like z. out: (b,) for the excess; inf if the label has probability 0.
    weights: (b,), of the rows, for the sums of their second to fourth powers times the cumulants. rows: (2, b) for the
    second and third cumulants of each row.
    """
    if np.minimum.reduce(z, axis=None) < VANISHED:
        np.maximum(z, VANISHED, out=z)
    products = "ij,ij->j" if axis == 0 else "ij,ij->i"
    np.multiply(p, z, out=work)
    m1 = row_sums(work, axis)
    np.subtract(m1, z_label, out=out)
    m2 = np.einsum(products, work, z)
    np.multiply(z, z, out=z)
    m3 = np.einsum(products, work, z)
    np.multiply(z, z, out=z)
    m4 = float(np.einsum("ij,ij->", p, z)) if weights is None else np.einsum(products, p, z)
    squares = m1 * m1
    variance, third = np.maximum(m2 - squares, 0.0), m1 * (3.0 * m2 - 2.0 * squares) - m3
    if rows is not None:
        rows[:] = variance, third
    less = 4.0 * m1 * m3 - 12.0 * squares * m2 + 3.0 * m2 * m2 + 6.0 * squares * squares
    if weights is not None:
        cumulants = (variance, third, m4 - less)
        return np.array([np.add.reduce(weights**power * one) for power, one in enumerate(cumulants, 2)])
    fourth = m4 - float(np.add.reduce(less))
    return np.array([np.add.reduce(variance), np.add.reduce(third), fourth])
